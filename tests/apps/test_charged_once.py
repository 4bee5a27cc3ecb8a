"""A stay is paid once, and a message is about one person's visit: what a system that lost its place sends is told, never paid."""

from datetime import date

import pytest

from tests.apps.cast import bill as typed_bill
from tests.apps.interface.client import bill as plain_bill
from tests.apps.interface.conftest import connected
from tests.apps.test_gateway import admit, bill, cast, hospital
from tuodi.apps.registry.actions.people import MergePeople
from tuodi.apps.registry.models import Person
from tuodi.apps.settlement.actions import Settle
from tuodi.apps.settlement.models import Bill, Encounter, Entry
from tuodi.base import clock

__all__ = ["cast", "hospital"]
pytestmark = pytest.mark.django_db
SETTLED = {"setl_time": "2023-03-09 10:30:00"}


def stay(hospital, **more):
    """Settle a new stay of 1,000; return its visit, the message and the settlement."""
    mdtrt_id = more.pop("mdtrt_id", "") or admit(hospital)
    asked = {"data": bill("1000", mdtrt_id=mdtrt_id, **more), "upstream": SETTLED}
    return mdtrt_id, asked, hospital.call("2304", asked)["setlinfo"]


def refused(hospital, infno, nodes):
    answer = hospital.send(infno, nodes)
    assert answer["infcode"] == -1
    return answer["err_msg"]


def paid():
    return sum(Entry.objects.values_list("pay", flat=True))


def test_G16_a_stay_sent_again_under_another_message_id_is_not_paid_twice(hospital):
    mdtrt_id, asked, made = stay(hospital)
    said = refused(hospital, "2304", asked)
    assert "E-VISIT-CHARGED" in said
    assert made["setl_id"] in said
    assert (Bill.objects.count(), paid()) == (1, 70_000)
    hospital.call("2305", {"data": {"psn_no": "P0001", "mdtrt_id": mdtrt_id, "setl_id": made["setl_id"]}})
    assert hospital.call("2304", asked)["setlinfo"]["maf_pay"] == "700.00"
    assert paid() == 70_000


def test_a_stay_settled_midway_is_settled_for_the_rest_once(hospital):
    mdtrt_id, _, _ = stay(hospital, mid_setl_flag="1")
    stay(hospital, mdtrt_id=mdtrt_id, mid_setl_flag="1", begndate="2023-03-05")
    _, asked, _ = stay(hospital, mdtrt_id=mdtrt_id, mid_setl_flag="0")
    assert paid() == 3 * 70_000
    for flag in ("0", "1"):
        asked["data"]["mid_setl_flag"] = flag
        assert "E-VISIT-CHARGED" in refused(hospital, "2304", asked)


def test_an_outpatient_visit_is_charged_once_a_batch(hospital):
    visit = {"psn_no": "P0001", "insutype": "390", "begntime": "2023-03-09 08:00:00", "ipt_otp_no": "O1"}
    mdtrt_id = hospital.call("2201", {"data": visit})["data"]["mdtrt_id"]
    for batch in ("1", "2"):
        asked = {"data": bill("100", mdtrt_id=mdtrt_id, med_type="14", chrg_bchno=batch), "upstream": SETTLED}
        hospital.call("2207", asked)
    assert "E-VISIT-CHARGED" in refused(hospital, "2207A", asked)
    assert Bill.objects.count() == 2
    asked["data"]["chrg_bchno"] = ""
    hospital.call("2207", asked)
    assert "E-VISIT-CHARGED" in refused(hospital, "2207", asked)
    asked["data"] |= {"medfee_sumamt": "101", "inscp_scp_amt": "101"}
    hospital.call("2207", asked)


def test_a_midway_settlement_sent_again_is_not_paid_twice(hospital):
    _, asked, _ = stay(hospital, mid_setl_flag="1")
    assert "E-VISIT-CHARGED" in refused(hospital, "2304", asked)
    asked["data"]["enddate"] = "2023-03-08"
    hospital.call("2304", asked)


def test_a_cancellation_is_not_reversed_once_the_stay_is_settled_again(hospital):
    mdtrt_id, asked, made = stay(hospital)
    msgid = hospital.msgid()
    gone = {"data": {"psn_no": "P0001", "mdtrt_id": mdtrt_id, "setl_id": made["setl_id"]}}
    hospital.call("2305", gone, msgid=msgid)
    hospital.call("2304", asked)
    assert "E-VISIT-CHARGED" in refused(
        hospital, "2601", {"data": {"psn_no": "P0001", "omsgid": msgid, "oinfno": "2305"}}
    )
    assert paid() == 70_000


def test_a_stay_is_settled_as_a_stay_and_a_visit_as_a_visit(hospital):
    visit = {"psn_no": "P0001", "insutype": "390", "begntime": "2023-03-09 08:00:00", "ipt_otp_no": "O1"}
    seen, lain = hospital.call("2201", {"data": visit})["data"]["mdtrt_id"], admit(hospital)
    for infno, mdtrt_id, more in (
        ("2303", seen, {}), ("2304", seen, {}), ("2206", lain, {}), ("2207A", lain, {}),
        ("2304", lain, {"med_type": "14"}), ("2207", seen, {"med_type": "21"}),
    ):  # fmt: skip
        asked = {"data": bill("100", mdtrt_id=mdtrt_id, **more), "upstream": SETTLED}
        assert "E-ENCOUNTER-KIND" in refused(hospital, infno, asked)
    hospital.call("2304", {"data": bill("100", mdtrt_id=lain, med_type="9902"), "upstream": SETTLED})


def test_nobody_is_settled_on_another_persons_stay(hospital, cast):
    mdtrt_id = admit(hospital)
    asked = {"data": bill("1000", mdtrt_id=mdtrt_id) | {"psn_no": "P0002"}, "upstream": SETTLED}
    for infno in ("2303", "2304"):
        assert "E-ENCOUNTER-PERSON" in refused(hospital, infno, asked)
    MergePeople(actor=cast.registrar, psn_no="P0001", into="P0002").run()
    assert hospital.call("2304", asked)["setlinfo"]["psn_no"] == "P0002"


def test_a_cancellation_names_its_own_person_and_visit(hospital):
    mdtrt_id, _, made = stay(hospital)
    right = {"psn_no": "P0001", "mdtrt_id": mdtrt_id, "setl_id": made["setl_id"]}
    for wrong in ({"psn_no": "P0002"}, {"mdtrt_id": "M-other"}):
        assert "E-BILL-OTHER" in refused(hospital, "2305", {"data": right | wrong})
    undo = {"psn_no": "P0002", "omsgid": made["medins_setl_id"], "oinfno": "2304"}
    assert "E-BILL-OTHER" in refused(hospital, "2601", {"data": undo})
    assert paid() == 70_000
    hospital.call("2601", {"data": undo | {"psn_no": "P0001"}})
    assert paid() == 0


@pytest.mark.parametrize(
    ("infno", "node", "more"),
    [("2402", "dscginfo", {"endtime": "2023-03-09 10:00:00"}), ("2404", "data", {}), ("2405", "data", {})],
)
def test_a_stay_is_changed_only_for_its_own_person(hospital, infno, node, more):
    asked = {"mdtrt_id": admit(hospital), **more}
    assert "E-ENCOUNTER-PERSON" in refused(hospital, infno, {node: asked | {"psn_no": "P0002"}})
    hospital.call(infno, {node: asked | {"psn_no": "P0001"}})


def test_a_discharge_that_was_settled_is_not_taken_back(hospital):
    mdtrt_id, _, made = stay(hospital)
    left = {"mdtrt_id": mdtrt_id, "psn_no": "P0001"}
    hospital.call("2402", {"dscginfo": left | {"endtime": "2023-03-09 10:00:00"}})
    assert "E-STAY-SETTLED" in refused(hospital, "2405", {"data": left})
    assert Encounter.objects.get().discharged
    hospital.call("2305", {"data": left | {"setl_id": made["setl_id"]}})
    hospital.call("2405", {"data": left})
    assert Encounter.objects.get().discharged is None


@pytest.mark.parametrize("days", [{"begndate": "2099-01-08"}, {}])
def test_no_day_of_a_bill_is_to_come(hospital, days):
    asked = bill("1000", mdtrt_id=admit(hospital), enddate="2099-01-09", **days)
    for infno in ("2303", "2304"):
        assert "E-SETTLE-FUTURE-DAY" in refused(hospital, infno, {"data": asked})
    assert not Bill.objects.exists()


def test_nobody_is_admitted_or_settled_after_death(hospital, cast):
    mdtrt_id = admit(hospital)
    Person.objects.filter(pk=cast.wang.pk).update(died_on=date(2023, 3, 5))
    asked = {"data": bill("1000", mdtrt_id=mdtrt_id, enddate="2023-03-05"), "upstream": SETTLED}
    for infno in ("2303", "2304"):
        late = {**asked, "data": {**asked["data"], "begndate": "2023-03-06", "enddate": "2023-03-07"}}
        assert "E-SETTLE-DEAD" in refused(hospital, infno, late)
    assert hospital.call("2304", asked)["setlinfo"]["maf_pay"] == "700.00"
    stay_of_day = {"psn_no": "P0001", "insutype": "390", "med_type": "21", "ipt_no": "Z2"}
    assert "E-SETTLE-DEAD" in refused(
        hospital, "2401", {"mdtrtinfo": {**stay_of_day, "begntime": "2023-03-06 08:00:00"}}
    )
    Person.objects.filter(pk=cast.wang.pk).update(died_on=None, withdrawn_at=clock.now())
    assert "E-PERSON-NOT-FOUND" in refused(hospital, "1101", {"data": {"psn_no": "P0001"}})


def test_the_plain_interface_settles_a_stay_once_too(hospital, cast):
    plain = connected(cast, cast.hospital, cast.zhao, "his-2")
    asked = plain_bill(1000, mdtrt_id=admit(hospital), is_midway=True)
    status, _ = plain.post("settlements", {"request_id": "midway-1", "bill": asked})
    assert status == 200
    asked |= {"is_midway": False, "begndate": "2023-03-05"}
    assert plain.post("settlements", {"request_id": "rest-001", "bill": asked})[0] == 200
    status, said = plain.post("settlements", {"request_id": "rest-002", "bill": asked})
    assert (status, said["errors"][0]["code"]) == (422, "E-VISIT-CHARGED")
    assert paid() == 2 * 70_000


def test_G16_without_a_visits_number_the_same_bill_under_another_request_is_told_and_not_paid_twice(cast):
    plain = connected(cast, cast.hospital, cast.zhao, "his-2")

    def settle(number, **more):
        status, said = plain.post("settlements", {"request_id": f"request-{number}", "bill": plain_bill(1000, **more)})
        return said["setl_id"] if status == 200 else (status, said["errors"][0]["code"], said["errors"][0]["message"])

    first = settle(1)
    assert settle(1) == first
    status, code, message = settle(2)
    assert (status, code, first in message) == (422, "E-BILL-ALIKE", True)
    assert settle(3, setl_id="HIS-3")[1] == "E-BILL-ALIKE"
    assert (Bill.objects.count(), paid()) == (1, 70_000)
    second = settle(4, chrg_bchno="2")
    assert settle(5, chrg_bchno="2")[1] == "E-BILL-ALIKE"
    others = [settle(6, enddate="2023-03-08"), settle(7, psn_no="P0002"), settle(8, med_type="14")]
    assert all(isinstance(one, str) for one in others)
    assert plain.post(f"settlements/{first}/cancel", {"request_id": "request-9"})[0] == 200
    again = settle(10)
    assert len({first, second, again, *others}) == 6


def test_what_was_typed_while_the_line_was_down_is_not_paid_again_when_the_system_sends_it(hospital, cast):
    mdtrt_id = admit(hospital)
    Settle(actor=cast.zhao, bill=typed_bill("A", date(2023, 3, 1), 1000, enddate=date(2023, 3, 9))).run()
    said = refused(
        hospital, "2304", {"data": bill("1000", mdtrt_id=mdtrt_id, enddate="2023-03-09"), "upstream": SETTLED}
    )
    assert "E-BILL-ALIKE" in said
    assert "结算号 A" in said
    assert paid() == 70_000


def test_what_people_enter_by_hand_is_not_judged_by_its_likeness(cast):
    for setl_id in "AB":
        Settle(actor=cast.zhao, bill=typed_bill(setl_id, date(2023, 3, 1), 1000)).run()
    assert paid() == 2 * 70_000

"""Who is settled at the counter, and what is granted but paid elsewhere (AK-5.1.1, AK-5.1.2, WH-5.2.1, WH-5.2.2)."""

import json
from datetime import date

import pytest

from tests.apps.cast import assemble
from tests.apps.interface.conftest import connected
from tests.apps.test_gateway import admit, bill, hospital
from tests.apps.test_wire import total
from tuodi.apps.institutions.models import Agreement
from tuodi.apps.policies.models import DelegatedValue
from tuodi.apps.registry.models import Identity, Person
from tuodi.apps.settlement.models import Entry
from tuodi.apps.settlement.nightly import check_books
from tuodi.base import clock

__all__ = ["hospital"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def pack():
    return "371072-weihai-edz"


@pytest.fixture
def cast(pack):
    made = assemble(pack)
    Person.objects.update(registered_area="371072")
    return made


def is_now(identity):
    """王奶奶 has this identity alone."""
    held = Identity.objects.filter(person__psn_no="P0001")
    held.update(withdrawn_at=clock.now())
    Identity.objects.create(
        person=held[0].person, identity=identity, first=date(2023, 1, 1), issuer="民政局", recorded_at=clock.now()
    )


def settle(hospital, yuan, *, earlier=(), **more):
    """Settle a stay of today; return the answer and what is said of our own row."""
    today = f"{clock.today()}"
    asked = {"data": bill(yuan, mdtrt_id=admit(hospital), **more), "upstream": {"setl_time": f"{today} 00:00:00"}}
    shown = hospital.call("2303", asked)["setlinfo"]
    answer = hospital.call("2304", asked)
    info = answer["setlinfo"]
    assert (info["maf_pay"], info["psn_cash_pay"]) == (shown["maf_pay"], shown["psn_cash_pay"])
    assert total(hospital, today, [*earlier, info])["stmt_rslt"] == "0"
    (row,) = [row for row in answer["setldetail"] if row["fund_pay_type"] == "610101"]
    return info, json.loads(row["setl_proc_info"])


def test_WH_5_2_1_key_people_pay_only_the_rest_at_the_counter(hospital):
    info, said = settle(hospital, "30000")
    assert (info["maf_pay"], info["psn_cash_pay"]) == ("22000.00", "8000.00")
    assert "paid_elsewhere" not in said


def test_WH_5_2_2_others_are_granted_now_and_paid_at_year_end(hospital):
    """低收入：30,000 元超过 20,000 元的部分 60 % 为 6,000 元，年底统一救助，窗口不付。"""
    is_now("low_income")
    info, said = settle(hospital, "30000")
    assert (info["maf_pay"], info["psn_cash_pay"]) == ("0.00", "30000.00")
    assert said["paid_elsewhere"] == said["layers"][0]["pay"] == "6000.00"
    assert said["layers"][0]["due_on"] == f"{clock.today().year + 1}-01-01"
    assert "WH-5.2.1" in said["why_elsewhere"]
    assert Entry.objects.get().pay == 600_000
    key = {name: info[name] for name in ("psn_no", "mdtrt_id", "setl_id")}
    assert hospital.call("5203", {"data": key})["setlinfo"]["maf_pay"] == "6000.00"
    assert check_books().differences == ()
    negative = hospital.call("2305", {"data": key})["setlinfo"]
    assert negative["maf_pay"] == "0.00"
    assert sum(Entry.objects.values_list("pay", flat=True)) == 0


def test_WH_5_2_1_I_53_one_stop_is_at_assistance_institutions_only(hospital):
    Agreement.objects.filter(kind="assistance").update(ended_at=clock.now())
    info, said = settle(hospital, "30000")
    assert (info["maf_pay"], said["paid_elsewhere"]) == ("0.00", "22000.00")


@pytest.mark.parametrize("pack", ["610900-ankang"])
def test_AK_5_1_1_classes_1_and_2_are_settled_at_once_and_class_3_on_application(hospital):
    first, _ = settle(hospital, "10000")
    assert first["maf_pay"] == "7000.00"
    is_now("illness_poverty")
    info, said = settle(hospital, "20000", earlier=[first])
    assert (info["maf_pay"], info["psn_cash_pay"]) == ("0.00", "20000.00")
    assert float(said["paid_elsewhere"]) > 0
    assert "AK-5.1.1" in said["why_elsewhere"]


def test_the_plain_interface_says_what_the_counter_pays(cast):
    is_now("low_income")
    plain = connected(cast, cast.hospital, cast.zhao, "his-2")
    day = f"{clock.today()}"
    asked = {
        "psn_no": "P0001", "med_type": "21", "begndate": day, "enddate": day, "setl_time": f"{day}T00:00:00+08:00",
        "diag_code": "J18.9", "medfee_sumamt_fen": 3_000_000, "inscp_scp_amt_fen": 3_000_000,
    }  # fmt: skip
    status, said = plain.post("settlements", {"request_id": "one-stop-1", "bill": asked})
    assert status == 200
    assert (said["assistance_fen"], said["counter_fen"], said["left_fen"]) == (600_000, 0, 2_400_000)
    assert "WH-5.2.1" in said["why_elsewhere"]


def test_a_bill_that_comes_after_the_year_is_paid_with_it(hospital):
    """The day on which it may be paid has passed; the counter pays key people alone all the same."""
    is_now("low_income")
    asked = {"data": bill("30000", mdtrt_id=admit(hospital)), "upstream": {"setl_time": "2023-03-09 10:30:00"}}
    assert hospital.call("2304", asked)["setlinfo"]["maf_pay"] == "0.00"


@pytest.mark.parametrize("pack", ["330305-dongtou"])
def test_DT_3_4_what_is_due_at_year_end_is_not_paid_at_the_counter_of_a_late_bill_either(hospital, cast):
    """高额费用化解年末一次（DT-3.4）：2023 年的单据今天才到，窗口也只付当场该付的。"""
    values(cast)
    asked = {"data": bill("200000", mdtrt_id=admit(hospital)), "upstream": {"setl_time": "2023-03-09 10:30:00"}}
    answer = hospital.call("2304", asked)
    said = json.loads(answer["setldetail"][-1]["setl_proc_info"])
    paid = {one["layer"]: one["pay"] for one in said["layers"]}
    assert answer["setlinfo"]["maf_pay"] == paid["provincial"]
    assert said["paid_elsewhere"] == paid["high_cost"] != "0.00"
    assert "2024-01-01" in said["why_elsewhere"]


@pytest.mark.parametrize("pack", ["330305-dongtou"])
def test_DT_5_2001_says_that_a_policy_is_over(hospital, cast):
    values(cast)

    def told(day):
        return hospital.call("2001", {"data": {"psn_no": "P0001", "begntime": day}})["trtinfo"][0]

    assert told("2025-12-31")["trt_enjymnt_flag"] == "1"
    over = told("2026-01-01")
    assert (over["trt_enjymnt_flag"], "DT-5" in over["trt_chk_rslt"]) == ("0", True)


def values(cast):
    """Enter what Dongtou's document leaves to others, all of it invented."""
    at, percents = clock.now(), ("extreme_poverty", "dibao", "dibao_edge", "expenditure_hardship", "illness_poverty")
    given = {f"dt.provincial.rate.{who}": "80%" for who in percents} | {"dt.medical_in_medical": "50%"}
    given |= {"dt.provincial.cap": "80000", "dt.temporary_assistance": "5000"}
    for param, value in given.items():
        DelegatedValue.objects.create(
            area_code="610900", param=param, value=value, source="虚构", proposed_by=cast.officer, proposed_at=at,
            approved_by=cast.approver, approved_at=at,
        )  # fmt: skip

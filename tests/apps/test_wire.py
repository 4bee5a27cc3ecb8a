"""The interface read tolerantly and answered whole: fronts, cards, months, refunds as hospitals really tell them."""

import base64
import io
import json
import zipfile
from datetime import date

import pytest
from django.test import Client

from tests.apps.cast import bill as kept_bill
from tests.apps.test_gateway import CERTNO, admit, bill, cast, hospital
from tuodi.apps.institutions.actions import Suspend
from tuodi.apps.registry.actions.people import MergePeople
from tuodi.apps.registry.models import Person
from tuodi.apps.settlement.actions import Settle
from tuodi.apps.settlement.models import Bill
from tuodi.base import clock

__all__ = ["cast", "hospital"]
pytestmark = pytest.mark.django_db


def settle(hospital, day, yuan="1000", **more):
    upstream = {"setl_time": f"{day} 10:30:00", **more.pop("upstream", {})}
    asked = {"data": bill(yuan, mdtrt_id=admit(hospital), **more), "upstream": upstream}
    return hospital.call("2304", asked)["setlinfo"]


def refused(hospital, infno, nodes, **how):
    answer = hospital.send(infno, nodes, **how)
    assert answer["infcode"] == -1
    return answer["err_msg"]


def test_a_suspended_institution_does_not_settle_by_naming_an_earlier_day(hospital, cast):
    asked = {"data": bill("1000", mdtrt_id=admit(hospital)), "upstream": {"setl_time": "2023-03-09 10:30:00"}}
    Suspend(actor=cast.zhou, institution=cast.hospital, first=clock.today(), reason="违规收费").run()
    for infno in ("2303", "2304"):
        said = refused(hospital, infno, asked)
        assert "E-INSTITUTION-SUSPENDED" in said
        assert "违规收费" in said
    Settle(actor=cast.chen, bill=kept_bill("A", date(2023, 3, 1), 100)).run()
    assert Bill.objects.count() == 1


def test_what_is_sent_to_another_services_path_is_not_done(hospital):
    asked = {"data": bill("1000", mdtrt_id=admit(hospital))}
    assert "E-MSG-PATH" in refused(hospital, "2304", asked, path="/fsi/api/hospSettService/preSett")
    assert not Bill.objects.exists()
    assert hospital.call("2303", asked, path="/fsi/api/hospSettService/preSett")["setlinfo"]


def test_a_path_that_nobody_serves_is_answered_in_the_envelope(hospital):
    assert "E-MSG-SERVICE" in refused(hospital, "2301", {}, path="/fsi/api/hospFeeDtlService/feeDtlUp")
    assert "E-SIGN-KEY" in Client().post("/fsi/api/none", b"{}", content_type="application/json").json()["err_msg"]
    person = {"data": {"mdtrt_cert_type": "02", "mdtrt_cert_no": CERTNO}}
    assert hospital.call("1101", person, path="/fsi/api/fsiPsnInfoService/queryPsnInfo/")["baseinfo"]


def test_a_provincial_fronts_envelope_is_read(hospital):
    whole = hospital.envelope("1101", {"data": {"mdtrt_cert_type": "02", "mdtrt_cert_no": CERTNO}})
    short = {name: whole[name] for name in ("infno", "msgid", "mdtrtarea_admvs", "insuplc_admdvs", "input")}
    body = json.dumps(short | {"medins_code": hospital.code, "insur_code": "610902"}).encode()
    answer = json.loads(hospital.post("/fsi/api/rsfComIfsService/callService", body, hospital.headers()))
    assert answer["output"]["baseinfo"]["psn_no"] == "P0001"


def test_a_card_that_comes_with_the_identity_number_finds_the_person(hospital):
    card = {"mdtrt_cert_type": "03", "mdtrt_cert_no": "A1234567", "card_sn": "9"}
    assert "E-PERSON-CERT" in refused(hospital, "1101", {"data": card})
    assert hospital.call("1101", {"data": {**card, "certno": CERTNO}})["baseinfo"]["psn_no"] == "P0001"


def test_settlement_cancellation_and_query_say_who_it_is_and_who_paid(hospital, cast):
    Person.objects.filter(pk=cast.wang.pk).update(birth=date(1949, 12, 31))
    info = settle(hospital, "2023-03-09", upstream={"hifp_pay": "400", "hifmi_pay": "100"})
    key = {name: info[name] for name in ("psn_no", "mdtrt_id", "setl_id")}
    asked = hospital.call("5203", {"data": key})
    assert {row["fund_pay_type"]: row["fund_payamt"] for row in asked["setldetail"]} == {
        "390101": "400.00", "390201": "100.00", "610101": "350.00",
    }  # fmt: skip
    negative = hospital.call("2305", {"data": key})["setlinfo"]
    for told in (info, asked["setlinfo"], negative):
        said = {name: told[name] for name in ("psn_name", "psn_cert_type", "certno", "age", "psn_type", "hosp_lv")}
        assert said == {
            "psn_name": "王奶奶", "psn_cert_type": "01", "certno": CERTNO, "age": "73", "psn_type": "1501", "hosp_lv": "05",
        }  # fmt: skip
    assert (asked["setlinfo"]["psn_pay"], asked["setlinfo"]["cash_payamt"]) == ("150.00", "150.00")
    assert "E-BILL-OTHER" in refused(hospital, "5203", {"data": {**key, "psn_no": "P0002"}})


def test_5206_counts_to_the_end_of_the_month_under_every_number_of_the_person(hospital, cast):
    settle(hospital, "2023-03-31")
    settle(hospital, "2023-04-01")
    MergePeople(actor=cast.registrar, psn_no="P0001", into="P0002").run()

    def paid(month):
        row = hospital.call("5206", {"data": {"psn_no": "P0002", "cum_ym": month}})["cuminfo"][0]
        return row["cum_ym"], row["cum"]

    assert paid("202302") == ("202302", "0.00")
    assert paid("202303") == ("202303", "700.00")
    assert paid("2023-04") == ("202304", "1400.00")
    assert paid("2023") == ("202312", "1400.00")
    assert "E-MSG-MONTH" in refused(hospital, "5206", {"data": {"psn_no": "P0002", "cum_ym": "202313"}})


def test_a_bill_without_kind_of_insurance_balances_under_the_kind_that_its_answer_said(hospital):
    info = settle(hospital, "2023-03-09", insutype="")
    assert info["insutype"] == "390"
    assert total(hospital, "2023-03-09", [info])["stmt_rslt"] == "0"


def test_an_admission_that_is_still_to_come_is_refused(hospital):
    mdtrt = {
        "psn_no": "P0001",
        "insutype": "390",
        "begntime": "2099-01-01 08:00:00",
        "med_type": "21",
        "ipt_no": "Z1",
    }
    assert "E-SETTLE-FUTURE-DAY" in refused(hospital, "2401", {"mdtrtinfo": mdtrt})


# Refunds as hospitals tell them.


def total(hospital, day, lines, **more):
    asked = {
        "stmt_begndate": day, "stmt_enddate": day, "insutype": "390", "clr_type": "21", "setl_optins": "610902",
        "fixmedins_setl_cnt": str(len(lines)), "acct_pay": "0", **more,
        **{name: str(sum(float(line[name]) for line in lines)) for name in ("medfee_sumamt", "fund_pay_sumamt")},
    }  # fmt: skip
    return hospital.call("3201", {"data": asked})["stmtinfo"]


def details(hospital, day, lines, **more):
    """Return what 3202 finds of ``(setl_id, mdtrt_id, medfee, fund, flag)``: settlement and result."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        rows = ["\t".join((one, visit, "P0001", fee, fund, "0", flag)) for one, visit, fee, fund, flag in lines]
        archive.writestr("a.txt", "\n".join(rows))
    sent = {"in": list(packed.getvalue()), "filename": "a.zip"}
    number = hospital.call("9101", {"fsUploadIn": sent})["file_qury_no"]
    asked = {"stmt_begndate": day, "stmt_enddate": day, "clr_type": "21", "file_qury_no": number, **more}
    made = hospital.call("3202", {"data": asked})["fileinfo"]
    out = hospital.call("9102", {"fsDownloadIn": made})["out"]
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(out))) as archive:
        rows = [row.split("\t") for row in archive.read("result.txt").decode().splitlines()]
    return [(row[2], row[4]) for row in rows]


@pytest.fixture
def refunded(hospital):
    """One settlement kept, one cancelled, all today: both and the negative."""
    today = f"{clock.today()}"
    upstream = {"setl_time": f"{today} 00:00:00"}
    kept, gone = (settle(hospital, today, yuan, upstream=upstream) for yuan in ("1000", "2000"))
    key = {name: gone[name] for name in ("psn_no", "mdtrt_id", "setl_id")}
    return today, kept, gone, hospital.call("2305", {"data": key})["setlinfo"]


def test_3201_without_refunds_balances_in_both_ways_that_are_live(hospital, refunded):
    today, kept, gone, negative = refunded
    for flag in ("", "1"):
        assert total(hospital, today, [kept, gone, negative], refd_setl_flag=flag)["stmt_rslt"] == "0"
    for name in ("refd_setl_flag", "REFD_SETL_FLAG"):
        assert total(hospital, today, [kept], **{name: "0"})["stmt_rslt"] == "0"
        assert total(hospital, today, [kept, gone], **{name: "0"})["stmt_rslt"] == "0"
        wrong = total(hospital, today, [kept, gone, negative], **{name: "0"})
        assert wrong["stmt_rslt"] == "2"
        assert "中心 1 笔" in wrong["stmt_rslt_dscr"]


def test_3202_knows_a_negative_by_either_number_and_leaves_out_refunds_that_were_not_asked_for(hospital, refunded):
    today, kept, gone, negative = refunded

    def line(info, *, as_id="", flag="0"):
        return as_id or info["setl_id"], info["mdtrt_id"], info["medfee_sumamt"], info["fund_pay_sumamt"], flag

    both = [line(kept), line(gone, flag="1")]
    assert details(hospital, today, [*both, line(negative, flag="1")]) == []
    assert details(hospital, today, [*both, line(negative, as_id=gone["setl_id"], flag="1")]) == []
    assert details(hospital, today, [line(kept)], refd_setl_flag="0") == []
    assert details(hospital, today, [line(kept), line(gone)], refd_setl_flag="0") == []
    assert details(hospital, today, [line(kept)]) == [(gone["setl_id"], "1"), (negative["setl_id"], "1")]


def test_3202_tells_a_settlement_that_the_hospital_has_twice(hospital, refunded):
    today, kept, _, _ = refunded
    one = (kept["setl_id"], kept["mdtrt_id"], "1000.00", "700.00", "0")
    assert details(hospital, today, [one, one], refd_setl_flag="0") == [(kept["setl_id"], "2")]

"""The national interface as a hospital's system speaks it, over HTTP."""

import io
import json
import zipfile

import pytest
from django.test import Client

from tests.apps.cast import assemble
from tests.apps.his import Hospital
from tuodi.apps.institutions.keys import IssueKey
from tuodi.apps.settlement.models import Bill, Encounter, Entry, Exchange
from tuodi.base import secrets
from tuodi.batch.national_checks import check_identities
from tuodi.batch.national_records import read_records

pytestmark = pytest.mark.django_db
CERTNO = "11010519491231002X"


def poster(client):
    def post(path, body, headers):
        named = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
        return client.post(path, body, content_type="application/json", **named).content

    return post


@pytest.fixture
def cast():
    made = assemble()
    made.wang.certno_index = secrets.search_index(CERTNO)
    made.wang.certno_sealed = secrets.encrypt(CERTNO, bound_to=f"registry.person:{made.wang.psn_no}")
    made.wang.save()
    return made


@pytest.fixture
def hospital(cast):
    token = IssueKey(actor=cast.admin, institution=cast.hospital, name="his-1", user=cast.zhao).run()
    return Hospital(poster(Client()), code=cast.hospital.code, paasid="his-1", token=token)


def bill(yuan, **more):
    return {
        "psn_no": "P0001", "mdtrt_cert_type": "02", "mdtrt_cert_no": CERTNO, "medfee_sumamt": yuan, "psn_setlway": "01",
        "acct_used_flag": "0", "insutype": "390", "fulamt_ownpay_amt": "0", "overlmt_selfpay": 0, "preselfpay_amt": "",
        "inscp_scp_amt": yuan, **more,
    }  # fmt: skip


def admit(hospital, day="2023-03-01"):
    mdtrt = {
        "psn_no": "P0001", "insutype": "390", "begntime": f"{day} 08:00:00", "med_type": "21", "ipt_no": "Z1",
        "dscg_maindiag_code": "J18.9", "mdtrt_cert_type": "02", "mdtrt_cert_no": CERTNO,
    }  # fmt: skip
    return hospital.call("2401", {"mdtrtinfo": mdtrt, "diseinfo": []})["result"]["mdtrt_id"]


def test_a_stay_from_the_card_to_the_bill_and_back(hospital):
    person = hospital.call("1101", {"data": {"mdtrt_cert_type": "02", "mdtrt_cert_no": CERTNO}})
    assert person["baseinfo"]["psn_no"] == "P0001"
    assert person["idetinfo"][0]["memo"] == "低保对象"
    checked = hospital.call("2001", {"data": {"psn_no": "P0001", "begntime": "2023-03-01"}})["trtinfo"][0]
    assert checked["trt_enjymnt_flag"] == "1"
    mdtrt_id = admit(hospital)
    hospital.call(
        "2402",
        {
            "dscginfo": {"mdtrt_id": mdtrt_id, "psn_no": "P0001", "insutype": "390", "endtime": "2023-03-09 10:00:00"},
            "diseinfo": [],
        },
    )
    upstream = {"hifp_pay": "18000.00", "hifmi_pay": 2000, "setl_time": "2023-03-09 10:30:00"}
    asked = {"data": bill("30000.00", mdtrt_id=mdtrt_id), "upstream": upstream}
    said = hospital.call("2303", asked)["setlinfo"]
    assert (said["setl_id"], said["maf_pay"]) == ("", "7000.00")
    assert not Bill.objects.exists()
    answer = hospital.call("2304", asked)
    info = answer["setlinfo"]
    assert (info["maf_pay"], info["psn_cash_pay"], info["fund_pay_sumamt"]) == ("7000.00", "3000.00", "27000.00")
    assert len(info["medins_setl_id"]) == 30
    row = next(row for row in answer["setldetail"] if row["fund_pay_type"] == "610101")
    assert json.loads(row["setl_proc_info"])["layers"][0]["clauses"]
    again = hospital.call("5203", {"data": {"psn_no": "P0001", "setl_id": info["setl_id"], "mdtrt_id": mdtrt_id}})[
        "setlinfo"
    ]
    assert again["maf_pay"] == "7000.00"
    assert hospital.call("5206", {"data": {"psn_no": "P0001", "cum_ym": "202312"}})["cuminfo"][0]["cum"] == "7000.00"
    cancelled = hospital.call("2305", {"data": {"mdtrt_id": mdtrt_id, "setl_id": info["setl_id"], "psn_no": "P0001"}})[
        "setlinfo"
    ]
    assert (cancelled["maf_pay"], cancelled["medfee_sumamt"]) == ("-7000.00", "-30000.00")
    assert sum(Entry.objects.values_list("pay", flat=True)) == 0


def test_the_identities_hold_in_every_answer(hospital):
    mdtrt_id = admit(hospital)
    data = bill(
        "12345.67", mdtrt_id=mdtrt_id, inscp_scp_amt="10000.01", preselfpay_amt="345.66", fulamt_ownpay_amt="2000.00"
    )
    upstream = {
        "hifp_pay": "6000.01",
        "hifob_pay": "12.34",
        "hosp_part_amt": "100.00",
        "relief_amt": "50",
        "setl_time": "2023-04-01 09:00:00",
    }
    answer = hospital.call("2304", {"data": data, "upstream": upstream})
    record = read_records(json.dumps(answer)).records[0]
    assert [c.name for c in check_identities(record) if c.is_binding and c.status == "fails"] == []


def test_G15_the_same_message_ten_times_settles_once(hospital):
    mdtrt_id, msgid = admit(hospital), hospital.msgid()
    asked = {"data": bill("1000", mdtrt_id=mdtrt_id), "upstream": {"setl_time": "2023-03-09 10:30:00"}}
    answers = [hospital.call("2304", asked, msgid=msgid) for _ in range(10)]
    assert all(answer == answers[0] for answer in answers)
    assert Bill.objects.count() == 1
    other = hospital.send("2304", {"data": bill("1001", mdtrt_id=mdtrt_id), "upstream": {}}, msgid=msgid)
    assert other["infcode"] == -1
    assert "E-MSG-REPEATED" in other["err_msg"]


def test_G16_a_lost_answer_is_undone_by_2601(hospital):
    mdtrt_id, msgid = admit(hospital), hospital.msgid()
    asked = {"data": bill("1000", mdtrt_id=mdtrt_id), "upstream": {"setl_time": "2023-03-09 10:30:00"}}
    hospital.call("2304", asked, msgid=msgid)
    undo = {"data": {"psn_no": "P0001", "omsgid": msgid, "oinfno": "2304"}}
    hospital.call("2601", undo)
    hospital.call("2601", undo)
    assert sum(Entry.objects.values_list("pay", flat=True)) == 0
    nothing = hospital.send("2601", {"data": {"psn_no": "P0001", "omsgid": hospital.msgid(), "oinfno": "2304"}})
    assert "E-REVERSE-NOTHING" in nothing["err_msg"]
    assert hospital.call("2304", asked)["setlinfo"]["maf_pay"] == "700.00"


def test_a_reversed_cancellation_counts_again(hospital):
    mdtrt_id = admit(hospital)
    asked = {"data": bill("1000", mdtrt_id=mdtrt_id), "upstream": {"setl_time": "2023-03-09 10:30:00"}}
    setl_id = hospital.call("2304", asked)["setlinfo"]["setl_id"]
    msgid = hospital.msgid()
    hospital.call("2305", {"data": {"mdtrt_id": mdtrt_id, "setl_id": setl_id, "psn_no": "P0001"}}, msgid=msgid)
    hospital.call("2601", {"data": {"psn_no": "P0001", "omsgid": msgid, "oinfno": "2305"}})
    assert sum(Entry.objects.values_list("pay", flat=True)) == 70_000


def test_reconciliation_by_totals_and_by_lines(hospital):
    mdtrt_id = admit(hospital)
    asked = {"data": bill("1000", mdtrt_id=mdtrt_id), "upstream": {"setl_time": "2023-03-09 10:30:00"}}
    info = hospital.call("2304", asked)["setlinfo"]
    days = {
        "stmt_begndate": "2023-03-01",
        "stmt_enddate": "2023-03-31",
        "insutype": "390",
        "clr_type": "21",
        "setl_optins": "610902",
    }
    good = {**days, "medfee_sumamt": "1000.00", "fund_pay_sumamt": "700.00", "acct_pay": "0", "fixmedins_setl_cnt": 1}
    assert hospital.call("3201", {"data": good})["stmtinfo"]["stmt_rslt"] == "0"
    bad = hospital.call("3201", {"data": {**good, "fund_pay_sumamt": "700.01"}})["stmtinfo"]
    assert bad["stmt_rslt"] == "3"
    packed = io.BytesIO()
    lines = [
        [info["setl_id"], mdtrt_id, "P0001", "1000.00", "700.01", "0", "0"],
        ["LOST", "M", "P0001", "5.00", "1.00", "0", "0"],
    ]
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.txt", "\n".join("\t".join(line) for line in lines))
    number = hospital.call(
        "9101", {"fsUploadIn": {"in": list(packed.getvalue()), "filename": "a.zip", "fixmedins_code": hospital.code}}
    )["file_qury_no"]
    made = hospital.call("3202", {"data": {**good, "file_qury_no": number, "cash_payamt": "0"}})["fileinfo"]
    out = hospital.call("9102", {"fsDownloadIn": {"file_qury_no": made["file_qury_no"], "filename": made["filename"]}})
    import base64

    with zipfile.ZipFile(io.BytesIO(base64.b64decode(out["out"]))) as archive:
        rows = [row.split("\t") for row in archive.read("result.txt").decode().split("\n")]
    assert {(row[2], row[4]) for row in rows} == {(info["setl_id"], "3"), ("LOST", "2")}


def balanced(hospital, info, *, count=1):
    """Say what 3201 answers to the fund total of the very answer that the hospital was given."""
    day = info["setl_time"][:10]
    asked = {
        "stmt_begndate": day, "stmt_enddate": day, "insutype": "390", "clr_type": "21", "setl_optins": "610902",
        "fixmedins_setl_cnt": count, **{name: info[name] for name in ("medfee_sumamt", "fund_pay_sumamt", "acct_pay")},
    }  # fmt: skip
    return hospital.call("3201", {"data": asked})["stmtinfo"]["stmt_rslt"]


def test_what_the_counter_paid_is_what_reconciliation_counts_where_the_account_left_less_to_pay(hospital):
    """安康低保 70 %：1,000 元里个人账户付 500 元，窗口只能再付 500 元，其余 200 元另行支付。"""
    asked = {
        "data": bill("1000", mdtrt_id=admit(hospital), acct_pay="500.00"),
        "upstream": {"setl_time": "2023-03-09 10:30:00"},
    }
    info = hospital.call("2304", asked)["setlinfo"]
    assert (info["maf_pay"], info["psn_cash_pay"]) == ("500.00", "0.00")
    assert balanced(hospital, info) == "0"
    data = {"mdtrt_id": info["mdtrt_id"], "setl_id": info["setl_id"], "psn_no": "P0001"}
    gone = hospital.call("2305", {"data": data})["setlinfo"]
    assert gone["maf_pay"] == "-500.00"
    assert balanced(hospital, gone) == "0"


def test_a_cancellation_takes_back_what_the_counter_paid_whatever_was_learned_since(hospital):
    """年度限额 4 万：先报的付 28,000 元；后报的排在前面，前一笔改为 19,000 元；撤销仍退窗口所付的 28,000 元。"""
    later = {"data": bill("40000", mdtrt_id=admit(hospital)), "upstream": {"setl_time": "2023-04-09 10:30:00"}}
    info = hospital.call("2304", later)["setlinfo"]
    earlier = {"data": bill("30000", mdtrt_id=admit(hospital)), "upstream": {"setl_time": "2023-03-09 10:30:00"}}
    hospital.call("2304", earlier)
    data = {"mdtrt_id": info["mdtrt_id"], "setl_id": info["setl_id"], "psn_no": "P0001"}
    assert hospital.call("5203", {"data": data})["setlinfo"]["maf_pay"] == "19000.00"
    gone = hospital.call("2305", {"data": data})["setlinfo"]
    assert gone["maf_pay"] == f"-{info['maf_pay']}" == "-28000.00"
    assert balanced(hospital, gone) == "0"


def test_a_day_on_which_more_is_cancelled_than_settled_balances_with_negative_totals(hospital):
    mdtrt_id = admit(hospital)
    asked = {"data": bill("1000", mdtrt_id=mdtrt_id), "upstream": {"setl_time": "2023-03-09 10:30:00"}}
    info = hospital.call("2304", asked)["setlinfo"]
    gone = hospital.call("2305", {"data": {"mdtrt_id": mdtrt_id, "setl_id": info["setl_id"], "psn_no": "P0001"}})
    day = gone["setlinfo"]["setl_time"][:10]
    asked = {
        "stmt_begndate": day, "stmt_enddate": day, "insutype": "390", "clr_type": "21", "setl_optins": "610902",
        "medfee_sumamt": "-1000.00", "fund_pay_sumamt": "-700.00", "acct_pay": "0.00", "fixmedins_setl_cnt": "1.0",
    }  # fmt: skip
    assert hospital.call("3201", {"data": asked})["stmtinfo"]["stmt_rslt"] == "0"
    for name, wrong, code in (("fixmedins_setl_cnt", "一笔", "E-MSG-COUNT"), ("acct_pay", "x", "E-MSG-SIGNED-AMOUNT")):
        assert code in hospital.send("3201", {"data": {**asked, name: wrong}})["err_msg"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "E-MSG-JSON"),
        (b"\xff\xfe", "E-MSG-JSON"),
        (b"[]", "E-MSG-OBJECT"),
        (b'{"infno":"2304"}', "E-MSG-LACKS"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "E-MSG-DEEP"),
        (b"[" * 200_000 + b"]" * 200_000, "E-MSG-DEEP"),
        (b'{"infno": NaN}', "E-MSG-JSON"),
        (b" " * (4 * 1024 * 1024 + 1), "E-MSG-LARGE"),
    ],
    ids=["truncated", "not utf-8", "not an object", "lacks fields", "deep", "very deep", "not a number", "oversized"],
)
def test_a_broken_message_gets_a_clear_error_and_changes_nothing(hospital, body, code):
    answer = json.loads(hospital.post("/fsi/api/rsfComIfsService/callService", body, hospital.headers()))
    assert answer["infcode"] == -1
    assert code in answer["err_msg"]
    assert not Exchange.objects.exists()


def test_a_wrong_signature_an_unknown_key_and_an_old_clock_are_refused(hospital):
    body = json.dumps(hospital.envelope("1101", {"data": {"psn_no": "P0001"}})).encode()
    for change, code in (
        ({"x-tif-signature": "0" * 64}, "E-SIGN-WRONG"), ({"x-tif-paasid": "nobody"}, "E-SIGN-KEY"),
        ({"x-tif-timestamp": "1600000000"}, "E-SIGN-TIME"), ({"x-tif-nonce": ""}, "E-SIGN-WRONG"),
    ):  # fmt: skip
        answer = json.loads(
            hospital.post("/fsi/api/rsfComIfsService/callService", body, {**hospital.headers(), **change})
        )
        assert code in answer["err_msg"]


def test_faults_of_a_bill_come_all_at_once(hospital):
    mdtrt_id = admit(hospital)
    data = bill("1000.001", mdtrt_id=mdtrt_id, preselfpay_amt="-5", insutype="x" * 20)
    answer = hospital.send("2304", {"data": data, "upstream": {"hifp_pay": "abc", "setl_time": "2023-13-01"}})
    for part in ("medfee_sumamt", "preselfpay_amt", "insutype"):
        assert part in str(answer["output"]["errors"]), answer
    assert len(answer["err_msg"]) <= 200
    assert not Bill.objects.exists()


def test_an_admission_says_whether_the_deposit_is_waived_AK_6_2_2(hospital, cast):
    filing = {
        "psn_no": "P0001", "diag_code": "J18.9", "diag_name": "肺炎", "reflin_medins_no": hospital.code, "reflin_medins_name": "第一医院",
        "refl_date": "2023-02-28", "begndate": "2023-02-28", "refl_type": "1", "refl_rea": "基层首诊转诊", "refl_opnn": "同意",
    }  # fmt: skip
    hospital.call("2501", {"refmedin": filing})
    mdtrt = {
        "psn_no": "P0001",
        "insutype": "390",
        "begntime": "2023-03-01 08:00:00",
        "med_type": "21",
        "ipt_no": "Z1",
        "dscg_maindiag_code": "J18.9",
    }
    result = hospital.call("2401", {"mdtrtinfo": mdtrt, "diseinfo": []})["result"]
    assert result["deposit_waived"] == "1"
    assert "AK-6.2.2" in result["exp_content"]
    assert Encounter.objects.get().is_deposit_waived


def test_what_is_not_known_of_a_deposit_is_asked_for_in_words(hospital):
    stay = {"psn_no": "P0001", "insutype": "390", "begntime": "2023-03-01 08:00:00", "med_type": "21", "ipt_no": "Z1"}
    result = hospital.call("2401", {"mdtrtinfo": stay, "diseinfo": []})["result"]
    assert (result["deposit_waived"], result["exp_content"]) == ("0", "押金：尚不能确定，还要知道是否经基层首诊转诊。")


def test_per_service_paths_and_foreign_institutions(hospital, cast):
    out = hospital.call("1101", {"data": {"psn_no": "P0001"}}, path="/fsi/api/fsiPsnInfoService/queryPsnInfo")
    assert out["baseinfo"]["psn_no"] == "P0001"
    hospital.code = cast.other_hospital.code
    assert "E-MSG-INSTITUTION" in hospital.send("1101", {"data": {"psn_no": "P0001"}})["err_msg"]

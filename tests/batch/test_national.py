"""National settlement records: real de-identified samples, odd spellings, and the way to exchange rows and back."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuodi.batch.national import (
    CANNOT,
    FAILS,
    HOLDS,
    check_identities,
    convert,
    document,
    from_exchange_row,
    read_records,
    to_exchange_row,
)
from tuodi.batch.national_records import fen_from_wire
from tuodi.batch.national_rows import COLUMNS
from tuodi.core.errors import InputErrors
from tuodi.core.money import fen_from_yuan, yuan
from tuodi.core.settlements import AMOUNT_FIELDS, CAUSES, DISEASE_CLASSES, REFERRALS

SAMPLES = Path(__file__).parents[1] / "data" / "interface-samples.json"
DEFAULTS = {
    "diag_code": "I10.x00", "begndate": "2021-10-20", "enddate": "2021-10-27", "setl_time": "2021-10-27 10:59:22", "med_type": "21",
}  # fmt: skip
RAW = {item["key"]: item for item in json.loads(SAMPLES.read_text(encoding="utf-8"), parse_float=str)["records"]}
READ = {record.key: record for record in read_records(SAMPLES.read_text(encoding="utf-8")).records}
EXPECTED = {
    "I1": "I1_split",
    "I2": "I2_funds",
    "I3": "I3_total",
    "I4": "I4_person",
    "I5": "I5_detail_eq_fund_plus_acct_plus_hosp",
}
VARIANTS = {
    "personal total taken from psn_pay": "psn_pay",
    "personal total taken as acct_pay + cash": "acct_pay+psn_cash_pay",
}


def only(text: str):
    reading = read_records(text)
    assert not reading.faults, reading.faults
    (record,) = reading.records
    return record


def codes(faults) -> list[str]:
    return [one.code for one in faults]


# --- the samples ---


@pytest.mark.parametrize("key", READ)
def test_checks_of_a_sample_come_out_as_computed_by_its_collector(key):
    said = RAW[key].get("checks", {})
    for check in check_identities(READ[key])[:5]:
        if EXPECTED[check.identity] in said:
            assert check.status == (HOLDS if said[EXPECTED[check.identity]] else FAILS), str(check)
        else:
            assert check.status == CANNOT, str(check)
            assert check.missing
        if check.identity == "I3" and "I3_note" in said:
            assert check.variant == VARIANTS[said["I3_note"]]
        if check.identity == "I5" and "I5_detail_sum" in said:
            assert check.left_fen == fen_from_wire(said["I5_detail_sum"])


def test_samples_of_other_transactions_are_passed_over_by_name():
    reading = read_records(SAMPLES.read_text(encoding="utf-8"))
    assert [name[-4:-1] for name in reading.passed_over] == ["S17", "S18", "S19", "S20", "S21"]
    assert not reading.faults


def test_the_failing_sheet_says_both_sides_and_the_difference():
    total = next(c for c in check_identities(READ["S09"]) if c.identity == "I3")
    assert (total.left_fen, total.right_fen, total.difference_fen, total.is_binding) == (
        330000,
        0,
        330000,
        True,
    )
    assert "不成立" in str(total)
    assert "3300.00" in str(total)


def test_a_missing_amount_is_named_and_not_taken_for_zero():
    split, funds = check_identities(READ["S10"])[:2]
    assert split.missing == ("overlmt_selfpay", "preselfpay_amt")
    assert "hifp_pay" in funds.missing
    assert "maf_pay" not in funds.missing
    assert "无法核对" in str(split)


def test_fields_that_platforms_leave_out_count_as_zero_and_are_listed():
    assert check_identities(READ["S01"])[1].taken_as_zero == ("hifdm_pay",)
    assert check_identities(READ["S08"])[3].taken_as_zero == ("acct_pay",)
    assert check_identities(READ["S07"])[4].taken_as_zero == ("setldetail[0].fund_payamt",)


def test_deductible_above_the_policy_amount_is_a_note():
    note = check_identities(READ["S08"])[5]
    assert (note.identity, note.status, note.is_binding) == ("I6", FAILS, False)
    assert check_identities(READ["S06"])[5].status == HOLDS


# --- reading ---


@pytest.mark.parametrize(
    ("written", "fen"),
    [
        ("3982.0", 398200),
        ("0.0", 0),
        ("-25.1", -2510),
        ('"69.6"', 6960),
        ("1.500", 150),
        ("9", 900),
        ('" 7 "', 700),
    ],
)
def test_amounts_with_any_number_of_decimals_are_read_exactly(written, fen):
    assert only(f'{{"setlinfo": {{"medfee_sumamt": {written}}}}}').amounts == {"medfee_sumamt": fen}


@pytest.mark.parametrize("written", ['""', "null", '"  "'])
def test_empty_and_null_amounts_are_absent(written):
    assert only(f'{{"setlinfo": {{"medfee_sumamt": {written}, "setl_id": "1"}}}}').amounts == {}


@pytest.mark.parametrize(
    "written",
    [
        "1e1",
        "0.001",
        "23.4199999999999",
        '"1,200.00"',
        "NaN",
        "Infinity",
        "true",
        "{}",
        "[1]",
        '"十"',
        '"+1"',
        '".5"',
    ],
)
def test_an_amount_that_is_not_exact_to_the_fen_is_a_fault(written):
    record = only(f'{{"setlinfo": {{"medfee_sumamt": {written}}}}}')
    assert codes(record.faults) == ["E-NATIONAL-AMOUNT"]
    assert "medfee_sumamt" not in record.amounts


def test_both_spellings_are_one_field():
    for name in ("cashPayamt", "cash_payamt", "psn_cash_pay", "PSN_CASH_PAY"):
        assert only(json.dumps({"setlinfo": {name: "1.20"}})).amounts == {"psn_cash_pay": 120}
    for name in ("insuplc_admdvs", "insu_admvs", "insu_admdvs"):
        assert only(json.dumps({"setlinfo": {name: "999901"}})).text("insu_admdvs") == "999901"
    assert only('{"setlinfo": {"REFD_SETL_FLAG": 1}}').text("refd_setl_flag") == "1"


def test_two_spellings_that_disagree_are_a_fault():
    record = only('{"setlinfo": {"cashPayamt": 1.2, "psn_cash_pay": 1.3}}')
    assert codes(record.faults) == ["E-NATIONAL-SPELLINGS"]


INFO = {"setl_id": "9", "medfee_sumamt": 4.5}


@pytest.mark.parametrize(
    "value",
    [
        {"setlinfo": INFO, "setldetail": []},
        {"setlinfo": json.dumps(INFO)},
        {"infcode": 0, "output": {"setlinfo": INFO}},
        {"infcode": "0", "output": json.dumps({"setlinfo": json.dumps(INFO), "setldetail": "[]"})},
        [{"setlinfo": INFO}],
        {"records": [{"key": "9", "setlinfo": INFO}]},
        {"setlinfo": [INFO]},
        INFO,
    ],
)
def test_every_wrapping_is_opened(value):
    record = only(json.dumps(value))
    assert (record.key, record.amounts) == ("9", {"medfee_sumamt": 450})


def test_json_lines_lose_the_broken_line_only():
    text = '{"setlinfo": {"setl_id": 1}}\n{"setlinfo": \n\n{"setlinfo": {"setl_id": 2}}\n'
    reading = read_records(text, file="a.jsonl")
    assert [(r.key, r.line) for r in reading.records] == [("1", 1), ("2", 4)]
    assert codes(reading.faults) == ["E-NATIONAL-JSON"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "E-NATIONAL-JSON"),
        ("{", "E-NATIONAL-JSON"),
        ("[" * 100_000, "E-NATIONAL-JSON"),
        ("3", "E-NATIONAL-SHAPE"),
        ('{"output": null}', "E-NATIONAL-SHAPE"),
        ('{"output": "no json"}', "E-NATIONAL-SHAPE"),
        ('{"hello": 1}', "E-NATIONAL-SHAPE"),
        ('{"infcode": -1, "err_msg": "人员未参保", "output": null}', "E-NATIONAL-FAILED"),
    ],
)
def test_what_is_no_settlement_is_a_fault_and_never_a_crash(text, code):
    reading = read_records(text)
    assert codes(reading.faults) == [code]
    assert not reading.records


# --- to exchange rows ---


def full(**changes):
    fields = {
        "setl_id": "S1", "psn_no": "P1", "fixmedins_code": "H99990100001", "med_type": "2101", "begndate": "2024-01-02",
        "enddate": "2024-01-09 10:00:00", "setl_time": "2024-01-09 11:00:00.0", "diag_code": "I63.900", "medfee_sumamt": "1000",
        "fulamt_ownpay_amt": "50", "overlmt_selfpay": "0", "preselfpay_amt": "50", "inscp_scp_amt": "900", "hifp_pay": "500",
        "cvlserv_pay": "0", "hifes_pay": "0", "hifmi_pay": "100", "hifob_pay": "0", "maf_pay": "30", "oth_pay": "5",
        "fund_pay_sumamt": "635", "psn_part_amt": "365", "acct_pay": "65", "psn_cash_pay": "300", "hosp_part_amt": "0",
    }  # fmt: skip
    return only(json.dumps({"setlinfo": fields | changes}))


def test_a_whole_record_becomes_a_row():
    made = to_exchange_row(full())
    assert not made.faults
    assert (made.row["begndate"], made.row["enddate"], made.row["setl_time"]) == (
        "2024-01-02",
        "2024-01-09",
        "2024-01-09 11:00:00",
    )
    assert (made.row["med_type"], made.row["maf_pay"], made.row["oth_pay"]) == ("2101", "30.00", "5.00")
    assert (made.row["refer_stas"], made.row["out_prov"], made.row["refd_setl_flag"]) == ("local", "0", "0")
    assert made.row["x_acct_pay"] == "65.00"
    assert not made.row["x_default"]
    assert not made.row["x_generated"]


def test_disabled_veterans_and_other_funds_go_into_other_payments():
    made = to_exchange_row(
        full(hifdm_pay="7", othfund_pay="3", fund_pay_sumamt="645", psn_part_amt="355", psn_cash_pay="290")
    )
    assert (made.row["oth_pay"], made.faults, made.notes) == ("15.00", (), ())


def test_the_sum_of_funds_takes_other_funds_only_where_it_needs_them():
    needed = check_identities(full(othfund_pay="3", fund_pay_sumamt="638"))[1]
    assert (needed.status, needed.variant) == (HOLDS, "othfund_pay")
    listed_again = check_identities(full(othfund_pay="3"))[1]
    assert (listed_again.status, listed_again.variant) == (HOLDS, "")
    assert check_identities(full(othfund_pay="3", fund_pay_sumamt="639"))[1].difference_fen == 100


def test_other_funds_already_inside_the_total_are_not_counted_twice():
    made = to_exchange_row(full(othfund_pay="3"))
    assert made.row["oth_pay"] == "5.00"
    assert "othfund_pay" in made.notes[0]


def test_what_the_hospital_bears_is_relief():
    made = to_exchange_row(full(hosp_part_amt="20", psn_part_amt="345", psn_cash_pay="280"))
    assert (made.row["relief_amt"], made.row["x_hosp_part_amt"]) == ("20.00", "20.00")


def test_everything_missing_is_reported_at_once_and_defaults_are_marked():
    made = to_exchange_row(READ["S09"])
    assert [f.column for f in made.faults] == [
        "setl_id", "psn_no", "fixmedins_code", "begndate", "enddate", "setl_time", "diag_code", "inscp_scp_amt",
    ]  # fmt: skip
    assert "按 I1 推算应为 0.00" in str(made.faults[-1])
    made = to_exchange_row(READ["S07"], defaults=DEFAULTS, generate_ids=True)
    assert not made.faults
    assert made.row["x_generated"] == "setl_id;psn_no;fixmedins_code"
    assert made.row["x_default"] == "begndate;enddate;setl_time;diag_code"
    assert (made.row["med_type"], made.row["hifp_pay"]) == ("2101", "3106.54")


def test_a_chronic_disease_catalogue_number_is_not_taken_for_a_diagnosis():
    assert codes(to_exchange_row(full(diag_code="", dise_codg="M03900")).faults) == ["E-NATIONAL-LACKS"]
    assert to_exchange_row(full(diag_code="", dscg_maindiag_code="I10.x00")).row["diag_code"] == "I10.x00"


def test_missing_funds_are_zero_only_if_the_total_leaves_nothing_for_them():
    assert not to_exchange_row(full(cvlserv_pay="", hifes_pay=None)).faults
    made = to_exchange_row(full(hifmi_pay=""))
    assert [f.column for f in made.faults] == ["hifmi_pay"]
    assert [f.column for f in to_exchange_row(full(hifes_pay="", fund_pay_sumamt="")).faults] == ["hifes_pay"]
    assert not to_exchange_row(READ["S08"], defaults=DEFAULTS, generate_ids=True).faults


@pytest.mark.parametrize("name", ["inscp_scp_amt", "hifp_pay", "medfee_sumamt"])
def test_an_amount_that_cannot_be_read_is_told_once_and_not_as_missing(name):
    assert codes(to_exchange_row(full(**{name: "12.345", "fund_pay_sumamt": ""})).faults) == ["E-NATIONAL-AMOUNT"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"medfee_sumamt": "1000.01"}, "E-NATIONAL-SPLIT"),
        ({"hifp_pay": "-1"}, "E-NATIONAL-SIGNS"),
        ({"begndate": "2024-01-10"}, "E-NATIONAL-DATES"),
        ({"begndate": "10/01/2024"}, "E-NATIONAL-TIME"),
        ({"setl_time": "2024-01-10"}, "E-NATIONAL-TIME"),
        ({"pay_loc": "3"}, "E-NATIONAL-REFERRAL"),
        ({"hifp_pay": "1e2"}, "E-NATIONAL-AMOUNT"),
        ({"exp_content": '{"tuodi": {"supp_pay": "x"}}'}, "E-NATIONAL-KEPT"),
        ({"exp_content": '{"tuodi": {"supp_pay": 1}}'}, None),
        ({"exp_content": '{"tuodi": []}'}, "E-NATIONAL-KEPT"),
        ({"exp_content": "门诊统筹余额 300"}, None),
    ],
)
def test_a_doubtful_record_is_a_fault(changes, code):
    found = codes(to_exchange_row(full(**changes)).faults)
    assert (code in found) if code else not found


def test_care_outside_the_province_needs_to_be_told_whether_it_was_filed():
    row = to_exchange_row(full(pay_loc="4"), defaults={"refer_stas": "filed"}).row
    assert (row["out_prov"], row["refer_stas"], row["x_default"]) == ("1", "filed", "refer_stas")


def test_pharmacy_and_level_codes_are_kept():
    row = to_exchange_row(full(med_type="41", hosp_lv="9")).row
    assert (row["med_type"], row["hosp_lv"]) == ("41", "09")


def test_a_cancel_response_becomes_a_cancelling_row_with_positive_amounts():
    made = to_exchange_row(READ["S03"], defaults=DEFAULTS, generate_ids=True)
    assert not made.faults
    assert (made.row["refd_setl_flag"], made.row["medfee_sumamt"], made.row["hifob_pay"]) == (
        "1",
        "3379.26",
        "2039.39",
    )


# --- and back ---

FEN = st.integers(0, 10**9)


@st.composite
def rows(draw):
    """Exchange rows that hold together: four parts, payments that do not exceed the bill."""
    parts = [draw(FEN) for _ in range(4)]
    left = sum(parts)
    row = dict.fromkeys(COLUMNS, "")
    for name in ("hifp_pay", "cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "oth_pay", "maf_pay"):
        paid = draw(st.integers(0, left))
        left -= paid
        row[name] = yuan(paid)
    for name in ("supp_pay", "relief_amt", "later_aid_amt"):
        row[name] = yuan(draw(FEN))
    names = ("medfee_sumamt", "fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt")
    row |= dict(zip(names, (yuan(sum(parts)), *map(yuan, parts)), strict=True))
    text = st.text("AZaz09._中", min_size=1, max_size=12)
    row |= {name: draw(text) for name in ("setl_id", "psn_no", "fixmedins_code", "diag_code")}
    row |= {"begndate": "2023-12-30", "enddate": "2024-01-02", "setl_time": "2024-02-01 08:30:00"}
    row["med_type"] = draw(st.sampled_from(["21", "2101", "14", "140104", "41", "52", "9901"]))
    row["refer_stas"] = draw(st.sampled_from(sorted(REFERRALS)))
    row["cause"] = draw(st.sampled_from(sorted(CAUSES)))
    row["disease_class"] = draw(st.sampled_from(["", *sorted(DISEASE_CLASSES)]))
    row["out_prov"] = draw(st.sampled_from(["0", "1"]))
    row["refd_setl_flag"] = draw(st.sampled_from(["0", "0", "1"]))
    row["hosp_lv"] = draw(st.sampled_from(["", "02", "05", "11"]))
    row |= {name: draw(st.one_of(st.just(""), text)) for name in ("household", "standard_area", "certno", "x_note")}
    row["brdy"] = draw(st.sampled_from(["", "1950-02-28"]))
    if draw(st.booleans()):
        row["x_hosp_part_amt"] = yuan(draw(st.integers(0, min(left, fen_from_yuan(row["relief_amt"])))))
    return row, draw(st.integers(0, left - fen_from_yuan(row.get("x_hosp_part_amt", "0"))))


@settings(max_examples=300, deadline=None)
@given(rows())
def test_a_row_comes_back_unchanged_and_the_identities_hold_on_the_way(case):
    row, ours = case
    record = from_exchange_row(row, assistance_fen=ours, setl_proc_info="救助 70%", known={"insutype": "310"})
    assert [check.status for check in check_identities(record)] == [HOLDS] * 5 + [CANNOT]
    over_the_wire = only(json.dumps(document(record), ensure_ascii=False))
    assert check_identities(over_the_wire) == check_identities(record)
    made = to_exchange_row(over_the_wire)
    assert not made.faults
    back = {name: made.row.get(name, "") for name in row}
    for name in AMOUNT_FIELDS:
        assert fen_from_yuan(back[name]) == fen_from_yuan(row[name]), name
    if fen_from_yuan(row.get("x_hosp_part_amt", "0")) == 0:
        row["x_hosp_part_amt"] = back["x_hosp_part_amt"] = ""
    assert back == row


def row_of(**changes) -> dict[str, str]:
    return to_exchange_row(full()).row | changes


def test_assistance_is_one_row_and_one_sum_because_hospitals_keep_the_last_row():
    record = from_exchange_row(row_of(), assistance_fen=10_000, setl_proc_info="特困 100%")
    assert record.amounts["maf_pay"] == 13_000
    (row,) = [d for d in record.detail if d.texts["fund_pay_type"] == "610101"]
    assert (row.amounts["fund_payamt"], row.texts["setl_proc_info"]) == (13_000, "特困 100%")
    assert record.amounts["psn_cash_pay"] == 26_500 - 6_500
    assert {d.texts["fund_pay_type"] for d in record.detail} == {
        "390101",
        "390201",
        "999997",
        "610101",
        "310201",
    }
    employee = from_exchange_row(row_of(x_insutype="310"))
    assert employee.detail[0].texts["fund_pay_type"] == "310101"


def test_a_refusal_is_told_in_the_assistance_row_with_nothing_paid():
    record = from_exchange_row(row_of(maf_pay="0.00"), setl_proc_info="低于起付线")
    assert [d.amounts["fund_payamt"] for d in record.detail if d.texts["fund_pay_type"] == "610101"] == [0]


def test_supplementary_insurance_and_relief_reduce_only_what_is_left_to_collect():
    record = from_exchange_row(row_of(supp_pay="100", relief_amt="50"))
    assert record.amounts["psn_cash_pay"] == 30_000
    assert json.loads(record.text("exp_content"))["tuodi"]["cash_due"] == "150.00"


def test_a_faulty_row_raises_all_its_faults():
    with pytest.raises(InputErrors) as caught:
        from_exchange_row(row_of(psn_no="", hifmi_pay="-1", setl_time="x", hifp_pay="1.001", inscp_scp_amt=""))
    assert sorted(codes(caught.value.faults)) == [
        "E-NATIONAL-AMOUNT", "E-NATIONAL-LACKS", "E-NATIONAL-NEGATIVE", "E-NATIONAL-NO-AMOUNT", "E-NATIONAL-TIME",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "more", "code"),
    [
        ({}, {"assistance_fen": 50_000}, "E-NATIONAL-OVERPAID"),
        ({"inscp_scp_amt": "1"}, {}, "E-NATIONAL-SPLIT"),
        ({"x_note": "长" * 4000}, {}, "E-NATIONAL-LONG"),
        ({}, {"setl_proc_info": "长" * 4001}, "E-NATIONAL-LONG"),
    ],
)
def test_what_cannot_be_a_national_record_is_refused(changes, more, code):
    with pytest.raises(InputErrors) as caught:
        from_exchange_row(row_of(**changes), **more)
    assert code in codes(caught.value.faults)


# --- files ---


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_samples_convert_to_csv_and_back_and_to_csv_again(tmp_path):
    first, middle, second = tmp_path / "a.csv", tmp_path / "b.json", tmp_path / "c.csv"
    report = convert(SAMPLES, first, defaults=DEFAULTS, generate_ids=True, keep_going=True)
    assert (report.read, report.written, report.cancelling, len(report.passed_over)) == (16, 8, 2, 5)
    assert [(key, check.identity) for key, check in report.failed_checks] == [
        ("S07", "I5"), ("S08", "I5"), ("S08", "I6"), ("S09", "I3"),
    ]  # fmt: skip
    assert any("S09" in line and "恒等式不成立" in line for line in report.lines())
    assert convert(first, middle, assistance={"DEMO-S-S07": 12_300}).written == 8
    convert(middle, second)
    assert second.read_bytes() == first.read_bytes()


def test_amounts_are_written_as_exact_numbers(tmp_path):
    convert(SAMPLES, tmp_path / "a.csv", defaults=DEFAULTS, generate_ids=True, keep_going=True)
    convert(tmp_path / "a.csv", tmp_path / "b.json")
    assert '"medfee_sumamt":23442.46,' in (tmp_path / "b.json").read_text(encoding="utf-8")


def test_one_fault_leaves_nothing_behind(tmp_path):
    target = tmp_path / "a.csv"
    target.write_text("before")
    with pytest.raises(InputErrors):
        convert(SAMPLES, target, defaults=DEFAULTS, generate_ids=True)
    assert [p.name for p in tmp_path.iterdir()] == ["a.csv"]
    assert target.read_text() == "before"


NEGATIVE = {name: "-" + text for name, text in {"medfee_sumamt": "1000", "fulamt_ownpay_amt": "50", "preselfpay_amt": "50", "inscp_scp_amt": "900", "hifp_pay": "500", "hifmi_pay": "100", "maf_pay": "30", "oth_pay": "5", "fund_pay_sumamt": "635", "psn_cash_pay": "300", "acct_pay": "65"}.items()}  # fmt: skip


@pytest.mark.parametrize(
    "cancel",
    [{"setl_id": "S2", "mdtrt_id": "M1"}, {"setl_id": "S2", "init_setl_id": "S1"}, {"setl_id": "S1"}],
)
def test_a_cancel_response_finds_the_settlement_it_takes_back(tmp_path, cancel):
    original = document(full(mdtrt_id="M1"))
    response = {
        "setlinfo": NEGATIVE | cancel | {"overlmt_selfpay": 0, "cvlserv_pay": 0, "hifes_pay": 0, "hifob_pay": 0}
    }
    response["setlinfo"]["setl_time"] = "2024-02-01 09:00:00"
    (tmp_path / "a.json").write_text(json.dumps([original, response]))
    report = convert(tmp_path / "a.json", tmp_path / "a.csv")
    first, second = read_csv(tmp_path / "a.csv")
    assert (report.cancelling, second["setl_id"], second["refd_setl_flag"]) == (1, "S1", "1")
    assert (second["psn_no"], second["setl_time"]) == (first["psn_no"], "2024-02-01 09:00:00")
    assert second["medfee_sumamt"] == first["medfee_sumamt"]
    convert(tmp_path / "a.csv", tmp_path / "b.json")
    again = read_records((tmp_path / "b.json").read_text(encoding="utf-8")).records
    assert again[1].amounts == {name: -fen for name, fen in again[0].amounts.items()}


def test_an_original_marked_as_refunded_without_its_negative_is_cancelled_too(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(document(full(refd_setl_flag="1"))))
    report = convert(tmp_path / "a.json", tmp_path / "a.csv")
    assert [row["refd_setl_flag"] for row in read_csv(tmp_path / "a.csv")] == ["0", "1"]
    assert "补写一行撤销" in report.notes[0]


def test_a_cancelling_row_without_amounts_takes_those_of_its_original(tmp_path):
    row = row_of()
    cancel = {name: row[name] for name in ("setl_id", "psn_no")} | {
        "refd_setl_flag": "1",
        "setl_time": "2024-03-01 00:00:00",
    }
    with (tmp_path / "a.csv").open("w", encoding="gb18030", newline="") as handle:
        writer = csv.DictWriter(handle, [*COLUMNS, "x_注"], restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows([row | {"x_注": "国标编码"}, cancel])
    report = convert(tmp_path / "a.csv", tmp_path / "b.json")
    assert (report.written, report.cancelling) == (2, 1)
    record = read_records((tmp_path / "b.json").read_text(encoding="utf-8")).records[1]
    assert (record.amounts["medfee_sumamt"], record.text("setl_time")) == (-100_000, "2024-03-01 00:00:00")


def test_parquet_in_both_money_forms_and_typed_days(tmp_path):
    row = row_of()
    columns = {name: [row[name]] for name in COLUMNS if name not in AMOUNT_FIELDS}
    table = {f"{name}_fen": pa.array([fen_from_yuan(row[name])]) for name in AMOUNT_FIELDS}
    pq.write_table(pa.table(columns | table), tmp_path / "a.parquet")
    strings = pa.table({name: [row[name]] for name in COLUMNS})
    typed = strings.set_column(4, "begndate", strings["begndate"].cast(pa.date32()))
    at = typed.schema.get_field_index("setl_time")
    typed = typed.set_column(at, "setl_time", typed["setl_time"].cast(pa.timestamp("s")))
    at = typed.schema.get_field_index("hifp_pay")
    typed = typed.set_column(at, "hifp_pay", typed["hifp_pay"].cast(pa.decimal128(18, 2)))
    pq.write_table(typed, tmp_path / "b.parquet")
    for name in ("a", "b"):
        convert(tmp_path / f"{name}.parquet", tmp_path / f"{name}.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def lines_of(tmp_path: Path, text: str) -> list[str]:
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputErrors) as caught:
        convert(tmp_path / "a.csv", tmp_path / "b.json")
    assert not (tmp_path / "b.json").exists()
    return codes(caught.value.faults)


def test_broken_tables_are_told_plainly(tmp_path):
    header = ",".join(COLUMNS)
    assert "E-CONVERT-NO-COLUMN" in lines_of(tmp_path, "setl_id\n1\n")
    assert "E-CONVERT-COLUMN" in lines_of(tmp_path, header + ",colour\n")
    assert "E-CONVERT-COLUMN" in lines_of(tmp_path, header + ",setl_id\n")
    assert lines_of(tmp_path, header + "\n1,2\n") == ["E-CONVERT-CELLS"]
    assert lines_of(tmp_path, header + '\n"1"2,\n') == ["E-CONVERT-FILE"]


@pytest.mark.parametrize(
    ("source", "target", "code"),
    [
        ("a.json", "b.json", "E-CONVERT-DIRECTION"),
        ("a.csv", "b.csv", "E-CONVERT-DIRECTION"),
        ("a.txt", "b.json", "E-CONVERT-DIRECTION"),
        ("a.json", "b.parquet", "E-CONVERT-DIRECTION"),
        ("absent.json", "b.csv", "E-CONVERT-FILE"),
        ("broken.parquet", "b.json", "E-CONVERT-FILE"),
    ],
)
def test_files_that_cannot_be_converted(tmp_path, source, target, code):
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(InputErrors) as caught:
        convert(tmp_path / source, tmp_path / target)
    assert codes(caught.value.faults) == [code]

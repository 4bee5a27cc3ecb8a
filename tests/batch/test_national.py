"""National settlement records as they arrive: real de-identified samples, odd spellings, wrappings, what is no record."""

from __future__ import annotations

import json

import pytest
from national_samples import READ, SAMPLES, codes, only

from tuodi.batch.national import (
    CANNOT,
    FAILS,
    HOLDS,
    check_identities,
    read_records,
)
from tuodi.batch.national_records import fen_from_wire

RAW = {item["key"]: item for item in json.loads(SAMPLES.read_text(encoding="utf-8"), parse_float=str)["records"]}
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

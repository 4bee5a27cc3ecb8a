"""A national settlement record to an exchange row and back, without losing a fen."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from national_samples import DEFAULTS, READ, codes, full, only, row_of

from tuodi.batch.national import (
    CANNOT,
    HOLDS,
    check_identities,
    document,
    from_exchange_row,
    to_exchange_row,
)
from tuodi.batch.national_rows import COLUMNS
from tuodi.core.errors import InputErrors
from tuodi.core.money import fen_from_yuan, yuan
from tuodi.core.settlements import AMOUNT_FIELDS, CAUSES, DISEASE_CLASSES, REFERRALS

# --- to exchange rows ---


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

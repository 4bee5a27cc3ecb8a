"""Cells: what is good, what is not and why, and that the quick check and the explanation agree."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuodi.batch import faults
from tuodi.batch.citizen import citizen_id_fault, is_citizen_id, mask
from tuodi.batch.columns import ENTRIES, IDENTITIES, INSTITUTIONS, SCHEMAS, SETTLEMENTS, Column
from tuodi.batch.diagnosis import shown, why_bad
from tuodi.batch.values import normalised_types, parsed
from tuodi.core.errors import CATALOGUE, fault
from tuodi.core.money import fen_from_yuan, yuan

AMOUNT = SETTLEMENTS.column("medfee_sumamt")
OPTIONAL_AMOUNT = SETTLEMENTS.column("hifp_pay")
SIGNED_AMOUNT = ENTRIES.column("pay")

#: column, cell, code
BAD_CELLS = [
    ("setl_id", "", faults.VALUE_EMPTY),
    ("psn_no", "P 1", faults.VALUE_ID),
    ("psn_no", " P1", faults.VALUE_ID),
    ("psn_no", "'3209", faults.VALUE_ID),
    ("psn_no", "Ｐ1", faults.VALUE_ID),
    ("psn_no", "5.3018119900101E+17", faults.VALUE_ID_EXCEL),
    ("fixmedins_code", "3.2e+05", faults.VALUE_ID_EXCEL),
    ("med_type", "", faults.VALUE_EMPTY),
    ("med_type", "20", faults.VALUE_MED_TYPE),
    ("med_type", "211", faults.VALUE_MED_TYPE),
    ("med_type", "住院", faults.VALUE_MED_TYPE),
    ("begndate", "", faults.VALUE_EMPTY),
    ("begndate", "2026/3/5", faults.DAY_FORMAT),
    ("begndate", "2026-3-05", faults.DAY_FORMAT),
    ("begndate", "+2026-3-05", faults.DAY_FORMAT),
    ("begndate", " 026-03-05", faults.DAY_FORMAT),
    ("begndate", "20260-1-01", faults.DAY_FORMAT),
    ("begndate", "2026-03-05 00:00:00", faults.DAY_FORMAT),
    ("begndate", "２０２６-03-05", faults.DAY_FORMAT),
    ("enddate", "2023-02-30", faults.DAY_REAL),
    ("enddate", "2023-02-29", faults.DAY_REAL),
    ("enddate", "0000-01-01", faults.DAY_REAL),
    ("enddate", "0202-03-05", faults.DAY_RANGE),
    ("brdy", "1899-12-31", faults.DAY_RANGE),
    ("setl_time", "2026-03-05", faults.INSTANT_FORMAT),
    ("setl_time", "2026-03-05T10:00:00", faults.INSTANT_FORMAT),
    ("setl_time", "2026-03-05 9:00:00", faults.INSTANT_FORMAT),
    ("setl_time", "2026-03-05 10:00:00.5", faults.INSTANT_FORMAT),
    ("setl_time", "2026-03-05 24:00:00", faults.INSTANT_REAL),
    ("setl_time", "2026-03-05 10:59:60", faults.INSTANT_REAL),
    ("setl_time", "2026-02-29 10:00:00", faults.INSTANT_REAL),
    ("setl_time", "1026-02-28 10:00:00", faults.DAY_RANGE),
    ("diag_code", "肺癌", faults.VALUE_DIAGNOSIS),
    ("diag_code", "c34.9", faults.VALUE_DIAGNOSIS),
    ("diag_code", "C3", faults.VALUE_DIAGNOSIS),
    ("disease_class", "Major", faults.VALUE_CODE),
    ("refer_stas", "1", faults.VALUE_CODE),
    ("cause", "打架", faults.VALUE_CODE),
    ("hosp_lv", "12", faults.VALUE_CODE),
    ("hosp_lv", "三级", faults.VALUE_CODE),
    ("out_prov", "是", faults.VALUE_FLAG),
    ("refd_setl_flag", "true", faults.VALUE_FLAG),
    ("medfee_sumamt", "", faults.VALUE_EMPTY),
    ("medfee_sumamt", "12.345", faults.AMOUNT_DECIMALS),
    ("medfee_sumamt", "12.340", faults.AMOUNT_DECIMALS),
    ("medfee_sumamt", "１２.５", faults.AMOUNT_WIDTH),
    ("medfee_sumamt", "12．50", faults.AMOUNT_WIDTH),
    ("medfee_sumamt", "￥12", faults.AMOUNT_WIDTH),
    ("medfee_sumamt", "1,234.50", faults.AMOUNT_COMMA),
    ("medfee_sumamt", "-0.01", faults.AMOUNT_NEGATIVE),
    ("hifp_pay", "-12", faults.AMOUNT_NEGATIVE),
    ("hifp_pay", "1.2E+04", faults.AMOUNT_EXPONENT),
    ("hifp_pay", "12e3", faults.AMOUNT_EXPONENT),
    ("hifp_pay", "12 .5", faults.AMOUNT_SPACE),
    ("hifp_pay", " 12", faults.AMOUNT_SPACE),
    ("hifp_pay", "12\u3000", faults.AMOUNT_SPACE),
    ("hifp_pay", "1000000000", faults.AMOUNT_SIZE),
    ("hifp_pay", "+5", faults.AMOUNT_TEXT),
    ("hifp_pay", ".5", faults.AMOUNT_TEXT),
    ("hifp_pay", "5.", faults.AMOUNT_TEXT),
    ("hifp_pay", "12元", faults.AMOUNT_TEXT),
    ("hifp_pay", "NULL", faults.AMOUNT_TEXT),
    ("hifp_pay", "1.2.3", faults.AMOUNT_TEXT),
    ("certno", "12345", faults.CERT_FORM),
    ("certno", "320902490101123", faults.CERT_FORM),
    ("certno", "999999194902300028", faults.CERT_DATE),
    ("certno", "999999174912310028", faults.CERT_DATE),
    ("certno", "999999194912310029", faults.CERT_DIGIT),
    ("standard_area", "盐\ufffd", faults.FILE_BYTES),
]
GOOD_CELLS = [
    ("setl_id", "S-1_2.3:4/5#6|(7)@8", "S-1_2.3:4/5#6|(7)@8"),
    ("psn_no", "盐城123", "盐城123"),
    ("med_type", "2101", "2101"),
    ("med_type", "210102", "210102"),
    ("begndate", "2024-02-29", date(2024, 2, 29)),
    ("brdy", "", None),
    ("setl_time", "2026-03-05 23:59:59", datetime(2026, 3, 5, 23, 59, 59)),
    ("diag_code", "I10", "I10"),
    ("diag_code", "I10.x00x002", "I10.x00x002"),
    ("diag_code", "A17.001+G01*", "A17.001+G01*"),
    ("disease_class", "", ""),
    ("refer_stas", "", "local"),
    ("hosp_lv", "3", "03"),
    ("hosp_lv", "11", "11"),
    ("hosp_lv", "", ""),
    ("out_prov", "", False),
    ("out_prov", "1", True),
    ("medfee_sumamt", "0", 0),
    ("medfee_sumamt", "007.5", 750),
    ("medfee_sumamt", "999999999.99", 99999999999),
    ("hifp_pay", "", 0),
    ("certno", "99999919491231002X", None),
    ("certno", "", ""),
]


def read(column: Column, *cells: str) -> tuple[list[object], list[bool]]:
    """Return what a column of text says, None where it is bad, and where that is."""
    frame = pl.DataFrame({column.name: pl.Series(cells, dtype=pl.String)})
    expressions = parsed(column, pl.String())
    bad = frame.with_columns(bad=expressions.bad)["bad"]
    value = frame.select(pl.when(~bad).then(expressions.value)).to_series()
    return value.to_list(), bad.to_list()


@pytest.mark.parametrize(("name", "cell", "code"), BAD_CELLS)
def test_a_bad_cell_is_found_and_its_cause_is_named(name: str, cell: str, code: str) -> None:
    column = SETTLEMENTS.column(name)
    if code != faults.FILE_BYTES:  # damage is looked for in whole files
        assert read(column, cell)[1] == [True]
    why = why_bad(column, cell, encoding="UTF-8")
    assert why.code == code
    assert fault(why.code, **why.words).message


@pytest.mark.parametrize(("name", "cell", "value"), GOOD_CELLS)
def test_a_good_cell_says_what_it_should(name: str, cell: str, value: object) -> None:
    values, bad = read(SETTLEMENTS.column(name), cell)
    if name == "certno" and cell:
        assert bad == [citizen_id_fault(cell) is not None]
    else:
        assert (values, bad) == ([value], [False])


def test_a_flag_that_is_on_unless_said_otherwise() -> None:
    column = INSTITUTIONS.column("insurance_designated")
    assert read(column, "", "0", "1") == ([True, False, True], [False] * 3)


def test_entries_may_take_money_back() -> None:
    assert read(SIGNED_AMOUNT, "-12.5", "12.5", "-0") == ([-1250, 1250, 0], [False] * 3)
    assert why_bad(SIGNED_AMOUNT, "-12.555", encoding="UTF-8").code == faults.AMOUNT_DECIMALS
    assert why_bad(SIGNED_AMOUNT, "--1", encoding="UTF-8").code == faults.AMOUNT_TEXT


@given(st.lists(st.integers(0, 10**11 - 1), min_size=1))
def test_amounts_come_back_as_they_were_written(amounts: list[int]) -> None:
    assert read(AMOUNT, *map(yuan, amounts)) == (amounts, [False] * len(amounts))


@given(st.lists(st.text("0123456789.,-+eE １。 元", max_size=18), min_size=1))
@settings(max_examples=200)
def test_the_quick_amount_is_the_exact_one_or_bad(cells: list[str]) -> None:
    values, bad = read(OPTIONAL_AMOUNT, *cells)
    for cell, value, is_bad in zip(cells, values, bad, strict=True):
        try:
            exact = fen_from_yuan(cell) if cell.isascii() and "-" not in cell else None
        except ValueError:
            exact = None
        if cell == "":
            exact = 0
        assert is_bad == (exact is None)
        assert is_bad or value == exact
        if is_bad:
            assert why_bad(OPTIONAL_AMOUNT, cell, encoding="UTF-8").code.startswith("E-AMOUNT")


@settings(max_examples=20)
@given(st.lists(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\ufffd"), max_size=20), min_size=1))
def test_every_cell_that_is_bad_has_a_reason(cells: list[str]) -> None:
    for schema in SCHEMAS.values():
        for column in schema.columns:
            for cell, is_bad in zip(cells, read(column, *cells)[1], strict=True):
                if is_bad:
                    why = why_bad(column, cell, encoding="UTF-8")
                    assert fault(why.code, **why.words).message


@given(st.dates(date(1900, 1, 1), date(9999, 12, 31)))
def test_days_come_back_as_they_were_written(day: date) -> None:
    assert read(IDENTITIES.column("begin"), day.isoformat()) == ([day], [False])


@given(st.lists(st.text("0123456789X", min_size=17, max_size=19) | st.just("99999919491231002X"), min_size=1))
def test_the_quick_check_of_citizen_numbers_is_the_plain_one(cells: list[str]) -> None:
    quick = pl.DataFrame({"n": cells}).select(is_citizen_id(pl.col("n"))).to_series().to_list()
    assert quick == [citizen_id_fault(cell) is None for cell in cells]


@given(st.integers(10**16, 10**17 - 1))
def test_one_check_digit_in_eleven_is_right(number: int) -> None:
    stem = f"999999{19000101 + number % 28}{number % 1000:03d}"
    found = [citizen_id_fault(stem + digit) for digit in "0123456789X"]
    assert sorted(map(str, found)) == ["E-CERT-DIGIT"] * 10 + ["None"]


def test_a_citizen_number_is_never_shown_whole() -> None:
    assert shown(SETTLEMENTS.column("certno"), "999999194912310029") == "9999**********0029"
    assert shown(SETTLEMENTS.column("psn_no"), "号999999194912310029 ") == "号9999**********0029 "
    assert shown(SETTLEMENTS.column("psn_no"), "32091000000000026148") == "32091000000000026148"
    assert mask("1234") == "****"


def test_a_long_cell_is_shown_short() -> None:
    assert shown(SETTLEMENTS.column("diag_code"), "病\n" * 500) == "病⏎" * 30 + "…"


def test_every_fault_of_reading_says_what_to_do() -> None:
    declared = [code for name, code in vars(faults).items() if name.isupper() and isinstance(code, str)]
    assert len(declared) > 40
    assert all(CATALOGUE[code][1] for code in declared)


def test_a_column_is_found_by_its_name() -> None:
    assert SETTLEMENTS.column("psn_no").title == "人员编号"
    with pytest.raises(KeyError):
        SETTLEMENTS.column("row")


def test_normalised_types_end_with_the_row() -> None:
    types = normalised_types(SETTLEMENTS)
    assert list(types)[-1] == "row"
    assert types["medfee_sumamt"] == pl.Int64
    assert types["setl_time"] == pl.Datetime("us")

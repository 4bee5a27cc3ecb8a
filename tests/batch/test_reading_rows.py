"""Whole rows and whole files: sums, days in order, overlaps, bad rows that come back corrected."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from exchange_samples import CERTNO, IDENTITY, INSTITUTION, SETTLEMENT, csv_text, settlements, written
from hypothesis import given, settings
from hypothesis import strategies as st

from tuodi.batch import checks, faults, reading
from tuodi.batch.columns import IDENTITIES, INSTITUTIONS, SETTLEMENTS, Schema
from tuodi.batch.reading import open_table, read_all, write_bad
from tuodi.batch.whole_file import identity_faults
from tuodi.core.errors import InputErrors


def codes(path: Path, schema: Schema) -> list[tuple[str, int, str]]:
    """Return code, line and column of every fault of a file."""
    return [(one.code, one.line, one.column) for one in read_all(path, schema, keep_going=True)[1]]


@pytest.mark.parametrize(
    ("change", "code", "column"),
    [
        ({"medfee_sumamt": "100.01"}, faults.SETL_SUM, "medfee_sumamt"),
        ({"begndate": "2026-03-10", "setl_time": "2026-03-10 00:00:00"}, faults.SETL_DATES, "enddate"),
        ({"setl_time": "2026-03-04 23:59:59"}, faults.SETL_TIME, "setl_time"),
    ],
)
def test_a_row_must_agree_with_itself(tmp_path: Path, change: dict[str, str], code: str, column: str) -> None:
    assert codes(written(tmp_path, csv_text(settlements({}, change))), SETTLEMENTS) == [(code, 3, column)]


def test_the_sentences_name_the_values(tmp_path: Path) -> None:
    change = {"begndate": "2026-03-19", "medfee_sumamt": "99", "setl_time": "2026-03-01 00:00:00"}
    _, found, bad = read_all(written(tmp_path, csv_text(settlements(change))), SETTLEMENTS, keep_going=True)
    assert [one.message for one in found] == [
        "医疗费总额 99.00 元不等于四项之和 100.00 元（全自费 10.00、超限价 20.50、先行自付 29.50、符合范围 40.00），"
        "相差 1.00 元。请核对医保结算单的五个金额。",
        "出院日期 2026-03-09 早于入院日期 2026-03-19。请核对医院回传的两个日期。",
        "结算时间 2026-03-01 00:00:00 早于入院（就诊）日期 2026-03-19。请核对结算时间和入院日期，看是否填反了年份或月份。",
    ]
    assert bad["x_error"][0].count("；") == 2
    assert bad["x_error"][0].startswith("medfee_sumamt：医疗费总额 99.00 元")


def test_one_wrong_cell_is_one_fault(tmp_path: Path) -> None:
    change = {"inscp_scp_amt": "4O", "enddate": "2026-02-30"}
    assert codes(written(tmp_path, csv_text(settlements(change))), SETTLEMENTS) == [
        (faults.DAY_REAL, 2, "enddate"),
        (faults.AMOUNT_TEXT, 2, "inscp_scp_amt"),
    ]


def test_a_settlement_during_the_stay_is_no_fault(tmp_path: Path) -> None:
    assert codes(written(tmp_path, csv_text(settlements({"setl_time": "2026-03-05 00:00:00"}))), SETTLEMENTS) == []


def test_of_a_cancelling_row_only_what_is_needed_is_asked(tmp_path: Path) -> None:
    bare = dict.fromkeys(SETTLEMENT, "") | {"setl_id": "S1", "psn_no": "P1", "refd_setl_flag": "1"}
    path = written(tmp_path, csv_text([SETTLEMENT, bare | {"medfee_sumamt": "-100.00", "hifp_pay": "?"}]))
    frame, found, _ = read_all(path, SETTLEMENTS)
    assert found == []
    said = frame.row(1, named=True)
    assert (said["medfee_sumamt"], said["hifp_pay"], said["begndate"], said["setl_time"]) == (
        0,
        0,
        None,
        None,
    )
    assert (said["med_type"], said["refer_stas"], said["refd_setl_flag"]) == ("", "local", True)


def test_what_a_cancelling_row_does_say_must_be_right(tmp_path: Path) -> None:
    cancels = SETTLEMENT | {"refd_setl_flag": "1"}
    rows = [
        SETTLEMENT,
        cancels | {"psn_no": ""},
        cancels | {"enddate": "x"},
        SETTLEMENT | {"refd_setl_flag": "2"},
    ]
    assert codes(written(tmp_path, csv_text(rows)), SETTLEMENTS)[:3] == [
        (faults.VALUE_EMPTY, 3, "psn_no"),
        (faults.DAY_FORMAT, 4, "enddate"),
        (faults.SETL_CANCEL_REPEATED, 4, "setl_id"),
    ]


def test_an_identity_may_not_end_before_it_begins(tmp_path: Path) -> None:
    rows = [IDENTITY | {"end": "2025-12-31"}, IDENTITY | {"psn_no": "P2", "end": "2026-01-01"}]
    path = written(tmp_path, csv_text(rows))
    assert codes(path, IDENTITIES) == [(faults.ID_PERIOD, 2, "end")]
    assert "低保对象" in read_all(path, IDENTITIES, keep_going=True)[1][0].message


def test_applied_after_certified_is_no_fault(tmp_path: Path) -> None:
    row = IDENTITY | {"certified_on": "2026-01-01", "applied_on": "2026-02-01"}
    assert codes(written(tmp_path, csv_text([row])), IDENTITIES) == []


def test_periods_of_one_identity_may_not_overlap(tmp_path: Path) -> None:
    rows = [
        IDENTITY | {"begin": "2026-06-01"},
        IDENTITY | {"psn_no": "P2"},
        IDENTITY | {"identity": "orphan"},
        IDENTITY | {"begin": "2026-01-01", "end": "2026-06-01", "issuer": "民政局"},
        IDENTITY | {"begin": "2025-01-01", "end": "2025-12-31"},
    ]
    frame, found, bad = read_all(written(tmp_path, csv_text(rows)), IDENTITIES, keep_going=True)
    assert [(one.code, one.line) for one in found] == [(faults.ID_OVERLAP, 5)]
    assert "第 2 行和第 5 行是同一个人的低保对象" in found[0].message
    assert "（2026-06-01 至 长期 与 2026-01-01 至 2026-06-01）" in found[0].message
    assert "P1" not in str(found[0])
    assert frame["row"].to_list() == [3, 4, 6]
    assert bad.columns[0] == "x_error"
    assert bad["begin"].to_list() == ["2026-06-01", "2026-01-01"]
    assert all("日期重叠" in text for text in bad["x_error"])


def test_equal_records_are_duplicates(tmp_path: Path) -> None:
    rows = [IDENTITY, IDENTITY | {"psn_no": "P2"}, IDENTITY, IDENTITY]
    frame, found, bad = read_all(written(tmp_path, csv_text(rows)), IDENTITIES, keep_going=True)
    assert [(one.code, one.line, dict(one.fields)) for one in found] == [
        (faults.ID_DUPLICATE, 4, {"first": "2"}),
        (faults.ID_DUPLICATE, 5, {"first": "2"}),
    ]
    assert frame["row"].to_list() == [2, 3]
    assert bad.height == 2


SPAN = st.tuples(
    st.sampled_from("AB"),
    st.sampled_from(["dibao", "orphan"]),
    st.sampled_from(["", "B"]),
    st.integers(0, 30),
    st.integers(0, 9),
)


@given(st.lists(SPAN, max_size=12, unique=True))
@settings(deadline=None, max_examples=60)
def test_overlaps_are_found_exactly_where_they_are(spans: list[tuple[str, str, str, int, int]]) -> None:
    first = date(2026, 1, 1)
    frame = pl.DataFrame(
        [
            {
                "psn_no": person,
                "identity": identity,
                "recorded_under": under,
                "begin": first + timedelta(begin),
                "end": first + timedelta(begin + length) if length else None,
                "row": row,
            }
            for row, (person, identity, under, begin, length) in enumerate(spans, 2)
        ],
        schema={
            "psn_no": pl.String,
            "identity": pl.String,
            "recorded_under": pl.String,
            "begin": pl.Date,
            "end": pl.Date,
            "row": pl.Int64,
        },
    )
    found = {line for late in identity_faults(frame, [], "") for line in late.lines}
    said = {line: (one[:3], one[3], one[3] + one[4] if one[4] else 999) for line, one in enumerate(spans, 2)}
    overlapping = {
        line
        for line, (key, begin, end) in said.items()
        for other, (other_key, other_begin, other_end) in said.items()
        if line != other and key == other_key and begin <= other_end and other_begin <= end
    }
    assert found == overlapping


def test_an_institution_stands_once(tmp_path: Path) -> None:
    rows = [INSTITUTION, {"fixmedins_code": "H2"}, INSTITUTION | {"hosp_lv": "03"}]
    path = written(tmp_path, csv_text(rows))
    assert codes(path, INSTITUTIONS) == [(faults.INST_REPEATED, 4, "fixmedins_code")]
    assert read_all(path, INSTITUTIONS, keep_going=True)[0].height == 2


def test_a_suspension_may_not_end_before_it_begins(tmp_path: Path) -> None:
    row = INSTITUTION | {"suspended_from": "2026-02-01", "suspended_to": "2026-01-31"}
    assert codes(written(tmp_path, csv_text([row])), INSTITUTIONS) == [(faults.INST_PERIOD, 2, "suspended_to")]


def test_reading_all_of_settlements_looks_at_their_ids(tmp_path: Path) -> None:
    rows = settlements({"setl_id": "S1"}, {"setl_id": "S1"}, {"setl_id": "S1", "medfee_sumamt": "1"})
    frame, found, bad = read_all(written(tmp_path, csv_text(rows)), SETTLEMENTS, keep_going=True)
    assert [(one.code, one.line) for one in found] == [
        (faults.SETL_REPEATED, 3),
        (faults.SETL_SUM, 4),
        (faults.SETL_REPEATED, 4),
    ]
    assert frame["row"].to_list() == [2]
    assert "在第 2 行已经有了" in bad["x_error"][0]
    assert "医疗费总额" in bad["x_error"][1]
    assert "在第 2 行已经有了" in bad["x_error"][1]


def test_without_keep_going_all_faults_are_raised(tmp_path: Path) -> None:
    path = written(tmp_path, csv_text(settlements({"med_type": "xx"}, {}, {"medfee_sumamt": "1"})))
    with pytest.raises(InputErrors) as caught:
        read_all(path, SETTLEMENTS)
    assert [one.line for one in caught.value.faults] == [2, 4]
    assert f"{path} 第 2 行 “med_type”列" in str(caught.value)


def test_bad_rows_are_written_and_read_again_once_corrected(tmp_path: Path) -> None:
    rows = settlements({"x_note": "备注"}, {"medfee_sumamt": "1,00.00"}, {"begndate": "2026-3-5"})
    _, _, bad = read_all(written(tmp_path, csv_text(rows)), SETTLEMENTS, keep_going=True)
    path = tmp_path / "bad.csv"
    write_bad(path, bad[:1])
    write_bad(path, bad[1:], append=True)
    content = path.read_bytes()
    assert content.startswith(b"\xef\xbb\xbfx_error,setl_id,")
    assert content.count(b"\n") == 3
    assert read_all(path, SETTLEMENTS, keep_going=True)[2].equals(bad)
    path.write_bytes(content.replace(b'"1,00.00"', b"100.00").replace(b"2026-3-5", b"2026-03-05"))
    frame, found, again = read_all(path, SETTLEMENTS)
    assert (frame["setl_id"].to_list(), found, again.height) == (["S2", "S3"], [], 0)


def test_faults_beyond_the_limit_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "MAX_FAULTS", 5)
    monkeypatch.setattr(reading, "Tally", lambda: checks.Tally(5))
    path = written(tmp_path, csv_text(settlements(*[{"med_type": "", "diag_code": ""}] * 6)))
    reader = open_table(path, SETTLEMENTS, chunk_rows=2)
    chunks = list(reader)
    assert [len(chunk.faults) for chunk in chunks] == [4, 1, 0]
    assert [chunk.bad["x_error"][0].count("；") for chunk in chunks] == [1, 1, 1]
    assert (reader.fault_count, reader.bad_count, reader.row_count) == (12, 6, 0)
    _, found, bad = read_all(path, SETTLEMENTS, keep_going=True)
    assert ([one.code for one in found][5:], bad.height) == ([faults.FAULTS_MORE], 6)
    assert "还有 7 处错误" in found[5].message


def test_a_citizen_number_is_checked_and_never_printed(tmp_path: Path) -> None:
    wrong = CERTNO[:-1] + "9"
    rows = settlements(
        {"certno": CERTNO}, {"certno": wrong}, {"certno": "99999919491231002x"}, {"household": wrong + "户 "}
    )
    _, found, bad = read_all(written(tmp_path, csv_text(rows)), SETTLEMENTS, keep_going=True)
    assert (faults.CERT_DIGIT, 3) in [(one.code, one.line) for one in found]
    assert not any(wrong in str(one) for one in found)
    assert not any(wrong in text for text in bad["x_error"])
    assert wrong in bad["certno"].to_list()


def test_late_bad_rows_come_from_a_second_pass(tmp_path: Path) -> None:
    rows = settlements({"setl_id": "S1"}, {"setl_id": "S1"}, {"setl_id": "S1", "med_type": ""}, {"setl_id": "S4"})
    path = written(tmp_path, csv_text(rows))
    reader = open_table(path, SETTLEMENTS, chunk_rows=2)
    with reading.IdGuard(str(path)) as guard:
        for chunk in reader:
            guard.feed(chunk)
        found = guard.finish()
        late = pl.concat(reader.late_bad_rows(found, guard.lines))
    assert guard.lines.to_list() == [3, 4]
    assert late.columns == ["x_error", *SETTLEMENT]
    assert late["setl_id"].to_list() == ["S1"]
    assert "在第 2 行已经有了" in late["x_error"][0]
    assert reader.bad_count == 1

"""CSV files: encodings, quotes, first rows, line numbers; and that blocks and chunks change nothing."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from exchange_samples import (
    CERTNO,
    IDENTITY,
    SETTLEMENT,
    csv_text,
    drained,
    reader_in_blocks,
    settlements,
    written,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from tuodi.batch import csv_blocks, csv_source, faults
from tuodi.batch.columns import APPLICATIONS, ENTRIES, IDENTITIES, INSTITUTIONS, SETTLEMENTS
from tuodi.batch.csv_blocks import blocks, record_end
from tuodi.batch.csv_source import encoding_of
from tuodi.batch.reading import empty_frame, open_table, read_all
from tuodi.core.errors import Fault, InputErrors


def refused(path: Path, schema: object = SETTLEMENTS) -> tuple[Fault, ...]:
    """Return the faults with which a file is refused as a whole."""
    with pytest.raises(InputErrors) as caught:
        list(open_table(path, schema))
    return caught.value.faults


def only(path: Path, schema: object = SETTLEMENTS) -> str:
    """Return the code of the only fault with which a file is refused."""
    (one,) = refused(path, schema)
    assert one.file == str(path)
    return one.code


def test_a_good_file_is_normalised(tmp_path: Path) -> None:
    row = SETTLEMENT | {
        "hosp_lv": "3",
        "brdy": "1949-10-01",
        "x_note": "备注",
        "hifp_pay": "",
        "refer_stas": "",
    }
    (chunk,) = open_table(written(tmp_path, csv_text([row])), SETTLEMENTS)
    assert chunk.frame.schema == empty_frame(SETTLEMENTS).schema
    assert chunk.faults == []
    assert chunk.bad.columns == ["x_error", *row]
    said = chunk.frame.row(0, named=True)
    assert (said["medfee_sumamt"], said["overlmt_selfpay"], said["hifp_pay"], said["maf_pay"]) == (
        10000,
        2050,
        0,
        0,
    )
    assert (said["refer_stas"], said["out_prov"], said["cause"], said["refd_setl_flag"]) == (
        "local",
        False,
        "",
        False,
    )
    assert (str(said["brdy"]), said["hosp_lv"], said["household"], said["row"]) == ("1949-10-01", "03", "", 2)


def test_the_order_of_columns_is_free(tmp_path: Path) -> None:
    row = dict(reversed(SETTLEMENT.items()))
    frame, found, _ = read_all(written(tmp_path, csv_text([row])), SETTLEMENTS)
    assert (frame["medfee_sumamt"].to_list(), found) == ([10000], [])


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_encodings_and_line_ends_say_the_same(tmp_path: Path, codec: str, newline: str) -> None:
    row = SETTLEMENT | {"standard_area": "盐城市亭湖区㐂", "household": "户1"}
    path = written(tmp_path, csv_text([row, row | {"setl_id": "S2"}], newline=newline).encode(codec))
    frame, found, _ = read_all(path, SETTLEMENTS)
    assert found == []
    assert frame["standard_area"].to_list() == ["盐城市亭湖区㐂"] * 2
    assert frame["household"].to_list() == ["户1"] * 2
    assert frame["diag_code"].to_list() == [SETTLEMENT["diag_code"]] * 2


def test_gb_18030_is_known_even_when_it_shows_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_source, "HEAD_BYTES", 300)
    rows = settlements(*[{"standard_area": ""}] * 9, {"standard_area": "亭湖"})
    path = written(tmp_path, csv_text(rows).encode("gb18030"))
    frame, found, _ = drained(reader_in_blocks(path, SETTLEMENTS, block_bytes=400))
    assert (frame["standard_area"][-1], found) == ("亭湖", [])


def test_utf_8_broken_late_names_every_broken_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_source, "HEAD_BYTES", 300)
    good = csv_text(settlements(*[{"standard_area": "盐城"}] * 9)).encode()
    line = csv_text(settlements({"setl_id": "S99", "standard_area": "亭湖"})).splitlines(keepends=True)[1]
    path = written(tmp_path, good + line.encode("gb18030") * 2)
    reader = reader_in_blocks(path, SETTLEMENTS, block_bytes=400)
    frame, found, bad = drained(reader)
    assert frame.height == 9
    assert [text.split("：")[0] for text in found] == [
        f"[{faults.FILE_BYTES}] {path} 第 {line} 行 “standard_area”列" for line in (11, 12)
    ]
    assert "UTF-8" in found[0]
    assert bad["line"].to_list() == [11, 12]


def test_a_genuine_mark_of_damage_is_reported_too(tmp_path: Path) -> None:
    path = written(tmp_path, csv_text(settlements({"standard_area": "盐\ufffd"})))
    assert [one.code for one in read_all(path, SETTLEMENTS, keep_going=True)[1]] == [faults.FILE_BYTES]


def test_damage_in_the_writers_own_column_does_no_harm(tmp_path: Path) -> None:
    path = written(tmp_path, csv_text(settlements({"x_note": "盐城\ufffd"})))
    assert read_all(path, SETTLEMENTS)[0].height == 1


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf_16_is_named(tmp_path: Path, codec: str) -> None:
    (one,) = refused(written(tmp_path, csv_text([SETTLEMENT]).encode(codec)))
    assert one.code == faults.FILE_ENCODING
    assert "UTF-" in one.message


def test_bytes_of_no_known_encoding_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert only(written(tmp_path, csv_text([SETTLEMENT]).encode() + b"\xff\xfe\xff" * 50)) == faults.FILE_ENCODING
    monkeypatch.setattr(csv_source, "HEAD_BYTES", 200)
    (one,) = refused(written(tmp_path, csv_text(settlements({}, {})).encode() + b"\xff\xfe\xff" * 50))
    assert (one.code, one.line) == (faults.FILE_ENCODING, 4)


def test_which_encoding_makes_more_sense() -> None:
    text = "低保对象，特困人员，1,2,3\n"
    assert encoding_of(text.encode()[:-9]) == "UTF-8"
    assert encoding_of(text.encode() + b"\xff") == "UTF-8"
    assert encoding_of(text.encode("gb18030")) == "GB 18030"
    assert encoding_of(text.encode("gb18030") * 20 + b"\xff,") == "GB 18030"


KINDS = {
    b"PK\x03\x04......xl/workbook.xml": "Excel",
    b"PK\x03\x04......other": "zip",
    b"\xd0\xcf\x11\xe0\xa1\xb1": "xls",
    b"\x1f\x8b\x08": "gzip",
    b"%PDF-1.7": "PDF",
    b"<html><table>": "网页",
}


@pytest.mark.parametrize(("head", "kind"), KINDS.items())
@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
def test_another_kind_of_file_is_named(tmp_path: Path, head: bytes, kind: str, name: str) -> None:
    (one,) = refused(written(tmp_path, head, name))
    assert one.code == faults.FILE_KIND
    assert kind in one.message


def test_a_file_that_is_not_there_or_empty(tmp_path: Path) -> None:
    assert only(tmp_path / "none.csv") == faults.FILE_MISSING
    assert only(tmp_path) == faults.FILE_MISSING
    assert only(written(tmp_path, "")) == faults.FILE_EMPTY
    assert only(written(tmp_path, "\ufeff")) == faults.FILE_EMPTY
    assert only(written(tmp_path, "\n")) == faults.FILE_EMPTY


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
def test_a_header_alone_is_no_rows(tmp_path: Path, end: str) -> None:
    frame, found, bad = read_all(written(tmp_path, ",".join(SETTLEMENT) + end), SETTLEMENTS)
    assert (frame.height, found, bad.height) == (0, [], 0)
    assert frame.schema == empty_frame(SETTLEMENTS).schema


@pytest.mark.parametrize("delimiter", ["\t", ";", "，", "|"])
def test_another_delimiter_is_named(tmp_path: Path, delimiter: str) -> None:
    assert only(written(tmp_path, csv_text([SETTLEMENT]).replace(",", delimiter))) == faults.CSV_DELIMITER


def test_all_that_is_wrong_with_a_header_is_told_at_once(tmp_path: Path) -> None:
    header = "setl_id,setl_id,psn_num,,医疗类别,x_note," + ",".join(list(SETTLEMENT)[4:])
    found = refused(written(tmp_path, header + "\n"))
    assert [one.code for one in found] == [
        faults.COLUMN_REPEATED,
        faults.COLUMN_UNKNOWN,
        faults.COLUMN_UNNAMED,
        faults.COLUMN_UNKNOWN,
        faults.COLUMN_MISSING,
    ]
    assert {one.line for one in found} == {1}
    assert "第 1、2 列" in found[0].message
    assert "是不是“psn_no”" in found[1].message
    assert "是不是“med_type”" in found[3].message
    assert all(name in found[4].message for name in ("psn_no", "fixmedins_code", "med_type"))


def test_header_names_may_be_quoted_and_spaced(tmp_path: Path) -> None:
    text = '"psn_no", identity ,"begin"\nP1,dibao,2026-01-01\n'
    assert read_all(written(tmp_path, text), IDENTITIES)[0]["psn_no"].to_list() == ["P1"]


def test_an_amount_in_fen_belongs_to_parquet(tmp_path: Path) -> None:
    path = written(tmp_path, csv_text([SETTLEMENT]).replace("medfee_sumamt", "medfee_sumamt_fen"))
    assert [one.code for one in refused(path)] == [faults.COLUMN_UNKNOWN, faults.COLUMN_MISSING]


def test_entries_may_have_more_columns(tmp_path: Path) -> None:
    path = written(tmp_path, "psn_no,layer,pay,steps\nP1,basic,-1.00,x\n")
    assert read_all(path, ENTRIES)[0]["pay"].to_list() == [-100]


def test_other_schemas_are_read(tmp_path: Path) -> None:
    frame, *_ = read_all(written(tmp_path, "psn_no,layer,applied_on\nP1,ak-4.2.1,2026-05-01\n"), APPLICATIONS)
    assert str(frame["applied_on"][0]) == "2026-05-01"
    frame, *_ = read_all(written(tmp_path, "fixmedins_code,assistance_designated\nH1,0\n"), INSTITUTIONS)
    assert frame.select("insurance_designated", "assistance_designated").row(0) == (True, False)


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    """Quoted newlines, blank lines, empty rows and rows of the wrong length all take their lines."""
    rows = settlements(
        {"x_note": 'a\n"b"\nc'}, {"x_note": ""}, {"x_note": "d\ne"}, {"medfee_sumamt": "x", "x_note": ""}
    )
    first, second, third, fourth = (csv_text([row]).split("\n", 1)[1] for row in rows)
    header = csv_text(rows).split("\n", 1)[0]
    text = f'{header}\n{first}\n{second}S9,P9\n{"," * 13}\n{third}   \nS9,"P\n9"\n{fourth}'
    for path in (written(tmp_path, text), written(tmp_path, text.replace("\n", "\r\n"), "crlf.csv")):
        frame, found, bad = drained(open_table(path, SETTLEMENTS))
        assert frame["row"].to_list() == [2, 6, 9]
        assert bad["line"].to_list() == [7, 12, 14]
        assert bad["psn_no"].to_list()[::2] == ["P9", "P1"]
        assert [text[1 : text.index("]")] for text in found] == [
            faults.CSV_FIELDS,
            faults.CSV_QUOTE,
            faults.AMOUNT_TEXT,
        ]


def test_too_many_fields_are_told_and_kept(tmp_path: Path) -> None:
    text = csv_text([IDENTITY]) + f"P2,dibao,2026-01-01,,剩余,{CERTNO}\n"
    _, found, bad = read_all(written(tmp_path, text), IDENTITIES, keep_going=True)
    assert [(one.code, one.line) for one in found] == [(faults.CSV_FIELDS, 3)]
    assert "多出的内容：剩余,9999**********0028" in bad["x_error"][0]
    assert bad["identity"].to_list() == ["dibao"]


def test_a_quote_never_closed_costs_only_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_blocks, "RECORD_BYTES", 1000)
    lines = csv_text(settlements(*[{"x_note": "n"}] * 40)).splitlines(keepends=True)
    lines[3] = lines[3].replace(",n", ',"n')
    lines[30] = lines[30].replace("P1", '"P1')
    path = written(tmp_path, "".join(lines))
    frame, found, bad = drained(reader_in_blocks(path, SETTLEMENTS, block_bytes=300))
    assert all(f"[{faults.CSV_QUOTE}]" in text for text in found)
    assert (bad["line"].to_list(), frame.height) == ([4, 31], 38)


@pytest.mark.parametrize("cell", ["P1", "n", "2026-03-09 10:30:00"])
def test_rows_between_two_stray_quotes_are_not_lost_in_silence(tmp_path: Path, cell: str) -> None:
    """The row that the quotes make has as many cells as it should, with the rows between them inside of one."""
    lines = csv_text(settlements(*[{"x_note": "n"}] * 6)).splitlines(keepends=True)
    for place in (2, 4):
        lines[place] = lines[place].replace(f",{cell}", f',"{cell}')
    frame, found, bad = drained(open_table(written(tmp_path, "".join(lines)), SETTLEMENTS))
    assert frame["row"].to_list() == [2, 6, 7]
    assert bad["line"].to_list() == [3]
    assert f"[{faults.CSV_QUOTE}]" in found[0]
    assert "第 3 行到第 5 行" in found[0]


def test_a_quote_inside_a_cell_is_a_character(tmp_path: Path) -> None:
    path = written(tmp_path, csv_text(settlements({"x_note": "n"}, {})).replace(",n", ',5" n'))
    assert drained(open_table(path, SETTLEMENTS))[0].height == 2


def test_a_row_longer_than_the_parsers_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_source, "PARSER_BYTES", 256)
    path = written(tmp_path, csv_text(settlements({"x_note": "n" * 5000}, {})))
    assert drained(open_table(path, SETTLEMENTS))[0]["row"].to_list() == [2, 3]


def test_a_file_without_line_ends_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert only(written(tmp_path, csv_text([SETTLEMENT], newline="\r"))) == faults.FILE_NEWLINES
    monkeypatch.setattr(csv_source, "HEAD_BYTES", 1000)
    assert only(written(tmp_path, "x" * 3000)) == faults.FILE_NEWLINES
    monkeypatch.setattr(csv_blocks, "LINE_BYTES", 2000)
    path = written(tmp_path, csv_text(settlements({})) + "x" * 9000)
    with pytest.raises(InputErrors) as caught:
        list(reader_in_blocks(path, SETTLEMENTS, block_bytes=500))
    assert [(one.code, one.line) for one in caught.value.faults] == [(faults.FILE_NEWLINES, 3)]


def test_what_the_parser_itself_refuses_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise pa.ArrowInvalid("no table")

    path = written(tmp_path, csv_text(settlements({}, {})))
    monkeypatch.setattr(csv_source.arrow_csv, "read_csv", refuse)
    (one,) = refused(path)
    assert (one.code, one.line) == (faults.CSV_BROKEN, 2)
    assert "no table" in one.message


def test_a_broken_row_with_a_huge_cell_is_still_shown(tmp_path: Path) -> None:
    text = csv_text([IDENTITY]) + 'P2,"' + "x" * 200_000 + '"\n'
    _, found, bad = read_all(written(tmp_path, text), IDENTITIES, keep_going=True)
    assert [(one.code, one.line) for one in found] == [(faults.CSV_FIELDS, 3)]
    assert bad["psn_no"].to_list() == ["P2"]


def test_an_odd_quote_in_the_header_is_told(tmp_path: Path) -> None:
    assert only(written(tmp_path, csv_text([SETTLEMENT]).replace("psn_no", '"psn_no'))) == faults.CSV_QUOTE


def test_the_hint_of_rows_is_close(tmp_path: Path) -> None:
    assert open_table(written(tmp_path, csv_text(settlements(*[{}] * 50))), SETTLEMENTS).rows_hint == 50


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of 120 rows of which many are bad in many ways."""
    changes = [
        {"x_note": 'q"\n,' * (place % 3), "standard_area": "盐城"}
        | ({"medfee_sumamt": "99.99"} if place % 7 == 0 else {})
        | ({"begndate": "2026-02-30"} if place % 11 == 0 else {})
        | ({"refd_setl_flag": "1", "medfee_sumamt": "?"} if place % 13 == 0 else {})
        for place in range(40)
    ]
    lines = csv_text(settlements(*changes))
    return written(tmp_path_factory.mktemp("mixed"), lines.replace("S30,P1,", "S30,") + "\n\nS,\n")


@pytest.mark.parametrize("chunk_rows", [1, 500_000])
@pytest.mark.parametrize("block_bytes", [150, 1 << 20])
def test_chunks_and_blocks_change_nothing(mixed: Path, chunk_rows: int, block_bytes: int) -> None:
    frame, found, bad = drained(open_table(mixed, SETTLEMENTS))
    reader = reader_in_blocks(mixed, SETTLEMENTS, block_bytes=block_bytes, chunk_rows=chunk_rows)
    if chunk_rows == 1:
        assert all(chunk.frame.height <= chunk_rows for chunk in reader)
    other, other_found, other_bad = drained(reader)  # for some, a second pass
    assert other.equals(frame)
    assert other_found == found
    assert other_bad.equals(bad)
    assert (reader.row_count, reader.bad_count, reader.fault_count) == (frame.height, bad.height, len(found))
    assert frame.height + bad.height == 41


@given(
    st.lists(st.lists(st.text('a,"\n ', max_size=4), min_size=3, max_size=3), max_size=12),
    st.integers(1, 40),
)
@settings(max_examples=40, deadline=None)
def test_blocks_are_whole_records(tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], size: int) -> None:
    text = "".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\n" for row in rows)
    path = written(tmp_path_factory.mktemp("blocks"), text)
    cut = [(bytes(block.data), block.line) for block in blocks(path, offset=0, line=1, block_bytes=size)]
    assert b"".join(data for data, _ in cut).decode() == text
    assert all(data.count(b'"') % 2 == 0 for data, _ in cut)
    before = [sum(len(data) for data, _ in cut[:place]) for place in range(len(cut))]
    assert [line for _, line in cut] == [1 + text.encode()[:end].count(b"\n") for end in before]


def test_the_end_of_the_last_record() -> None:
    assert [record_end(text, 0, len(text)) for text in (b"", b"a", b'"a\n', b'a\n"b\n"\nc')] == [0, 0, 0, 7]
    assert record_end(b'x\n"b\n"\nc', 2, 8) == 7
    assert record_end(b'x\n"b\n', 2, 5) == 2


def test_the_frame_of_raw_rows_is_text(tmp_path: Path) -> None:
    """A code that looks like a number stays as it is written."""
    frame, *_ = read_all(written(tmp_path, csv_text(settlements({"psn_no": "007"}))), SETTLEMENTS)
    assert frame["psn_no"].to_list() == ["007"]
    assert frame["psn_no"].dtype == pl.String

"""Parquet files: which types say an amount or a day exactly, and files that are broken."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from exchange_samples import SETTLEMENT, csv_text, settlements, written
from pyarrow import parquet

from tuodi.batch import faults
from tuodi.batch.columns import IDENTITIES, INSTITUTIONS, SETTLEMENTS, Schema
from tuodi.batch.reading import open_table, read_all, write_bad
from tuodi.core.errors import Fault, InputErrors

AMOUNTS = [name for name in SETTLEMENT if SETTLEMENTS.column(name).kind == "amount"]
MONEY = pa.decimal128(18, 2)


def typed(rows: list[dict[str, str]]) -> pa.Table:
    """Return settlements with decimals, days, instants and booleans."""
    table = pa.table({name: [row.get(name, "") for row in rows] for name in rows[0]})
    for place, name in enumerate(table.column_names):
        kind = SETTLEMENTS.column(name).kind
        column = table.column(name)
        if kind == "amount":
            column = pa.chunked_array([[Decimal(cell.as_py()) for cell in column]], type=MONEY)
        elif kind == "day":
            column = column.cast(pa.date32())
        elif kind == "instant":
            column = column.cast(pa.timestamp("ms"))
        elif kind == "flag":
            column = pa.chunked_array([[cell.as_py() == "1" for cell in column]])
        table = table.set_column(place, name, column)
    return table


def put(table: pa.Table, name: str, column: object, *, rename: str = "") -> pa.Table:
    """Return the table with one column changed."""
    array = column if isinstance(column, pa.Array) else pa.array(column)
    return table.set_column(table.column_names.index(name), rename or name, array)


def saved(folder: Path, table: pa.Table, **options: object) -> Path:
    path = folder / "rows.parquet"
    parquet.write_table(table, path, **options)
    return path


def refused(path: Path, schema: Schema = SETTLEMENTS) -> tuple[Fault, ...]:
    with pytest.raises(InputErrors) as caught:
        list(open_table(path, schema))
    return caught.value.faults


def test_parquet_says_the_same_as_csv(tmp_path: Path) -> None:
    rows = settlements({"out_prov": "0"}, {"out_prov": "1", "refd_setl_flag": "1"}, {"medfee_sumamt": "1.00"})
    from_csv = read_all(written(tmp_path, csv_text(rows)), SETTLEMENTS, keep_going=True)
    table = typed([{"out_prov": "0", "refd_setl_flag": ""} | row for row in rows])
    from_parquet = read_all(saved(tmp_path, table), SETTLEMENTS, keep_going=True)
    both = [frame.drop("row") for frame in (from_csv[0], from_parquet[0])]
    assert both[0].equals(both[1])
    assert from_parquet[0]["row"].to_list() == [1]
    assert [(one.code, one.line) for one in from_parquet[1]] == [
        (faults.SETL_CANCEL_UNKNOWN, 2),
        (faults.SETL_SUM, 3),
    ]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([Decimal("100"), Decimal("5.5")], pa.decimal128(18, 2)),
        pa.array([Decimal("100"), Decimal("5.5")], pa.decimal128(38, 18)),
        pa.array([Decimal("100"), Decimal("5.5")], pa.decimal128(10, 1)),
        pa.array([Decimal("100"), Decimal("5.5")], pa.decimal64(18, 4)),
        pa.array(["100.0", "5.50"]),
        pa.array(["100.0", "5.50"]).dictionary_encode(),
    ],
)
def test_amounts_that_are_exact_are_read(tmp_path: Path, column: pa.Array) -> None:
    table = put(typed(settlements({"hifp_pay": "0"}, {"hifp_pay": "0"})), "hifp_pay", column)
    assert read_all(saved(tmp_path, table), SETTLEMENTS)[0]["hifp_pay"].to_list() == [10000, 550]


@pytest.mark.parametrize("kind", [pa.int64(), pa.int32(), pa.uint64()])
def test_whole_fen_are_named_so(tmp_path: Path, kind: pa.DataType) -> None:
    table = typed(settlements({"hifp_pay": "0"}, {"hifp_pay": "0"}))
    path = saved(tmp_path, put(table, "hifp_pay", pa.array([10000, None], kind), rename="hifp_pay_fen"))
    assert read_all(path, SETTLEMENTS)[0]["hifp_pay"].to_list() == [10000, 0]
    (one,) = refused(saved(tmp_path, put(table, "hifp_pay", pa.array([100, 5], kind))))
    assert one.code == faults.PARQUET_TYPE
    assert "_fen" in one.message


@pytest.mark.parametrize(
    ("column", "rename", "code"),
    [
        (pa.array([Decimal("-0.01")], MONEY), "", faults.AMOUNT_NEGATIVE),
        (pa.array([Decimal("0.001")], pa.decimal128(18, 3)), "", faults.AMOUNT_DECIMALS),
        (pa.array([Decimal(10**14)], pa.decimal128(38, 2)), "", faults.AMOUNT_SIZE),
        (pa.array([Decimal(10**25)], pa.decimal128(38, 10)), "", faults.AMOUNT_SIZE),
        (pa.array([Decimal(10**14)], pa.decimal128(38, 0)), "", faults.AMOUNT_SIZE),
        (pa.array([None], MONEY), "", faults.VALUE_EMPTY),
        (pa.array([-1], pa.int64()), "medfee_sumamt_fen", faults.AMOUNT_NEGATIVE),
        (pa.array([10**11], pa.int64()), "medfee_sumamt_fen", faults.AMOUNT_SIZE),
        (pa.array(["1,000"]), "", faults.AMOUNT_COMMA),
    ],
)
def test_amounts_that_cannot_be_are_bad_rows(tmp_path: Path, column: pa.Array, rename: str, code: str) -> None:
    table = put(typed([SETTLEMENT]), "medfee_sumamt", column, rename=rename)
    _, found, bad = read_all(saved(tmp_path, table), SETTLEMENTS, keep_going=True)
    assert [(one.code, one.line, one.column) for one in found] == [(code, 1, "medfee_sumamt")]
    assert bad.height == 1


@pytest.mark.parametrize("kind", [pa.float64(), pa.float32()])
def test_binary_fractions_are_not_money(tmp_path: Path, kind: pa.DataType) -> None:
    table = typed([SETTLEMENT])
    for name in AMOUNTS:
        table = put(table, name, pa.array([1], kind))
    found = refused(saved(tmp_path, table))
    assert [one.code for one in found] == [faults.PARQUET_FLOAT] * len(AMOUNTS)
    assert "medfee_sumamt_fen" in found[0].message
    table = put(typed([SETTLEMENT]), "medfee_sumamt", pa.array([1], kind), rename="medfee_sumamt_fen")
    assert [one.code for one in refused(saved(tmp_path, table))] == [faults.PARQUET_FLOAT]


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("psn_no", pa.array([320902])),
        ("med_type", pa.array([21])),
        ("begndate", pa.array([20260305])),
        ("begndate", pa.array([datetime(2026, 3, 5)], pa.timestamp("us", "UTC"))),
        ("setl_time", pa.array([datetime(2026, 3, 5)], pa.timestamp("us", "UTC"))),
        ("setl_time", pa.array([date(2026, 3, 5)])),
        ("out_prov", pa.array([0.0])),
        ("fixmedins_code", pa.array([b"H1"])),
        ("medfee_sumamt", pa.array([Decimal(1)], pa.decimal256(50, 2))),
    ],
)
def test_types_that_would_need_a_guess_are_refused(tmp_path: Path, name: str, column: pa.Array) -> None:
    table = put(typed([{"out_prov": "0"} | SETTLEMENT]), name, column)
    (one,) = refused(saved(tmp_path, table))
    assert (one.code, one.column) == (faults.PARQUET_TYPE, name)


@pytest.mark.parametrize(
    "column",
    [
        pa.array([date(2026, 3, 5)]),
        pa.array([date(2026, 3, 5)], pa.date64()),
        pa.array([datetime(2026, 3, 5)], pa.timestamp("ns")),
        pa.array(["2026-03-05"]),
        pa.array(["2026-03-05"], pa.string_view()),
    ],
)
def test_days_may_be_written_in_several_types(tmp_path: Path, column: pa.Array) -> None:
    path = saved(tmp_path, put(typed([SETTLEMENT]), "begndate", column))
    assert read_all(path, SETTLEMENTS)[0]["begndate"].to_list() == [date(2026, 3, 5)]


@pytest.mark.parametrize(
    ("name", "column", "code"),
    [
        ("begndate", pa.array([datetime(2026, 3, 5, 1)]), faults.DAY_FORMAT),
        ("begndate", pa.array([date(1066, 3, 5)]), faults.DAY_RANGE),
        ("begndate", pa.array([None], pa.date32()), faults.VALUE_EMPTY),
        ("begndate", pa.array([None], pa.null()), faults.VALUE_EMPTY),
        ("setl_time", pa.array([datetime(1066, 3, 5, 1)]), faults.DAY_RANGE),
        ("out_prov", pa.array([2]), faults.VALUE_FLAG),
        ("psn_no", pa.array([""]), faults.VALUE_EMPTY),
    ],
)
def test_typed_cells_that_are_wrong(tmp_path: Path, name: str, column: pa.Array, code: str) -> None:
    table = put(typed([{"out_prov": "0"} | SETTLEMENT]), name, column)
    found = read_all(saved(tmp_path, table), SETTLEMENTS, keep_going=True)[1]
    assert [(one.code, one.column) for one in found] == [(code, name)]


def test_flags_may_be_numbers_or_missing(tmp_path: Path) -> None:
    table = pa.table(
        {
            "fixmedins_code": ["H1", "H2", "H3"],
            "insurance_designated": pa.array([1, 0, None]),
            "assistance_designated": pa.array([True, False, None]),
        }
    )
    frame, *_ = read_all(saved(tmp_path, table), INSTITUTIONS)
    assert frame["insurance_designated"].to_list() == [True, False, True]
    assert frame["assistance_designated"].to_list() == [True, False, True]


def test_bad_rows_of_parquet_can_be_corrected_as_csv(tmp_path: Path) -> None:
    table = typed(settlements({"hifp_pay": "0", "brdy": "1949-10-01", "out_prov": "1"}))
    table = put(table, "hifp_pay", pa.array([123]), rename="hifp_pay_fen")
    table = put(table, "medfee_sumamt", pa.array([Decimal("101")], pa.decimal128(38, 10)))
    table = put(table, "brdy", pa.array([datetime(1949, 10, 1)]))
    table = table.append_column("x_note", [["备注"]]).append_column("x_number", [[1]])
    _, found, bad = read_all(saved(tmp_path, table), SETTLEMENTS, keep_going=True)
    assert [one.code for one in found] == [faults.SETL_SUM]
    row = bad.row(0, named=True)
    assert (row["medfee_sumamt"], row["hifp_pay"], row["out_prov"], row["x_note"]) == (
        "101.00",
        "1.23",
        "1",
        "备注",
    )
    assert (row["brdy"], row["begndate"], row["setl_time"]) == (
        "1949-10-01",
        "2026-03-05",
        "2026-03-09 10:30:00",
    )
    assert "x_number" not in row
    corrected = tmp_path / "bad.csv"
    write_bad(corrected, bad.with_columns(medfee_sumamt=pl.lit("100.00")))
    assert read_all(corrected, SETTLEMENTS)[0]["hifp_pay"].to_list() == [123]


def test_row_numbers_go_on_over_row_groups_and_chunks(tmp_path: Path) -> None:
    rows = settlements(*[{}] * 25)
    table = typed(rows)
    numbers = ["" if place % 10 == 0 else f"P{place}" for place in range(25)]
    path = saved(tmp_path, put(table, "psn_no", numbers), row_group_size=7)
    for chunk_rows in (1, 4, 100):
        reader = open_table(path, SETTLEMENTS, chunk_rows=chunk_rows)
        chunks = list(reader)
        assert reader.rows_hint == 25
        assert [one.line for chunk in chunks for one in chunk.faults] == [1, 11, 21]
        assert [line for chunk in chunks for line in chunk.bad_lines] == [1, 11, 21]
        assert sum(chunk.frame.height for chunk in chunks) == 22
        assert all(chunk.frame.height <= chunk_rows for chunk in chunks)


def test_an_empty_table_is_no_rows(tmp_path: Path) -> None:
    frame, found, bad = read_all(saved(tmp_path, typed([SETTLEMENT]).slice(0, 0)), SETTLEMENTS)
    assert (frame.height, found, bad.height) == (0, [], 0)


@pytest.mark.parametrize("share", [2, 3, 10])
def test_a_truncated_file_is_told(tmp_path: Path, share: int) -> None:
    path = saved(tmp_path, typed(settlements(*[{}] * 50)))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * (share - 1) // share])
    (one,) = refused(path)
    assert one.code == faults.PARQUET_BROKEN
    assert one.file == str(path)


def test_broken_pages_are_told_where_they_are_met(tmp_path: Path) -> None:
    path = saved(tmp_path, typed(settlements(*[{}] * 50)), compression="zstd", write_page_checksum=True)
    content = bytearray(path.read_bytes())
    for place in range(100, 160):
        content[place] ^= 0x5A
    path.write_bytes(content)
    (one,) = refused(path)
    assert (one.code, one.line) == (faults.PARQUET_BROKEN, 1)


def test_text_that_is_not_text_is_broken(tmp_path: Path) -> None:
    binary = pa.array([b"P\xff\xfe"]).view(pa.string())
    (one,) = refused(saved(tmp_path, put(typed([SETTLEMENT]), "psn_no", binary)))
    assert one.code == faults.PARQUET_BROKEN


def test_parquet_is_known_by_its_content(tmp_path: Path) -> None:
    path = saved(tmp_path, typed([SETTLEMENT]))
    path = path.rename(tmp_path / "rows.csv")
    assert read_all(path, SETTLEMENTS)[0].height == 1
    (one,) = refused(written(tmp_path, csv_text([SETTLEMENT]), "rows.parquet"))
    assert one.code == faults.FILE_KIND


def test_column_names_are_checked(tmp_path: Path) -> None:
    table = pa.table({"psn_no": ["P1"], "identity": ["dibao"], "remark": ["x"]})
    assert [one.code for one in refused(saved(tmp_path, table), IDENTITIES)] == [
        faults.COLUMN_UNKNOWN,
        faults.COLUMN_MISSING,
    ]
    both = typed([SETTLEMENT]).append_column("medfee_sumamt_fen", [[10000]])
    assert [one.code for one in refused(saved(tmp_path, both))] == [faults.COLUMN_REPEATED]

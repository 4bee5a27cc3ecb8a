"""Small exchange files for the tests of reading: a good row of each kind, and changes to it."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from tuodi.batch.columns import Schema
from tuodi.batch.csv_source import CsvSource
from tuodi.batch.reading import Reader

SETTLEMENT = {
    "setl_id": "S1",
    "psn_no": "P1",
    "fixmedins_code": "H32090200001",
    "med_type": "21",
    "begndate": "2026-03-05",
    "enddate": "2026-03-09",
    "setl_time": "2026-03-09 10:30:00",
    "diag_code": "C34.900x001",
    "medfee_sumamt": "100.00",
    "fulamt_ownpay_amt": "10.00",
    "overlmt_selfpay": "20.5",
    "preselfpay_amt": "29.5",
    "inscp_scp_amt": "40",
}
IDENTITY = {"psn_no": "P1", "identity": "dibao", "begin": "2026-01-01", "end": ""}
INSTITUTION = {"fixmedins_code": "H1"}
#: True by its check digit and nobody's: an area that does not exist.
CERTNO = "999999194912310028"


def csv_text(rows: list[dict[str, str]], *, newline: str = "\n") -> str:
    """Return rows as CSV with the columns of them all; every cell as it stands, quoted only where it must be."""
    names = list(dict.fromkeys(name for row in rows for name in row))

    def cell(text: str) -> str:
        return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\n') else text

    lines = [names, *([row.get(name, "") for name in names] for row in rows)]
    return "".join(",".join(map(cell, line)) + newline for line in lines)


def settlements(*changes: dict[str, str]) -> list[dict[str, str]]:
    """Return one settlement for each set of changes, numbered S1, S2, ... unless changed."""
    return [SETTLEMENT | {"setl_id": f"S{place}"} | change for place, change in enumerate(changes, 1)]


def written(folder: Path, content: str | bytes, name: str = "rows.csv") -> Path:
    """Write a file and return its path."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def reader_in_blocks(path: Path, schema: Schema, *, block_bytes: int, chunk_rows: int = 500_000) -> Reader:
    """Return a reader that takes a CSV file in small blocks."""
    return Reader(path, CsvSource(path, schema, block_bytes=block_bytes), schema, chunk_rows=chunk_rows)


def drained(reader: Reader) -> tuple[pl.DataFrame, list[str], pl.DataFrame]:
    """Return all good rows, all faults as printed, and all bad rows with their lines."""
    chunks = list(reader)
    frame = pl.concat([chunk.frame for chunk in chunks])
    bad = pl.concat([chunk.bad.with_columns(chunk.bad_lines.alias("line")) for chunk in chunks])
    return frame, [str(one) for chunk in chunks for one in chunk.faults], bad

"""What only a whole file can tell, for the files that are read at once.

Certifications of one identity in one record of a person may not overlap, an institution stands once, a settlement is settled once. Suspects are found
over sorted columns; the few that there are get compared one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import Any

import polars as pl

from tuodi.batch import faults
from tuodi.batch.checks import Chunk
from tuodi.batch.columns import ONE_RECORD
from tuodi.batch.diagnosis import shown
from tuodi.batch.ids import IdGuard
from tuodi.core.dates import FOREVER
from tuodi.core.errors import Fault, fault
from tuodi.core.identities import IDENTITIES

Row = dict[str, Any]
Check = Callable[[pl.DataFrame, Sequence[Chunk], str], Iterable["Late"]]


@dataclass(frozen=True, slots=True)
class Late:
    """A fault that came to light at the end, and the lines of the rows that it spoils."""

    fault: Fault
    lines: tuple[int, ...]


def identity_faults(frame: pl.DataFrame, chunks: Sequence[Chunk], file: str) -> Iterator[Late]:
    """Yield certifications of a person that overlap, and rows that stand twice.

    Both rows of an overlap are spoilt, since either may be the wrong one; of equal rows the first is good.
    """
    key = pl.struct(ONE_RECORD).hash().alias("key")
    spans = frame.select(key, "begin", pl.col("end").fill_null(FOREVER))
    spans = spans.filter(pl.col("key").is_duplicated()).sort("key", "begin")
    is_same = pl.col("key") == pl.col("key").shift(1)
    meets = spans.filter(is_same & (pl.col("begin") <= pl.col("end").shift(1)))
    if meets.is_empty():
        return
    suspects = frame.filter(frame.select(key).to_series().is_in(meets["key"].implode()))
    ordered = suspects.sort(*ONE_RECORD, "begin", "row").iter_rows(named=True)
    for _, group in groupby(ordered, key=itemgetter(*ONE_RECORD)):
        yield from _overlaps(group, file)


def _overlaps(group: Iterable[Row], file: str) -> Iterator[Late]:
    """Yield what is wrong with the certifications of one record and identity, sorted by their first day."""
    seen: dict[tuple[object, ...], int] = {}
    latest: Row | None = None
    for row in group:
        content = tuple(value for name, value in row.items() if name != "row")
        if content in seen:
            made = fault(faults.ID_DUPLICATE, file=file, line=row["row"], first=seen[content])
            yield Late(made, (row["row"],))
            continue
        seen[content] = row["row"]
        if latest is not None and row["begin"] <= _last(latest):
            yield _overlap(*sorted((latest, row), key=itemgetter("row")), file=file)
        if latest is None or _last(row) > _last(latest):
            latest = row


def _overlap(first: Row, second: Row, *, file: str) -> Late:
    words = {
        "identity": IDENTITIES[first["identity"]],
        "first": first["row"],
        "second": second["row"],
        "first_period": _period(first),
        "second_period": _period(second),
    }
    made = fault(faults.ID_OVERLAP, file=file, line=second["row"], column="begin", **words)
    return Late(made, (first["row"], second["row"]))


def _last(row: Row) -> date:
    return row["end"] or FOREVER


def _period(row: Row) -> str:
    return f"{row['begin']} 至 {row['end'] or '长期'}"


def institution_faults(frame: pl.DataFrame, chunks: Sequence[Chunk], file: str) -> Iterator[Late]:
    """Yield institutions that stand more than once; the first is good."""
    code = pl.col("fixmedins_code")
    repeated = frame.filter(code.is_duplicated()).select(code, "row", pl.col("row").min().over(code).alias("first"))
    for row in repeated.filter(pl.col("row") != pl.col("first")).iter_rows(named=True):
        words = {"institution": shown(None, row["fixmedins_code"]), "first": row["first"]}
        made = fault(faults.INST_REPEATED, file=file, line=row["row"], column="fixmedins_code", **words)
        yield Late(made, (row["row"],))


def settlement_faults(frame: pl.DataFrame, chunks: Sequence[Chunk], file: str) -> Iterator[Late]:
    """Yield what is wrong with the ids of settlements."""
    with IdGuard(file) as guard:
        for chunk in chunks:
            guard.feed(chunk)
        for one in guard.finish():
            yield Late(one, (one.line,))


WHOLE_FILE_CHECKS: dict[str, Check] = {
    "identities": identity_faults,
    "institutions": institution_faults,
    "settlements": settlement_faults,
}

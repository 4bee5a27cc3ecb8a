"""What a row must satisfy beyond its cells: sums, and days in their order.

Conditions are over normalised columns and only looked at where the columns they need are good, so that one wrong
cell is one fault. The words of a fault are made for the few rows that have one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

import polars as pl

from tuodi.batch import faults
from tuodi.core.identities import IDENTITIES
from tuodi.core.money import yuan
from tuodi.core.settlements import SPLIT_FIELDS

Words = dict[str, object]


@dataclass(frozen=True, slots=True)
class RowCheck:
    """``wrong`` is true where the row is wrong; ``column`` is where the fault points."""

    code: str
    column: str
    needs: tuple[str, ...]
    wrong: pl.Expr
    words: Callable[[Mapping[str, Any]], Words]


def _sum_words(row: Mapping[str, Any]) -> Words:
    total, *parts = (row[name] for name in SPLIT_FIELDS)
    own, over, pre, inside = map(yuan, parts)
    return {
        "total": yuan(total),
        "parts": yuan(sum(parts)),
        "own": own,
        "over": over,
        "pre": pre,
        "inside": inside,
        "difference": yuan(abs(total - sum(parts))),
    }


def _identity_period_words(row: Mapping[str, Any]) -> Words:
    return {"identity": IDENTITIES[row["identity"]], "begin": row["begin"], "end": row["end"]}


CHECKS: dict[str, tuple[RowCheck, ...]] = {
    "settlements": (
        RowCheck(
            faults.SETL_SUM,
            SPLIT_FIELDS[0],
            SPLIT_FIELDS,
            pl.col(SPLIT_FIELDS[0]) != reduce(add, map(pl.col, SPLIT_FIELDS[1:])),
            _sum_words,
        ),
        RowCheck(
            faults.SETL_DATES,
            "enddate",
            ("begndate", "enddate"),
            pl.col("enddate") < pl.col("begndate"),
            lambda row: {"begin": row["begndate"], "end": row["enddate"]},
        ),
        RowCheck(
            faults.SETL_TIME,
            "setl_time",
            ("begndate", "setl_time"),
            pl.col("setl_time").dt.date() < pl.col("begndate"),
            lambda row: {"begin": row["begndate"], "time": row["setl_time"]},
        ),
    ),
    "identities": (
        RowCheck(
            faults.ID_PERIOD,
            "end",
            ("identity", "begin", "end"),
            pl.col("end") < pl.col("begin"),
            _identity_period_words,
        ),
    ),
    "institutions": (
        RowCheck(
            faults.INST_PERIOD,
            "suspended_to",
            ("suspended_from", "suspended_to"),
            pl.col("suspended_to") < pl.col("suspended_from"),
            lambda row: {"begin": row["suspended_from"], "end": row["suspended_to"]},
        ),
    ),
}

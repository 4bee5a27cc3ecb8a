"""A small CSV file read by the standard library, when everything in it is plainly good; otherwise nothing.

One settlement is explained faster than the columnar reader can be loaded. This path accepts what the reader accepts without doubt
and gives the same values; at the least oddity it answers None, and the caller asks :mod:`.reading`, which says what is wrong.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from tuodi.batch.columns import ONE_RECORD, OWN_PREFIX, Column, Schema
from tuodi.core.dates import FOREVER
from tuodi.core.money import fen_from_yuan
from tuodi.core.settlements import SPLIT_FIELDS

LARGEST_BYTES = 4 << 20
FIRST_YEAR = 1900

AMOUNT = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,2})?")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-5][0-9]")
IDENTIFIER = re.compile(r"[0-9A-Za-z_.:/#|()@\u4e00-\u9fff-]+")
#: What the reader would look at twice: marks of unreadable bytes, lines inside cells, other encodings.
ODD = re.compile("[\ufffd\r\x00]")

Row = dict[str, Any]


class _Odd(Exception):
    """Something that the full reader has to judge."""


def light_rows(path: Path, schema: Schema) -> list[Row] | None:
    """Return a file's rows as the reader would give them, with their line as ``row``; None if anything needs a closer look."""
    try:
        text = _text(path)
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        names = [name.strip() for name in rows[0]] if rows else []
        _check_names(names, schema)
        columns = [None if name.startswith(OWN_PREFIX) else schema.column(name) for name in names]
        absent = {c.name: _parse(c, "") for c in schema.columns if c.name not in names}
        made = [
            {**absent, **_row(columns, cells, schema), "row": line}
            for line, cells in enumerate(rows[1:], start=2)
            if any(cells)
        ]
        CHECKS.get(schema.name, lambda rows: None)(made)
    except (_Odd, OSError, UnicodeDecodeError, csv.Error, ValueError):
        return None
    return made


def _text(path: Path) -> str:
    if path.stat().st_size > LARGEST_BYTES:
        raise _Odd
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("gb18030")
    text = text.replace("\r\n", "\n")
    if ODD.search(text) or not text.strip():
        raise _Odd
    return text


def _check_names(names: list[str], schema: Schema) -> None:
    known = all(name in schema.names or name.startswith(OWN_PREFIX) for name in names)
    if not known or len(set(names)) != len(names) or not set(schema.required) <= set(names):
        raise _Odd


def _row(columns: list[Column | None], cells: list[str], schema: Schema) -> Row:
    if len(cells) != len(columns) or any("\n" in cell for cell in cells):
        raise _Odd
    pairs = [(column, cell) for column, cell in zip(columns, cells, strict=True) if column is not None]
    if any(column.name == schema.cancel_flag and cell == "1" for column, cell in pairs):
        return {column.name: _of_cancelling(column, cell, schema) for column, cell in pairs}
    return {column.name: _parse(column, cell) for column, cell in pairs}


def _of_cancelling(column: Column, text: str, schema: Schema) -> Any:
    """Return what a cell of a cancelling row says: amounts are not looked at, others may be missing."""
    if column.kind == "amount":
        return 0
    if text == "" and column.name not in schema.cancel_needs:
        return _PARSERS[column.kind](column, text)
    return _parse(column, text)


def _parse(column: Column, text: str) -> Any:
    """Return what a cell says; the cells of absent optional columns are empty."""
    if text == "" and column.required:
        raise _Odd
    return _PARSERS[column.kind](column, text)


def _amount(column: Column, text: str) -> int:
    if text and not AMOUNT.fullmatch(text):
        raise _Odd
    return fen_from_yuan(text) if text else 0


def _day(column: Column, text: str) -> date | None:
    if not text:
        return None
    day = date.fromisoformat(text)
    if not DAY.fullmatch(text) or day.year < FIRST_YEAR:
        raise _Odd
    return day


def _instant(column: Column, text: str) -> datetime | None:
    if not text:
        return None
    instant = datetime.fromisoformat(text)
    if not INSTANT.fullmatch(text) or instant.year < FIRST_YEAR:
        raise _Odd
    return instant


def _flag(column: Column, text: str) -> bool:
    if text not in ("0", "1", ""):
        raise _Odd
    return text != "0" if column.default == "1" else text == "1"


def _code(column: Column, text: str) -> str:
    if column.pattern:
        if text and not re.fullmatch(column.pattern, text):
            raise _Odd
    elif text and text not in column.codes:
        raise _Odd
    return (text.zfill(column.width) if text else text) or column.default


def _identifier(column: Column, text: str) -> str:
    if text and not IDENTIFIER.fullmatch(text):
        raise _Odd
    return text


def _free(column: Column, text: str) -> str:
    return text or column.default


def _citizen_id(column: Column, text: str) -> str:
    if text:
        raise _Odd
    return ""


_PARSERS: dict[str, Callable[[Column, str], Any]] = {
    "amount": _amount, "day": _day, "instant": _instant, "flag": _flag, "code": _code, "id": _identifier, "text": _free,
    "citizen_id": _citizen_id,
}  # fmt: skip


def _check_settlements(rows: list[Row]) -> None:
    settled = {row["setl_id"]: row["psn_no"] for row in rows if not row["refd_setl_flag"]}
    cancelled = {row["setl_id"] for row in rows if row["refd_setl_flag"]}
    if len(settled) + len(cancelled) != len(rows):
        raise _Odd
    for row in rows:
        total, *parts = (row[name] for name in SPLIT_FIELDS)
        first, last, at = row["begndate"], row["enddate"], row["setl_time"]
        is_late = bool(first and ((last and last < first) or (at and at.date() < first)))
        if total != sum(parts) or is_late or settled.get(row["setl_id"]) != row["psn_no"]:
            raise _Odd


def _check_identities(rows: list[Row]) -> None:
    spans: dict[tuple[str, ...], list[tuple[date, date]]] = {}
    for row in rows:
        last = row["end"] or FOREVER
        if last < row["begin"]:
            raise _Odd
        spans.setdefault(tuple(row[name] for name in ONE_RECORD), []).append((row["begin"], last))
    for held in spans.values():
        if any(later[0] <= earlier[1] for earlier, later in pairwise(sorted(held))):
            raise _Odd


def _check_institutions(rows: list[Row]) -> None:
    if len({row["fixmedins_code"] for row in rows}) != len(rows):
        raise _Odd
    for row in rows:
        first, last = row["suspended_from"], row["suspended_to"]
        if first and last and last < first:
            raise _Odd


CHECKS: dict[str, Callable[[list[Row]], None]] = {
    "settlements": _check_settlements, "identities": _check_identities, "institutions": _check_institutions,
}  # fmt: skip

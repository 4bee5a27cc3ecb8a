"""One column of a file into one normalised column: what it says, and where that cannot be.

Each parser returns two Polars expressions over the raw column, ``value`` and ``bad``; where ``bad`` is true the value
means nothing. Amounts come from text or from decimals, never from binary floating point. Why a cell is bad is told by
:mod:`tuodi.batch.diagnosis`, for the few that are; the two are tested to agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from tuodi.batch.citizen import is_citizen_id
from tuodi.batch.columns import Column, Schema
from tuodi.core.engine.prove import AMOUNT

#: Nine whole digits: the range proof holds for amounts of a bill below a billion yuan (``core.engine.prove.AMOUNT``).
AMOUNT_PATTERN = r"[0-9]{1,9}(?:\.[0-9]{1,2})?"
DAY_PATTERN = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
INSTANT_PATTERN = DAY_PATTERN + " [0-9]{2}:[0-9]{2}:[0-5][0-9]"
#: What an identifier is made of; a sum sign, a quote or a blank says that something has been at the file.
ID_PATTERN = r"[0-9A-Za-z_.:/#|()@\p{Han}-]+"

FIRST_DAY = date(1900, 1, 1)
FIRST_INSTANT = datetime(1900, 1, 1)
LARGEST_FEN = AMOUNT - 1

_DECIMAL = pl.Decimal(18, 2)
_TEXT_TYPES = (pl.String, pl.Categorical, pl.Enum, pl.Null)


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a column says and where it is bad."""

    value: pl.Expr
    bad: pl.Expr


def is_textual(dtype: pl.DataType) -> bool:
    """Say whether cells of that type are read as text."""
    return isinstance(dtype, _TEXT_TYPES)


def as_text(name: str) -> pl.Expr:
    """Return a textual column as plain text, missing cells empty."""
    return pl.col(name).cast(pl.String).fill_null("")


def parsed(column: Column, dtype: pl.DataType) -> Parsed:
    """Return how a column of a file is read; its type has been admitted by the source."""
    if is_textual(dtype):
        return _FROM_TEXT[column.kind](column, as_text(column.name))
    return _FROM_TYPED[column.kind](column, dtype)


def absent(column: Column) -> pl.Expr:
    """Return what an optional column says that the file does not have."""
    match column.kind:
        case "amount":
            return pl.lit(0, dtype=pl.Int64)
        case "day":
            return pl.lit(None, dtype=pl.Date)
        case "instant":
            return pl.lit(None, dtype=pl.Datetime("us"))
        case "flag":
            return pl.lit(column.default == "1")
    return pl.lit(column.default, dtype=pl.String)


def normalised_types(schema: Schema) -> Mapping[str, pl.DataType]:
    """Return the types of the columns of a frame that has been read, ``row`` last."""
    types = {column.name: _TYPES.get(column.kind, pl.String()) for column in schema.columns}
    return types | {"row": pl.Int64()}


_TYPES: dict[str, pl.DataType] = {
    "amount": pl.Int64(),
    "day": pl.Date(),
    "instant": pl.Datetime("us"),
    "flag": pl.Boolean(),
}


def _matches(column: Column, text: pl.Expr, pattern: str) -> pl.Expr:
    """Say where the whole cell fits the pattern; an optional cell may be empty."""
    return text.str.contains(f"^(?:{pattern})$" if column.required else f"^(?:{pattern})?$")


def _or_default(column: Column, text: pl.Expr) -> pl.Expr:
    return text if not column.default else pl.when(text == "").then(pl.lit(column.default)).otherwise(text)


def _text_amount(column: Column, text: pl.Expr) -> Parsed:
    fen = text.cast(_DECIMAL, strict=False).to_physical().cast(pl.Int64).fill_null(0)
    pattern = f"-?{AMOUNT_PATTERN}" if column.signed else AMOUNT_PATTERN
    return Parsed(fen, ~_matches(column, text, pattern))


def _text_day(column: Column, text: pl.Expr) -> Parsed:
    day = text.str.to_date("%Y-%m-%d", strict=False)
    return Parsed(day, ~(_matches(column, text, DAY_PATTERN) & ((day >= FIRST_DAY).fill_null(False) | (text == ""))))


def _text_instant(column: Column, text: pl.Expr) -> Parsed:
    instant = text.str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", strict=False)
    real = (instant >= FIRST_INSTANT).fill_null(False)
    return Parsed(instant, ~(_matches(column, text, INSTANT_PATTERN) & (real | (text == ""))))


def _text_flag(column: Column, text: pl.Expr) -> Parsed:
    allowed = ["0", "1"] if column.required else ["0", "1", ""]
    value = text != "0" if column.default == "1" else text == "1"
    return Parsed(value, ~text.is_in(allowed))


def _text_code(column: Column, text: pl.Expr) -> Parsed:
    if column.pattern:
        return Parsed(_or_default(column, text), ~_matches(column, text, column.pattern))
    allowed = list(column.codes) if column.required else [*column.codes, ""]
    padded = text
    if column.width:
        padded = pl.when(text == "").then(text).otherwise(text.str.zfill(column.width))
    return Parsed(_or_default(column, padded), ~text.is_in(allowed))


def _text_id(column: Column, text: pl.Expr) -> Parsed:
    return Parsed(text, ~_matches(column, text, ID_PATTERN))


def _text_free(column: Column, text: pl.Expr) -> Parsed:
    return Parsed(_or_default(column, text), text == "" if column.required else pl.lit(False))


def _text_citizen_id(column: Column, text: pl.Expr) -> Parsed:
    good = is_citizen_id(text)
    return Parsed(text.str.to_uppercase(), ~(good if column.required else good | (text == "")))


def _typed_amount(column: Column, dtype: pl.DataType) -> Parsed:
    """Return fen from decimals of any scale, or from whole fen; parts of a fen are bad, not rounded."""
    cell = pl.col(column.name)
    units, scale = (cell.to_physical(), dtype.scale) if isinstance(dtype, pl.Decimal) else (cell, 2)
    broken = pl.lit(False)
    if scale > 2:
        step = 10 ** (scale - 2)
        units, broken = units // step, units % step != 0
    units = units.cast(pl.Int64, strict=False)
    factor = 10 ** max(2 - scale, 0)
    largest = LARGEST_FEN // factor
    outside = ~units.is_between(-largest if column.signed else 0, largest)
    missing = pl.lit(True) if column.required else cell.is_not_null()
    fen = units if factor == 1 else units * factor
    return Parsed(fen.fill_null(0), (broken | outside).fill_null(missing))


def _typed_day(column: Column, dtype: pl.DataType) -> Parsed:
    cell = pl.col(column.name)
    day = cell if dtype == pl.Date else cell.dt.date()
    bad = day < FIRST_DAY
    if dtype != pl.Date:
        bad = bad | (cell.dt.truncate("1d") != cell)
    return Parsed(day, bad.fill_null(pl.lit(column.required)))


def _typed_instant(column: Column, dtype: pl.DataType) -> Parsed:
    cell = pl.col(column.name).cast(pl.Datetime("us"))
    return Parsed(cell, (cell < FIRST_INSTANT).fill_null(pl.lit(column.required)))


def _typed_flag(column: Column, dtype: pl.DataType) -> Parsed:
    cell = pl.col(column.name)
    value = cell if dtype == pl.Boolean else cell == 1
    bad = pl.lit(False) if dtype == pl.Boolean else ~cell.is_between(0, 1)
    missing = cell.is_null() & pl.lit(column.required)
    return Parsed(value.fill_null(column.default == "1"), bad.fill_null(False) | missing)


_FROM_TEXT = {
    "id": _text_id,
    "code": _text_code,
    "amount": _text_amount,
    "day": _text_day,
    "instant": _text_instant,
    "flag": _text_flag,
    "text": _text_free,
    "citizen_id": _text_citizen_id,
}
_FROM_TYPED = {
    "amount": _typed_amount,
    "day": _typed_day,
    "instant": _typed_instant,
    "flag": _typed_flag,
}

"""Why a cell is bad, told one cell at a time, for the few cells that the vectorised check found.

The answer is a fault code of :mod:`tuodi.batch.faults` and the words for its sentence. What is looked for first is
what explains most: a blank inside a number is named before the number is called wrong.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from typing import NamedTuple

from tuodi.batch import faults, values
from tuodi.batch.citizen import citizen_id_fault, mask, mask_within
from tuodi.batch.columns import Column

SHOWN_CHARACTERS = 60
CODES_LISTED = 12
#: What stands where bytes could not be read in the file's encoding.
DAMAGE = "\ufffd"

_DAY = re.compile(values.DAY_PATTERN)
_INSTANT = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")
_EXPONENT = re.compile(r"[+-]?[0-9]*\.?[0-9]+[eE][+-]?[0-9]+")
_COMMAS = re.compile(r"[+-]?[0-9,]*[0-9],[0-9,.]*|[+-]?,[0-9,.]+")
_DECIMALS = re.compile(r"[0-9]*\.[0-9]{3,}")
_LONG = re.compile(r"[0-9]{10,}(?:\.[0-9]*)?")
_NEGATIVE = re.compile(r"-[0-9]*\.?[0-9]+")
_ID_CHARACTER = re.compile(r"[0-9A-Za-z_.:/#|()@-]")


class Why(NamedTuple):
    """A fault code and the words for its sentence."""

    code: str
    words: dict[str, object]


def shown(column: Column | None, text: str) -> str:
    """Return a cell as a fault may repeat it: short, and without anybody's citizen number."""
    if column is not None and column.kind == "citizen_id":
        return mask(text)
    masked = mask_within(text).replace("\n", "⏎")
    return masked if len(masked) <= SHOWN_CHARACTERS else masked[:SHOWN_CHARACTERS] + "…"


def why_bad(column: Column, text: str, *, encoding: str) -> Why:
    """Return why a cell of that column, found bad, is bad."""
    if DAMAGE in text:
        return Why(faults.FILE_BYTES, {"encoding": encoding})
    if text == "":
        return Why(faults.VALUE_EMPTY, {"title": column.title})
    return _BY_KIND[column.kind](column, text)


def _is_wide_amount(text: str) -> bool:
    """Say whether a text would be an amount if its full-width characters were ordinary ones."""
    narrow = unicodedata.normalize("NFKC", text).replace(",", "").replace(".", "", 1)
    return narrow.strip().lstrip("-+¥").isdecimal()


def _amount(column: Column, text: str) -> Why:
    words = {"title": column.title}
    if not text.isascii() and any(
        unicodedata.east_asian_width(character) in "FW" and character != "\u3000" for character in text
    ):
        return Why(faults.AMOUNT_WIDTH if _is_wide_amount(text) else faults.AMOUNT_TEXT, words)
    if any(character.isspace() for character in text):
        return Why(faults.AMOUNT_SPACE, words)
    for pattern, code in (
        (_COMMAS, faults.AMOUNT_COMMA),
        (_EXPONENT, faults.AMOUNT_EXPONENT),
        (_NEGATIVE, faults.AMOUNT_NEGATIVE if not column.signed else ""),
        (_LONG, faults.AMOUNT_SIZE),
        (_DECIMALS, faults.AMOUNT_DECIMALS),
    ):
        if code and pattern.fullmatch(text.removeprefix("-") if column.signed else text):
            return Why(code, words)
    return Why(faults.AMOUNT_TEXT, words)


def _day(column: Column, text: str) -> Why:
    words = {"title": column.title}
    if not _DAY.fullmatch(text):
        return Why(faults.DAY_FORMAT, words)
    return Why(_unreal(text, date.fromisoformat) or faults.DAY_REAL, words)


def _instant(column: Column, text: str) -> Why:
    words = {"title": column.title}
    if not _INSTANT.fullmatch(text):
        return Why(faults.INSTANT_FORMAT, words)
    return Why(_unreal(text, datetime.fromisoformat) or faults.INSTANT_REAL, words)


def _unreal(text: str, read: Callable[[str], date]) -> str:
    """Return the code for a year out of range, or nothing where the day itself does not exist."""
    try:
        read(text)
    except ValueError:
        return ""
    return faults.DAY_RANGE


def _identifier(column: Column, text: str) -> Why:
    if _EXPONENT.fullmatch(text):
        return Why(faults.VALUE_ID_EXCEL, {"title": column.title})
    odd = [character for character in text if not (_ID_CHARACTER.match(character) or _is_han(character))]
    found = "空格" if odd and odd[0].isspace() else "".join(dict.fromkeys(odd))
    return Why(faults.VALUE_ID, {"title": column.title, "found": found or shown(column, text)})


def _is_han(character: str) -> bool:
    return "CJK UNIFIED" in unicodedata.name(character, "")


def _code(column: Column, text: str) -> Why:
    words: dict[str, object] = {"title": column.title}
    if not column.pattern:
        words["allowed"] = "、".join(column.codes[:CODES_LISTED])
        if len(column.codes) > CODES_LISTED:
            words["allowed"] = f"{words['allowed']} 等 {len(column.codes)} 个"
    return Why(column.code_fault, words)


def _flag(column: Column, text: str) -> Why:
    return Why(faults.VALUE_FLAG, {"title": column.title})


def _citizen_id(column: Column, text: str) -> Why:
    return Why(citizen_id_fault(text) or faults.CERT_FORM, {})


_BY_KIND: dict[str, Callable[[Column, str], Why]] = {
    "id": _identifier,
    "code": _code,
    "amount": _amount,
    "day": _day,
    "instant": _instant,
    "flag": _flag,
    "citizen_id": _citizen_id,
}

"""Citizen numbers (GB 11643): whether one can be true, and how it is shown.

Eighteen characters: six for the area, eight for the day of birth, three in sequence, one check digit. The area is not
looked up: the table of areas changes, and numbers outlive their areas. Numbers are never shown whole.
"""

from __future__ import annotations

import re
from datetime import date

import polars as pl

from tuodi.batch import faults

FORM = r"[1-9][0-9]{16}[0-9Xx]"
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
FIRST_BIRTH_YEAR = 1850

_FORM = re.compile(FORM)
#: A citizen number inside other text: found by its day of birth, so that long serial numbers are left alone.
_INSIDE = re.compile(
    r"(?<![0-9])[1-9][0-9]{5}(?:18|19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx](?![0-9])"
)


def mask(text: str) -> str:
    """Return a number with only its first and last four characters.

    >>> mask("320902194910011234"), mask("12345")
    ('3209**********1234', '*****')
    """
    if len(text) <= 8:
        return "*" * len(text)
    return text[:4] + "*" * (len(text) - 8) + text[-4:]


def mask_within(text: str) -> str:
    """Return the text with every citizen number in it masked.

    >>> mask_within("号码320902194910011234")
    '号码3209**********1234'
    """
    return _INSIDE.sub(lambda found: mask(found.group()), text)


def citizen_id_fault(text: str) -> str | None:
    """Return the code of what is wrong with a citizen number, or None.

    >>> citizen_id_fault("11010519491231002X"), citizen_id_fault("110105194912310021")
    (None, 'E-CERT-DIGIT')
    """
    if not _FORM.fullmatch(text):
        return faults.CERT_FORM
    try:
        born = date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return faults.CERT_DATE
    if born.year < FIRST_BIRTH_YEAR:
        return faults.CERT_DATE
    check = 10 if text[17] in "Xx" else int(text[17])
    weighted = sum(weight * int(digit) for weight, digit in zip(WEIGHTS, text, strict=False))
    return None if (weighted + check) % 11 == 1 else faults.CERT_DIGIT


def is_citizen_id(text: pl.Expr) -> pl.Expr:
    """Return the same as :func:`citizen_id_fault` for a whole column: true where nothing is wrong."""
    born = text.str.slice(6, 8).str.to_date("%Y%m%d", strict=False)
    number = text.str.slice(0, 17).cast(pl.Int64, strict=False)
    last = text.str.slice(17, 1)
    check = pl.when(last.is_in(["X", "x"])).then(10).otherwise(last.cast(pl.Int64, strict=False))
    weighted = sum((number // 10 ** (16 - place) % 10 * weight for place, weight in enumerate(WEIGHTS)), start=check)
    true = (born.dt.year() >= FIRST_BIRTH_YEAR) & (weighted % 11 == 1)
    return text.str.contains(f"^{FORM}$") & true.fill_null(False)

"""Money is whole fen (分), a plain ``int``; this module is the only way in and out of yuan text.

What is *not* here: any float, any implicit rounding. Ratios are basis points (1/10 000) or exact
fractions; the one rounding that the policies need is :func:`half_up`, named at every call (I-21).
"""

from __future__ import annotations

import re

YUAN_PATTERN = re.compile(r"(-?)([0-9]{1,13})(?:\.([0-9]{1,2}))?")
RATE_PATTERN = re.compile(r"([0-9]{1,4})(?:\.([0-9]{1,2}))? ?%")
#: How an amount ends that people read: a page holds dozens.
CENTS = tuple(f".{cents:02d} 元" for cents in range(100))


def half_up(numerator: int, denominator: int) -> int:
    """Return ``numerator / denominator`` rounded to whole units, halves up. Both non-negative; denominator > 0.

    >>> half_up(5, 10), half_up(4, 10), half_up(15, 10)
    (1, 0, 2)
    """
    assert numerator >= 0, numerator
    assert denominator > 0, denominator
    return (2 * numerator + denominator) // (2 * denominator)


def fen_from_yuan(text: str) -> int:
    """Return the fen that a yuan text with at most two decimals says; ``ValueError`` for anything else.

    >>> fen_from_yuan("12.5"), fen_from_yuan("-0.01"), fen_from_yuan("7")
    (1250, -1, 700)
    """
    match = YUAN_PATTERN.fullmatch(text)
    if match is None:
        raise ValueError(text)
    sign, whole, cents = match.groups()
    fen = int(whole) * 100 + int((cents or "").ljust(2, "0") or "0")
    return -fen if sign else fen


def yuan(fen: int) -> str:
    """Return fen as yuan text with two decimals, for files.

    >>> yuan(1250), yuan(-1), yuan(0)
    ('12.50', '-0.01', '0.00')
    """
    sign, fen = ("-", -fen) if fen < 0 else ("", fen)
    return f"{sign}{fen // 100}.{fen % 100:02d}"


def yuan_for_people(fen: int) -> str:
    """Return fen as people read it: thousands separated, unit behind.

    >>> yuan_for_people(1234567), yuan_for_people(-50)
    ('12,345.67 元', '-0.50 元')
    """
    if fen < 0:
        return f"-{yuan_for_people(-fen)}"
    return f"{fen // 100:,}{CENTS[fen % 100]}"


def basis_points(text: str) -> int:
    """Return a per-cent text as basis points.

    >>> basis_points("70%"), basis_points("12.5 %"), basis_points("0.01%")
    (7000, 1250, 1)
    """
    match = RATE_PATTERN.fullmatch(text)
    if match is None:
        raise ValueError(text)
    whole, cents = match.groups()
    return int(whole) * 100 + int((cents or "").ljust(2, "0") or "0")


def percent(points: int) -> str:
    """Return basis points as per-cent text without needless zeros.

    >>> percent(7000), percent(1250), percent(1)
    ('70%', '12.5%', '0.01%')
    """
    whole, part = divmod(points, 100)
    return f"{whole}.{part:02d}".rstrip("0").rstrip(".") + "%"


def portion(amount: int, numerator: int, denominator: int) -> int:
    """Return ``amount * numerator / denominator`` in fen, rounded half up. All non-negative."""
    return half_up(amount * numerator, denominator)


def split(amount: int, weights: list[int]) -> list[int]:
    """Divide ``amount`` fen by ``weights`` so that the parts add up to it exactly (largest remainder first).

    >>> split(100, [1, 1, 1])
    [34, 33, 33]
    """
    assert amount >= 0
    assert weights, "nobody to divide among"
    assert all(weight >= 0 for weight in weights)
    total = sum(weights)
    assert total > 0
    parts = [amount * weight // total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(amount * weights[i] % total), i))
    for i in by_remainder[: amount - sum(parts)]:
        parts[i] += 1
    return parts

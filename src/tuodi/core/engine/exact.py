"""Exact numbers and exact comparison: a figure like "1.5" is a fraction, and nothing is divided to compare."""

from __future__ import annotations

import re

from tuodi.core.errors import InputErrors, declare, fault

E_NUMBER = declare("E-NUMBER", "“{number}”不是可用的数", "请写成“2”、“1.5”或“3/2”")


def exact_number(text: str) -> tuple[int, int]:
    """Return a number as numerator and denominator, exactly.

    >>> exact_number("1.5"), exact_number("2"), exact_number("3/2")
    ((15, 10), (2, 1), (3, 2))
    """
    match = re.fullmatch(r"([0-9]{1,4})(?:\.([0-9]{1,4})|/([1-9][0-9]{0,3}))?", text)
    if match is None:
        raise InputErrors([fault(E_NUMBER, number=text)])
    whole, part, under = match.groups()
    if under:
        return int(whole), int(under)
    return int(whole + (part or "")), 10 ** len(part or "")


def meets(net: int, compare: str, *, numerator: int, denominator: int) -> tuple[bool, int]:
    """Return whether ``net`` stands as asked to ``numerator / denominator``, and the whole number that decides the same.

    >>> meets(10, "at_most", numerator=21, denominator=2), meets(11, "below", numerator=21, denominator=2)
    ((True, 10), (False, 11))
    """
    floor, ceiling = numerator // denominator, -(-numerator // denominator)
    if compare == "at_most":
        return net <= floor, floor
    if compare == "above":
        return net > floor, floor
    if compare == "below":
        return net < ceiling, ceiling
    return net >= ceiling, ceiling

"""Texts typed on the command line or at a question, to values; what cannot be read is a wrong command, told with what is right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from tuodi.cli.usage import UsageError
from tuodi.core.identities import IDENTITIES, IdentityRecord
from tuodi.core.money import fen_from_yuan
from tuodi.core.policy.figures import parse_amount

PERSON = "本人"


def day_of(text: str, name: str) -> date:
    """Return a day typed in.

    >>> day_of("2026-03-01", "结算日期")
    datetime.date(2026, 3, 1)
    """
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(f"{name}“{text}”不是日期，应写成 2026-03-01 的样子") from None


def optional_day(text: str | None, name: str) -> date | None:
    """Return a day that may be left out."""
    return day_of(text, name) if text else None


def fen_of(text: str, name: str) -> int:
    """Return an amount typed in, in fen: plain yuan, with separators, or with its unit.

    >>> fen_of("30,000.5", "总额"), fen_of("3 万元", "总额")
    (3000050, 3000000)
    """
    plain = text.strip().replace(",", "").replace("，", "")
    try:
        fen = parse_amount(plain) if plain.endswith("元") else fen_from_yuan(plain)
    except ValueError:
        fen = -1
    if fen < 0:
        raise UsageError(f"{name}“{text}”不是金额，应写成以元为单位、最多两位小数的数，如 12345.67")
    return fen


def whole(number: int, name: str, least: int, most: int) -> int:
    """Return a number that lies between two others."""
    if not least <= number <= most:
        raise UsageError(f"参数 {name} 应在 {least} 到 {most} 之间")
    return number


def identity_code(text: str) -> str:
    """Return the code of an identity given by code or by name.

    >>> identity_code("低保对象"), identity_code("dibao")
    ('dibao', 'dibao')
    """
    plain = text.strip()
    if plain in IDENTITIES:
        return plain
    found = [code for code, name in IDENTITIES.items() if plain and plain in name]
    if len(found) == 1:
        return found[0]
    known = "、".join(f"{code} {name}" for code, name in IDENTITIES.items() if not found or code in found)
    raise UsageError(f"{'不认识' if not found else '不止一种'}身份“{text}”；可用的有：{known}")


def record_of(text: str, *, settled: date, certified: date | None, applied: date | None) -> IdentityRecord:
    """Return an identity written ``identity[:first[:last]]``; without days it has held for a year.

    >>> record_of("dibao:2026-01-01", settled=date(2026, 3, 1), certified=None, applied=None).first
    datetime.date(2026, 1, 1)
    """
    code, *days = text.split(":")
    if len(days) > 2:
        raise UsageError(f"身份“{text}”应写成 身份:起始日:终止日，如 dibao:2026-01-01:2026-12-31")
    first = day_of(days[0], "身份起始日") if days and days[0] else settled - timedelta(days=365)
    last = day_of(days[1], "身份终止日") if len(days) > 1 and days[1] else None
    if last is not None and last < first:
        raise UsageError(f"身份“{text}”的终止日早于起始日")
    return IdentityRecord(PERSON, identity_code(code), first, last, certified, applied)


def known_code(text: str, name: str, known: Mapping[str, str]) -> None:
    """Refuse a code that is not in its table, told with those that are."""
    if text not in known:
        listed = "、".join(f"{code} {says}" for code, says in known.items() if code)
        raise UsageError(f"{name}没有“{text}”；可用的有：{listed}")


def pairs_of(written: Iterable[str], name: str) -> dict[str, str]:
    """Return ``field=value`` texts as a dictionary."""
    out = {}
    for text in written:
        field, sign, value = text.partition("=")
        if not sign or not field:
            raise UsageError(f"{name}“{text}”应写成 字段=值")
        out[field] = value
    return out

"""From arguments to plans: pack, readings, entered values."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from tuodi.batch.packs import entered_values, pack_of
from tuodi.core.engine.plan import Plan, make_plan
from tuodi.core.errors import InputErrors, declare, fault
from tuodi.core.money import fen_from_yuan
from tuodi.core.policy.figures import EnteredValue
from tuodi.core.policy.model import Pack

E_READING = declare("E-CLI-READING", "“{given}”不是读法", "请写成 I-05=whole 的样子；可用读法见 tuodi pack show")
E_DAY = declare("E-CLI-DAY", "{name}“{given}”不是日期", "请写成 2026-03-01 的样子")
E_AMOUNT = declare("E-CLI-AMOUNT", "{name}“{given}”不是金额", "请写成以元为单位、最多两位小数的数，如 12345.67")
E_PAIR = declare("E-CLI-PAIR", "“{given}”应为“字段=值”", "例如 --default psn_no=P1")


def readings_of(given: Iterable[str]) -> dict[str, str]:
    """Return readings from ``I-05=whole`` texts."""
    wrong = [text for text in given if "=" not in text]
    if wrong:
        raise InputErrors([fault(E_READING, given=text) for text in wrong])
    return dict(text.split("=", 1) for text in given)


def values_of(files: Iterable[Path], pack: Pack) -> list[EnteredValue]:
    """Return the entered values of all files, later files after earlier ones."""
    return [value for file in files for value in entered_values(file, pack)]


def pack_and_values(pack: str, delegated: Iterable[Path], readings: Iterable[str]) -> tuple[Pack, list[EnteredValue]]:
    """Return a pack under its readings and the entered values."""
    made = pack_of(pack, readings=readings_of(readings))
    return made, values_of(delegated, made)


def plan_of(pack: str, delegated: Iterable[Path], readings: Iterable[str], *, simulate: bool = False) -> Plan:
    """Return the plan that a command's arguments name."""
    made, values = pack_and_values(pack, delegated, readings)
    return make_plan(made, values, simulate=simulate)


def day_of(text: str, name: str) -> date:
    """Return a day typed in."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputErrors([fault(E_DAY, name=name, given=text)]) from None


def fen_of(text: str, name: str) -> int:
    """Return an amount typed in, in fen."""
    try:
        fen = fen_from_yuan(text.replace(",", "").removesuffix("元").strip())
    except ValueError:
        fen = -1
    if fen < 0:
        raise InputErrors([fault(E_AMOUNT, name=name, given=text)])
    return fen


def pairs_of(given: Iterable[str]) -> dict[str, str]:
    """Return ``field=value`` texts as a dictionary."""
    wrong = [text for text in given if "=" not in text]
    if wrong:
        raise InputErrors([fault(E_PAIR, given=text) for text in wrong])
    return dict(text.split("=", 1) for text in given)


def samples_of(plan: Plan) -> list[str]:
    """Return the parameters for which a sample stands until an administrator replaces it."""
    return [param for param, held in plan.entered.by_param.items() if any(value.is_sample for value in held)]


def sample_note(plan: Plan) -> str:
    """Return the sentence that marks samples."""
    return f"注意：以下授权参数用的是示例值，不是法定数额：{'、'.join(samples_of(plan))}。"

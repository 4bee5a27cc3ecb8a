"""Readings of a pack: the default is one of the choices, every choice can be taken, and the pack is sound under each."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec.structs import replace

from tuodi.core.errors import PackErrors, declare
from tuodi.core.policy.check_look import Finding, Look
from tuodi.core.policy.load import load_pack

E_CHOICE = declare("E-CHECK-READING", "释义 {reading} 的读法“{choice}”不能用：{why}", "请核对它的 set")
W_SAME = declare(
    "W-READING-SAME", "释义 {reading} 的读法“{choice}”与现用读法没有差别", "请写明它改变什么（set），或删去"
)


def check_readings(look: Look, again: Callable[[Look], Iterator[Finding]]) -> Iterator[Finding]:
    """Yield readings that cannot be taken or change nothing; ``again`` finds the errors of a pack under another reading."""
    own = _errors(again(look))
    for name, reading in look.pack.readings.items():
        clause = reading.clause[0] if reading.clause else ""
        for choice in reading.choices:
            path = ("readings", name, "choices", choice)
            if choice == reading.default:
                continue
            try:
                pack = load_pack(look.source, readings={name: choice})
            except PackErrors as errors:
                why = errors.faults[0].message.rstrip("。")
                yield look.finding("error", E_CHOICE, path, clause=clause, reading=name, choice=choice, why=why)
                continue
            if replace(pack, readings={}) == replace(look.pack, readings={}):
                yield look.finding("warning", W_SAME, path, clause=clause, reading=name, choice=choice)
            for why in _faults(Look(look.source, pack, look.values), again, own)[:1]:
                yield look.finding("error", E_CHOICE, path, clause=clause, reading=name, choice=choice, why=why)


def _faults(look: Look, again: Callable[[Look], Iterator[Finding]], own: set[tuple[object, ...]]) -> list[str]:
    """Return what is wrong with a pack under another reading, and not under the default."""
    found = [finding for finding in again(look) if finding.level == "error"]
    return [finding.fault.message.rstrip("。") for finding in found if (finding.code, finding.fault.fields) not in own]


def _errors(findings: Iterator[Finding]) -> set[tuple[object, ...]]:
    return {(f.code, f.fault.fields) for f in findings if f.level == "error"}

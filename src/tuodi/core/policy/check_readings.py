"""Readings of a pack: the default is one of the choices, every choice can be taken, and the pack is sound under each."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tuodi.core.errors import PackErrors, declare
from tuodi.core.policy.check_look import Finding, Look
from tuodi.core.policy.load import load_pack

E_CHOICE = declare("E-CHECK-READING", "释义 {reading} 的读法“{choice}”不能用：{why}", "请核对它的 set")
W_SAME = declare("W-READING-SAME", "释义 {reading} 的读法“{choice}”与现用读法没有差别", "请写明它改变什么（set），或删去")


def check_readings(look: Look, again: Callable[[Look], Iterator[Finding]]) -> Iterator[Finding]:
    """Yield readings that cannot be taken or change nothing; ``again`` finds the errors of a pack under another reading."""
    own = _errors(again(look))
    for name, reading in look.pack.readings.items():
        clause = reading.clause[0] if reading.clause else ""
        for choice, means in reading.choices.items():
            path = ("readings", name, "choices", choice)
            if choice == reading.default:
                continue
            if not means.set and not reading.choices[reading.default].set:
                yield look.finding("warning", W_SAME, path, clause=clause, reading=name, choice=choice)
                continue
            for why in _faults(look, name, choice, again, own)[:1]:
                yield look.finding("error", E_CHOICE, path, clause=clause, reading=name, choice=choice, why=why.rstrip("。"))


def _faults(
    look: Look, name: str, choice: str, again: Callable[[Look], Iterator[Finding]], own: set[tuple[object, ...]]
) -> list[str]:
    """Return what is wrong under a choice and not under the default."""
    try:
        pack = load_pack(look.source, readings={name: choice})
    except PackErrors as errors:
        return [fault.message for fault in errors.faults]
    found = [finding for finding in again(Look(look.source, pack, look.values)) if finding.level == "error"]
    return [finding.fault.message for finding in found if (finding.code, finding.fault.fields) not in own]


def _errors(findings: Iterator[Finding]) -> set[tuple[object, ...]]:
    return {(f.code, f.fault.fields) for f in findings if f.level == "error"}

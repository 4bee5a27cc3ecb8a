"""What every check of a pack looks at: the typed pack, its texts with their lines, entered values; and what a check says.

A :class:`Finding` is an error (the pack must not be used), a warning (an officer should look, and may accept it in the pack) or a
note (worth knowing). The walk over a pack is generic, so that a structure added to the model is looked into without a change here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import msgspec

from tuodi.core.errors import Fault, fault
from tuodi.core.policy.figures import EnteredValue
from tuodi.core.policy.load import PackSource
from tuodi.core.policy.local_values import plain_param
from tuodi.core.policy.model import Accepted, Figure, Pack, Part
from tuodi.core.policy.parse import Path

Level = Literal["error", "warning", "note"]
LEVELS: dict[Level, str] = {"error": "错误", "warning": "提醒", "note": "说明"}

#: What stands in for a delegated value that nobody has entered, so that the shape of its rule can be checked all the same.
STAND_INS = {
    "yuan": "10000.00", "percent": "50%", "day": "2020-01-01", "days": "10", "number": "100", "diagnoses": "Z99.9", "text": "待录入",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check says of a pack: its sentence and place, the clause and layer it is about, a worked number."""

    level: Level
    fault: Fault
    clause: str = ""
    layer: str = ""
    worked: str = ""
    accepted: Accepted | None = None

    @property
    def code(self) -> str:
        return self.fault.code

    def __str__(self) -> str:
        clause = f"（{self.clause}）" if self.clause else ""
        worked = f" 例：{self.worked}。" if self.worked else ""
        accepted = f" 已由{self.accepted.by}接受：{self.accepted.reason}。" if self.accepted else ""
        return f"{LEVELS[self.level]} {self.fault}{clause}{worked}{accepted}"


@dataclass(frozen=True)
class Look:
    """A pack under its default readings, its texts, and the values entered for it."""

    source: PackSource
    pack: Pack
    values: tuple[EnteredValue, ...]

    def finding(
        self, level: Level, code: str, path: Path, *, clause: str = "", layer: str = "", worked: str = "", **fields: Any
    ) -> Finding:
        """Return a finding at a path of the pack's text."""
        made = fault(code, file=self.source.file, line=self.source.document.line(path), **fields)
        return Finding(level, made, clause=clause, layer=layer, worked=worked)

    def where(self, path: Path) -> str:
        """Return a path of the pack's text in words."""
        return self.source.document.where(path)

    def missing(self) -> list[str]:
        """Return the delegated parameters without any entered value."""
        entered = {plain_param(value.param) for value in self.values}
        return [param for param in self.pack.delegated if param not in entered]

    def filled(self) -> list[EnteredValue]:
        """Return the entered values, and a stand-in for each required one that is missing."""
        stand_ins = [
            EnteredValue(param, STAND_INS[self.pack.delegated[param].unit], "待录入")
            for param in self.missing()
            if not self.pack.delegated[param].optional
        ]
        return [*self.values, *stand_ins]


def parts(value: object, path: Path = ()) -> Iterator[tuple[Path, Part]]:
    """Yield every structure inside a value with its path in the text, outer ones first."""
    if isinstance(value, Part):
        yield path, value
    for step, inner in inside(value):
        yield from parts(inner, (*path, step))


def inside(value: object) -> Iterator[tuple[str | int, Any]]:
    """Yield the steps and values directly inside a value; what is not given is left out."""
    if isinstance(value, Part):
        for name, key in zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True):
            inner = getattr(value, name)
            if inner is not msgspec.UNSET and inner is not None:
                yield key, inner
    elif isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, (list, tuple)):
        yield from enumerate(value)


def figures_in(value: object) -> Iterator[Figure]:
    """Yield every figure inside a value that is not a plain text."""
    for _, part in parts(value):
        if isinstance(part, Figure):
            yield part


def delegated_in_part(value: object) -> set[str]:
    """Return the delegated parameters that figures inside a value read."""
    return {figure.delegated for figure in figures_in(value) if figure.delegated is not None}


def clause_of(pack: Pack, path: Path) -> str:
    """Return the clause of the nearest structure that holds a path and names one."""
    found, at = "", pack
    value: Any = at
    for step in path:
        value = _into(value, step)
        clause = getattr(value, "clause", "")
        found = clause if isinstance(clause, str) and clause else found
    return found


def _into(value: Any, step: str | int) -> Any:
    return next((inner for name, inner in inside(value) if name == step), None)


def accept(findings: Iterable[Finding], accepted: list[Accepted]) -> tuple[list[Finding], list[Accepted]]:
    """Return the findings with what an officer has accepted marked, and the acceptances that met nothing.

    An acceptance names a code, or a code and what the finding is about: ``W-UNUSED:xx.rate``, ``W-CLIFF-LOSS:inpatient``.
    """
    out, met = [], set()
    for finding in findings:
        about = {finding.layer, *(text for _, text in finding.fault.fields)}
        names = {finding.code, *(f"{finding.code}:{text}" for text in about)}
        held = next((item for item in accepted if item.warning in names), None)
        if held is not None and finding.level != "error":
            met.add(held.warning)
            finding = replace(finding, accepted=held)
        out.append(finding)
    return out, [item for item in accepted if item.warning not in met]

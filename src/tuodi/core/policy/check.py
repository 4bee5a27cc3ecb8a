"""Is a pack sound? Everything that its schema cannot see, said in Chinese with its line, its clause and a worked number.

``check`` finds names that stand for nothing, figures in the wrong unit or order, kinds of case that no row or two rows answer, rules
that never come to bear, readings that cannot be taken, cliffs, and steps that could leave their bounds. Errors mean that the pack
must not be used; warnings are for an officer, who may accept them in the pack itself (``accepted``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tuodi.core.engine.plan import make_plan
from tuodi.core.errors import Fault, InputErrors, PackErrors, declare
from tuodi.core.policy.check_cliffs import check_cliffs
from tuodi.core.policy.check_figures import check_figures
from tuodi.core.policy.check_ids import check_names
from tuodi.core.policy.check_look import LEVELS, Finding, Look, accept
from tuodi.core.policy.check_readings import check_readings
from tuodi.core.policy.check_rows import check_rows
from tuodi.core.policy.check_shape import check_shape
from tuodi.core.policy.figures import EnteredValue
from tuodi.core.policy.load import PackSource, load_pack
from tuodi.core.policy.local_values import plain_param

W_STALE = declare(
    "W-ACCEPTED-STALE", "accepted 里接受的“{warning}”没有对应的提醒", "请删去，或核对代码（可写成 代码:层）"
)


def check(source: PackSource, values: list[EnteredValue] | None = None) -> list[Finding]:
    """Return everything that is wrong or worth a look, errors first, in the order of the text."""
    try:
        pack = load_pack(source)
    except PackErrors as errors:
        return [Finding("error", fault) for fault in errors.faults]
    own = tuple(value for value in values or [] if plain_param(value.param) in pack.delegated)
    look = Look(source, pack, own)
    found = list(_shallow(look))
    found += check_readings(look, _shallow)
    if not any(finding.level == "error" for finding in found):
        found += _deep(look)
    marked, stale = accept(found, pack.accepted)
    marked += [look.finding("warning", W_STALE, ("accepted",), warning=item.warning) for item in stale]
    return sorted(marked, key=lambda f: (list(LEVELS).index(f.level), f.fault.line))


def errors_of(findings: list[Finding]) -> list[Finding]:
    """Return the findings for which a pack must not be used."""
    return [finding for finding in findings if finding.level == "error"]


def open_warnings(findings: list[Finding]) -> list[Finding]:
    """Return the warnings that no officer has accepted."""
    return [finding for finding in findings if finding.level == "warning" and finding.accepted is None]


def _shallow(look: Look) -> Iterator[Finding]:
    """Yield what can be seen without running anything."""
    yield from check_names(look)
    yield from check_figures(look)
    yield from check_shape(look)


def _deep(look: Look) -> Iterator[Finding]:
    """Yield what shows when the pack runs; values that nobody has entered have stand-ins."""
    try:
        plan = make_plan(look.pack, look.filled())
        insured = make_plan(look.pack, look.filled(), simulate=True) if look.pack.insurance else plan
        yield from check_rows(look, insured)
        yield from check_cliffs(look, plan, insured)
    except InputErrors as errors:
        yield from (Finding("error", _placed(look, fault)) for fault in errors.faults)


def _placed(look: Look, found: Fault) -> Fault:
    """Return what came out while the pack ran with the file and the line of the layer that it names, if it names one."""
    name = dict(found.fields).get("layer")
    for key in ("insurance", "layers"):
        for i, layer in enumerate(getattr(look.pack, key)):
            if layer.name == name and not found.line:
                return replace(found, file=look.source.file, line=look.source.document.line((key, i)))
    return found

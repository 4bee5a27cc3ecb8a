"""Is a pack sound? Everything that its schema cannot see, said in Chinese with its line, its clause and a worked number.

``check`` finds names that stand for nothing, figures in the wrong unit or order, kinds of case that no row or two rows answer, rules
that never come to bear, readings that cannot be taken, cliffs, and steps that could leave their bounds. Errors mean that the pack
must not be used; warnings are for an officer, who may accept them in the pack itself (``accepted``).
"""

from __future__ import annotations

from collections.abc import Iterator

from tuodi.core.engine.compile import compile_program
from tuodi.core.engine.plan import Plan, make_plan
from tuodi.core.engine.prove import prove, row_faults
from tuodi.core.errors import InputErrors, PackErrors, declare
from tuodi.core.policy.check_cliffs import check_cliffs
from tuodi.core.policy.check_figures import check_figures
from tuodi.core.policy.check_ids import check_names
from tuodi.core.policy.check_look import LEVELS, Finding, Look, accept
from tuodi.core.policy.check_readings import check_readings
from tuodi.core.policy.check_rows import check_rows
from tuodi.core.policy.check_shape import check_shape
from tuodi.core.policy.figures import EnteredValue
from tuodi.core.policy.load import PackSource, load_pack

E_PROOF = declare("E-CHECK-PROOF", "步骤“{step}”（{label}）{why}：{low} 至 {high}", "这一层的数额或层数超出了可靠计算的范围")
E_RANGE = declare("E-CHECK-RANGE", "{named}的数额“{figure}”超出可算的范围，或次序不对", "分段、定额、升档的起点要从小到大，目标不能高于触发线，比例不能超过 100%")
W_STALE = declare("W-ACCEPTED-STALE", "accepted 里接受的“{warning}”没有对应的提醒", "请删去，或核对代码（可写成 代码:层）")


def check(source: PackSource, values: list[EnteredValue] | None = None) -> list[Finding]:
    """Return everything that is wrong or worth a look, errors first, in the order of the text."""
    try:
        pack = load_pack(source)
    except PackErrors as errors:
        return [Finding("error", fault) for fault in errors.faults]
    own = tuple(value for value in values or [] if value.param.partition("@")[0] in pack.delegated)
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
    proven = list(_proof(look))
    yield from proven
    if proven:
        return
    try:
        plan = make_plan(look.pack, look.filled())
        insured = make_plan(look.pack, look.filled(), simulate=True) if look.pack.insurance else plan
        yield from check_rows(look, insured)
        yield from _ranges(look, insured)
        yield from check_cliffs(look, plan, insured)
    except InputErrors as errors:
        yield from (Finding("error", fault) for fault in errors.faults)


def _proof(look: Look) -> Iterator[Finding]:
    for simulate in (False, True) if look.pack.insurance else (False,):
        program = compile_program(look.pack, simulate=simulate)
        layers = {step.name: step.layer for step in program.steps}
        for fault in prove(program):
            yield look.finding(
                "error", E_PROOF, ("layers",), layer=layers[fault.step], step=fault.step, label=fault.label, why=fault.why,
                low=fault.low, high=fault.high,
            )  # fmt: skip


def _ranges(look: Look, plan: Plan) -> Iterator[Finding]:
    """Yield figures outside the bounds that the proof assumes, for every row that some kind of case has met."""
    for i, layer in enumerate(plan.layers):
        names = plan.program.figures[layer.id]
        for figure in sorted({name for numbers in plan.tables[i] for name in row_faults(names, numbers)}):
            yield look.finding("error", E_RANGE, ("layers", i), clause=layer.clause, layer=layer.id, named=layer.name, figure=figure)

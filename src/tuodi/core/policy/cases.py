"""Worked cases beside a pack: read, run, compared to the fen.

A case is written from the text, with its arithmetic in words (style D6). The kind ``history``, a person's bills through the
layers, is here; the other kinds register themselves in ``KINDS`` (:mod:`.case_kinds`, imported here so that they are there).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tuodi.core.engine.fold import EventResult, fold, live
from tuodi.core.engine.plan import Plan, make_plan
from tuodi.core.errors import MissingValues
from tuodi.core.money import yuan_for_people
from tuodi.core.policy import case_kinds, case_stated, case_terms
from tuodi.core.policy.case_values import (
    KINDS,
    Case,
    Mismatch,
    Runner,
    day_of,
    history_of,
    identity_of,
    settlement_of,
)
from tuodi.core.policy.figures import EnteredValue, parse_amount
from tuodi.core.policy.load import PackSource, load_pack

__all__ = [
    "KINDS", "Case", "Mismatch", "Runner", "case_kinds", "case_stated", "case_terms", "day_of", "history_of", "identity_of", "run_case", "settlement_of",
]  # fmt: skip

CASE_KEYS = {
    "name", "clauses", "readings", "worked", "kind", "simulate", "delegated", "identities", "settlements", "applications",
    "cancelled", "facts", "expect", "gauntlet",
}  # fmt: skip
EXPECT_KEYS = {
    "pays",
    "total",
    "layers",
    "refusals",
    "clauses",
    "categories",
    "due",
    "deductibles",
    "cut",
    "identities",
    "missing",
}


Plans = dict[tuple[object, ...], Plan]


def run_case(
    source: PackSource, case: Case, values: list[EnteredValue], *, plans: Plans | None = None
) -> list[Mismatch]:
    """Return every mismatch of one case; none means that it holds. ``plans`` keeps the plans of a pack between its cases."""
    unknown = set(case.data) - CASE_KEYS
    assert not unknown, f"{case.file}:{case.line}: unknown keys {sorted(unknown)}"
    assert case.data.get("worked"), f"{case.file}:{case.line}: the arithmetic (worked) is missing"
    assert case.data.get("expect"), f"{case.file}:{case.line}: nothing is expected"
    own = [EnteredValue(str(p), str(v), "案例") for p, v in (case.data.get("delegated") or {}).items()]
    named = {value.param for value in own}
    entered = [value for value in values if value.param not in named] + [v for v in own if v.value != "None"]
    wanted = [str(param) for param in case.data["expect"].get("missing") or []]
    try:
        plan = _plan(source, case, entered, plans if plans is not None else {})
        return KINDS[str(case.data.get("kind", "history"))](plan, case)
    except MissingValues as error:
        found = sorted({str(dict(f.fields)["param"]) for f in error.faults})
        return (
            [] if found == wanted else [Mismatch(case, "缺少的授权参数", "、".join(wanted) or "无", "、".join(found))]
        )


def _plan(source: PackSource, case: Case, entered: list[EnteredValue], plans: Plans) -> Plan:
    simulate = bool(case.data.get("simulate"))
    key = (source.file, tuple(sorted(case.readings.items())), tuple(entered), simulate)
    if key not in plans:
        plans[key] = make_plan(load_pack(source, readings=case.readings), entered, simulate=simulate)
    return plans[key]


def _history(plan: Plan, case: Case) -> list[Mismatch]:
    bills, records, asked = history_of(case)
    kept = live(bills, [str(setl_id) for setl_id in case.data.get("cancelled") or []])
    results = {r.settlement.setl_id: r for r in fold(plan, kept, records, asked)}
    checked = {r.settlement.setl_id: r for r in fold(plan, kept, records, asked, reference=True)}
    out = [
        Mismatch(case, f"{key} 参照求值", yuan_for_people(checked[key].pay), yuan_for_people(results[key].pay))
        for key in results
        if results[key].layers != checked[key].layers
    ]
    ordered = [results.get(bill.setl_id) for bill in bills]
    return out + _compare(case, ordered)


def _compare(case: Case, ordered: list[EventResult | None]) -> list[Mismatch]:
    expect: Mapping[str, Any] = case.data["expect"]
    unknown = set(expect) - EXPECT_KEYS
    assert not unknown, unknown
    pairs: list[tuple[str, list[str], list[str]]] = []
    if "missing" in expect:
        pairs.append(("缺少的授权参数", [str(param) for param in expect["missing"]], []))
    if "pays" in expect:
        pairs.append(("各次救助", _amounts(expect["pays"]), [yuan_for_people(r.pay if r else 0) for r in ordered]))
    if "total" in expect:
        whole = sum(r.pay for r in ordered if r)
        pairs.append(("合计", _amounts([expect["total"]]), [yuan_for_people(whole)]))
    for key, attribute in (("layers", "pay"), ("deductibles", "deductible"), ("cut", "cut")):
        for layer, amounts in (expect.get(key) or {}).items():
            found = [yuan_for_people(_of_layer(r, str(layer), attribute)) for r in ordered]
            pairs.append((f"{layer} {attribute}", _amounts(amounts), found))
    for key, attribute in (("refusals", "refusal"), ("clauses", "clause")):
        if key in expect:
            found = [str(getattr(r.decision, attribute) or "-") if r else "-" for r in ordered]
            pairs.append((key, [str(x or "-") for x in expect[key]], found))
    for key, attribute in (("categories", "category"), ("identities", "identity")):
        if key in expect:
            pairs.append(
                (
                    key,
                    [str(x or "-") for x in expect[key]],
                    [str(getattr(r, attribute) or "-") if r else "-" for r in ordered],
                )
            )
    if "due" in expect:
        found = [str(min((x.due_on for x in r.layers if x.pay), default="-")) if r else "-" for r in ordered]
        pairs.append(("due", [str(x or "-") for x in expect["due"]], found))
    return [Mismatch(case, what, " · ".join(want), " · ".join(got)) for what, want, got in pairs if want != got]


def _amounts(values: list[Any]) -> list[str]:
    return [yuan_for_people(parse_amount(str(value))) for value in values]


def _of_layer(result: EventResult | None, layer: str, attribute: str) -> int:
    return sum(int(getattr(x, attribute)) for x in result.layers if x.layer == layer) if result else 0


KINDS["history"] = _history

"""Worked cases beside a pack: read, run, compared to the fen.

A case is written from the text, with its arithmetic in words (style D6). The kind ``history``, a person's bills through the
layers, is here; the other kinds register themselves in ``KINDS`` (:mod:`.case_kinds`, imported here so that they are there).
"""

from __future__ import annotations

from tuodi.core.engine.fold import EventResult, fold, live
from tuodi.core.engine.plan import Plan, make_plan
from tuodi.core.errors import InputErrors, MissingValues, declare, fault
from tuodi.core.money import yuan_for_people
from tuodi.core.policy import case_kinds, case_stated, case_terms
from tuodi.core.policy.case_values import (
    KINDS,
    Case,
    Mismatch,
    Runner,
    Unreadable,
    amount_of,
    day_of,
    history_of,
    identity_of,
    items_of,
    keys_of,
    needed,
    settlement_of,
)
from tuodi.core.policy.figures import EnteredValue
from tuodi.core.policy.load import PackSource, load_pack
from tuodi.core.policy.local_values import plain_param

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
PAYS = "pays（各次救助）"
#: Expectations with one entry for each settlement.
LISTED = {"pays", "refusals", "clauses", "categories", "identities", "due", "missing"}

E_CASE = declare("E-CASE", "案例“{name}”写法不对：{why}", "写法见 docs/reference/cases.md")

Plans = dict[tuple[object, ...], Plan]


def run_case(
    source: PackSource, case: Case, values: list[EnteredValue], *, plans: Plans | None = None
) -> list[Mismatch]:
    """Return every mismatch of one case; none means that it holds. ``plans`` keeps the plans of a pack between its cases."""
    try:
        return _run(source, case, values, plans if plans is not None else {})
    except Unreadable as error:
        raise _wrongly_written(case, str(error)) from error
    except KeyError as error:
        raise _wrongly_written(case, f"没有“{error.args[0]}”，或缺少它" if error.args else "缺少一个键") from error
    except (TypeError, ValueError, StopIteration) as error:
        raise _wrongly_written(case, f"有一处的写法不是它该有的样子（{error}）") from error


def _wrongly_written(case: Case, why: str) -> InputErrors:
    return InputErrors([fault(E_CASE, file=case.file, line=case.line, name=case.name, why=why)])


def _run(source: PackSource, case: Case, values: list[EnteredValue], plans: Plans) -> list[Mismatch]:
    keys_of(case.data, CASE_KEYS, "案例")
    for key in ("name", "worked", "expect"):
        needed(case.data, key, "案例")
    kind = str(case.data.get("kind", "history"))
    if kind not in KINDS:
        raise Unreadable(f"没有“{kind}”这一种案例，可用的：{'、'.join(KINDS)}")
    expect = keys_of(case.data["expect"], None, "expect")
    delegated = keys_of(case.data.get("delegated") or {}, None, "delegated")
    declared = source.document.data.get("delegated") or {}
    for param in delegated:
        if plain_param(str(param)) not in declared:
            raise Unreadable(f"delegated 里的“{param}”在政策包里没有声明")
    own = [EnteredValue(str(p), str(v), "案例") for p, v in delegated.items()]
    named = {value.param for value in own}
    entered = [value for value in values if value.param not in named] + [v for v in own if v.value != "None"]
    wanted = [str(param) for param in items_of(expect.get("missing"), "expect 的 missing")]
    try:
        return KINDS[kind](_plan(source, case, entered, plans), case)
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
    cancelled = [str(setl_id) for setl_id in items_of(case.data.get("cancelled"), "cancelled")]
    for setl_id in cancelled:
        if setl_id not in {bill.setl_id for bill in bills}:
            raise Unreadable(f"cancelled 里的“{setl_id}”不是哪一笔结算的编号（不写 id 的依次是 1、2、3）")
    kept = live(bills, cancelled)
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
    expect = keys_of(case.data["expect"], EXPECT_KEYS, "expect")
    for key in LISTED & set(expect):
        items_of(expect[key], f"expect 的 {key}")
    pairs: list[tuple[str, list[str], list[str]]] = []
    if "missing" in expect:
        pairs.append(("缺少的授权参数", [str(param) for param in expect["missing"]], []))
    if "pays" in expect:
        pairs.append((PAYS, _amounts(expect["pays"]), [yuan_for_people(r.pay if r else 0) for r in ordered]))
    if "total" in expect:
        whole = sum(r.pay for r in ordered if r)
        pairs.append(("total（合计）", _amounts([expect["total"]]), [yuan_for_people(whole)]))
    for key, attribute in (("layers", "pay"), ("deductibles", "deductible"), ("cut", "cut")):
        for layer, amounts in keys_of(expect.get(key) or {}, None, f"expect 的 {key}").items():
            found = [yuan_for_people(_of_layer(r, str(layer), attribute)) for r in ordered]
            pairs.append((f"{key} 的 {layer}", _amounts(amounts), found))
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
    return [
        Mismatch(case, what, " · ".join(want), " · ".join(got) + (_why_not(ordered) if what == PAYS else ""))
        for what, want, got in pairs
        if want != got
    ]


def _why_not(ordered: list[EventResult | None]) -> str:
    """Return which settlements are refused, and why: most amounts that are not as expected are none at all."""
    return "".join(
        f"；第 {number} 笔不予救助：{one.decision.says}（{one.decision.clause}）"
        for number, one in enumerate(ordered, start=1)
        if one is not None and one.decision.refusal
    )


def _amounts(values: object) -> list[str]:
    return [yuan_for_people(amount_of(value)) for value in items_of(values, "expect 的金额")]


def _of_layer(result: EventResult | None, layer: str, attribute: str) -> int:
    return sum(int(getattr(x, attribute)) for x in result.layers if x.layer == layer) if result else 0


KINDS["history"] = _history

"""Holes and overlaps: each kind of person and bill that a layer covers is answered by exactly one row, on every day of its life.

Also: rows, refusals and categories that never come to bear, layers that pay people without any identity, totals that run over a
reach-back window outside it, and the quarters of the pack's life (style D7).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import msgspec

from tuodi.core.dates import FOREVER, add_months
from tuodi.core.engine.conditions import Profile, holds
from tuodi.core.engine.decide import NOT_IN_FORCE
from tuodi.core.engine.plan import Plan
from tuodi.core.errors import MissingValues, declare
from tuodi.core.policy.check_grid import (
    MOST,
    Dimension,
    Kind,
    boxes,
    conditions_of,
    days_of,
    dimensions,
    kinds,
    matching,
    mentioned,
)
from tuodi.core.policy.check_look import Finding, Look, delegated_in_part
from tuodi.core.policy.model import Layer
from tuodi.core.policy.parse import Path

E_HOLE = declare(
    "E-CHECK-HOLE", "{named}覆盖{kinds}，但没有一行数额适用（{day} 起）", "请补一行，或在 covers 里写明不包括"
)
E_OVERLAP = declare(
    "E-CHECK-OVERLAP",
    "{named}对{kinds}有两行以上数额同时适用（第 {rows} 行，{day} 起）",
    "每种情形只能有一行，请把条件写到互不重叠",
)
W_ROW = declare("W-DEAD-ROW", "{named}的第 {row} 行数额永远轮不到", "它的条件不会成立，或施行期限以外；请核对")
W_EVERYONE = declare(
    "W-COVERS-EVERYONE", "{named}对没有任何身份的人也付", "如不是本意，请在 covers 里写 category 或 identity"
)
W_NOTHING = declare("W-CATEGORY-EARNS-NOTHING", "类别“{name}”不属于任何一层的救助范围", "请核对各层的 covers")
W_REFUSES = declare(
    "W-REFUSAL-HIDES", "不予救助情形“{refusal}”挡住了{named}的全部情形", "这一层永远不会支付；请核对两处的条件"
)
W_NEVER = declare("W-DEAD-REFUSAL", "不予救助情形“{refusal}”永远轮不到", "它的条件不会成立；请核对")
E_OUTSIDE = declare(
    "E-CHECK-OUTSIDE-WINDOW",
    "{named}按追溯窗口“{window}”累计，却也覆盖窗口以外的费用：{kinds}",
    "请在 covers 里写 window: {window}",
)
E_LIFE = declare("E-CHECK-LIFE", "{day} 不能作答：{why}", "请核对施行期限和各数额的起止日期")
N_FACT = declare("N-NEEDS-FACT", "{named}按{facts}区分", "结算数据缺这一项时这一层不会支付，请保证数据齐全")
N_GRID = declare("N-GRID", "{named}的条件组合太多，只检查了 {size} 种", "请分成几层书写")


def check_rows(look: Look, plan: Plan) -> Iterator[Finding]:
    """Yield what is answered by no row or several, and what never comes to bear."""
    earning: set[int] = set()
    for key, layers in (("insurance", look.pack.insurance), ("layers", look.pack.layers)):
        for i, layer in enumerate(layers):
            yield from _layer(look, plan, (key, i), layer, earning)
    for number, category in enumerate(look.pack.categories, start=1):
        if number not in earning and look.pack.layers:
            yield look.finding(
                "warning", W_NOTHING, ("categories", number - 1), clause=category.clause, name=category.name
            )
    yield from _refusals(look, plan)
    yield from _life(look, plan)


def _layer(look: Look, plan: Plan, path: Path, layer: Layer, earning: set[int]) -> Iterator[Finding]:
    dims = dimensions(plan, conditions_of(layer), windows=_windows_run(layer))
    of_person = bool(mentioned([layer.covers], "identity", "window"))
    answered: set[int] = set()
    everyone = False
    told: set[tuple[str, ...]] = set()
    for day in days_of(plan, layer):
        holes: list[Kind] = []
        overlaps: dict[tuple[int, ...], list[Kind]] = {}
        for kind in kinds(plan, dims, day):
            if not holds(plan, layer.covers, kind.profile, kind.category):
                continue
            rows = matching(plan, layer, kind)
            answered.update(rows)
            if rows:
                earning.add(kind.category if path[0] == "layers" else 0)
                everyone |= not kind.profile.identities and not kind.profile.windows
            if not rows and (kind.category or of_person):
                holes.append(kind)
            elif len(rows) > 1:
                overlaps.setdefault(tuple(rows), []).append(kind)
        yield from _holes(look, path, layer, dims, day=day, holes=holes, overlaps=overlaps, told=told)
    missing = set(look.missing())
    for i, row in enumerate(layer.figures):
        if i not in answered and missing.isdisjoint(delegated_in_part([row.first, row.last])):
            yield look.finding(
                "warning", W_ROW, (*path, "figures", i), clause=row.clause, layer=layer.id, named=layer.name, row=i + 1
            )
    if everyone and path[0] == "layers":
        yield look.finding("warning", W_EVERYONE, path, clause=layer.clause, layer=layer.id, named=layer.name)
    facts = [
        said
        for key, said in (("hospital", "医院等级"), ("age", "年龄（出生日期）"))
        if mentioned(conditions_of(layer), key)
    ]
    if facts:
        yield look.finding(
            "note", N_FACT, path, clause=layer.clause, layer=layer.id, named=layer.name, facts="、".join(facts)
        )
    yield from _outside(look, plan, path, layer, dims)
    size = 1
    for dim in dims:
        size *= len(dim.options)
    if size > MOST:
        yield look.finding("note", N_GRID, path, clause=layer.clause, layer=layer.id, named=layer.name, size=MOST)


def _holes(
    look: Look, path: Path, layer: Layer, dims: Sequence[Dimension], *, day: date, holes: list[Kind],
    overlaps: dict[tuple[int, ...], list[Kind]], told: set[tuple[str, ...]],
) -> Iterator[Finding]:  # fmt: skip
    for said in boxes(dims, holes):
        if (said,) not in told:
            told.add((said,))
            yield look.finding(
                "error", E_HOLE, path, clause=layer.clause, layer=layer.id, named=layer.name, kinds=f"“{said}”", day=day
            )
    for rows, found in overlaps.items():
        numbers = "、".join(str(row + 1) for row in rows)
        for said in boxes(dims, found):
            if (numbers, said) not in told:
                told.add((numbers, said))
                yield look.finding(
                    "error", E_OVERLAP, (*path, "figures", rows[1]), clause=layer.figures[rows[1]].clause, layer=layer.id,
                    named=layer.name, kinds=f"“{said}”", rows=numbers, day=day,
                )  # fmt: skip


def _windows_run(layer: Layer) -> list[str]:
    """Return the reach-back windows over which a layer's totals run."""
    periods = [layer.period, layer.deductible.per, *(rule.per for rule in layer.caps.values())]
    return list(dict.fromkeys(period.partition(":")[2] for period in periods if ":" in period))


def _outside(look: Look, plan: Plan, path: Path, layer: Layer, dims: Sequence[Dimension]) -> Iterator[Finding]:
    """Yield totals that run over a window, where the layer also answers outside it (they would all run together there)."""
    for window in _windows_run(layer):
        found = [
            kind for kind in kinds(plan, dims, plan.first)
            if window not in kind.profile.windows
            and holds(plan, layer.covers, kind.profile, kind.category)
            and matching(plan, layer, kind)
        ]  # fmt: skip
        if found:
            yield look.finding(
                "error", E_OUTSIDE, path, clause=layer.clause, layer=layer.id, named=layer.name, window=window,
                kinds="；".join(boxes(dims, found)[:3]),
            )  # fmt: skip


def _refusals(look: Look, plan: Plan) -> Iterator[Finding]:
    for i, refusal in enumerate(look.pack.refusals):
        path: Path = ("refusals", i)
        if delegated_in_part(refusal.when) & set(look.missing()):
            continue
        own = dimensions(plan, [refusal.when])
        if not any(holds(plan, refusal.when, kind.profile, kind.category) for kind in kinds(plan, own, plan.first)):
            yield look.finding("warning", W_NEVER, path, clause=refusal.clause, refusal=refusal.says)
            continue
        for layer in look.pack.layers:
            dims = dimensions(plan, [*conditions_of(layer), refusal.when], pairs=False)
            covered = [
                kind for kind in kinds(plan, dims, plan.first)
                if holds(plan, layer.covers, kind.profile, kind.category) and matching(plan, layer, kind)
            ]  # fmt: skip
            if covered and all(holds(plan, refusal.when, kind.profile, kind.category) for kind in covered):
                yield look.finding(
                    "warning",
                    W_REFUSES,
                    path,
                    clause=refusal.clause,
                    layer=layer.id,
                    named=layer.name,
                    refusal=refusal.says,
                )


def quarters(plan: Plan) -> list[date]:
    """Return the first day of every quarter of a pack's life plus a year; an open life is followed a year past its last change."""
    known = [day for day in plan.boundaries if day < FOREVER]
    end = plan.last if plan.last < FOREVER else max([plan.first, *known])
    end = add_months(end, 12) if end < date(9000, 1, 1) else end
    day = date(plan.first.year, (plan.first.month - 1) // 3 * 3 + 1, 1)
    out: list[date] = []
    while day <= end and len(out) < 400:
        out.append(day)
        day = add_months(day, 3)
    return out


def _life(look: Look, plan: Plan) -> Iterator[Finding]:
    """Yield days on which a pack neither answers nor says that it is not in force."""
    clause = look.pack.in_force.clause
    if plan.first > plan.last:
        yield look.finding("error", E_LIFE, ("in_force",), clause=clause, day=plan.last, why="施行期限的末日早于首日")
        return
    days = {
        *quarters(plan),
        plan.first,
        plan.first - timedelta(days=1),
        *([plan.last, plan.last + timedelta(days=1)] if plan.last < FOREVER else []),
    }
    dims = dimensions(plan, [msgspec.structs.replace(layer.covers) for layer in look.pack.layers], pairs=False)[:1]
    for day in sorted(days):
        for kind in kinds(plan, dims, day):
            why = _answer(plan, kind.profile)
            if why:
                yield look.finding("error", E_LIFE, ("in_force",), clause=clause, day=day, why=why)
                return


def _answer(plan: Plan, profile: Profile) -> str:
    """Return why a pack cannot answer on a day; empty if it can (a decision in its life, "not in force" outside)."""
    try:
        decision = plan.decide(profile)
    except MissingValues as missing:
        return missing.faults[0].message.rstrip("。")
    in_life = plan.first <= profile.day <= plan.last
    assert in_life == (decision.refusal != NOT_IN_FORCE) or plan.pack.in_force.reach_back_before_first, profile.day
    return ""

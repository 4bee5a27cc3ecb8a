"""Cliffs and orders: where one more fen of burden or income loses money, and categories that earn less than the ones below them.

A jump upwards (a trigger, a lump sum) is told as a note: people just below it are left with more than people just above. A jump
downwards is a warning: more illness earns less. Both come with the number at which they happen.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from tuodi.core.dates import FOREVER
from tuodi.core.engine.conditions import IDENTITY_BITS
from tuodi.core.engine.plan import Plan
from tuodi.core.errors import declare
from tuodi.core.identities import IDENTITIES
from tuodi.core.money import yuan_for_people
from tuodi.core.policy.check_grid import Kind, conditions_of, dimensions, kinds
from tuodi.core.policy.check_look import Finding, Look
from tuodi.core.policy.check_probe import Bench, Jump, Probe
from tuodi.core.policy.figures import Resolver, delegated_in
from tuodi.core.policy.model import Criterion

W_LOSS = declare("W-CLIFF-LOSS", "{named}有断崖：负担多一点，救助反而少了（{kind}）", "请核对分段、定额和升档的写法")
N_GAIN = declare(
    "N-CLIFF-GAIN",
    "{named}有跳升：负担刚过一条线的人，自付反而比没过线的人少（{kind}）",
    "如文件就是这样规定，无须改动",
)
W_ORDER = declare(
    "W-CATEGORY-ORDER", "类别“{lower}”排在“{higher}”之后，得到的却更多（{kind}）", "多重身份按次序取先；请核对类别次序"
)
W_INCOME = declare(
    "W-CLIFF-INCOME",
    "{named}有断崖：人均收入多 0.01 元就不能认定为{identity}，失去全部救助",
    "如文件就是这样规定，可在 accepted 里说明",
)

#: Burdens at which categories are compared, in fen.
BURDENS = tuple(yuan * 100 for yuan in (500, 1_000, 3_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000))
#: The burden at which the loss of an identity is shown, in fen.
SHOWN = 50_000_00


def check_cliffs(look: Look, plan: Plan, insured: Plan) -> Iterator[Finding]:
    """Yield jumps of what is paid, and categories out of order; ``insured`` is the plan that computes insurance too."""
    if not look.pack.layers:
        return
    yield from _jumps(look, plan, {layer.id for layer in look.pack.layers})
    if look.pack.insurance:
        yield from _jumps(look, insured, {layer.id for layer in look.pack.insurance})
    yield from _order(look, plan)
    yield from _incomes(look, plan)


def probes(plan: Plan) -> Iterator[Probe]:
    """Yield a probe for every distinct combination of figure rows that some kind of case meets."""
    bench = Bench(plan)
    whens = [when for layer in plan.layers for when in conditions_of(layer)] + [r.when for r in plan.pack.refusals]
    seen: set[tuple[int, ...]] = set()
    for kind in kinds(plan, dimensions(plan, whens, pairs=False), plan.first):
        probe = Probe(bench, kind)
        if any(probe.rows) and probe.rows not in seen:
            seen.add(probe.rows)
            yield probe


def _jumps(look: Look, plan: Plan, wanted: set[str]) -> Iterator[Finding]:
    """Yield for each wanted layer the jumps of its figures, in every company: what one layer takes away another may make good."""
    found: dict[tuple[str, bool], list[tuple[Jump, str]]] = {}
    for probe in probes(plan):
        for jump in probe.jumps([i for i, row in enumerate(probe.rows) if row]):
            held = found.setdefault((jump.layer, jump.gain > 0), [])
            if jump.layer in wanted and all(other.worked != jump.worked for other, _ in held):
                held.append((jump, _called(plan, jump.layer, probe.kind)))
    paths = {layer.id: (key, i) for key in ("insurance", "layers") for i, layer in enumerate(getattr(look.pack, key))}
    for (layer_id, gains), jumps in [item for item in found.items() if item[1]]:
        layer = next(layer for layer in plan.layers if layer.id == layer_id)
        jump, kind = max(jumps, key=lambda item: (abs(item[0].gain), -item[0].burden))
        others = f"；另有 {len(jumps) - 1} 处" if len(jumps) > 1 else ""
        yield look.finding(
            "note" if gains else "warning", N_GAIN if gains else W_LOSS, paths[layer_id], clause=layer.clause, layer=layer_id,
            worked=jump.worked + others, named=layer.name, kind=kind,
        )  # fmt: skip


def _called(plan: Plan, layer_id: str, kind: Kind) -> str:
    """Return a kind of case in the words of the dimensions that a layer tells apart."""
    layer = next(layer for layer in plan.layers if layer.id == layer_id)
    told = {option.name for dim in dimensions(plan, conditions_of(layer), pairs=False)[1:] for option in dim.options}
    return " × ".join([kind.options[0].name, *(option.name for option in kind.options[1:] if option.name in told)])


def _order(look: Look, plan: Plan) -> Iterator[Finding]:
    """Yield each category that earns more than the one before it somewhere, with the number where it is most."""
    categories = look.pack.categories
    earned: dict[tuple[str, ...], dict[int, Probe]] = {}
    for probe in _by_category(plan):
        rest = tuple(option.name for option in probe.kind.options[1:])
        earned.setdefault(rest, {}).setdefault(probe.kind.category, probe)
    worst: dict[tuple[int, int], tuple[int, int, str, int, int]] = {}
    cache: dict[tuple[int, ...], tuple[int, ...]] = {}
    for rest, held in earned.items():
        for high, low in pairwise(range(1, len(categories) + 1)):
            if high not in held or low not in held:
                continue
            for burden, a, b in zip(BURDENS, _earnings(held[high], cache), _earnings(held[low], cache), strict=True):
                if b > a and b - a > worst.get((high, low), (0,))[0]:
                    worst[(high, low)] = b - a, burden, " × ".join(rest) or "一次住院", a, b
    for (high, low), (_, burden, kind, a, b) in worst.items():
        higher, lower = categories[high - 1], categories[low - 1]
        yield look.finding(
            "warning", W_ORDER, ("categories", low - 1), clause=lower.clause, lower=lower.name, higher=higher.name, kind=kind,
            worked=f"负担 {yuan_for_people(burden)} → {higher.name}救助 {yuan_for_people(a)}，{lower.name}救助 {yuan_for_people(b)}",
        )  # fmt: skip


def _by_category(plan: Plan) -> Iterator[Probe]:
    """Yield a probe for every kind of case of one person of each category."""
    bench = Bench(plan)
    whens = [when for layer in plan.layers for when in conditions_of(layer)]
    for kind in kinds(plan, dimensions(plan, whens, pairs=False), plan.first):
        if kind.category:
            yield Probe(bench, kind)


def _earnings(probe: Probe, cache: dict[tuple[int, ...], tuple[int, ...]]) -> tuple[int, ...]:
    if probe.rows not in cache:
        cache[probe.rows] = tuple(probe.paid(burden) for burden in BURDENS)
    return cache[probe.rows]


def _incomes(look: Look, plan: Plan) -> Iterator[Finding]:
    """Yield what is lost with the fen of income that fails a means test."""
    bench = Bench(plan)
    for i, test in enumerate(look.pack.means_tests):
        criterion = next((c for c in test.criteria if c.kind == "income_per_head" and c.limit is not None), None)
        if criterion is None or test.identity not in IDENTITY_BITS:
            continue
        whens = [when for layer in plan.layers for when in conditions_of(layer)]
        bit = IDENTITY_BITS[test.identity]
        held = [
            kind
            for kind in kinds(plan, dimensions(plan, whens, pairs=False), plan.first)
            if kind.profile.identities == bit
        ]
        paid = max((Probe(bench, kind).paid(SHOWN) for kind in held), default=0)
        if paid:
            yield look.finding(
                "warning", W_INCOME, ("means_tests", i), clause=test.clause, layer=test.id, named=test.name,
                identity=IDENTITIES[test.identity], worked=_income_worked(look, plan, criterion, paid),
            )  # fmt: skip


def _income_worked(look: Look, plan: Plan, criterion: Criterion, paid: int) -> str:
    assert criterion.limit is not None
    times = "" if criterion.times == "1" else f"的 {criterion.times} 倍"
    known = not set(delegated_in(criterion.limit)) & set(look.missing())
    standard = yuan_for_people(Resolver(plan.entered, FOREVER).amount(criterion.limit)) if known else "未录入"
    limit = f"标准{times}（标准 {standard}）"
    passes = {"at_most": "等于", "below": "比", "at_least": "等于", "above": "比"}[criterion.compare]
    less = "少 0.01 元" if passes == "比" else ""
    return (
        f"人均收入{passes}{limit}{less}，负担 {yuan_for_people(SHOWN)} → 救助 {yuan_for_people(paid)}；"
        f"人均收入再多 0.01 元 → 救助 {yuan_for_people(0)}"
    )

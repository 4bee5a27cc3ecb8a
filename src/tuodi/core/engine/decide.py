"""Deciding: refusal with its clause, or category and for each layer the row of figures that applies to an event.

A fact that the pack asks for and nobody has given (the hospital's level, the date of birth) is not a fact that fails: every value
it may have is tried, and where they lead to different answers the answer is "not yet known", by the name of the fact (style C4).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from itertools import product
from typing import TYPE_CHECKING, Any, get_args

import msgspec

from tuodi.core.dates import FOREVER
from tuodi.core.engine.conditions import IDENTITY_BITS, Profile, conditions_in, holds, whoever
from tuodi.core.engine.prove import row_faults
from tuodi.core.engine.rows import figure_row, silent_row
from tuodi.core.errors import MissingValues, PackErrors, declare, fault
from tuodi.core.money import basis_points
from tuodi.core.policy.figures import Missing, Resolver
from tuodi.core.policy.model import FigureRow, Layer, Pack, Tier

if TYPE_CHECKING:
    from tuodi.core.engine.plan import Plan

E_MISSING = declare(
    "E-DELEGATED-MISSING", "规则“{rule}”（{clause}）需要授权参数 {param}（{asks}），{day}没有录入值",
    "请从{left_to}查得数值，连同来源录入后再算",
)  # fmt: skip
E_RANGE = declare(
    "E-PACK-RANGE", "{layer}（{clause}）的数额“{figure}”超出可算的范围，或次序不对",
    "分段、定额、升档的起点要从小到大，目标不能高于触发线，比例不能超过 100%",
)  # fmt: skip
NOT_IN_FORCE, NO_CATEGORY, CARE_NOT_COVERED, NOT_COVERED, NOT_YET_KNOWN = (
    "not_in_force", "no_category", "care_not_covered", "not_covered", "not_yet_known",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LayerChoice:
    """Which figures a layer reads for an event: ``row`` indexes the layer's table; 0 means it does not look.

    ``missing``: a layer on application reads values that nobody has entered; it is raised only if somebody applies.
    """

    row: int
    counts_as_covered: bool
    figures: FigureRow | None = None
    missing: MissingValues | None = None

    @property
    def looks(self) -> bool:
        """Say whether the layer looks at the event, or would if its values were entered."""
        return self.row > 0 or self.missing is not None


@dataclass(frozen=True, slots=True)
class Decision:
    """What applies to an event. ``refusal`` empty means that at least one layer looks at it."""

    refusal: str
    clause: str
    says: str
    category: int
    identity: str
    layers: tuple[LayerChoice, ...]

    @property
    def is_open(self) -> bool:
        """Say whether nobody can tell yet, for want of a fact."""
        return self.refusal == NOT_YET_KNOWN


#: Ages that nobody reaches; the end of an open range.
NO_AGE = 200
#: Facts that a bill may lack and a pack may ask for: condition -> what people read, field of the profile, when it is not known.
UNKNOWN: dict[str, tuple[str, str, object]] = {
    "hospital": ("医院等级（hosp_lv）", "tier", ""),
    "age": ("出生日期（brdy）", "age", -1),
}


def decide(plan: Plan, profile: Profile) -> Decision:
    """Return what applies; "not yet known" where it depends on a fact that is not known.

    ``MissingValues`` where whatever the fact is reads a value that nobody has entered.
    """
    asked = plan.asked | {"age"} if profile.diseases_by_age else plan.asked
    lacking = [name for name in UNKNOWN if name in asked and getattr(profile, UNKNOWN[name][1]) == UNKNOWN[name][2]]
    if not lacking:
        return _decide(plan, profile)
    tried = {
        values: _tried(plan, profile, dict(zip(lacking, values, strict=True)))
        for values in product(*(_values(plan, name, profile) for name in lacking))
    }
    answers = [answer for answer in tried.values() if isinstance(answer, Decision)]
    if not answers:
        unentered = [f for missing in tried.values() if isinstance(missing, MissingValues) for f in missing.faults]
        raise MissingValues(dict.fromkeys(unentered))
    if len(answers) == len(tried) and all(_alike(answers[0], other) for other in answers):
        return answers[0]
    decisive = [
        name for i, name in enumerate(lacking)
        if any(not _alike(tried[a], tried[b]) for a, b in product(tried, tried) if (*a[:i], *a[i + 1 :]) == (*b[:i], *b[i + 1 :]))
    ]  # fmt: skip
    return _not_yet_known(plan, list(tried.values()), decisive)


def _values(plan: Plan, name: str, profile: Profile) -> list[Any]:
    """Return values of a fact that between them meet every combination of the conditions that ask for it.

    Of ages also those from which a disease of childhood is another: whoever cannot say how old, cannot say which.
    """
    if name == "hospital":
        return list(get_args(Tier))
    ranges = [when.age for when in conditions_in([*plan.layers, *plan.pack.refusals]) if when.age is not msgspec.UNSET]
    diseases = [first for first, _ in profile.diseases_by_age]
    return sorted({0, *diseases, *(age for r in ranges for age in (r.from_, r.to) if age < NO_AGE)})


def _tried(plan: Plan, profile: Profile, facts: dict[str, Any]) -> Decision | MissingValues:
    supposed = profile.at_age(facts["age"]) if "age" in facts else profile
    if "hospital" in facts:
        supposed = replace(supposed, tier=facts["hospital"])
    try:
        return _decide(plan, supposed)
    except MissingValues as missing:
        return missing


def _alike(one: Decision | MissingValues, other: Decision | MissingValues) -> bool:
    """Say whether two answers are the same; figures that nobody has entered are, if they are the same figures."""
    if isinstance(one, MissingValues) or isinstance(other, MissingValues):
        return isinstance(one, MissingValues) and isinstance(other, MissingValues) and one.faults == other.faults
    chosen = [[_looked_at(layer) for layer in d.layers] for d in (one, other)]
    return (one.refusal, one.clause, chosen[0]) == (other.refusal, other.clause, chosen[1])


def _looked_at(choice: LayerChoice) -> tuple[int, FigureRow | None, bool]:
    return choice.row, choice.figures, choice.missing is None


def _not_yet_known(plan: Plan, tried: list[Decision | MissingValues], lacking: list[str]) -> Decision:
    """Return the answer that names the facts; what insurers pay stands where it does not depend on them.

    Its clause is one that depends on them: of a refusal, of a layer, or of a rule whose value nobody has entered.
    """
    answers = [answer for answer in tried if isinstance(answer, Decision)]
    first = answers[0]
    insurers = len(plan.pack.insurance) if plan.simulate else 0
    nothing = LayerChoice(0, False)
    kept = [
        first.layers[i] if i < insurers and all(a.layers[i].row == first.layers[i].row for a in answers) else nothing
        for i in range(len(plan.layers))
    ]
    refused = [a.clause for a in answers if a.refusal]
    depending = [
        layer.clause for i, layer in enumerate(plan.layers)
        if any(_looked_at(a.layers[i]) != _looked_at(first.layers[i]) for a in answers)
    ]  # fmt: skip
    unentered = [dict(f.fields)["clause"] for t in tried if isinstance(t, MissingValues) for f in t.faults]
    called = "、".join(UNKNOWN[name][0] for name in lacking)
    says = f"适用哪一条取决于{called}，账单里没有；请补上后重新计算"
    return Decision(
        NOT_YET_KNOWN, [*refused, *depending, *unentered][0], says, first.category, first.identity, tuple(kept)
    )


def _decide(plan: Plan, profile: Profile) -> Decision:
    pack = plan.pack
    none = tuple(LayerChoice(0, False) for _ in plan.layers)
    early = profile.day < plan.first
    counted_early = early and pack.in_force.earlier_in_first_year == "counts" and profile.day.year == plan.first.year
    reached = early and pack.in_force.reach_back_before_first and bool(profile.windows)
    if (early and not counted_early and not reached) or profile.day > plan.last:
        says = f"不在政策施行期限内（{plan.first} 至 {'长期' if plan.last == FOREVER else plan.last}）"
        return Decision(NOT_IN_FORCE, pack.in_force.clause, says, 0, "", none)
    opened_for = [i for name in profile.windows for i in pack.windows[name].identities]
    identities = profile.identities
    if reached:
        identities &= sum({IDENTITY_BITS[i] for i in opened_for})
    category, identity = plan.category_of(identities)
    chosen = tuple(_choice(plan, i, profile, category) for i in range(len(plan.layers)))
    insurers = len(pack.insurance) if plan.simulate else 0
    # What insurers pay does not depend on whether assistance counts the event.
    insured = (*chosen[:insurers], *none[insurers:])
    counted = _with_silent(plan, profile, chosen) if not _refused(plan, profile, category) else insured
    if category == 0 and not any(choice.looks for choice in chosen[insurers:]):
        if any(choice.row for choice in counted[insurers:]):
            return Decision(
                NO_CATEGORY, pack.no_category, "就医期间没有属于本政策救助对象的身份，只计入累计", 0, "", counted
            )
        return Decision(NO_CATEGORY, pack.no_category, "就医期间没有属于本政策救助对象的身份", 0, "", insured)
    if category == 0 and len(set(opened_for)) == 1:
        identity = opened_for[0]
    for refusal in pack.refusals:
        if holds(plan, refusal.when, profile, category):
            return Decision(refusal.id, refusal.clause, refusal.says, category, identity, insured)
    if category and not any(choice.looks for choice in chosen[insurers:]):
        if not _any_care(plan, profile):
            return Decision(
                CARE_NOT_COVERED, pack.care.clause, "该医疗类别不在救助费用范围内", category, identity, insured
            )
        clause = pack.layers[0].clause
        return Decision(NOT_COVERED, clause, "该病种、机构或身份没有适用的救助", category, identity, insured)
    if counted_early:
        silent = tuple(LayerChoice(_early_row(plan, i, c), False) if c.row else c for i, c in enumerate(chosen))
        return Decision(
            NOT_IN_FORCE, pack.in_force.clause, "施行前的费用只计入累计，不予救助", category, identity, silent
        )
    return Decision("", "", "", category, identity, counted)


def _refused(plan: Plan, profile: Profile, category: int) -> bool:
    return any(holds(plan, refusal.when, profile, category) for refusal in plan.pack.refusals)


def _any_care(plan: Plan, profile: Profile) -> bool:
    """Say whether some assistance layer takes this kind of care at all."""
    care = plan.care_of(profile.med_type)
    return any(
        layer.covers.care is msgspec.UNSET or care in layer.covers.care
        for layer in plan.pack.layers
        if layer.due != "application"
    )


def _with_silent(plan: Plan, profile: Profile, chosen: tuple[LayerChoice, ...]) -> tuple[LayerChoice, ...]:
    """Return the choices; where the pack says so, a layer that does not cover the person counts the event all the same (I-38)."""
    if plan.pack.uncovered_settlements != "counted":
        return chosen
    return tuple(
        LayerChoice(_silent_row(plan, i), False)
        if not choice.looks and holds(plan, whoever(layer.covers), profile, 0)
        else choice
        for i, (layer, choice) in enumerate(zip(plan.layers, chosen, strict=True))
    )


def _silent_row(plan: Plan, i: int) -> int:
    return _row(plan, i, ("silent",), lambda: silent_row(plan.layers[i]))


def _early_row(plan: Plan, i: int, choice: LayerChoice) -> int:
    """Return the row of a settlement before the first day that counts and earns nothing; it uses up the deductible."""
    resolver = Resolver(plan.entered, plan.first)
    return _row(plan, i, ("silent", choice.row), lambda: silent_row(plan.layers[i], choice.figures, resolver))


def _row(plan: Plan, i: int, key: tuple[object, ...], make: object) -> int:
    index = plan.row_index[i]
    if key not in index:
        layer, numbers = plan.layers[i], make()  # type: ignore[operator]
        wrong = row_faults(plan.program.figures[layer.id], numbers)
        if wrong:
            raise PackErrors(fault(E_RANGE, layer=layer.name, clause=layer.clause, figure=figure) for figure in wrong)
        plan.tables[i].append(numbers)
        index[key] = len(plan.tables[i]) - 1
    return index[key]


def _choice(plan: Plan, i: int, profile: Profile, category: int) -> LayerChoice:
    """Return the figures of one layer for a profile: exactly one of its rows, or none."""
    layer = plan.layers[i]
    if not holds(plan, layer.covers, profile, category):
        return LayerChoice(0, False)
    resolver = Resolver(plan.entered, max(profile.day, plan.first))
    matching = [
        (n, row)
        for n, row in enumerate(layer.figures)
        if holds(plan, row.when, profile, category) and _in_time(row, resolver, plan)
    ]
    if not matching:
        return LayerChoice(0, False)
    number, row = matching[0]
    penalty, share = _penalty(plan, layer, profile, category, resolver), (1, 1)
    if layer.factor and layer.factor.of == "rate" and profile.declined:
        share = _fraction(layer.factor.share)
    key = (plan.segment(profile.day), number, penalty, share)
    try:
        index = _row(plan, i, key, lambda: figure_row(layer, row, resolver, penalty=penalty, rate_share=share))
    except Missing as missing:
        error = missing_values(plan.pack, missing, rule=layer.name, clause=row.clause, day=profile.day)
        if layer.due == "application":
            return LayerChoice(0, False, row, error)
        raise error from None
    return LayerChoice(index, True, row)


def _in_time(row: FigureRow, resolver: Resolver, plan: Plan) -> bool:
    try:
        after = row.first is None or resolver.day_of(row.first) <= resolver.day
        before = row.last is None or resolver.day <= resolver.day_of(row.last)
    except Missing as missing:
        raise missing_values(plan.pack, missing, rule=row.clause, clause=row.clause, day=resolver.day) from None
    return after and before


def _penalty(plan: Plan, layer: Layer, profile: Profile, category: int, resolver: Resolver) -> int:
    """Return the basis points taken off the base; of several penalties the heaviest."""
    found = [resolver.rate(p.share) for p in layer.base.penalties if holds(plan, p.when, profile, category)]
    return max(found, default=0)


def share_of(layer: Layer, *, declined: bool) -> int:
    """Return the share (basis points) of what is due that is paid."""
    if layer.factor is None or not declined:
        return 10_000
    top, bottom = _fraction(layer.factor.share)
    assert 10_000 * top % bottom == 0, layer.factor.share
    return 10_000 * top // bottom


def _fraction(share: str) -> tuple[int, int]:
    """Return a share as numerator and denominator, be it written as a fraction or in per cent."""
    top, _, bottom = share.partition("/")
    return (int(top), int(bottom)) if bottom else (basis_points(share), 10_000)


def missing_values(pack: Pack, missing: Missing, *, rule: str, clause: str, day: date | None) -> MissingValues:
    """Return the error that names each missing value, its rule, clause and the document to look in."""
    return MissingValues(
        fault(
            E_MISSING, rule=rule, clause=clause, param=param, asks=pack.delegated[param].asks,
            left_to=pack.delegated[param].left_to, day=f"{day} 当日" if day else "还",
        )
        for param in missing.params
    )  # fmt: skip

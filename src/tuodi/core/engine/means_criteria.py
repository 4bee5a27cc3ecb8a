"""The criteria of a means test: windows of months, exact comparison, standards by place (I-19, I-20, I-42).

Money is compared exactly: income of a window less what came off it against ``times x limit x months x members``, in whole
fen, nothing divided. A figure that nobody has entered or a fact that nobody has stated makes the answer "not yet known", by
name; it is never taken as zero or as "no" (style C4).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

from tuodi.core.dates import Period, add_months, day_before, month_end
from tuodi.core.engine.exact import exact_number, meets
from tuodi.core.engine.plan import Plan
from tuodi.core.money import yuan_for_people
from tuodi.core.policy.figures import Missing, delegated_in
from tuodi.core.policy.local_values import RESIDENCE_KINDS, LocalResolver, qualifiers_of
from tuodi.core.policy.model import Criterion

Outcome = Literal["passed", "failed", "not_yet_known", "not_in_force"]
OUTCOMES: dict[str, str] = {
    "passed": "符合",
    "failed": "不符合",
    "not_yet_known": "尚不能确定",
    "not_in_force": "政策不在施行期内",
}
COMPARISONS = {"at_most": "不高于", "below": "低于", "at_least": "不低于", "above": "高于"}
WINDOWS = {
    "twelve_months_before_application_month": "申请之月前 12 个月",
    "twelve_months_to_application": "申请之日前 12 个月",
    "previous_calendar_year": "申请的上一自然年度",
    "calendar_year": "申请所在自然年度",
}
COSTS = {"none": "", "in_policy": "政策范围内自付医疗费用", "self_paid": "自负医疗费用"}
MONTHS = 12


@dataclass(frozen=True, slots=True)
class MedicalCost:
    """What one bill left to the household, in fen; None is not known."""

    on: date
    in_policy_fen: int | None = None
    self_paid_fen: int | None = None


@dataclass(frozen=True, slots=True)
class Household:
    """The facts of an application; None (or an absent answer) is not known.

    ``income_fen`` is the income of the whole window that the test asks for; ``income_months_fen`` gives it by month (``2023-04``),
    and then every month of the window must be there. ``registration`` and ``residence`` are six-digit areas, ``marked`` is
    ``urban`` or ``rural``.
    """

    applied_on: date
    members: int | None = None
    income_fen: int | None = None
    income_months_fen: Mapping[str, int] = field(default_factory=dict)
    medical: tuple[MedicalCost, ...] | None = None
    registration: str = ""
    residence: str = ""
    marked: str = ""
    answers: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CriterionResult:
    """One criterion with its numbers. ``limit_fen`` is for all members and months, rounded so that comparing is exact."""

    id: str
    name: str
    clause: str
    outcome: Outcome
    says: str
    readings: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    window: Period | None = None
    income_fen: int | None = None
    minus_fen: int | None = None
    net_fen: int | None = None
    limit_fen: int | None = None
    standard_fen: int | None = None
    sources: tuple[str, ...] = ()


def window_of_application(how: str, applied_on: date) -> Period:
    """Return the days whose income and cost count.

    >>> window_of_application("twelve_months_before_application_month", date(2023, 6, 15))
    Period(first=datetime.date(2022, 6, 1), last=datetime.date(2023, 5, 31))
    >>> window_of_application("twelve_months_to_application", date(2023, 6, 15))
    Period(first=datetime.date(2022, 6, 15), last=datetime.date(2023, 6, 14))
    >>> window_of_application("previous_calendar_year", date(2023, 6, 15))
    Period(first=datetime.date(2022, 1, 1), last=datetime.date(2022, 12, 31))
    """
    if how == "twelve_months_before_application_month":
        month = applied_on.replace(day=1)
        return Period(add_months(month, -MONTHS), day_before(month))
    if how == "twelve_months_to_application":
        return Period(add_months(applied_on, -MONTHS), day_before(applied_on))
    year = applied_on.year - 1 if how == "previous_calendar_year" else applied_on.year
    return Period(date(year, 1, 1), date(year, 12, 31))


def criterion_result(plan: Plan, criterion: Criterion, household: Household) -> CriterionResult:
    """Return one criterion decided for a household, or what is lacking."""
    if criterion.kind == "yes_no":
        return _yes_no(plan, criterion, household)
    window = window_of_application(criterion.window, household.applied_on)
    missing: list[str] = []
    cost = _cost(criterion, household, window, missing)
    if criterion.kind == "medical_cost":
        income, heads, net = None, 1, cost
    else:
        income, heads = _income(household, window, missing), household.members or 1
        missing += [] if household.members else ["members"]
        net = income - cost if income is not None and cost is not None else None
    standard, sources = _standard(plan, criterion, household, missing)
    known = CriterionResult(
        id=criterion.id,
        name=criterion.name,
        clause=criterion.clause,
        outcome="not_yet_known",
        says=f"{criterion.name}：尚不能确定，缺少 {'、'.join(missing)}。",
        readings=tuple(criterion.readings),
        missing=tuple(missing),
        window=window,
        income_fen=income,
        minus_fen=cost,
        net_fen=net,
        standard_fen=standard,
        sources=sources,
    )
    if missing or net is None or standard is None:
        return known
    return _compared(known, criterion, net=net, standard=standard, heads=heads)


def _compared(known: CriterionResult, criterion: Criterion, *, net: int, standard: int, heads: int) -> CriterionResult:
    """Return the criterion decided, with its sentence."""
    top, bottom = exact_number(criterion.times)
    months = MONTHS if criterion.limit_per == "month" else 1
    holds, limit = meets(net, criterion.compare, numerator=top * standard * months * heads, denominator=bottom)
    parts = [f"{criterion.times} 倍 ×"] if criterion.times != "1" else []
    parts.append(yuan_for_people(standard))
    parts += [f"× {months} 个月"] if months > 1 else []
    assert known.window is not None
    span = f"{WINDOWS[criterion.window]}（{known.window.first} 至 {known.window.last}）"
    if criterion.kind == "medical_cost":
        measured = f"{COSTS[criterion.minus] or '医疗费用'} {yuan_for_people(net)}"
    else:
        assert known.income_fen is not None
        measured = f"家庭收入 {yuan_for_people(known.income_fen)}"
        if criterion.minus != "none":
            assert known.minus_fen is not None
            measured += f" - {COSTS[criterion.minus]} {yuan_for_people(known.minus_fen)} = {yuan_for_people(net)}"
        parts.append(f"× {heads} 人")
    line = f"{' '.join(parts)} = {yuan_for_people(limit)}" if len(parts) > 1 else parts[0]
    stands = COMPARISONS[criterion.compare] if holds else f"并非{COMPARISONS[criterion.compare]}"
    outcome: Outcome = "passed" if holds else "failed"
    source = f"标准来源：{'；'.join(known.sources)}。" if known.sources else ""
    says = f"{criterion.name}：{span}{measured}，{stands}{line}，{OUTCOMES[outcome]}。{source}"
    return replace(known, outcome=outcome, says=says, limit_fen=limit, missing=())


def _yes_no(plan: Plan, criterion: Criterion, household: Household) -> CriterionResult:
    """Return a fact as a criterion; what it must meet may be a delegated text."""
    missing: list[str] = []
    sources: tuple[str, ...] = ()
    if criterion.requires is not None:
        area = household.residence if criterion.standard == "residence" else household.registration
        resolver = LocalResolver(plan.entered, household.applied_on, area=area, kind=household.marked)
        try:
            resolver.text(criterion.requires)
        except Missing as lacking:
            missing += lacking.params
        sources = tuple(resolver.sources())
    answer = household.answers.get(criterion.id)
    missing += [criterion.id] if answer is None else []
    outcome: Outcome = "not_yet_known" if missing else "passed" if answer else "failed"
    lacks = f"，缺少 {'、'.join(missing)}" if missing else ""
    return CriterionResult(
        id=criterion.id,
        name=criterion.name,
        clause=criterion.clause,
        outcome=outcome,
        says=f"{criterion.name}（{criterion.asks}）：{OUTCOMES[outcome]}{lacks}。",
        readings=tuple(criterion.readings),
        missing=tuple(missing),
        sources=sources,
    )


def _income(household: Household, window: Period, missing: list[str]) -> int | None:
    """Return the income of a window; by months only if the window is whole months and each of them is stated."""
    if household.income_fen is not None:
        return household.income_fen
    whole = window.first.day == 1 and window.last == month_end(window.last)
    months = [add_months(window.first, i).isoformat()[:7] for i in range(MONTHS)]
    lacking = [month for month in months if month not in household.income_months_fen]
    if not whole or lacking:
        missing.append("income")
        return None
    return sum(household.income_months_fen[month] for month in months)


def _cost(criterion: Criterion, household: Household, window: Period, missing: list[str]) -> int | None:
    """Return the medical cost that comes off (or is measured), of bills dated inside the window."""
    if criterion.minus == "none" and criterion.kind != "medical_cost":
        return 0
    inside = [cost for cost in household.medical or () if cost.on in window]
    amounts = [cost.in_policy_fen if criterion.minus == "in_policy" else cost.self_paid_fen for cost in inside]
    if household.medical is None or None in amounts:
        missing.append("medical")
        return None
    return sum(amount for amount in amounts if amount is not None)


def _standard(
    plan: Plan, criterion: Criterion, household: Household, missing: list[str]
) -> tuple[int | None, tuple[str, ...]]:
    """Return the limit in fen for this household on the application day, and where it comes from (I-42)."""
    assert criterion.limit is not None, criterion.id
    area = household.residence if criterion.standard == "residence" else household.registration
    missing += [name for name in _unplaced(plan, criterion, area=area, marked=household.marked) if name not in missing]
    kinds = RESIDENCE_KINDS if criterion.residence_kind == "higher" else (household.marked,)
    found: list[tuple[int, tuple[str, ...]]] = []
    for kind in kinds:
        resolver = LocalResolver(plan.entered, household.applied_on, area=area, kind=kind)
        try:
            found.append((resolver.amount(criterion.limit), tuple(resolver.sources())))
        except Missing as lacking:
            missing += [param for param in lacking.params if param not in missing]
    return max(found, key=lambda each: each[0]) if len(found) == len(kinds) else (None, ())


def _unplaced(plan: Plan, criterion: Criterion, *, area: str, marked: str) -> Iterator[str]:
    """Yield the facts without which it is not known which entered value is this household's."""
    for param in delegated_in(criterion.limit):
        by_area, by_kind = qualifiers_of(plan.entered, param)
        if by_area and not area:
            yield criterion.standard
        if by_kind and not marked and criterion.residence_kind == "as_marked":
            yield "marked"

"""Clearing years, capitation and advances: how money between fund, institutions and people is divided (I-62, I-63, I-64).

Every division adds up: packages to their whole, payout and withheld part to the package, the shares of an advance to the assistance.
What is *not* here: booking or paying any of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from tuodi.core.dates import FOREVER, Period, month_end
from tuodi.core.engine.decide import missing_values
from tuodi.core.engine.exact import exact_number
from tuodi.core.engine.plan import Plan
from tuodi.core.errors import InputErrors, declare, fault
from tuodi.core.money import half_up, split, yuan_for_people
from tuodi.core.policy.figures import Missing, Resolver
from tuodi.core.policy.model import Capitation, Clearing, FigureSpec

E_NO_TERM = declare("E-TERM-NONE", "政策包没有规定{what}", "请检查政策包的 terms 一节")
E_SCORE = declare("E-SCORE-RANGE", "{institution}的考核得分 {score} 高于满分 {scale}", "请核对得分或满分")

MONTHS = 12


@dataclass(frozen=True, slots=True)
class ClearingYear:
    """What one yearly settlement covers; money posted from ``estimated_first`` on is an estimate (None: nothing is)."""

    year: int
    period: Period
    cleared_on: date
    estimated_first: date | None
    clause: str
    readings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Registration:
    """A person is registered with an institution's team from ``first`` to ``last`` (None: open), both included."""

    psn_no: str
    institution: str
    first: date
    last: date | None = None


@dataclass(frozen=True, slots=True)
class InstitutionCapitation:
    """One institution's package and payout, in fen; ``months`` are registered person-months. None is not yet known."""

    institution: str
    months: int
    package_fen: int
    payout_fen: int | None
    missing: tuple[str, ...] = ()
    says: str = ""

    @property
    def withheld_fen(self) -> int | None:
        """What the assessment takes off the package."""
        return None if self.payout_fen is None else self.package_fen - self.payout_fen


@dataclass(frozen=True, slots=True)
class CapitationResult:
    """A year's packages; they add up to ``package_fen``."""

    year: int
    package_fen: int
    institutions: tuple[InstitutionCapitation, ...]
    clause: str
    fund: str
    readings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AdvanceSplit:
    """How an assistance is divided after an advance, in fen: ``institution + person`` is the assistance.

    ``shortfall`` is the part of the advance that the assistance does not cover; it stays between institution and person.
    """

    institution_fen: int
    person_fen: int
    shortfall_fen: int
    clause: str
    readings: tuple[str, ...]


def clearing_year(plan: Plan, year: int) -> ClearingYear:
    """Return what the settlement of a year covers (TH-4.2.1, I-62); ``InputErrors`` if the pack has none."""
    rule = _clearing(plan)
    on = date(year, rule.month, rule.day)
    if rule.covers == "to_that_day":
        period, estimated = Period(_after(date(year - 1, rule.month, rule.day)), on), None
    else:
        period = Period(date(year, 1, 1), date(year, 12, 31))
        estimated = _after(on) if on < period.last else None
    return ClearingYear(year, period, on, estimated, rule.clause, tuple(rule.readings))


def clearing_year_of(plan: Plan, posted_on: date) -> int:
    """Return the year in whose settlement money posted on a day is covered."""
    return next(year for year in (posted_on.year, posted_on.year + 1) if posted_on in clearing_year(plan, year).period)


def capitation(
    plan: Plan, year: int, registrations: Sequence[Registration], scores: Mapping[str, str]
) -> CapitationResult:
    """Return each institution's package and payout of a year, in fen (TH-3.1.4, I-63).

    The whole (amount x person-months / 12) is rounded half up once and divided so that the packages add up to it; each payout is rounded
    half up. ``scores`` are exact texts ("87.5") on the delegated scale; without score or scale a payout is None. Raises
    ``InputErrors`` for a score above the scale, ``MissingValues`` if the amount is delegated and not entered.
    """
    rule = plan.pack.terms.capitation
    if rule is None:
        raise InputErrors([fault(E_NO_TERM, what="按人打包补助")])
    months = _months(plan, rule, year, registrations)
    day = date(year, 12, 31)
    resolver = Resolver(plan.entered, day)
    try:
        amount = resolver.amount(rule.amount)
    except Missing as lacking:
        raise missing_values(plan.pack, lacking, rule="按人打包补助", clause=rule.clause, day=day) from None
    whole = half_up(amount * sum(months.values()), MONTHS)
    packages = split(whole, list(months.values())) if whole else [0] * len(months)
    parts = tuple(
        _payout(rule, resolver, institution, months[institution], package, scores)
        for institution, package in zip(months, packages, strict=True)
    )
    return CapitationResult(year, whole, parts, rule.clause, rule.fund or "", tuple(rule.readings))


def advance_split(plan: Plan, *, assistance_fen: int, advanced_fen: int) -> AdvanceSplit:
    """Return who gets an assistance of which an institution has advanced a part (TH-3.3.3, I-64). Both non-negative."""
    rule = plan.pack.terms.advance
    if rule is None:
        raise InputErrors([fault(E_NO_TERM, what="垫付后的救助归属")])
    assert assistance_fen >= 0
    assert advanced_fen >= 0
    whole = rule.institution_gets == "whole_assistance"
    institution = assistance_fen if whole else min(assistance_fen, advanced_fen)
    return AdvanceSplit(
        institution_fen=institution,
        person_fen=assistance_fen - institution,
        shortfall_fen=max(0, advanced_fen - assistance_fen),
        clause=rule.clause,
        readings=tuple(rule.readings),
    )


def _clearing(plan: Plan) -> Clearing:
    rule = plan.pack.terms.clearing
    if rule is None:
        raise InputErrors([fault(E_NO_TERM, what="年度结算")])
    return rule


def _after(day: date) -> date:
    return date.fromordinal(day.toordinal() + 1)


def _months(plan: Plan, rule: Capitation, year: int, registrations: Sequence[Registration]) -> dict[str, int]:
    """Return person-months by institution, sorted; a month goes to the institution of its last registered day.

    A month in which the pack is not in force, or the person nowhere registered, counts for nobody. Heads on 1 January count as twelve.
    """
    out = {registration.institution: 0 for registration in sorted(registrations, key=lambda r: r.institution)}
    by_person: dict[str, list[Registration]] = {}
    for registration in sorted(registrations, key=lambda r: r.first):
        by_person.setdefault(registration.psn_no, []).append(registration)
    for own in by_person.values():
        if rule.heads == "first_of_january":
            new_year = date(year, 1, 1)
            found = _registered(plan, own, Period(new_year, new_year))
            if found:
                out[found] += MONTHS
            continue
        for month in range(1, MONTHS + 1):
            first = date(year, month, 1)
            found = _registered(plan, own, Period(first, month_end(first)))
            if found:
                out[found] += 1
    return out


def _registered(plan: Plan, own: list[Registration], span: Period) -> str:
    """Return the institution of a person's last registered day in a span; empty if there is none."""
    best, day = "", date.min
    for registration in own:
        first = max(registration.first, span.first, plan.first)
        last = min(registration.last or FOREVER, span.last, plan.last)
        if first <= last and last >= day:
            best, day = registration.institution, last
    return best


def _payout(
    rule: Capitation,
    resolver: Resolver,
    institution: str,
    months: int,
    package: int,
    scores: Mapping[str, str],
) -> InstitutionCapitation:
    """Return a package after its assessment."""
    try:
        scale = _number(resolver, rule.scale)
        pass_mark = _number(resolver, rule.pass_mark) if rule.effect == "pass_or_fail" else None
    except Missing as lacking:
        return _unknown(institution, months, package, lacking.params)
    if institution not in scores:
        return _unknown(institution, months, package, (f"score.{institution}",))
    score = exact_number(scores[institution])
    if not scale[0] or score[0] * scale[1] > scale[0] * score[1]:
        raise InputErrors([fault(E_SCORE, institution=institution, score=scores[institution], scale=_shown(scale))])
    if pass_mark is not None:
        payout = package if score[0] * pass_mark[1] >= pass_mark[0] * score[1] else 0
    else:
        payout = half_up(package * score[0] * scale[1], score[1] * scale[0])
    says = f"{institution}：{months} 人月，打包 {yuan_for_people(package)}，考核 {scores[institution]} 分，补助 {yuan_for_people(payout)}。"
    return InstitutionCapitation(institution, months, package, payout, says=says)


def _unknown(institution: str, months: int, package: int, missing: tuple[str, ...]) -> InstitutionCapitation:
    says = f"{institution}：打包 {yuan_for_people(package)}，补助尚不能确定，缺少 {'、'.join(missing)}。"
    return InstitutionCapitation(institution, months, package, None, missing, says)


def _number(resolver: Resolver, spec: FigureSpec | None) -> tuple[int, int]:
    """Return an exact number of the pack or of a delegated value."""
    assert spec is not None, "a figure of the assessment is missing in the pack"
    chosen = resolver.dated(spec) if isinstance(spec, list) else spec
    return exact_number(chosen if isinstance(chosen, str) else resolver.text(chosen.delegated or ""))


def _shown(number: tuple[int, int]) -> str:
    return str(number[0]) if number[1] == 1 else f"{number[0]}/{number[1]}"

"""Premium subsidies: how much of a personal premium is paid for whom in a collection period (I-66).

A pack lists rules for each insurance; of those that name a person's identities the highest amount holds, never two, never more
than the personal premium. An identity begun too late is next year's; a later loss takes nothing back. Whoever has an
identity and no basic insurance is listed (:func:`uninsured`). What is *not* here: paying, and which days a collection
period has: that is a fact of the year.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

from tuodi.core.dates import Period
from tuodi.core.engine.plan import Plan
from tuodi.core.engine.windows import IdentityWindow, Judged, identity_windows
from tuodi.core.identities import IDENTITIES, IdentityRecord
from tuodi.core.money import yuan_for_people
from tuodi.core.policy.figures import Missing
from tuodi.core.policy.local_values import LocalResolver, sample_mark
from tuodi.core.policy.model import Premium

PremiumOutcome = Literal[
    "granted", "none", "next_year", "not_paid", "not_insured", "no_rule", "not_yet_known", "not_in_force"
]
INSURANCES = {"resident": "城乡居民基本医疗保险", "supplementary": "补充医疗保险"}
#: Which outcome is told when nothing is granted: the nearest to a grant first.
NEAREST: tuple[PremiumOutcome, ...] = (
    "not_yet_known",
    "not_paid",
    "not_insured",
    "none",
    "next_year",
    "no_rule",
)


@dataclass(frozen=True, slots=True)
class PremiumFacts:
    """What is known of one person and year. ``insurance``: the basic insurance of that year, None is not known.

    ``premiums_fen`` is the personal premium of the chosen tier, by insurance; ``paid_on`` the day the person paid it.
    """

    psn_no: str
    year: int
    collection: Period
    insurance: Literal["resident", "employee", "none"] | None = None
    premiums_fen: Mapping[str, int] = field(default_factory=dict)
    paid_on: date | None = None

    def __post_init__(self) -> None:
        assert all(fen >= 0 for fen in self.premiums_fen.values())


@dataclass(frozen=True, slots=True)
class PremiumResult:
    """What one insurance's premium is subsidised with, in fen; amounts are None when not yet known."""

    insurance: str
    outcome: PremiumOutcome
    amount_fen: int | None
    premium_fen: int | None
    rule: str = ""
    identity: str = ""
    clause: str = ""
    fund: str = ""
    readings: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    says: str = ""

    @property
    def own_part_fen(self) -> int | None:
        """What the person pays; None when premium or subsidy is not known."""
        if self.amount_fen is None or self.premium_fen is None:
            return None
        return self.premium_fen - self.amount_fen


@dataclass(frozen=True, slots=True)
class PersonPremiums:
    """A person's subsidies of a year; ``is_uninsured`` None when the insurance is not known."""

    psn_no: str
    year: int
    results: tuple[PremiumResult, ...]
    is_uninsured: bool | None
    identities: tuple[str, ...]


def premium_subsidies(plan: Plan, facts: PremiumFacts, identities: Sequence[IdentityRecord]) -> PersonPremiums:
    """Return what each premium of a person is subsidised with in a year, in fen.

    AK-3.2.1, AK-3.2.2, DT-3.1.1, DT-3.2, QD-2.2, WH-2.2.1 are data of their packs; I-66 is ``held``. A rule whose figure nobody has
    entered, or whose fact nobody has stated, makes the answer "not yet known" unless a rule already pays the whole premium.
    """
    own = [record for record in identities if record.psn_no == facts.psn_no]
    windows = [window for window in identity_windows(plan.pack, own, life=plan.life) if window.judged != Judged.SETTLED]
    insurances = dict.fromkeys(rule.insurance for rule in plan.pack.premiums)
    results = tuple(_insurance(plan, insurance, facts, windows) for insurance in insurances)
    held = _identities_of_the_year(plan, facts, windows)
    return PersonPremiums(
        psn_no=facts.psn_no,
        year=facts.year,
        results=results,
        is_uninsured=None if facts.insurance is None else bool(held) and facts.insurance == "none",
        identities=held,
    )


def uninsured(people: Iterable[PersonPremiums]) -> list[PersonPremiums]:
    """Return the people with an identity and no basic insurance, in the order given (AK-3.2.2, QD-2.2)."""
    return [person for person in people if person.is_uninsured]


def _insurance(plan: Plan, insurance: str, facts: PremiumFacts, windows: list[IdentityWindow]) -> PremiumResult:
    premium = facts.premiums_fen.get(insurance)
    nothing = PremiumResult(insurance, "no_rule", 0, premium)
    if not plan.life.meets(facts.collection):
        clause = plan.pack.in_force.clause
        return _said(replace(nothing, outcome="not_in_force", clause=clause), facts)
    rules = [rule for rule in plan.pack.premiums if rule.insurance == insurance]
    found = [_rule(plan, rule, facts, windows) for rule in rules]
    granted = [result for result in found if result.outcome == "granted"]
    best = max(granted, key=lambda result: result.amount_fen or 0, default=None)
    unknown = any(result.outcome == "not_yet_known" for result in found)
    if best is not None and (not unknown or best.amount_fen == premium):
        return _said(best, facts)
    return _said(min([*found, nothing], key=lambda result: _rank(result.outcome)), facts)


def _rank(outcome: PremiumOutcome) -> int:
    return NEAREST.index(outcome) if outcome in NEAREST else len(NEAREST)


def _rule(plan: Plan, rule: Premium, facts: PremiumFacts, windows: list[IdentityWindow]) -> PremiumResult:
    """Return what one rule says for a person."""
    premium = facts.premiums_fen.get(rule.insurance)
    answer = PremiumResult(
        insurance=rule.insurance,
        outcome="no_rule",
        amount_fen=0,
        premium_fen=premium,
        rule=rule.id,
        clause=rule.clause,
        fund=rule.fund or "",
        readings=tuple(rule.readings),
    )
    resolver = LocalResolver(plan.entered, facts.collection.last)
    try:
        named = _named(plan, rule, resolver)
    except Missing as lacking:
        return replace(answer, outcome="not_yet_known", amount_fen=None, missing=lacking.params)
    own = [window for window in windows if window.identity in named]
    if rule.held == "payment_day" and own and facts.paid_on is None:
        return replace(answer, outcome="not_yet_known", amount_fen=None, missing=("paid_on",))
    decisive = _decisive(rule, facts)
    holding = [window for window in own if _held(window).meets(decisive)]
    if not holding:
        late = [w for w in own if decisive.last < _held(w).first <= date(facts.year, 12, 31)]
        return replace(answer, outcome="next_year", identity=late[0].identity) if late else answer
    answer = replace(answer, identity=holding[0].identity)
    answer = _worth(rule, facts, answer, resolver)
    return replace(answer, sources=tuple(resolver.sources()))


def _worth(rule: Premium, facts: PremiumFacts, answer: PremiumResult, resolver: LocalResolver) -> PremiumResult:
    """Return what a rule that names the person pays, at most the personal premium."""
    premium = answer.premium_fen
    if rule.amount == "none" or (rule.insurance == "resident" and facts.insurance == "employee"):
        return replace(answer, outcome="none")
    if rule.only_insured and facts.insurance in (None, "none"):
        if facts.insurance is None:
            return replace(answer, outcome="not_yet_known", amount_fen=None, missing=("insurance",))
        return replace(answer, outcome="not_insured")
    if rule.only_paid and (facts.paid_on is None or facts.paid_on not in facts.collection):
        return replace(answer, outcome="not_paid")
    try:
        value = resolver.amount(rule.value) if rule.value is not None else None
    except Missing as lacking:
        return replace(answer, outcome="not_yet_known", amount_fen=None, missing=lacking.params)
    if premium is None and (value is None or rule.amount == "fixed"):
        lacks = (f"premiums.{rule.insurance}",)
        return replace(answer, outcome="not_yet_known", amount_fen=None, missing=lacks)
    premium = value if premium is None else premium
    assert premium is not None
    amount = premium if value is None else min(value, premium)
    return replace(answer, outcome="granted" if amount else "none", amount_fen=amount, premium_fen=premium)


def _named(plan: Plan, rule: Premium, resolver: LocalResolver) -> set[str]:
    """Return the identities that a rule names, by code, category or delegated list."""
    named = set(rule.identities)
    for category in plan.pack.categories:
        if category.id in rule.categories:
            named.update(category.identities)
    if rule.who is not None:
        named.update(code.strip() for code in resolver.text(rule.who).split(";"))
    return named


def _held(window: IdentityWindow) -> Period:
    """Return the days on which an identity is held; reaching back is for medical cost, not for premiums."""
    first = max(window.first, window.record.first)
    return Period(first, max(first, window.last))


def _decisive(rule: Premium, facts: PremiumFacts) -> Period:
    """Return the days of which one must meet the identity (I-66)."""
    if rule.held == "any_day":
        return facts.collection
    day = facts.collection.first if rule.held == "first_day" else facts.paid_on
    return Period(day, day) if day is not None else facts.collection


def _identities_of_the_year(plan: Plan, facts: PremiumFacts, windows: list[IdentityWindow]) -> tuple[str, ...]:
    """Return the identities that the pack knows and the person holds between collection and the year's end."""
    known = {identity for category in plan.pack.categories for identity in category.identities}
    known.update(identity for rule in plan.pack.premiums for identity in rule.identities)
    span = Period(facts.collection.first, max(facts.collection.last, date(facts.year, 12, 31)))
    return tuple(dict.fromkeys(w.identity for w in windows if w.identity in known and _held(w).meets(span)))


def _said(result: PremiumResult, facts: PremiumFacts) -> PremiumResult:
    """Return the result with its sentence."""
    who = IDENTITIES.get(result.identity, "")
    name = INSURANCES[result.insurance]
    if result.outcome == "granted":
        assert result.amount_fen is not None
        assert result.own_part_fen is not None
        assert result.premium_fen is not None
        what = (
            f"{who}资助 {yuan_for_people(result.amount_fen)}，个人缴费标准 {yuan_for_people(result.premium_fen)}，"
            f"个人应缴 {yuan_for_people(result.own_part_fen)}"
        )
    else:
        what = {
            "none": f"{who}不享受资助" if facts.insurance != "employee" else "参加职工医保，没有居民医保个人缴费",
            "next_year": f"{who}身份在本次缴费期之后取得，纳入下一年度资助范围",
            "not_paid": f"{who}在集中缴费期内缴费后退补，目前没有缴费记录",
            "not_insured": f"{who}没有参加基本医疗保险，请先参保",
            "no_rule": "没有可以资助参保的身份",
            "not_yet_known": f"尚不能确定，缺少 {'、'.join(result.missing)}",
            "not_in_force": "缴费期不在政策施行期内",
        }[result.outcome]
    return replace(result, says=f"{facts.year} 年度{name}：{what}{sample_mark(result.sources)}。")

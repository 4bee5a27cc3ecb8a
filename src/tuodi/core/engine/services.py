"""Services in kind and deposits: who may have a package, an examination or a bed without paying first.

Both ask whether a person meets a pack's conditions on a day: identities and age (a ``when``), and facts that somebody answers with
yes or no. A fact that nobody has stated makes the answer "not yet known", by name. What is *not* here: booking the service.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

import msgspec

from tuodi.core.dates import age_on
from tuodi.core.engine.conditions import IDENTITY_BITS, Profile, holds, tier_of
from tuodi.core.engine.fold import registered_elsewhere
from tuodi.core.engine.plan import Plan
from tuodi.core.engine.windows import Judged, identity_windows
from tuodi.core.errors import InputErrors, declare, fault
from tuodi.core.identities import IdentityRecord
from tuodi.core.money import yuan_for_people
from tuodi.core.policy.figures import Missing, Resolver
from tuodi.core.policy.model import Condition, DepositWaiver, Service, When

E_NO_SERVICE = declare("E-SERVICE-UNKNOWN", "政策包没有名为“{service}”的服务", "可用的服务：{known}")

ServiceOutcome = Literal[
    "granted",
    "used_up",
    "not_in_group",
    "excluded",
    "below_standard",
    "not_in_time",
    "not_yet_known",
    "not_in_force",
]
#: The fact that an age is judged by, as it is named among those that are lacking, and as people read it.
BIRTH, BIRTH_NAME = "birth", "出生日期"
DepositOutcome = Literal["waived", "not_waived", "not_yet_known", "not_in_force"]


@dataclass(frozen=True, slots=True)
class PersonOnDay:
    """A person on a day, with the facts that conditions may ask for; empty or absent is not known."""

    on: date
    birth: date | None = None
    answers: Mapping[str, bool] = field(default_factory=dict)
    med_type: str = "21"
    hosp_lv: str = ""
    referral: str = "local"
    area: str = ""


@dataclass(frozen=True, slots=True)
class ServiceResult:
    """What a service is worth to a person, in fen: what the fund pays of its cost, and the room left before."""

    service: str
    outcome: ServiceOutcome
    clause: str
    pays_fen: int = 0
    room_fen: int | None = None
    fund: str = ""
    readings: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    says: str = ""


@dataclass(frozen=True, slots=True)
class DepositResult:
    """Whether somebody is admitted without deposit, and by which rule."""

    outcome: DepositOutcome
    waiver: str = ""
    clause: str = ""
    missing: tuple[str, ...] = ()
    says: str = ""


def service(
    plan: Plan,
    service_id: str,
    person: PersonOnDay,
    identities: Sequence[IdentityRecord],
    *,
    cost_fen: int | None = None,
    earlier: Sequence[tuple[date, int]] = (),
) -> ServiceResult:
    """Return whether a person may have a service on a day, and what the fund pays of it.

    ``identities`` are the person's, ``earlier`` the days and amounts already paid for the same service. DT-3.5.2 (I-48), QD-2.6.2,
    TH-3.1.1 are data of their packs. The amounts of one year never exceed ``yearly_amount``.
    """
    known = {rule.id: rule for rule in plan.pack.services}
    if service_id not in known:
        raise InputErrors([fault(E_NO_SERVICE, service=service_id, known="、".join(known) or "（无）")])
    rule = known[service_id]
    answer = ServiceResult(rule.id, "granted", rule.clause, fund=rule.fund or "", readings=tuple(rule.readings))
    if person.on not in plan.life:
        answer = replace(answer, outcome="not_in_force", clause=plan.pack.in_force.clause)
    elif person.on < (rule.first or date.min) or person.on > (rule.last or date.max):
        answer = replace(answer, outcome="not_in_time")
    else:
        answer = _allowed(plan, rule, person, identities, answer)
    if answer.outcome == "granted":
        answer = _amount(plan, rule, person.on, answer, cost_fen=cost_fen, earlier=earlier)
    return replace(answer, says=_service_says(rule, answer))


def deposit(plan: Plan, person: PersonOnDay, identities: Sequence[IdentityRecord]) -> DepositResult:
    """Return whether a person admitted on a day pays a deposit.

    AK-6.2.2, QD-2.5.1, DT-3.5.1 are data of their packs. One rule that waives is enough; if none does and a fact is lacking, the
    answer is not yet known.
    """
    if person.on not in plan.life:
        return DepositResult("not_in_force", clause=plan.pack.in_force.clause, says="入院日不在政策施行期内。")
    missing: list[str] = []
    for rule in plan.pack.deposit_waivers:
        outcome, lacking = _waives(plan, rule, person, identities)
        if outcome == "waived":
            return DepositResult("waived", rule.id, rule.clause, says=f"{rule.name}：{rule.says}。")
        missing += lacking
    if missing:
        names = tuple(dict.fromkeys(missing))
        asked = "、".join(called(plan, name) for name in names)
        return DepositResult("not_yet_known", missing=names, says=f"押金：尚不能确定，还要知道{asked}。")
    return DepositResult("not_waived", says="押金：没有可以免缴的规定，按医疗机构规定缴纳。")


def called(plan: Plan, name: str) -> str:
    """Return what people read for a fact that a waiver of the deposit asks for, or a value that it reads."""
    asked = {condition.id: condition.asks for rule in plan.pack.deposit_waivers for condition in rule.requires}
    if name in plan.pack.delegated:
        return plan.pack.delegated[name].asks
    return f"是否{asked[name]}" if name in asked else BIRTH_NAME


def profile_on(plan: Plan, person: PersonOnDay, identities: Sequence[IdentityRecord]) -> Profile:
    """Return what is known of a person on a day; an identity counts on the days on which it is held."""
    mask = 0
    for window in identity_windows(plan.pack, identities, life=plan.life):
        first = max(window.first, window.record.first)
        if window.judged != Judged.SETTLED and first <= person.on <= window.last:
            mask |= IDENTITY_BITS[window.identity]
    age = age_on(person.birth, person.on) if person.birth else -1
    return Profile(
        day=person.on,
        identities=mask,
        med_type=person.med_type,
        diseases=plan.disease_classes("", "", age),
        referral=person.referral,
        out_of_province=False,
        cause="",
        tier=tier_of(person.hosp_lv),
        age=age,
        elsewhere=registered_elsewhere(plan, person.area),
    )


def _meets(plan: Plan, when: When, person: PersonOnDay, identities: Sequence[IdentityRecord]) -> tuple[bool, list[str]]:
    """Return whether a person meets conditions, and the birth date if all else holds and only the age is not known."""
    profile = profile_on(plan, person, identities)
    category = plan.category_of(profile.identities)[0]
    ageless = msgspec.structs.replace(when, age=msgspec.UNSET)
    if not holds(plan, ageless, profile, category):
        return False, []
    if when.age is not msgspec.UNSET and person.birth is None:
        return False, [BIRTH]
    return holds(plan, when, profile, category), []


def _answered(plan: Plan, conditions: list[Condition], person: PersonOnDay) -> tuple[set[bool], list[str]]:
    """Return which answers occur, and the facts and delegated values that are lacking."""
    resolver = Resolver(plan.entered, person.on)
    missing: list[str] = []
    answers: set[bool] = set()
    for condition in conditions:
        try:
            if condition.requires is not None:
                resolver.text(condition.requires)
        except Missing as lacking:
            missing += lacking.params
        answer = person.answers.get(condition.id)
        if answer is None:
            missing.append(condition.id)
        else:
            answers.add(answer)
    return answers, missing


def _allowed(
    plan: Plan,
    rule: Service,
    person: PersonOnDay,
    identities: Sequence[IdentityRecord],
    answer: ServiceResult,
) -> ServiceResult:
    inside, missing = _meets(plan, rule.for_, person, identities)
    if not inside and not missing:
        return replace(answer, outcome="not_in_group")
    excluding, lacking = _answered(plan, rule.unless, person)
    if True in excluding:
        return replace(answer, outcome="excluded")
    required, also_lacking = _answered(plan, rule.requires, person)
    if False in required:
        return replace(answer, outcome="not_in_group")
    missing = list(dict.fromkeys([*missing, *lacking, *also_lacking]))
    return replace(answer, outcome="not_yet_known", missing=tuple(missing)) if missing else answer


def _amount(
    plan: Plan,
    rule: Service,
    on: date,
    answer: ServiceResult,
    *,
    cost_fen: int | None,
    earlier: Sequence[tuple[date, int]],
) -> ServiceResult:
    """Return what is paid of the cost: within the times, the year's amount, and at the standard that one must be worth."""
    of_year = [(day, fen) for day, fen in earlier if day.year == on.year]
    if rule.times is not None and len(of_year if rule.per == "year" else earlier) >= rule.times:
        return replace(answer, outcome="used_up", room_fen=0)
    resolver = Resolver(plan.entered, on)
    try:
        yearly = resolver.amount(rule.yearly_amount) if rule.yearly_amount is not None else None
        least = resolver.amount(rule.least_amount) if rule.least_amount is not None else 0
    except Missing as lacking:
        return replace(answer, outcome="not_yet_known", missing=lacking.params)
    if yearly is not None:
        room = max(0, yearly - sum(fen for _, fen in of_year))
        answer = replace(answer, room_fen=room, outcome="granted" if room else "used_up")
    if answer.outcome == "used_up":
        return answer
    if cost_fen is None:
        needed = yearly is not None or rule.least_amount is not None
        return replace(answer, outcome="not_yet_known", missing=("cost",)) if needed else answer
    if cost_fen < least:
        return replace(answer, outcome="below_standard")
    return replace(answer, pays_fen=cost_fen if answer.room_fen is None else min(cost_fen, answer.room_fen))


def _waives(
    plan: Plan, rule: DepositWaiver, person: PersonOnDay, identities: Sequence[IdentityRecord]
) -> tuple[DepositOutcome, list[str]]:
    inside, missing = _meets(plan, rule.when, person, identities)
    answers, lacking = _answered(plan, rule.requires, person)
    missing += lacking
    if False in answers or not (inside or missing[:1] == [BIRTH]):
        return "not_waived", []
    return ("not_yet_known", missing) if missing else ("waived", [])


def _service_says(rule: Service, answer: ServiceResult) -> str:
    paid = f"可以享受，支付 {yuan_for_people(answer.pays_fen)}" if answer.pays_fen else "可以免费享受"
    what = {
        "granted": paid,
        "used_up": "本期次数或金额已用完",
        "not_in_group": "不属于服务对象",
        "excluded": "已享受同类服务，不重复享受",
        "below_standard": "低于规定的服务标准",
        "not_in_time": "不在规定的办理期间",
        "not_yet_known": f"尚不能确定，缺少 {'、'.join(answer.missing)}",
        "not_in_force": "不在政策施行期内",
    }[answer.outcome]
    return f"{rule.name}：{what}。"

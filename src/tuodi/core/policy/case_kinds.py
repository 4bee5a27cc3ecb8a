"""Kinds of worked case other than a history of bills; ``docs/reference/cases.md`` describes each with an example.

A kind reads the facts of a case, asks the engine once and compares what the case expects. Importing this module registers them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tuodi.core.dates import Period
from tuodi.core.engine.means_criteria import Household, MedicalCost
from tuodi.core.engine.means_test import means_test
from tuodi.core.engine.openings import openings, warnings
from tuodi.core.engine.plan import Plan
from tuodi.core.engine.premium import PremiumFacts, premium_subsidies
from tuodi.core.engine.services import PersonOnDay, deposit, service
from tuodi.core.engine.simulate import estimate
from tuodi.core.policy.case_values import (
    KINDS,
    PAYER_KEYS,
    Case,
    Fen,
    Mismatch,
    Unreadable,
    care_of,
    code_of,
    compared,
    day_of,
    facts_of_case,
    fen_of,
    fen_or_none,
    history_of,
    optional_day,
)
from tuodi.core.settlements import HOSPITAL_TIERS, REFERRALS

HOUSEHOLD_FACTS = {
    "test", "applied_on", "members", "income", "income_months", "medical", "registration", "residence", "marked", "answers",
}  # fmt: skip


def _means_test(plan: Plan, case: Case) -> list[Mismatch]:
    facts = facts_of_case(case, HOUSEHOLD_FACTS)
    result = means_test(plan, str(facts["test"]), household_of(facts))
    test = next(test for test in plan.pack.means_tests if test.id == result.test)
    on_income = {criterion.id for criterion in test.criteria if criterion.kind == "income_per_head"}
    measured = next((c for c in result.criteria if c.id in on_income), None)
    found = {
        "outcome": result.outcome,
        "identity": result.identity,
        "gives_to": result.gives_to,
        "criteria": {c.id: c.outcome for c in result.criteria if c.id in (case.data["expect"].get("criteria") or {})},
        "missing": result.missing,
        "window": [measured.window.first, measured.window.last] if measured and measured.window else None,
        "net": fen_or_none(measured.net_fen if measured else None),
        "limit": fen_or_none(measured.limit_fen if measured else None),
        "standard": fen_or_none(measured.standard_fen if measured else None),
    }
    return compared(case, found)


def household_of(facts: Mapping[str, Any]) -> Household:
    """Return the household that the facts of a case describe."""
    medical = facts.get("medical")
    return Household(
        applied_on=day_of(facts["applied_on"]),
        members=int(facts["members"]) if facts.get("members") is not None else None,
        income_fen=fen_of(facts["income"]) if facts.get("income") is not None else None,
        income_months_fen={str(month): fen_of(amount) for month, amount in (facts.get("income_months") or {}).items()},
        medical=None if medical is None else tuple(_cost(item) for item in medical),
        registration=str(facts.get("registration", "")),
        residence=str(facts.get("residence", "")),
        marked=str(facts.get("marked", "")),
        answers=answers_of(facts),
    )


def _cost(item: Mapping[str, Any]) -> MedicalCost:
    def optional(key: str) -> int | None:
        return fen_of(item[key]) if item.get(key) is not None else None

    return MedicalCost(on=day_of(item["on"]), in_policy_fen=optional("in_policy"), self_paid_fen=optional("self_paid"))


def answers_of(facts: Mapping[str, Any]) -> dict[str, bool]:
    """Return the yes-or-no facts of a case; one that is null is not known."""
    return {str(key): bool(value) for key, value in (facts.get("answers") or {}).items() if value is not None}


def _premium(plan: Plan, case: Case) -> list[Mismatch]:
    facts = facts_of_case(case, {"year", "collection", "insurance", "premiums", "paid_on"})
    days = facts["collection"]
    known = PremiumFacts(
        psn_no="甲",
        year=int(facts["year"]),
        collection=Period(day_of(days["first"]), day_of(days["last"])),
        insurance=facts.get("insurance"),
        premiums_fen={str(name): fen_of(amount) for name, amount in (facts.get("premiums") or {}).items()},
        paid_on=optional_day(facts, "paid_on"),
    )
    answer = premium_subsidies(plan, known, history_of(case)[1])
    by_insurance = {result.insurance: result for result in answer.results}

    def each(key: str, attribute: str) -> dict[str, object]:
        """Return one attribute of the insurances that the case asks about."""
        asked = case.data["expect"].get(key) or {}
        values = {name: getattr(by_insurance[name], attribute) for name in asked}
        return {name: fen_or_none(v) if attribute.endswith("_fen") else v for name, v in values.items()}

    found = {
        "amounts": each("amounts", "amount_fen"),
        "own_parts": each("own_parts", "own_part_fen"),
        "outcomes": each("outcomes", "outcome"),
        "rules": each("rules", "rule"),
        "clauses": each("clauses", "clause"),
        "uninsured": answer.is_uninsured,
        "missing": list(dict.fromkeys(name for result in answer.results for name in result.missing)),
    }
    return compared(case, found)


def _opening(plan: Plan, case: Case) -> list[Mismatch]:
    return _lines(plan, case, "opening", {"reached": "opened"})


def _warning(plan: Plan, case: Case) -> list[Mismatch]:
    return _lines(plan, case, "warning", {"reached": "warned"})


def _lines(plan: Plan, case: Case, kind: str, words: Mapping[str, str]) -> list[Mismatch]:
    facts = facts_of_case(case, {kind, "year"})
    bills, records, asked = history_of(case)
    year = int(facts.get("year") or max(bill.setl_time.year for bill in bills))
    ask = openings if kind == "opening" else warnings
    results = {r.whose: r for r in ask(plan, bills, records, asked, year=year) if r.rule == str(facts[kind])}
    if not results:
        raise Unreadable(f"facts 的 {kind}“{facts[kind]}”在政策包里没有，或案例里没有人")
    found = {
        "outcomes": {whose: words.get(r.outcome, r.outcome) for whose, r in results.items()},
        "totals": {whose: Fen(r.total_fen) for whose, r in results.items()},
        "thresholds": {whose: fen_or_none(r.threshold_fen) for whose, r in results.items()},
        "shorts": {whose: Fen(r.short_fen) for whose, r in results.items()},
        "reached_on": {whose: r.reached_on for whose, r in results.items()},
        "focus": {whose: r.is_focus for whose, r in results.items()},
        "missing": list(dict.fromkeys(name for r in results.values() for name in r.missing)),
    }
    return compared(case, found)


def _service(plan: Plan, case: Case) -> list[Mismatch]:
    facts = facts_of_case(case, {"service", "on", "birth", "cost", "answers", "earlier"})
    earlier = [(day_of(item["on"]), fen_of(item.get("amount", "0 元"))) for item in facts.get("earlier") or []]
    person = PersonOnDay(day_of(facts["on"]), birth=optional_day(facts, "birth"), answers=answers_of(facts))
    cost = fen_of(facts["cost"]) if facts.get("cost") is not None else None
    records = history_of(case)[1]
    result = service(plan, str(facts["service"]), person, records, cost_fen=cost, earlier=earlier)
    found = {
        "outcome": result.outcome,
        "pays": Fen(result.pays_fen),
        "room": fen_or_none(result.room_fen),
        "missing": list(result.missing),
    }
    return compared(case, found)


def _deposit(plan: Plan, case: Case) -> list[Mismatch]:
    facts = facts_of_case(case, {"admitted", "birth", "answers", "care", "hosp_lv", "referral", "area"})
    person = PersonOnDay(
        on=day_of(facts["admitted"]),
        birth=optional_day(facts, "birth"),
        answers=answers_of(facts),
        med_type=care_of(facts, "facts"),
        hosp_lv=code_of(facts, "hosp_lv", HOSPITAL_TIERS, "facts"),
        referral=code_of(facts, "referral", REFERRALS, "facts") or "local",
        area=str(facts.get("area", "")),
    )
    result = deposit(plan, person, history_of(case)[1])
    found = {
        "outcome": result.outcome,
        "waiver": result.waiver,
        "clause": result.clause,
        "missing": list(result.missing),
    }
    return compared(case, found)


def _estimate(plan: Plan, case: Case) -> list[Mismatch]:
    facts = facts_of_case(case, {"known"})
    bills, records, asked = history_of(case)
    known = [PAYER_KEYS.get(str(name), str(name)) for name in facts.get("known") or []]
    result = estimate(plan, bills[-1], records, known=known, earlier=bills[:-1], applications=asked)
    amounts = case.data["expect"].get("amounts") or {}
    found = {
        "amounts": {name: Fen(result.amount_fen(str(name))) for name in amounts},
        "total": Fen(result.total_fen),
        "left": Fen(result.left_fen),
        "refusal": result.result.decision.refusal or None,
    }
    return compared(case, found)


KINDS["means_test"] = _means_test
KINDS["premium"] = _premium
KINDS["opening"] = _opening
KINDS["warning"] = _warning
KINDS["service"] = _service
KINDS["deposit"] = _deposit
KINDS["estimate"] = _estimate

"""Kinds of worked case other than a history of bills; ``docs/reference/cases.md`` describes each with an example.

A kind reads the facts of a case, asks the engine once and compares what the case expects. Importing this module registers them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tuodi.core.engine.means_criteria import Household, MedicalCost
from tuodi.core.engine.means_test import means_test
from tuodi.core.engine.plan import Plan
from tuodi.core.policy.case_values import (
    KINDS,
    Case,
    Mismatch,
    compared,
    day_of,
    facts_of_case,
    fen_of,
    fen_or_none,
)

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


KINDS["means_test"] = _means_test

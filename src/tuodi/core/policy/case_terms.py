"""Kinds of worked case on days and divisions: ``deadline``, ``clearing``, ``capitation``, ``advance``."""

from __future__ import annotations

from tuodi.core.engine.clearing import Registration, advance_split, capitation, clearing_year
from tuodi.core.engine.plan import Plan
from tuodi.core.engine.terms import EVENTS, WEEKDAYS_ONLY, Pause, calendar_of, deadline
from tuodi.core.policy.case_values import (
    KINDS,
    Case,
    Fen,
    Mismatch,
    compared,
    day_of,
    facts_of_case,
    fen_of,
    fen_or_none,
    optional_day,
)


def _deadline(plan: Plan, case: Case) -> list[Mismatch]:
    facts = facts_of_case(case, {"deadline", "pauses", "calendar", *EVENTS})
    result = deadline(
        plan,
        str(facts["deadline"]),
        {name: day_of(facts[name]) for name in EVENTS if facts.get(name)},
        calendar=calendar_of(facts["calendar"]) if "calendar" in facts else WEEKDAYS_ONLY,
        pauses=[Pause(day_of(item["asked"]), optional_day(item, "supplied")) for item in facts.get("pauses") or []],
    )
    found = {
        "first": result.first,
        "last": result.last,
        "term_last": result.term_last,
        "warned": result.is_guessed,
        "missing": list(result.missing),
    }
    return compared(case, found)


def _clearing(plan: Plan, case: Case) -> list[Mismatch]:
    facts = facts_of_case(case, {"year"})
    result = clearing_year(plan, int(facts["year"]))
    found = {
        "first": result.period.first,
        "last": result.period.last,
        "cleared_on": result.cleared_on,
        "estimated_from": result.estimated_first,
    }
    return compared(case, found)


def _capitation(plan: Plan, case: Case) -> list[Mismatch]:
    facts = facts_of_case(case, {"year", "registrations", "scores"})
    people = [
        Registration(str(item["person"]), str(item["institution"]), day_of(item["first"]), optional_day(item, "last"))
        for item in facts["registrations"]
    ]
    scores = {str(name): str(score) for name, score in (facts.get("scores") or {}).items()}
    result = capitation(plan, int(facts["year"]), people, scores)
    parts = result.institutions
    found = {
        "packages": {part.institution: Fen(part.package_fen) for part in parts},
        "payouts": {part.institution: fen_or_none(part.payout_fen) for part in parts},
        "months": {part.institution: part.months for part in parts},
        "total": Fen(result.package_fen),
        "missing": [name for part in parts for name in part.missing],
    }
    return compared(case, found)


def _advance(plan: Plan, case: Case) -> list[Mismatch]:
    facts = facts_of_case(case, {"assistance", "advanced"})
    result = advance_split(plan, assistance_fen=fen_of(facts["assistance"]), advanced_fen=fen_of(facts["advanced"]))
    found = {
        "institution": Fen(result.institution_fen),
        "person": Fen(result.person_fen),
        "shortfall": Fen(result.shortfall_fen),
    }
    return compared(case, found)


KINDS["deadline"] = _deadline
KINDS["clearing"] = _clearing
KINDS["capitation"] = _capitation
KINDS["advance"] = _advance

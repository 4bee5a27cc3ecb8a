"""What one settlement more, or one fewer, comes to: its own amount, and what others get instead; before it is done, nothing kept."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from tuodi.apps.policies.queries import plans_of
from tuodi.apps.registry.models import Person
from tuodi.apps.settlement.actions import made_ready, person_of
from tuodi.apps.settlement.circles import believed
from tuodi.apps.settlement.histories import PersonHistory, earned
from tuodi.apps.settlement.models import Bill
from tuodi.apps.settlement.retro import Change, Impact, compared
from tuodi.core.engine.decide import Decision
from tuodi.core.errors import InputErrors


def impact_of_settling(actor: Any, bill: Bill) -> tuple[Impact, Decision | None]:
    """Return what settling a bill would change, and what is decided of it; refused as settling it is. The caller checks who asks."""
    person = made_ready(bill, actor=actor)
    would = believed(person, cache(plans_of), also=bill)
    was = [replace(held, bills=[one for one in held.bills if one is not bill]) for held in would]
    found, decisions = _impact(person, was, would)
    return found, decisions.get(bill.setl_id)


def impact_of_cancelling(bill: Bill) -> Impact:
    """Return what cancelling a kept bill would change."""
    person = person_of(bill.psn_no)
    was = believed(person, cache(plans_of))
    would = [replace(held, bills=[one for one in held.bills if one.setl_id != bill.setl_id]) for held in was]
    return _impact(person, was, would)[0]


def _impact(
    person: Person, was_of: list[PersonHistory], would_be: list[PersonHistory]
) -> tuple[Impact, dict[str, Decision]]:
    plans, changes = cache(plans_of), list[Change]()
    bills = sum(len(held.bills) for held in was_of if held.person.pk == person.pk)
    try:
        was, would = earned(was_of, plans), earned(would_be, plans)
    except InputErrors as errors:
        return Impact(person.psn_no, (), bills, errors.faults[0].message), {}
    for before, after in zip(was_of, would_be, strict=True):
        own = {one.setl_id for held in (before, after) for one in held.bills}
        changes += compared(was.only(own).results, would.only(own).results, before.person.psn_no)
    decisions = {setl_id: result.decision for setl_id, result in would.results.items()}
    return Impact(person.psn_no, tuple(changes), bills), decisions

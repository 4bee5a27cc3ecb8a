"""What one settlement more or fewer, or another household of somebody, comes to: before it is done, nothing kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from tuodi.apps.policies.queries import plans_of
from tuodi.apps.registry.models import Person
from tuodi.apps.registry.queries import ever_with, homes_of
from tuodi.apps.settlement.actions import made_ready, person_of
from tuodi.apps.settlement.circles import believed, circles_of
from tuodi.apps.settlement.folding import PlansOf, is_by_household
from tuodi.apps.settlement.histories import PersonHistory, billed, earned, histories_of
from tuodi.apps.settlement.models import Bill
from tuodi.apps.settlement.retro import Change, Impact, compared, weigh
from tuodi.base import access
from tuodi.base.action import Action
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


def impact_of_household(action: Action, psn_nos: Iterable[str]) -> Impact:
    """Return what an action on the households of some people would change, for whoever shares totals with them before or then.

    Nothing moves, and nothing is tried, where no policy keeps a household's totals (decision 19).
    """
    plans = cache(plans_of)
    people = list(Person.objects.filter(psn_no__in=list(psn_nos)))
    if not any(is_by_household(one, plans) for one in people):
        return Impact("", (), 0)
    keys = [one.pk for one in people]
    before = _around(keys, plans)
    with action.tried():
        after = _around(keys, plans)
    known = {held.person.psn_no for held in before}
    missing = [held for held in after if held.person.psn_no not in known]
    before += list(histories_of([held.person for held in missing], homes_of(held.person.pk for held in missing)))
    found = weigh(before, after, plans=plans)
    changes = tuple(change for one in found.values() for change in one.changes)
    why = next((one.why for one in found.values() if one.why), "")
    return Impact("", changes, sum(one.bills for one in found.values()), why)


def _around(keys: Iterable[int], plans: PlansOf) -> list[PersonHistory]:
    """Return the histories of everybody with bills who ever shared a household with some people, and of their circles."""
    concerned = list(billed().filter(psn_no__in=ever_with(keys)).order_by("psn_no"))
    return [held for circle in circles_of(concerned, plans) for held in circle.histories()]


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


@dataclass(frozen=True)
class Line:
    """What all layers of one settlement pay, before and after; ``whose`` it is where it is not the person's own."""

    setl_id: str
    whose: str
    settled_on: Any
    before_fen: int
    after_fen: int
    clauses: tuple[str, ...]

    @property
    def fen(self) -> int:
        return self.after_fen - self.before_fen


def whose_of(user: Any, found: Impact) -> dict[str, str]:
    """Return, by number, whose settlements a change touches too, as a user may be told; the person's own need no name."""
    others = {change.psn_no for change in found.changes} - {found.psn_no}
    named = {
        one.psn_no: f"{one.name}（{one.psn_no}）" for one in access.visible(user, Person).filter(psn_no__in=others)
    }
    return {found.psn_no: ""} | {psn_no: named.get(psn_no, "同户，不在您的辖区") for psn_no in others}


def lines_of(found: Impact, user: Any) -> list[Line]:
    """Return what a change moves, a line for each settlement that it touches, as a user may be told."""
    lines, whose = [], whose_of(user, found)
    for setl_id in dict.fromkeys(change.setl_id for change in found.changes):
        parts = [change for change in found.changes if change.setl_id == setl_id]
        clauses = tuple(dict.fromkeys(clause for part in parts for clause in part.clauses))
        before, after = sum(part.before_fen for part in parts), sum(part.after_fen for part in parts)
        lines.append(Line(setl_id, whose[parts[0].psn_no], parts[0].settled_on, before, after, clauses))
    return lines


def weighed_household(user: Any, action: Action, psn_nos: list[str], given: dict[str, Any]) -> dict[str, Any]:
    """Return what a change of households moves as its page shows it; empty if nothing."""
    found = impact_of_household(action, psn_nos)
    is_any = found.changes or found.why
    return {"found": found, "lines": lines_of(found, user), "mark": mark_of(given, found)} if is_any else {}


def mark_of(given: dict[str, Any], found: Impact) -> str:
    """Return what tells whether a page showed these facts and these amounts."""
    return hashlib.sha256(repr((sorted(given.items()), found)).encode()).hexdigest()[:32]

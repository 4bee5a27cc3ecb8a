"""Moves of the place in which somebody is insured: entered with the first day, corrected, withdrawn; nothing is overwritten."""

from __future__ import annotations

from datetime import date
from typing import Any

from tuodi.apps.registry import permissions
from tuodi.apps.registry.actions.base import (
    E_INSURED_DAY,
    E_INSURED_ONCE,
    E_INSURED_SAME,
    E_INSURED_START,
    E_WITHDRAWN,
    PersonAction,
    announce_people,
    locked,
)
from tuodi.apps.registry.actions.people import refuse_outside
from tuodi.apps.registry.actions.writing import rows_of_move, save_people, snapshot
from tuodi.apps.registry.insured import ALWAYS, Places, moved, place, places_of, without
from tuodi.apps.registry.models import InsuredPlace, Person, PersonChange
from tuodi.base import access, clock
from tuodi.base.action import refuse

MOVED, CORRECTED = "insured", "insured_corrected"


def with_move(places: Places, area: str, first: date) -> Places:
    """Return the places with another one; refused on a day that cannot be, or if it would say nothing."""
    if first > clock.today() or first <= ALWAYS:
        raise refuse(E_INSURED_DAY, day=first)
    if any(day == first for day, _ in places):
        raise refuse(E_INSURED_ONCE, day=first)
    made = moved(places, area, first)
    at = made.index((first, area))
    if any(other == area for _, other in (*made[at - 1 : at], *made[at + 1 : at + 2])):
        raise refuse(E_INSURED_SAME, area=area)
    return made


def with_origin(places: Places, area: str) -> Places:
    """Return the places with another one before any move."""
    if area in [other for _, other in places[:2]]:
        raise refuse(E_INSURED_SAME, area=area)
    return ((ALWAYS, area), *places[1:])


def corrected(places: Places, first: date, facts: dict[str, Any] | None) -> Places:
    """Return the places with other facts for the one that begins on a day; with none, without it."""
    left = without(places, first)
    return left if facts is None else with_move(left, facts["area_code"], facts["first"])


class _InsuredAction(PersonAction):
    """An action that leaves somebody with other places; the money that this moves is folded once it is told."""

    verb = permissions.CHANGE
    cause = CORRECTED
    after: Places

    def keep(self) -> Person:
        before = snapshot(self.person)
        save_people([place(self.person, self.after)])
        self.kept = PersonChange.objects.create(
            person=self.person, cause=self.cause, before=before, after=snapshot(self.person), by=self.actor, at=clock.now()
        )  # fmt: skip
        return self.person

    def told(self, done: Person) -> dict[str, Any]:
        return {"changed": ["insured_area"]}

    def announce(self, done: Person) -> None:
        announce_people("person:changed", [done.psn_no], cause_id=f"change:{self.kept.pk}")


class MoveInsurance(_InsuredAction):
    """Enter that somebody is insured elsewhere from a day on, until the next move that is known."""

    cause = MOVED

    def __init__(self, *, actor: Any, psn_no: str, area_code: str, first: date) -> None:
        super().__init__(actor=actor, psn_no=psn_no)
        self.area_code, self.first = area_code, first

    def check(self) -> None:
        super().check()
        refuse_outside(self.actor, self.area_code)

    def decide(self) -> None:
        self.after = with_move(places_of(self.person), self.area_code, self.first)

    def write(self) -> Person:
        for row in rows_of_move(self.person, self.area_code, self.first):
            row.save(force_insert=True)
        return self.keep()


class CorrectOrigin(_InsuredAction):
    """Put right where somebody was insured before any move: an entry that was wrong from the beginning."""

    def __init__(self, *, actor: Any, psn_no: str, area_code: str) -> None:
        super().__init__(actor=actor, psn_no=psn_no)
        self.area_code = area_code

    def check(self) -> None:
        super().check()
        refuse_outside(self.actor, self.area_code)

    def decide(self) -> None:
        self.after = with_origin(places_of(self.person), self.area_code)

    def write(self) -> Person:
        now, person = clock.now(), self.person
        held = InsuredPlace.objects.filter(person=person, first__isnull=True, withdrawn_at__isnull=True).first()
        if held is None:
            origin = places_of(person)[0][1]
            held = InsuredPlace.objects.create(
                person=person, area_code=origin, recorded_at=person.recorded_at, withdrawn_at=now
            )
        else:
            InsuredPlace.objects.filter(pk=held.pk).update(withdrawn_at=now)
        InsuredPlace.objects.create(person=person, area_code=self.area_code, replaces=held, recorded_at=now)
        return self.keep()


class CorrectMove(_InsuredAction):
    """Put right a move that was entered wrongly; with no facts, withdraw it."""

    def __init__(self, *, actor: Any, place_id: int, facts: dict[str, Any] | None) -> None:
        super().__init__(actor=actor, psn_no="")
        self.place_id, self.facts = place_id, facts

    def check(self) -> None:
        self.row = access.get(self.actor, InsuredPlace, self.place_id, self.verb)
        self.psn_no = self.row.person.psn_no
        super().check()
        if self.facts is not None:
            refuse_outside(self.actor, self.facts["area_code"])

    def lock(self) -> None:
        """Lock whose place it is: of a merged record, that record's own row, which its places belong to."""
        self.person = locked([self.row.person_id])[0]

    def decide(self) -> None:
        self.row.refresh_from_db()
        if self.row.withdrawn_at is not None:
            raise refuse(E_WITHDRAWN)
        if self.row.first is None:
            raise refuse(E_INSURED_START)
        self.after = corrected(places_of(self.person), self.row.first, self.facts)

    def write(self) -> Person:
        InsuredPlace.objects.filter(pk=self.row.pk).update(withdrawn_at=clock.now())
        if self.facts is not None:
            InsuredPlace.objects.create(person=self.person, replaces=self.row, recorded_at=clock.now(), **self.facts)
        return self.keep()

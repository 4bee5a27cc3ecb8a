"""The last move of a household, put right or undone where it was entered wrongly. What was recorded stays, withdrawn."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Q

from tuodi.apps.registry import permissions, words
from tuodi.apps.registry.actions.base import (
    E_MOVE_DAY,
    E_NO_CHANGE,
    E_NOT_LAST_MOVE,
    E_SAME_AREA,
    announce_people,
    locked,
)
from tuodi.apps.registry.actions.households import end_place
from tuodi.apps.registry.models import HouseholdPlace, Person, PersonChange
from tuodi.apps.registry.queries import moved_from
from tuodi.base import access, clock
from tuodi.base.action import Action, refuse
from tuodi.core.dates import day_before


class CorrectHouseholdMove(Action):
    """Say where a household moved to, and when, as it should have been entered; with no facts, that it did not move.

    Whoever could enter the move may correct it, wherever the household was sent by mistake: the area that it left is what counts.
    The members whom the move took along are taken along again, but for those whose place of living was changed since.
    """

    verb = permissions.MOVE

    def __init__(self, *, actor: Any, place_id: int, facts: dict[str, Any] | None) -> None:
        super().__init__(actor=actor)
        assert facts is None or set(facts) == {"area_code", "first"}, facts
        self.place_id, self.facts = place_id, facts

    def check(self) -> None:
        self.row = access.get(self.actor, HouseholdPlace, self.place_id, self.verb)
        self.household = self.row.household

    def lock(self) -> None:
        self.changes = self._taken_along()
        self.people = locked(self.changes)
        self.row = HouseholdPlace.objects.select_for_update().get(pk=self.place_id)
        self.left = moved_from(self.row)
        if self.left is None:
            raise refuse(E_NOT_LAST_MOVE, number=self.household.number)
        if not self.left.area_code.startswith(access.area_prefix(str(self.actor.area_code))):
            raise PermissionDenied("这一户不是从您的辖区迁出的，由迁出地更正")

    def _taken_along(self) -> dict[int, PersonChange]:
        """Return the change that this move made to each person whom it took along."""
        rows = PersonChange.objects.filter(
            Q(person__memberships__household=self.household) | Q(person__merged__memberships__household=self.household),
            cause__in=("move", "move_corrected"), after__residence_area=self.row.area_code, after__first=str(self.row.first),
        ).select_related("person").order_by("pk")  # fmt: skip
        return {row.person.merged_into_id or row.person_id: row for row in rows}

    def decide(self) -> None:
        assert self.left is not None
        if self.facts is None:
            return
        area, first = self.facts["area_code"], self.facts["first"]
        if (area, first) == (self.row.area_code, self.row.first):
            raise refuse(E_NO_CHANGE)
        if area == self.left.area_code:
            raise refuse(E_SAME_AREA, number=self.household.number, area=area)
        if first > clock.today() or first <= (self.left.first or date.min):
            raise refuse(E_MOVE_DAY, day=first)

    def write(self) -> HouseholdPlace:
        assert self.left is not None
        self.row.withdrawn_at = clock.now()
        self.row.save(update_fields=["withdrawn_at"])
        last = day_before(self.facts["first"]) if self.facts else None
        held = end_place(self.left, last=last) if self.left.last != last else self.left
        if self.facts:
            held = HouseholdPlace.objects.create(
                household=self.household, replaces=self.row, recorded_at=clock.now(), **self.facts
            )
        self.household.area_code = held.area_code
        self.household.save(update_fields=["area_code"])
        self._take_along()
        return held

    def _take_along(self) -> None:
        """Let those who went with the move live where it should have led, or where they lived before it."""
        gone = [person for person in self.people if person.residence_area == self.row.area_code]
        for person in gone:
            change = self.changes[person.pk]
            origin = change.after.get("from", change.before["residence_area"])
            lives = self.facts["area_code"] if self.facts else origin
            after = {"residence_area": lives, "from": origin} | (
                {"first": str(self.facts["first"])} if self.facts else {}
            )
            PersonChange.objects.create(
                person=person, cause="move_corrected" if self.facts else "move_voided", before={"residence_area": person.residence_area},
                after=after, by=self.actor, at=clock.now(),
            )  # fmt: skip
            person.residence_area = lives
        Person.objects.bulk_update(gone, ["residence_area"])
        words.index(person for person in gone if person.merged_into_id is None)

    def audited(self, done: HouseholdPlace) -> dict[str, Any]:
        assert self.left is not None
        data = {
            "from": self.left.area_code,
            "to": done.area_code,
            "replaces_place": self.row.pk,
            "people": len(self.people),
        }
        data |= {"first": str(self.facts["first"])} if self.facts else {"is_void": True}
        return {
            "subject": "household",
            "subject_id": self.household.number,
            "area_code": self.left.area_code,
            "data": data,
        }

    def announce(self, done: HouseholdPlace) -> None:
        announce_people("household:moved", [person.psn_no for person in self.people], cause_id=f"place:{self.row.pk}")

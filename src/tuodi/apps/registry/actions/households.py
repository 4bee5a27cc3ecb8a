"""Households: join, leave, split, move. Memberships are dated and never overwritten; a day belongs to one household."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Q

from tuodi.apps.registry import permissions, words
from tuodi.apps.registry.actions.base import (
    E_DEAD,
    E_HEAD,
    E_HOUSEHOLD_EXISTS,
    E_HOUSEHOLD_NUMBER,
    E_MEMBER,
    E_MOVE_DAY,
    E_NOT_MEMBER,
    E_PERIOD,
    E_SAME_AREA,
    PersonAction,
    announce_people,
    group_of,
    household_for,
    locked,
    period,
    person_for,
)  # fmt: skip
from tuodi.apps.registry.models import Household, HouseholdPlace, Membership, Person, PersonChange
from tuodi.base import access, clock
from tuodi.base.action import Action, refuse
from tuodi.batch.light import IDENTIFIER
from tuodi.core.dates import FOREVER, day_before


def membership_on(person: Person, day: date) -> Membership | None:
    """Return the membership of a person that covers a day."""
    return (
        Membership.objects.filter(
            Q(last__isnull=True) | Q(last__gte=day),
            person__in=group_of(person),
            first__lte=day,
            withdrawn_at__isnull=True,
        )
        .select_related("household")
        .first()
    )


def end_membership(row: Membership, *, last: date, reason: str) -> Membership | None:
    """Withdraw a membership and add it ended; one that would end before it began is only withdrawn."""
    row.withdrawn_at = clock.now()
    row.save(update_fields=["withdrawn_at"])
    if last < row.first:
        return None
    return Membership.objects.create(
        household_id=row.household_id, person_id=row.person_id, first=row.first, last=last, is_head=row.is_head, reason=reason,
        replaces=row, recorded_at=clock.now(),
    )  # fmt: skip


def end_place(row: HouseholdPlace, *, last: date | None) -> HouseholdPlace:
    """Withdraw a place and add it with another end; ``last`` None: the household is there still."""
    row.withdrawn_at = clock.now()
    row.save(update_fields=["withdrawn_at"])
    return HouseholdPlace.objects.create(
        household_id=row.household_id, area_code=row.area_code, first=row.first, last=last, replaces=row, recorded_at=clock.now()
    )  # fmt: skip


def make_household(actor: Any, *, number: str, area_code: str, is_rural: bool, first: date) -> Household:
    """Add a household in the actor's area, with its place from a day; its number is one that files of exchange may hold."""
    if not area_code.startswith(access.area_prefix(actor.area_code)):
        raise PermissionDenied("户所在区划不在您的辖区内")
    if not IDENTIFIER.fullmatch(number):
        raise refuse(E_HOUSEHOLD_NUMBER, number=number)
    if Household.objects.filter(number=number).exists():
        raise refuse(E_HOUSEHOLD_EXISTS, number=number)
    made = Household.objects.create(number=number, area_code=area_code, is_rural=is_rural)
    HouseholdPlace.objects.create(household=made, area_code=area_code, first=first, recorded_at=clock.now())
    return made


class JoinHousehold(PersonAction):
    """Make a person a member from a day; a household that is not known yet is added when its area is given."""

    verb = permissions.MOVE

    def __init__(
        self, *, actor: Any, psn_no: str, number: str, first: date, last: date | None = None, is_head: bool = False,
        reason: str = "join", new_area: str = "", is_rural: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(actor=actor, psn_no=psn_no)
        self.number, self.first, self.last, self.is_head, self.reason = number, first, last, is_head, reason
        self.new_area, self.is_rural = new_area, is_rural

    def check(self) -> None:
        super().check()
        self.household = None if self.new_area else household_for(self.actor, self.number, self.verb)

    def decide(self) -> None:
        if self.last and self.last < self.first:
            raise refuse(E_PERIOD, first=self.first, last=self.last)
        if self.person.died_on and self.person.died_on < self.first:
            raise refuse(E_DEAD, psn_no=self.person.psn_no, day=self.person.died_on)
        held = Membership.objects.filter(
            Q(last__isnull=True) | Q(last__gte=self.first), person=self.person, withdrawn_at__isnull=True, first__lte=self.last or FOREVER
        ).select_related("household").first()  # fmt: skip
        if held:
            raise refuse(E_MEMBER, psn_no=self.psn_no, held=period(held.first, held.last), number=held.household.number)

    def write(self) -> Membership:
        household = self.household or make_household(
            self.actor, number=self.number, area_code=self.new_area, is_rural=self.is_rural, first=self.first
        )
        return Membership.objects.create(
            household=household, person=self.person, first=self.first, last=self.last, is_head=self.is_head, reason=self.reason,
            recorded_at=clock.now(),
        )  # fmt: skip

    def told(self, done: Membership) -> dict[str, Any]:
        return {"household": self.number, "first": str(self.first), "membership_id": done.pk}

    def announce(self, done: Membership) -> None:
        announce_people("household:changed", [self.person.psn_no], cause_id=f"membership:{done.pk}")


class LeaveHousehold(PersonAction):
    """End a person's membership; ``last`` is the last day that counts."""

    verb = permissions.MOVE

    def __init__(self, *, actor: Any, psn_no: str, number: str, last: date, reason: str = "leave") -> None:
        super().__init__(actor=actor, psn_no=psn_no)
        self.number, self.last, self.reason = number, last, reason

    def check(self) -> None:
        super().check()
        household_for(self.actor, self.number, self.verb)

    def decide(self) -> None:
        held = membership_on(self.person, self.last)
        if held is None or held.household.number != self.number:
            raise refuse(E_NOT_MEMBER, psn_no=self.psn_no, day=self.last, number=self.number)
        self.held = held

    def write(self) -> Membership | None:
        return end_membership(self.held, last=self.last, reason=self.reason)

    def told(self, done: Membership | None) -> dict[str, Any]:
        return {"household": self.number, "last": str(self.last)}

    def announce(self, done: Membership | None) -> None:
        announce_people("household:changed", [self.person.psn_no], cause_id=f"membership:{self.held.pk}")


class SplitHousehold(Action):
    """Let some members form a household of their own from a day."""

    verb = permissions.MOVE

    def __init__(
        self, *, actor: Any, number: str, new_number: str, psn_nos: Iterable[str], head: str, first: date
    ) -> None:
        super().__init__(actor=actor)
        self.number, self.new_number, self.psn_nos, self.head, self.first = (
            number,
            new_number,
            sorted(set(psn_nos)),
            head,
            first,
        )

    def check(self) -> None:
        if self.head not in self.psn_nos:
            raise refuse(E_HEAD)
        self.household = household_for(self.actor, self.number, self.verb)
        self.people = [person_for(self.actor, psn_no, self.verb) for psn_no in self.psn_nos]

    def lock(self) -> None:
        self.people = locked(person.pk for person in self.people)

    def decide(self) -> None:
        self.held = [membership_on(person, self.first) for person in self.people]
        for person, row in zip(self.people, self.held, strict=True):
            if row is None or row.household_id != self.household.pk:
                raise refuse(E_NOT_MEMBER, psn_no=person.psn_no, day=self.first, number=self.number)

    def write(self) -> Household:
        area, rural = self.household.area_code, self.household.is_rural
        made = make_household(self.actor, number=self.new_number, area_code=area, is_rural=rural, first=self.first)
        for person, row in zip(self.people, self.held, strict=True):
            assert row is not None
            end_membership(row, last=day_before(self.first), reason="split")
            Membership.objects.create(
                household=made, person_id=row.person_id, first=self.first, last=row.last, is_head=person.psn_no == self.head, reason="split",
                recorded_at=clock.now(),
            )  # fmt: skip
        return made

    def audited(self, done: Household) -> dict[str, Any]:
        data = {"new": done.number, "people": len(self.people), "first": str(self.first)}
        return {"subject": "household", "subject_id": self.number, "area_code": done.area_code, "data": data}

    def announce(self, done: Household) -> None:
        announce_people("household:changed", [person.psn_no for person in self.people], cause_id=f"household:{done.pk}")


class MoveHousehold(Action):
    """Move a household to another area from a day; its members live there from then on. Out of one's area is allowed."""

    verb = permissions.MOVE

    def __init__(self, *, actor: Any, number: str, area_code: str, first: date) -> None:
        super().__init__(actor=actor)
        self.number, self.area_code, self.first = number, area_code, first

    def check(self) -> None:
        self.household = household_for(self.actor, self.number, self.verb)

    def lock(self) -> None:
        members = Membership.objects.filter(
            Q(last__isnull=True) | Q(last__gte=self.first), household=self.household, withdrawn_at__isnull=True
        )
        rows = members.values_list("person_id", "person__merged_into_id")
        self.people = locked(into or key for key, into in rows)

    def decide(self) -> None:
        if self.area_code == self.household.area_code:
            raise refuse(E_SAME_AREA, number=self.number, area=self.area_code)
        self.held = self.household.places.filter(last__isnull=True, withdrawn_at__isnull=True).order_by("pk").last()
        since = self.held.first if self.held and self.held.first else date.min
        if self.first > clock.today() or self.first <= since:
            raise refuse(E_MOVE_DAY, day=self.first)

    def write(self) -> HouseholdPlace:
        self.before = self.household.area_code
        if self.held is not None:
            end_place(self.held, last=day_before(self.first))
        made = HouseholdPlace.objects.create(
            household=self.household, area_code=self.area_code, first=self.first, recorded_at=clock.now()
        )
        self.household.area_code = self.area_code
        self.household.save(update_fields=["area_code"])
        for person in self.people:
            PersonChange.objects.create(
                person=person, cause="move", before={"residence_area": person.residence_area}, after={"residence_area": self.area_code, "first": str(self.first)},
                by=self.actor, at=clock.now(),
            )  # fmt: skip
            person.residence_area = self.area_code
        Person.objects.bulk_update(self.people, ["residence_area"])
        words.index(person for person in self.people if person.merged_into_id is None)
        return made

    def audited(self, done: HouseholdPlace) -> dict[str, Any]:
        data = {"from": self.before, "to": self.area_code, "first": str(self.first), "people": len(self.people)}
        return {"subject": "household", "subject_id": self.number, "area_code": self.before, "data": data}

    def announce(self, done: HouseholdPlace) -> None:
        announce_people(
            "household:moved", [person.psn_no for person in self.people], cause_id=f"household:{self.household.pk}"
        )

"""One membership of a household: moved to another household, or put right. What was recorded stays, withdrawn."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import Q

from tuodi.apps.registry import permissions
from tuodi.apps.registry.actions.base import (
    E_DEAD,
    E_MEMBER,
    E_NO_CHANGE,
    E_NO_HOUSEHOLD,
    E_PERIOD,
    E_WITHDRAWN,
    PersonAction,
    announce_people,
    group_of,
    household_for,
    period,
)  # fmt: skip
from tuodi.apps.registry.actions.households import end_membership, membership_on
from tuodi.apps.registry.models import Membership
from tuodi.base import access, clock
from tuodi.base.action import refuse
from tuodi.core.dates import FOREVER, day_before

FACTS = ("first", "last", "is_head")


class MoveMember(PersonAction):
    """Let a person leave one household and belong to another from a day; no day is without a household between them."""

    verb = permissions.MOVE

    def __init__(self, *, actor: Any, psn_no: str, number: str, first: date, is_head: bool = False) -> None:
        super().__init__(actor=actor, psn_no=psn_no)
        self.number, self.first, self.is_head = number, first, is_head

    def check(self) -> None:
        super().check()
        self.household = household_for(self.actor, self.number, self.verb)

    def decide(self) -> None:
        held = membership_on(self.person, self.first)
        if held is None:
            raise refuse(E_NO_HOUSEHOLD, psn_no=self.person.psn_no, day=self.first)
        household_for(self.actor, held.household.number, self.verb)
        if held.household_id == self.household.pk:
            raise refuse(
                E_MEMBER, psn_no=self.person.psn_no, held=period(held.first, held.last), number=held.household.number
            )
        self.held = held

    def write(self) -> Membership:
        end_membership(self.held, last=day_before(self.first), reason="move")
        return Membership.objects.create(
            household=self.household, person_id=self.held.person_id, first=self.first, last=self.held.last, is_head=self.is_head,
            reason="move", recorded_at=clock.now(),
        )  # fmt: skip

    def told(self, done: Membership) -> dict[str, Any]:
        return {
            "from": self.held.household.number, "household": self.number, "first": str(self.first), "membership_id": done.pk
        }  # fmt: skip

    def announce(self, done: Membership) -> None:
        announce_people("household:changed", [self.person.psn_no], cause_id=f"membership:{done.pk}")


class CorrectMembership(PersonAction):
    """Withdraw a membership that was recorded wrongly and add it as it should be; with no facts, only withdraw it."""

    verb = permissions.MOVE

    def __init__(self, *, actor: Any, membership_id: int, facts: dict[str, Any] | None) -> None:
        super().__init__(actor=actor, psn_no="")
        assert facts is None or set(facts) <= set(FACTS), facts
        self.membership_id, self.facts = membership_id, facts

    def check(self) -> None:
        self.row = access.get(self.actor, Membership, self.membership_id, self.verb)
        self.household = household_for(self.actor, self.row.household.number, self.verb)
        self.person = self.row.person.merged_into or self.row.person

    def lock(self) -> None:
        super().lock()
        self.row.refresh_from_db()
        if self.row.withdrawn_at is not None:
            raise refuse(E_WITHDRAWN)

    def decide(self) -> None:
        if self.facts is None:
            self.made = None
            return
        row, kept = self.row, {name: getattr(self.row, name) for name in FACTS}
        given = kept | self.facts
        if given == kept:
            raise refuse(E_NO_CHANGE)
        first, last, died_on = given["first"], given["last"], self.person.died_on
        if last and last < first:
            raise refuse(E_PERIOD, first=first, last=last)
        if died_on and (last or FOREVER) > died_on:
            raise refuse(E_DEAD, psn_no=self.person.psn_no, day=died_on)
        self._refuse_overlap(first, last)
        self.made = Membership(
            household_id=row.household_id, person_id=row.person_id, reason="correct", replaces=row, recorded_at=clock.now(), **given
        )  # fmt: skip

    def _refuse_overlap(self, first: date, last: date | None) -> None:
        others = Membership.objects.filter(
            Q(last__isnull=True) | Q(last__gte=first), person__in=group_of(self.person), first__lte=last or FOREVER,
            withdrawn_at__isnull=True,
        ).exclude(pk=self.row.pk)  # fmt: skip
        if (held := others.select_related("household").first()) is not None:
            raise refuse(
                E_MEMBER, psn_no=self.person.psn_no, held=period(held.first, held.last), number=held.household.number
            )

    def write(self) -> Membership | None:
        self.row.withdrawn_at = clock.now()
        self.row.save(update_fields=["withdrawn_at"])
        if self.made is not None:
            self.made.save(force_insert=True)
        return self.made

    def told(self, done: Membership | None) -> dict[str, Any]:
        changed = [name for name in FACTS if done and getattr(done, name) != getattr(self.row, name)]
        return {
            "household": self.household.number, "membership_id": done.pk if done else None, "replaces": self.row.pk, "changed": changed
        }  # fmt: skip

    def announce(self, done: Membership | None) -> None:
        announce_people("household:changed", [self.person.psn_no], cause_id=f"membership:{self.row.pk}")

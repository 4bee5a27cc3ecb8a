"""Certify an identity, end it, correct it. A row is never overwritten: it is withdrawn and another one added."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import Q

from tuodi.apps.registry import permissions
from tuodi.apps.registry.actions.base import (
    E_ENDED,
    E_IDENTITY,
    E_NO_CHANGE,
    E_OVERLAP,
    E_PERIOD,
    E_WITHDRAWN,
    PersonAction,
    announce_people,
    group_of,
    period,
)  # fmt: skip
from tuodi.apps.registry.models import Identity, Person
from tuodi.base import access, clock
from tuodi.base.action import refuse
from tuodi.core.dates import FOREVER
from tuodi.core.identities import IDENTITIES

#: What a certification says, apart from whose it is and where it came from.
FACTS = ("identity", "first", "last", "certified_on", "applied_on", "issuer", "document_number")


def copied(row: Identity, **changed: Any) -> Identity:
    """Return an unsaved row that says what another does, but for what changed, and that stands in its place."""
    facts = {name: getattr(row, name) for name in (*FACTS, "person_id", "run_id")}
    return Identity(**{**facts, "replaces": row, "recorded_at": clock.now(), **changed})


def withdraw(row: Identity) -> None:
    """Believe a row no longer."""
    row.withdrawn_at = clock.now()
    row.save(update_fields=["withdrawn_at"])


def refuse_faulty(row: Identity, *, person: Person, beside: list[int]) -> None:
    """Raise if a row to be added has an unknown identity, days the wrong way round, or days shared with a believed row."""
    if row.identity not in IDENTITIES:
        raise refuse(E_IDENTITY, identity=row.identity)
    if row.last is not None and row.last < row.first:
        raise refuse(E_PERIOD, first=row.first, last=row.last)
    held = (
        Identity.objects.filter(
            Q(last__isnull=True) | Q(last__gte=row.first), person__in=group_of(person), identity=row.identity,
            withdrawn_at__isnull=True, first__lte=row.last or FOREVER,
        )
        .exclude(pk__in=beside)
        .order_by("first")
        .first()
    )  # fmt: skip
    if held is not None:
        raise refuse(
            E_OVERLAP, psn_no=person.psn_no, identity=IDENTITIES[row.identity], held=period(held.first, held.last),
            given=period(row.first, row.last),
        )  # fmt: skip


class CertifyIdentity(PersonAction):
    """Keep a department's certification of a person, from ``first`` to ``last`` or open (TH-4.3.1, AK-2.2)."""

    verb = permissions.CERTIFY

    def __init__(
        self, *, actor: Any, psn_no: str, identity: str, first: date, issuer: str, last: date | None = None,
        certified_on: date | None = None, applied_on: date | None = None, document_number: str = "",
    ) -> None:  # fmt: skip
        super().__init__(actor=actor, psn_no=psn_no)
        self.row = Identity(
            identity=identity, first=first, last=last, issuer=issuer, certified_on=certified_on, applied_on=applied_on,
            document_number=document_number,
        )  # fmt: skip

    def decide(self) -> None:
        refuse_faulty(self.row, person=self.person, beside=[])

    def write(self) -> Identity:
        self.row.person, self.row.recorded_at = self.person, clock.now()
        self.row.save(force_insert=True)
        return self.row

    def told(self, done: Identity) -> dict[str, Any]:
        return {
            "identity_id": done.pk,
            "identity": done.identity,
            "first": str(done.first),
            "last": str(done.last or ""),
        }

    def announce(self, done: Identity) -> None:
        announce_people("identity:changed", [self.person.psn_no], cause_id=f"identity:{done.pk}")


class _ChangeIdentity(PersonAction):
    """What ending and correcting share: one believed row of a visible person, locked with the person."""

    row: Identity

    def __init__(self, *, actor: Any, identity_id: int) -> None:
        super().__init__(actor=actor, psn_no="")
        self.identity_id = identity_id

    def check(self) -> None:
        self.row = access.get(self.actor, Identity, self.identity_id, self.verb)
        owner = self.row.person
        self.person = owner.merged_into or owner

    def lock(self) -> None:
        super().lock()
        self.row.refresh_from_db()
        if self.row.withdrawn_at is not None:
            raise refuse(E_WITHDRAWN)

    def announce(self, done: Identity | None) -> None:
        announce_people("identity:changed", [self.person.psn_no], cause_id=f"identity:{self.row.pk}")


class EndIdentity(_ChangeIdentity):
    """End a certification on a day that still counts; the row it replaces stays, withdrawn."""

    verb = permissions.END

    def __init__(self, *, actor: Any, identity_id: int, last: date) -> None:
        super().__init__(actor=actor, identity_id=identity_id)
        self.last = last

    def decide(self) -> None:
        if self.last < self.row.first:
            raise refuse(E_ENDED, identity=IDENTITIES[self.row.identity], first=self.row.first, last=self.last)
        if self.last == self.row.last:
            raise refuse(E_NO_CHANGE)
        self.ended = copied(self.row, last=self.last)
        refuse_faulty(self.ended, person=self.person, beside=[self.row.pk])

    def write(self) -> Identity:
        withdraw(self.row)
        self.ended.save(force_insert=True)
        return self.ended

    def told(self, done: Identity) -> dict[str, Any]:
        return {"identity_id": done.pk, "replaces": self.row.pk, "identity": done.identity, "last": str(done.last)}


class CorrectIdentity(_ChangeIdentity):
    """Withdraw a certification that was recorded wrongly and add it as it should be; with no facts, only withdraw it."""

    verb = permissions.CORRECT

    def __init__(self, *, actor: Any, identity_id: int, facts: dict[str, Any] | None) -> None:
        super().__init__(actor=actor, identity_id=identity_id)
        assert facts is None or set(facts) <= set(FACTS), facts
        self.facts = facts

    def decide(self) -> None:
        self.made = None if self.facts is None else copied(self.row, **self.facts)
        if self.made is None:
            return
        if all(getattr(self.made, name) == getattr(self.row, name) for name in FACTS):
            raise refuse(E_NO_CHANGE)
        refuse_faulty(self.made, person=self.person, beside=[self.row.pk])

    def write(self) -> Identity | None:
        withdraw(self.row)
        if self.made is not None:
            self.made.save(force_insert=True)
        return self.made

    def told(self, done: Identity | None) -> dict[str, Any]:
        changed = [name for name in FACTS if done and getattr(done, name) != getattr(self.row, name)]
        return {"identity_id": done.pk if done else None, "replaces": self.row.pk, "changed": changed}

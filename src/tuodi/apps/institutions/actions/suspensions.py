"""Kept from settling, and let settle again; a suspension is closed, never changed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from tuodi.apps.institutions import permissions
from tuodi.apps.institutions.actions.base import (
    E_DAYS,
    E_LIFTED,
    E_REASON,
    E_SUSPENDED,
    OnInstitution,
    overlapping,
)
from tuodi.apps.institutions.models import Institution, Suspension
from tuodi.base import clock, outbox
from tuodi.base.action import refuse


class Suspend(OnInstitution):
    """Keep an institution from settling from a day, with the reason that its counter will be told (AK-6.3)."""

    verb = permissions.SUSPEND

    def __init__(
        self, *, actor: Any, institution: Institution, reason: str, first: date, last: date | None = None
    ) -> None:
        super().__init__(actor=actor, institution=institution)
        self.reason, self.first, self.last = reason.strip(), first, last

    def decide(self) -> None:
        if not self.reason:
            raise refuse(E_REASON)
        if self.last is not None and self.last < self.first:
            raise refuse(E_DAYS, first=self.first, last=self.last)
        held = Suspension.objects.filter(
            overlapping(self.first, self.last), institution=self.institution, lifted_at__isnull=True
        )
        if (same := held.first()) is not None:
            raise refuse(E_SUSPENDED, code=self.institution.code, reason=same.reason)

    def write(self) -> Suspension:
        return Suspension.objects.create(
            institution=self.institution, first=self.first, last=self.last, reason=self.reason, recorded_at=clock.now()
        )

    def told(self, done: Suspension) -> dict[str, Any]:
        last = done.last.isoformat() if done.last else None
        return {"suspension": done.pk, "first": done.first.isoformat(), "last": last}

    def announce(self, done: Suspension) -> None:
        outbox.announce("institution:suspended", code=self.institution.code, suspension=done.pk)


class LiftSuspension(OnInstitution):
    """Let an institution settle again from a day; the days before stay suspended."""

    verb = permissions.LIFT

    def __init__(self, *, actor: Any, suspension: Suspension, first: date | None = None) -> None:
        super().__init__(actor=actor, institution=suspension.institution)
        self.suspension_key, self.first = suspension.pk, first

    def decide(self) -> None:
        self.row = Suspension.objects.select_for_update(of=("self",)).get(pk=self.suspension_key)
        if self.row.lifted_at:
            raise refuse(E_LIFTED)
        self.again = self.first or clock.today()
        if self.row.last is not None and self.again > self.row.last:
            raise refuse(E_DAYS, first=self.again, last=self.row.last)

    def write(self) -> Suspension:
        row = self.row
        row.lifted_at = clock.now()
        row.save(update_fields=["lifted_at"])
        last = self.again - timedelta(days=1)
        if last >= row.first:
            Suspension.objects.create(
                institution=row.institution, first=row.first, last=last, reason=row.reason, recorded_at=clock.now()
            )
        return row

    def told(self, done: Suspension) -> dict[str, Any]:
        return {"suspension": done.pk, "again_from": self.again.isoformat()}

    def announce(self, done: Suspension) -> None:
        outbox.announce("institution:suspension_lifted", code=self.institution.code, suspension=done.pk)

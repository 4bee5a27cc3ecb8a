"""Designated by agreement, and no longer; an agreement is closed, never changed."""

from __future__ import annotations

from datetime import date
from typing import Any

from tuodi.apps.institutions import permissions
from tuodi.apps.institutions.actions.base import (
    E_CHOSEN,
    E_DAYS,
    E_ENDED,
    E_HELD,
    E_KIND,
    E_REASON,
    OnInstitution,
    overlapping,
)
from tuodi.apps.institutions.models import Agreement, Institution
from tuodi.base import clock, outbox
from tuodi.base.action import refuse


class MakeAgreement(OnInstitution):
    """Designate an institution for insurance or for assistance from a day; assistance is chosen among the insured (WH-5.3)."""

    verb = permissions.CHANGE

    def __init__(
        self,
        *,
        actor: Any,
        institution: Institution,
        kind: str,
        first: date,
        last: date | None = None,
        number: str = "",
        terms: str = "",
    ) -> None:
        super().__init__(actor=actor, institution=institution)
        self.kind, self.first, self.last, self.number, self.terms = kind, first, last, number.strip(), terms

    def decide(self) -> None:
        if self.kind not in dict(Agreement.KINDS):
            raise refuse(E_KIND, kind=self.kind)
        if self.last is not None and self.last < self.first:
            raise refuse(E_DAYS, first=self.first, last=self.last)
        held = Agreement.objects.filter(
            overlapping(self.first, self.last), institution=self.institution, ended_at__isnull=True
        )
        same = held.filter(kind=self.kind).first()
        if same is not None:
            raise refuse(E_HELD, code=self.institution.code, first=same.first, last=same.last or "长期")
        insured = held.filter(kind="insurance", first__lte=self.first)
        if self.kind == "assistance" and not insured.exists():
            raise refuse(E_CHOSEN, code=self.institution.code, first=self.first)

    def write(self) -> Agreement:
        return Agreement.objects.create(
            institution=self.institution, kind=self.kind, number=self.number, first=self.first, last=self.last, terms=self.terms,
            recorded_at=clock.now(),
        )  # fmt: skip

    def told(self, done: Agreement) -> dict[str, Any]:
        last = done.last.isoformat() if done.last else None
        return {
            "done": "agreement_made",
            "agreement": done.pk,
            "kind": done.kind,
            "first": done.first.isoformat(),
            "last": last,
        }

    def announce(self, done: Agreement) -> None:
        outbox.announce("institution:designated", code=self.institution.code, kind=done.kind)


class EndAgreement(OnInstitution):
    """End an agreement after a day: the row is closed and, where it held before, another keeps those days."""

    verb = permissions.CHANGE

    def __init__(self, *, actor: Any, agreement: Agreement, last: date, reason: str) -> None:
        super().__init__(actor=actor, institution=agreement.institution)
        self.agreement_key, self.last, self.reason = agreement.pk, last, reason.strip()

    def decide(self) -> None:
        self.row = Agreement.objects.select_for_update(of=("self",)).get(pk=self.agreement_key)
        if not self.reason:
            raise refuse(E_REASON)
        if self.row.ended_at:
            raise refuse(E_ENDED)
        if self.row.last is not None and self.row.last < self.last:
            raise refuse(E_DAYS, first=self.last, last=self.row.last)

    def write(self) -> Agreement:
        row = self.row
        row.ended_at, row.end_reason = clock.now(), self.reason
        row.save(update_fields=["ended_at", "end_reason"])
        if self.last >= row.first:
            Agreement.objects.create(
                institution=row.institution, kind=row.kind, number=row.number, first=row.first, last=self.last, terms=row.terms,
                recorded_at=clock.now(), end_reason=self.reason,
            )  # fmt: skip
        return row

    def told(self, done: Agreement) -> dict[str, Any]:
        return {"done": "agreement_ended", "agreement": done.pk, "kind": done.kind, "last": self.last.isoformat()}

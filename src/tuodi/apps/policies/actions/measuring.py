"""Measuring asked for: the work is announced and done in the background; what was asked and what came out are audited.

How far it is (:func:`note`) is bookkeeping of the work, like the mark that an announcement was delivered.
"""

from __future__ import annotations

from typing import Any

from tuodi.apps.policies import permissions
from tuodi.apps.policies.actions.base import E_DECIDED, row_for
from tuodi.apps.policies.models import DelegatedValue, Installation, Measurement
from tuodi.apps.policies.queries import Proposal, basis, measurement_under_way, proposal_waits, state_of
from tuodi.base import clock, outbox
from tuodi.base.action import Action, refuse


class AskForMeasuring(Action):
    """Have a waiting proposal measured; returns the measurement, the one under way if there is one."""

    verb = permissions.MEASURE

    def __init__(self, *, actor: Any, proposal: Proposal) -> None:
        super().__init__(actor=actor)
        self.proposal, self.is_new = proposal, False
        row = proposal.installation or proposal.value or proposal.withdrawn
        assert row is not None
        self.row: Installation | DelegatedValue = row

    def check(self) -> None:
        self.row = row_for(self.actor, type(self.row), self.row.pk, self.verb)

    def lock(self) -> None:
        self.row = type(self.row)._default_manager.select_for_update(of=("self",)).get(pk=self.row.pk)

    def decide(self) -> None:
        if not proposal_waits(self.row, is_withdrawal=self.proposal.withdrawn is not None):
            raise refuse(E_DECIDED, state=state_of(self.row))

    def write(self) -> Measurement:
        found = measurement_under_way(self.proposal)
        if found is not None:
            return found
        self.is_new = True
        own = self.row
        return Measurement.objects.create(
            installation=own if isinstance(own, Installation) else None, value=own if isinstance(own, DelegatedValue) else None,
            is_withdrawal=self.proposal.withdrawn is not None, area_code=own.area_code, basis=basis(own.area_code), by=self.actor,
            asked_at=clock.now(),
        )  # fmt: skip

    def audited(self, done: Measurement) -> dict[str, Any]:
        data = {"measurement": done.pk, "asked": self.is_new}
        subject = self.row._meta.model_name
        return {"subject": subject, "subject_id": str(self.row.pk), "area_code": done.area_code, "data": data}

    def announce(self, done: Measurement) -> None:
        if self.is_new:
            outbox.announce("policy:measuring_asked", measurement=done.pk, after="")


def note(row: Measurement, *, failure: str = "", is_finished: bool = False) -> None:
    """Keep how far a measurement is: people, sums, or that it is over and why."""
    row.worked_at = clock.now()
    if failure or is_finished:
        row.failure, row.finished_at = failure[:400], row.worked_at
    row.save(update_fields=["people", "done", "after", "sums", "worked_at", "finished_at", "failure"])

"""Measuring a proposed policy in the background: some people with each announcement, so that every step is short and none is lost.

A step that is told twice, or that a stopped delivery repeats, finds that it was done and does nothing.
"""

from __future__ import annotations

from typing import Any

from tuodi.apps.policies.actions import KeepImpact
from tuodi.apps.policies.actions.base import E_DECIDED
from tuodi.apps.policies.actions.measuring import note
from tuodi.apps.policies.models import Measurement
from tuodi.apps.policies.queries import basis, proposal_of, proposal_waits, state_of
from tuodi.apps.settlement.histories import histories, people_with_bills
from tuodi.apps.settlement.impact import Plans, Sums, add_circles
from tuodi.apps.settlement.nightly import system_user
from tuodi.base import clock, outbox
from tuodi.core.errors import InputErrors, declare, fault

E_CHANGED = declare("E-POLICY-MEASURED-OVER", "测算期间已生效的政策有了变化，测算中止", "请重新测算")

#: People whose histories one announcement replays.
AT_ONCE = 200


def measure_some(data: dict[str, Any]) -> None:
    """Subscriber of ``policy:measuring_asked`` and ``policy:measuring_goes_on``: some people now, the rest with the next one."""
    row = Measurement.objects.select_for_update(of=("self",)).get(pk=data["measurement"])
    if row.finished_at is not None or row.after != data["after"]:
        return
    proposal = proposal_of(row)
    held = proposal.installation or proposal.value or proposal.withdrawn
    assert held is not None
    if not proposal_waits(held, is_withdrawal=row.is_withdrawal):
        note(row, failure=fault(E_DECIDED, state=state_of(held)).message)
    elif basis(row.area_code) != row.basis:
        note(row, failure=fault(E_CHANGED).message)
    else:
        try:
            _step(row)
        except InputErrors as errors:
            note(row, failure=errors.faults[0].message)


def _step(row: Measurement) -> None:
    """Replay some people; after the last of them keep the result with the proposal."""
    proposal, sums, plans = proposal_of(row), Sums.again(row.sums), Plans()
    if row.people is None:
        row.people = people_with_bills(row.area_code).count()
    some = list(histories(row.area_code, after=row.after, limit=AT_ONCE))
    if some:
        add_circles(sums, some, proposal, plans)
    row.done, row.sums = row.done + len(some), sums.told()
    if len(some) == AT_ONCE:
        row.after = some[-1].person.psn_no
        note(row)
        outbox.announce("policy:measuring_goes_on", measurement=row.pk, after=row.after)
        return
    found = {**row.sums, "basis": row.basis, "at": clock.now().isoformat()}
    KeepImpact(actor=system_user(), proposal=proposal, impact=found).run()
    note(row, is_finished=True)

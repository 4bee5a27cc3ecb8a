"""Identities that reach back: who should already have been helped, by how much, before it is confirmed and after.

Before: the person's history is folded with the identities as believed and as they would be, and compared by settlement and layer;
nothing is written. After: ``identity:changed`` is told, and each person concerned is folded anew under lock, each difference an
entry with the cause ``identity``. Somebody whose history cannot be folded (no policy, a value not entered) is passed over here
and reported every night.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from tuodi.apps.policies.queries import plans_of
from tuodi.apps.registry import permissions as registry_permissions
from tuodi.apps.registry.actions.base import WEIGHED
from tuodi.apps.registry.actions.deaths import plans_of_correction
from tuodi.apps.registry.actions.identities import copied
from tuodi.apps.registry.actions.insuring import corrected, with_move, with_origin
from tuodi.apps.registry.actions.people import must_be_mergeable, must_be_merged
from tuodi.apps.registry.insured import ALWAYS, Places, place, places_of
from tuodi.apps.registry.models import Identity, InsuredPlace, Person
from tuodi.apps.registry.queries import identities_of, numbers_of, record_of
from tuodi.apps.settlement import history
from tuodi.apps.settlement.impact import PersonHistory, histories_of
from tuodi.apps.settlement.models import Bill, Entry
from tuodi.apps.settlement.nightly import RefoldPerson
from tuodi.base import access
from tuodi.base.system import system_user
from tuodi.core.engine.fold import EventResult, LayerResult
from tuodi.core.errors import InputErrors
from tuodi.core.identities import IdentityRecord


@dataclass(frozen=True)
class Change:
    """What one layer of one settlement pays under the identities as they were and as they would be, in fen."""

    setl_id: str
    settled_on: date
    layer: str
    before_fen: int
    after_fen: int
    category: str
    identity: str
    due_on: date | None
    clauses: tuple[str, ...]

    @property
    def fen(self) -> int:
        return self.after_fen - self.before_fen


@dataclass(frozen=True)
class Impact:
    """What a change of somebody's identities comes to; ``why`` says why it cannot be computed."""

    psn_no: str
    changes: tuple[Change, ...]
    bills: int
    why: str = ""

    @property
    def gain_fen(self) -> int:
        return sum(change.fen for change in self.changes if change.fen > 0)

    @property
    def loss_fen(self) -> int:
        return -sum(change.fen for change in self.changes if change.fen < 0)


def impact(person: Person, after: Iterable[Identity]) -> Impact:
    """Return the differences between a person's history as believed and with other identities."""
    return weigh(next(histories_of([person])), after, plans=plans_of)


def weigh(
    held: PersonHistory, after: Iterable[Identity], *, plans: history.PlansOf, changed: Person | None = None
) -> Impact:
    """Return what other identities, or other particulars (``changed``), come to in a history that was read."""
    was_of, would_be = held.person, changed or held.person
    if not held.bills:
        return Impact(was_of.psn_no, (), 0)
    records = [record_of(row, was_of.psn_no) for row in _in_order(after)]
    try:
        was = _folded(held.bills, was_of, held.records, plans)
        would = _folded(held.bills, would_be, records, plans)
    except InputErrors as errors:
        return Impact(was_of.psn_no, (), len(held.bills), errors.faults[0].message)
    return Impact(was_of.psn_no, _compared(was, would), len(held.bills))


def _folded(
    bills: Iterable[Bill], person: Person, records: list[IdentityRecord], plans: history.PlansOf
) -> dict[str, EventResult]:
    settlements = [history.settlement_of(bill, person=person) for bill in bills]
    return history.compute(settlements, records, history.plans_for(person, plans), person=person).results


def _compared(was: dict[str, EventResult], would: dict[str, EventResult]) -> tuple[Change, ...]:
    """Return the differences of two results of the same settlements, by time."""
    in_order = sorted(was, key=lambda key: (was[key].settlement.setl_time, key))
    return tuple(change for setl_id in in_order for change in _changes(was[setl_id], would[setl_id]))


def _changes(was: EventResult, would: EventResult) -> Iterable[Change]:
    before = {layer.layer: layer for layer in was.layers}
    after = {layer.layer: layer for layer in would.layers}
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name), after.get(name)
        if _pay(old) != _pay(new):
            told, result = (new, would) if new else (old, was)
            assert told is not None
            yield Change(
                would.settlement.setl_id, would.settlement.setl_time.date(), name, _pay(old), _pay(new), result.category,
                result.identity, told.due_on, told.clauses,
            )  # fmt: skip


def _pay(layer: LayerResult | None) -> int:
    return layer.pay if layer else 0


def _kept(person: Person) -> Person:
    return person.merged_into or person


def impact_of_certifying(user: Any, *, psn_no: str, identity: str, first: date, **facts: Any) -> Impact:
    """Return what certifying an identity would change; ``facts`` as :class:`CertifyIdentity` takes them."""
    person = _kept(access.get(user, Person, psn_no, registry_permissions.CERTIFY, field="psn_no"))
    made = Identity(person=person, identity=identity, first=first, **facts)
    return impact(person, [*identities_of(person), made])


def impact_of_ending(user: Any, *, identity_id: int, last: date) -> Impact:
    """Return what ending a certification would change."""
    row = access.get(user, Identity, identity_id, registry_permissions.END)
    return _impact_of_replacing(row, {"last": last})


def impact_of_correcting(user: Any, *, identity_id: int, facts: dict[str, Any] | None) -> Impact:
    """Return what correcting a certification would change; with no facts, withdrawing it."""
    row = access.get(user, Identity, identity_id, registry_permissions.CORRECT)
    return _impact_of_replacing(row, facts)


def impact_of_death(user: Any, *, psn_no: str, day: date, ends_identities: bool) -> Impact:
    """Return what a death would change; nothing where identities wait for their department."""
    person = _kept(access.get(user, Person, psn_no, registry_permissions.RECORD_DEATH, field="psn_no"))
    rows = list(identities_of(person))
    if ends_identities:
        rows = [
            copied(row, last=day) if row.last is None or row.last > day else row for row in rows if row.first <= day
        ]
    return impact(person, rows)


def impact_of_correcting_death(user: Any, *, psn_no: str, day: date | None) -> Impact:
    """Return what another day of death, or none, would change: what the wrong one ended is given back."""
    person = _kept(access.get(user, Person, psn_no, registry_permissions.VIEW, field="psn_no"))
    plan = plans_of_correction(person, day)[1]
    gone = {row.pk for row in plan.gone}
    made = [row for row in plan.made if isinstance(row, Identity)]
    return impact(person, [*(row for row in identities_of(person) if row.pk not in gone), *made])


def impact_of_changing(user: Any, *, psn_no: str, facts: dict[str, Any]) -> Impact:
    """Return what other particulars would change: where registered, when born."""
    person = _kept(access.get(user, Person, psn_no, registry_permissions.CHANGE, field="psn_no"))
    changed = copy.copy(person)
    for name in WEIGHED:
        setattr(changed, name, facts.get(name, getattr(person, name)))
    return weigh(next(histories_of([person])), identities_of(person), plans=plans_of, changed=changed)


def impact_of_moving(user: Any, *, psn_no: str, area_code: str, first: date) -> Impact:
    """Return what being insured elsewhere from a day on would change."""
    person = _kept(access.get(user, Person, psn_no, registry_permissions.CHANGE, field="psn_no"))
    return _impact_of_places(person, with_move(places_of(person), area_code, first))


def impact_of_correcting_origin(user: Any, *, psn_no: str, area_code: str) -> Impact:
    """Return what another place before any move would change."""
    person = _kept(access.get(user, Person, psn_no, registry_permissions.CHANGE, field="psn_no"))
    return _impact_of_places(person, with_origin(places_of(person), area_code))


def impact_of_correcting_move(user: Any, *, place_id: int, facts: dict[str, Any] | None) -> Impact:
    """Return what other facts of a move would change; with none, what withdrawing it would."""
    row = access.get(user, InsuredPlace, place_id, registry_permissions.CHANGE)
    person = _kept(row.person)
    if person.pk != row.person_id:
        return Impact(person.psn_no, (), 0)
    return _impact_of_places(person, corrected(places_of(person), row.first or ALWAYS, facts))


def _impact_of_places(person: Person, after: Places) -> Impact:
    changed = place(copy.copy(person), after)
    return weigh(next(histories_of([person])), identities_of(person), plans=plans_of, changed=changed)


def _impact_of_replacing(row: Identity, facts: dict[str, Any] | None) -> Impact:
    person = _kept(row.person)
    others = [other for other in identities_of(person) if other.pk != row.pk]
    return impact(person, others if facts is None else [*others, copied(row, **facts)])


def _in_order(rows: Iterable[Identity]) -> list[Identity]:
    """Return certifications in the order of :func:`history.records_of`, those not kept yet last of their day."""
    return sorted(rows, key=lambda row: (row.first, row.pk is None, row.pk or 0))


def impact_of_merging(user: Any, *, psn_no: str, into: str) -> Impact:
    """Return what two histories come to as one, kept under ``into``, against the two apart; refused as merging is."""
    person = access.get(user, Person, psn_no, registry_permissions.MERGE, field="psn_no")
    kept = access.get(user, Person, into, registry_permissions.MERGE, field="psn_no")
    must_be_mergeable(person, kept)
    return _impact_of_joining(kept, person, is_joined=False)


def impact_of_parting(user: Any, *, psn_no: str) -> Impact:
    """Return what a merged history comes to when ``psn_no`` has again its own."""
    person = access.get(user, Person, psn_no, registry_permissions.UNMERGE, field="psn_no")
    return _impact_of_joining(must_be_merged(person), person, is_joined=True)


def _impact_of_joining(kept: Person, person: Person, *, is_joined: bool) -> Impact:
    """Compare two records' histories apart and as one, whichever of the two is so now."""
    numbers = [number for number in numbers_of(kept.psn_no) if number != person.psn_no]
    own = list(Identity.objects.filter(person=person, withdrawn_at__isnull=True))
    others = [row for row in identities_of(kept) if row.person_id != person.pk]
    try:
        apart = _earned(kept, numbers, others) | _earned(person, [person.psn_no], own)
        joined = _earned(kept, [*numbers, person.psn_no], [*others, *own])
    except InputErrors as errors:
        bills = len(history.live_bills_under([*numbers, person.psn_no]))
        return Impact(kept.psn_no, (), bills, errors.faults[0].message)
    was, would = (joined, apart) if is_joined else (apart, joined)
    return Impact(kept.psn_no, _compared(was, would), len(joined))


def _earned(person: Person, numbers: Iterable[str], rows: Iterable[Identity]) -> dict[str, EventResult]:
    """Return what the bills under some numbers earn as one history of a person."""
    records = [record_of(row, person.psn_no) for row in _in_order(rows)]
    return _folded(history.live_bills_under(numbers), person, records, plans_of)


def refold_people(data: dict[str, Any]) -> None:
    """Subscriber of ``identity:changed``: fold those concerned anew, in the order of their numbers."""
    _refold(data, cause="identity")


def refold_changed(data: dict[str, Any]) -> None:
    """Subscriber of ``person:changed``: the same where particulars changed that settlements are computed with."""
    _refold(data, cause="person")


def _refold(data: dict[str, Any], *, cause: str) -> None:
    named = Person.objects.filter(psn_no__in=data["psn_nos"]).values_list("pk", "merged_into_id")
    kept = {into or key for key, into in named}
    areas = dict(Person.objects.filter(pk__in=kept).values_list("psn_no", "insured_area"))
    for psn_no in sorted(psn_no for psn_no in areas if Bill.objects.filter(psn_no__in=numbers_of(psn_no)).exists()):
        refolding = RefoldPerson(
            actor=system_user(), psn_no=psn_no, area=areas[psn_no], cause=cause, cause_id=data.get("cause_id", "")
        )
        try:
            refolding.run()
        except InputErrors:
            continue


def entries_of(user: Any, cause_id: str) -> list[Entry]:
    """Return the visible differences that a change of identities led to (``identity:7``, ``run:3``), by settlement."""
    rows = access.visible(user, Entry).filter(refold__cause="identity", refold__cause_id=cause_id)
    return list(rows.select_related("bill", "refold").order_by("bill__psn_no", "bill__setl_time", "layer", "pk"))

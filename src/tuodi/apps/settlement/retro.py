"""Identities that reach back: who should already have been helped, by how much, before it is confirmed and after.

Before: the person's history is folded with the identities as believed and as they would be, and compared by settlement and layer;
nothing is written. After: ``identity:changed`` is told, and each person concerned is folded anew under lock, each difference an
entry with the cause ``identity``. Somebody whose history cannot be folded (no policy, a value not entered) is passed over here
and reported every night.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from typing import Any

from tuodi.apps.policies.queries import plans_of
from tuodi.apps.registry import permissions as registry_permissions
from tuodi.apps.registry.actions.base import WEIGHED, group_of
from tuodi.apps.registry.actions.deaths import Plan, plans_of_correction
from tuodi.apps.registry.actions.identities import copied
from tuodi.apps.registry.actions.insuring import corrected, with_move, with_origin
from tuodi.apps.registry.actions.people import must_be_mergeable, must_be_merged
from tuodi.apps.registry.insured import ALWAYS, Places, place, places_of
from tuodi.apps.registry.models import Identity, InsuredPlace, Membership, Person
from tuodi.apps.registry.queries import Home, ever_with, homes_in, homes_of, identities_of
from tuodi.apps.settlement.circles import circle_of, circles_of
from tuodi.apps.settlement.folding import PlansOf, is_by_household
from tuodi.apps.settlement.histories import PersonHistory, billed, earned, histories_of, live_bills
from tuodi.apps.settlement.models import Entry
from tuodi.apps.settlement.nightly import refold_person
from tuodi.base import access
from tuodi.core.engine.fold import EventResult, LayerResult
from tuodi.core.errors import InputErrors


@dataclass(frozen=True)
class Change:
    """What one layer of one settlement pays under the identities as they were and as they would be, in fen; whose it is."""

    setl_id: str
    settled_on: date
    layer: str
    before_fen: int
    after_fen: int
    category: str
    identity: str
    due_on: date | None
    clauses: tuple[str, ...]
    psn_no: str

    @property
    def fen(self) -> int:
        return self.after_fen - self.before_fen


@dataclass(frozen=True)
class Impact:
    """What a change of somebody's identities comes to, for others too whose settlements share totals; ``why`` it cannot be computed.

    ``bills`` are the person's own.
    """

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


#: What somebody's particulars would be, and their households; None where they stay.
Would = tuple[Person | None, tuple[Home, ...] | None]


def impact(
    person: Person,
    after: Iterable[Identity],
    *,
    changed: Person | None = None,
    homes: Callable[[], tuple[Home, ...]] | None = None,
) -> Impact:
    """Return the differences between a person's history as believed and with other identities, particulars or households."""
    plans = cache(plans_of)
    is_shared = any(is_by_household(one, plans) for one in (person, changed or person))
    would = changed, homes() if homes and is_shared else None
    circle = circle_with(person, plans, lambda one: would if one.pk == person.pk else (None, None))
    found = weigh(
        circle, [_as(held, after, *would) if held.person.pk == person.pk else held for held in circle], plans=plans
    )
    own = found[person.psn_no]
    if own.why or not own.bills:
        return own
    others = (change for psn_no, one in found.items() if psn_no != person.psn_no for change in one.changes)
    return replace(own, changes=(*own.changes, *others))


def _as(
    held: PersonHistory, after: Iterable[Identity], changed: Person | None, homes: tuple[Home, ...] | None
) -> PersonHistory:
    own = held.homes if homes is None else homes
    return replace(held, person=changed or held.person, identities=in_order(after), homes=own)


def circle_with(person: Person, plans: PlansOf, would_be: Callable[[Person], Would]) -> list[PersonHistory]:
    """Return the histories of everybody who belongs to a person's circle now or as some people would be."""
    people: dict[int, Person] = {person.pk: person}
    homes: dict[int, tuple[Home, ...]] = {}
    waiting = [person]
    while waiting:
        one = waiting.pop()
        changed, moved = would_be(one)
        versions = [circle_of(one, plans)]
        if changed is not None or moved is not None:
            versions += circles_of([changed or one], plans, homes={one.pk: moved} if moved is not None else {})
        for circle in versions:
            homes |= circle.homes or {}
            waiting += [member for member in circle.people if member.pk not in people]
            people = {member.pk: member for member in circle.people} | people
    return list(histories_of([people[key] for key in sorted(people)], homes))


def weigh(was_of: Sequence[PersonHistory], would_be: Sequence[PersonHistory], *, plans: PlansOf) -> dict[str, Impact]:
    """Return, by number, what each of some people folded together gets more or less as they would be."""
    bills = {held.person.psn_no: {bill.setl_id for bill in held.bills} for held in was_of}
    if not any(bills.values()):
        return {psn_no: Impact(psn_no, (), 0) for psn_no in bills}
    try:
        was, would = earned(was_of, plans), earned(would_be, plans)
    except InputErrors as errors:
        return {psn_no: Impact(psn_no, (), len(own), errors.faults[0].message) for psn_no, own in bills.items()}
    return {
        psn_no: Impact(psn_no, compared(was.only(own).results, would.only(own).results, psn_no), len(own))
        for psn_no, own in bills.items()
    }


def compared(was: dict[str, EventResult], would: dict[str, EventResult], psn_no: str) -> tuple[Change, ...]:
    """Return the differences of two results of one person's settlements, by time; one of them may be in one result only."""
    either = was | would
    in_order = sorted(either, key=lambda key: (either[key].settlement.setl_time, key))
    return tuple(change for setl_id in in_order for change in _changes(was.get(setl_id), would.get(setl_id), psn_no))


def _changes(was: EventResult | None, would: EventResult | None, psn_no: str) -> Iterable[Change]:
    before = {layer.layer: layer for layer in was.layers} if was else {}
    after = {layer.layer: layer for layer in would.layers} if would else {}
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name), after.get(name)
        if _pay(old) != _pay(new):
            told, result = (new, would) if new else (old, was)
            assert told is not None
            assert result is not None
            s = result.settlement
            yield Change(
                s.setl_id, s.setl_time.date(), name, _pay(old), _pay(new), result.category, result.identity, told.due_on,
                told.clauses, psn_no,
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
    """Return what a death would change; where identities wait for their department, only through households."""
    person = _kept(access.get(user, Person, psn_no, registry_permissions.RECORD_DEATH, field="psn_no"))
    changed = copy.copy(person)
    changed.died_on = day
    rows = list(identities_of(person))
    if ends_identities:
        rows = [
            copied(row, last=day) if row.last is None or row.last > day else row for row in rows if row.first <= day
        ]
    return impact(person, rows, changed=changed, homes=lambda: _until(person, day))


def _until(person: Person, day: date) -> tuple[Home, ...]:
    """Return somebody's households as a death on a day leaves them."""
    return tuple(
        home if home.last is not None and home.last <= day else replace(home, last=day)
        for home in homes_of([person.pk])[person.pk] if home.first <= day
    )  # fmt: skip


def impact_of_correcting_death(user: Any, *, psn_no: str, day: date | None) -> Impact:
    """Return what another day of death, or none, would change: what the wrong one ended is given back."""
    person = _kept(access.get(user, Person, psn_no, registry_permissions.VIEW, field="psn_no"))
    members, plan = plans_of_correction(person, day)
    changed = copy.copy(person)
    changed.died_on = day
    gone = {row.pk for row in plan.gone}
    made = [row for row in plan.made if isinstance(row, Identity)]
    after = [*(row for row in identities_of(person) if row.pk not in gone), *made]
    return impact(person, after, changed=changed, homes=lambda: _homes_with(person, members))


def _homes_with(person: Person, plan: Plan) -> tuple[Home, ...]:
    """Return somebody's households as a plan leaves them."""
    gone = {row.pk for row in plan.gone}
    believed = Membership.objects.filter(person__in=group_of(person), withdrawn_at__isnull=True).exclude(pk__in=gone)
    made = [row for row in plan.made if isinstance(row, Membership)]
    rows = [*believed.select_related("household").order_by("first", "pk"), *made]
    homes = (Home(row.first, row.last, row.household_id, row.household.number) for row in rows)
    return tuple(sorted(homes, key=lambda home: home.first))


def impact_of_changing(user: Any, *, psn_no: str, facts: dict[str, Any]) -> Impact:
    """Return what other particulars would change: where registered, when born."""
    person = _kept(access.get(user, Person, psn_no, registry_permissions.CHANGE, field="psn_no"))
    changed = copy.copy(person)
    for name in WEIGHED:
        setattr(changed, name, facts.get(name, getattr(person, name)))
    return impact(person, identities_of(person), changed=changed)


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
    return impact(person, identities_of(person), changed=changed)


def _impact_of_replacing(row: Identity, facts: dict[str, Any] | None) -> Impact:
    person = _kept(row.person)
    others = [other for other in identities_of(person) if other.pk != row.pk]
    return impact(person, others if facts is None else [*others, copied(row, **facts)])


def in_order(rows: Iterable[Identity]) -> list[Identity]:
    """Return certifications in the order in which they are folded, those not kept yet last of their day."""
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
    records = {one.pk: one.psn_no for one in (kept, *kept.merged.all()) if one.pk != person.pk}
    rows = list(Identity.objects.filter(person__in=[*records, person.pk], withdrawn_at__isnull=True))
    homes = homes_in([*records, person.pk])
    whole = PersonHistory(kept, live_bills([*records.values(), person.psn_no]), in_order(rows), homes=homes)
    parts = [
        PersonHistory(
            one, [bill for bill in whole.bills if bill.psn_no in numbers],
            [row for row in whole.identities if (row.person_id == person.pk) == (one is person)], homes=homes_in(keys),
        )
        for one, keys, numbers in ((kept, [*records], records.values()), (person, [person.pk], [person.psn_no]))
    ]  # fmt: skip
    plans = cache(plans_of)
    circles = circles_of(
        [kept] if is_joined else [kept, person], plans, homes=dict.fromkeys((kept.pk, person.pk), homes)
    )
    people = {one.pk: one for circle in circles for one in circle.people if one.pk not in (kept.pk, person.pk)}
    others = list(histories_of(list(people.values()), homes_of(people))) if people else []
    try:
        apart, joined = earned([*parts, *others], plans), earned([whole, *others], plans)
    except InputErrors as errors:
        return Impact(kept.psn_no, (), len(whole.bills), errors.faults[0].message)
    was, would = (joined, apart) if is_joined else (apart, joined)
    changes: tuple[Change, ...] = ()
    for held in (whole, *others):
        own = {bill.setl_id for bill in held.bills}
        changes += compared(was.only(own).results, would.only(own).results, held.person.psn_no)
    return Impact(kept.psn_no, changes, len(whole.bills))


def refold_people(data: dict[str, Any]) -> None:
    """Subscriber of ``identity:changed``: fold those concerned anew, in the order of their numbers."""
    _refold(data, cause="identity")


def refold_changed(data: dict[str, Any]) -> None:
    """Subscriber of ``person:changed``: the same where particulars changed that settlements are computed with."""
    _refold(data, cause="person")


def refold_moved(data: dict[str, Any]) -> None:
    """Subscriber of ``household:changed`` and ``person:died``: those whose settlements share a household's totals, before or now."""
    _refold(data, cause="person", is_by_household_only=True)


def _refold(data: dict[str, Any], *, cause: str, is_by_household_only: bool = False) -> None:
    named = Person.objects.filter(psn_no__in=data["psn_nos"]).values_list("pk", "merged_into_id")
    people = list(billed().filter(pk__in={into or key for key, into in named}).order_by("psn_no"))
    plans, cause_id = cache(plans_of), data.get("cause_id", "")
    shared = [person for person in people if is_by_household(person, plans)]
    for person in people if not is_by_household_only else ():
        if person not in shared:
            with suppress(InputErrors):
                refold_person(person, plans, cause=cause, cause_id=cause_id)
    if not shared:
        return
    concerned = billed().filter(psn_no__in=[*(one.psn_no for one in shared), *ever_with(one.pk for one in shared)])
    for circle in circles_of(list(concerned.order_by("psn_no")), plans):
        refold_person(circle.people[0], plans, cause=cause, cause_id=cause_id)


def entries_of(user: Any, cause_id: str) -> list[Entry]:
    """Return the visible differences that a change of identities led to (``identity:7``, ``run:3``), by settlement."""
    rows = access.visible(user, Entry).filter(refold__cause="identity", refold__cause_id=cause_id)
    return list(rows.select_related("bill", "refold").order_by("bill__psn_no", "bill__setl_time", "layer", "pk"))

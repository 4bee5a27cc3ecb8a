"""The rows that a confirmed roster writes, in bulk: a bounded number of statements for each chunk."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from tuodi.apps.registry import words
from tuodi.apps.registry.insured import moved, place, places_of
from tuodi.apps.registry.models import (
    Household,
    HouseholdPlace,
    Identity,
    ImportRun,
    InsuredPlace,
    Membership,
    Person,
    PersonChange,
    SearchWord,
)
from tuodi.apps.registry.plans import Difference, Plan, chunks
from tuodi.apps.registry.queries import seal_certno
from tuodi.base import clock
from tuodi.base.bulk import add_rows

Progress = Callable[[int, int], None]


def write_plan(run: ImportRun, plan: Plan, *, actor: Any, progress: Progress | None = None) -> None:
    """Write what a plan says; the caller holds the locks."""
    _write_people(run, plan, actor=actor)
    total = len(plan.differences)
    gone = [one.held_id for one in plan.of_kind("changed", "ended")]
    for some in chunks(gone):
        Identity.objects.filter(pk__in=some).update(withdrawn_at=clock.now(), withdrawn_by_run=run)
    done = 0
    for part in chunks(plan.of_kind("new", "changed", "ended")):
        add_rows([certification(one, run) for one in part])
        done += len(part)
        if progress:
            progress(done, total)
    _write_memberships(run, plan.of_kind("joined"))


def certification(one: Difference, run: ImportRun) -> Identity:
    """Return the row that a difference adds."""
    return Identity(
        person_id=one.person_id,
        identity=one.identity,
        run_id=run.pk,
        replaces_id=one.held_id,
        recorded_at=clock.now(),
        **one.after,
    )


def _write_people(run: ImportRun, plan: Plan, *, actor: Any) -> None:
    now = clock.now()
    fresh = [one for one in plan.of_kind("registered") if one.person_id is None]
    for part in chunks(fresh):
        made = [_set(Person(psn_no=one.psn_no, run=run, recorded_at=now), one.after) for one in part]
        Person.objects.bulk_create(made, batch_size=5000)
        words.index(made, fresh=True)
    again = plan.of_kind("updated") + [one for one in plan.of_kind("registered") if one.person_id is not None]
    for part in chunks(again):
        rows = Person.objects.in_bulk([one.person_id for one in part])
        changes, changed, places = [], [], []
        for one in part:
            person = rows[one.person_id]
            before = snapshot(person)
            if one.kind == "registered":
                person.withdrawn_at, person.run = None, run
            places += _told_place(person, one.after.get("insured_area", ""), run)
            _set(person, {name: value for name, value in one.after.items() if name != "insured_area"})
            changed.append(person)
            changes.append(
                PersonChange(
                    person=person, cause="roster", before=before, after=snapshot(person), run=run, by=actor, at=now
                )
            )
        PersonChange.objects.bulk_create(changes, batch_size=1000)
        save_people(changed)
        InsuredPlace.objects.bulk_create(places, batch_size=1000)
    joining = [one for one in plan.of_kind("registered") if one.after.get("household")]
    keys = {}
    for some in chunks(one.psn_no for one in joining):
        keys.update(Person.objects.filter(psn_no__in=some).values_list("psn_no", "pk"))
    told = [
        Difference("joined", one.psn_no, one.name, "", None,
                   {"household": one.after["household"], "first": run.as_of, "area_code": run.area_code}, one.line, person_id=keys[one.psn_no])
        for one in joining
    ]  # fmt: skip
    _write_memberships(run, told)


def save_people(people: list[Person]) -> None:
    """Save people whose particulars changed, and the words they are found by."""
    Person.objects.bulk_update(
        people, [*SNAPSHOT, "certno_sealed", "certno_index", "withdrawn_at", "run"], batch_size=500
    )
    SearchWord.objects.filter(person__in=[person.pk for person in people]).delete()
    words.index(
        (person for person in people if person.merged_into_id is None and person.withdrawn_at is None), fresh=True
    )


SNAPSHOT = (
    "name",
    "initials",
    "certno_tail",
    "gend",
    "birth",
    "insured_area",
    "insured_moves",
    "registered_area",
    "residence_area",
    "insutype",
)


def snapshot(person: Person) -> dict[str, Any]:
    """Return a person's particulars as a change keeps them; the identity number stays sealed."""
    kept: dict[str, Any] = {name: getattr(person, name) for name in SNAPSHOT}
    kept["birth"] = person.birth.isoformat() if person.birth else None
    kept["certno_sealed"] = bytes(person.certno_sealed).hex() if person.certno_sealed else ""
    kept["certno_index"] = bytes(person.certno_index).hex() if person.certno_index else ""
    kept["withdrawn"] = person.withdrawn_at is not None
    return kept


def restore(person: Person, kept: dict[str, Any]) -> Person:
    """Set a person's particulars as a change kept them."""
    for name in SNAPSHOT:
        setattr(person, name, kept.get(name, ""))
    person.birth = date.fromisoformat(kept["birth"]) if kept["birth"] else None
    person.certno_sealed = bytes.fromhex(kept["certno_sealed"]) or None
    person.certno_index = bytes.fromhex(kept["certno_index"]) or None
    person.withdrawn_at = clock.now() if kept["withdrawn"] else None
    return person


def _set(person: Person, given: dict[str, Any]) -> Person:
    for name, value in given.items():
        if name == "certno":
            seal_certno(person, value)
        elif name != "household":
            setattr(person, name, value)
    person.initials = words.initials(person.name)
    return person


def _told_place(person: Person, area: str, run: ImportRun) -> list[InsuredPlace]:
    """Set where somebody is insured as a roster says for its day; return the rows. A later move that is known stays."""
    places = places_of(person)
    if area in ("", places[-1][1]) or run.as_of <= places[-1][0]:
        return []
    rows = list(rows_of_move(person, area, run.as_of, run=run))
    place(person, moved(places, area, run.as_of))
    return rows


def rows_of_move(person: Person, area: str, first: date, *, run: ImportRun | None = None) -> Iterable[InsuredPlace]:
    """Yield the rows of a move: of who never moved, where they were insured before too."""
    if not InsuredPlace.objects.filter(person=person, first__isnull=True, withdrawn_at__isnull=True).exists():
        origin = places_of(person)[0][1]
        yield InsuredPlace(person=person, area_code=origin, run=run, recorded_at=person.recorded_at)
    yield InsuredPlace(person=person, area_code=area, first=first, run=run, recorded_at=clock.now())


def _write_memberships(run: ImportRun, joined: Iterable[Difference]) -> None:
    """Add memberships, and the households that are not known yet."""
    joined = list(joined)
    keys: dict[str, int] = {}
    for some in chunks({one.after["household"] for one in joined}):
        keys.update(Household.objects.filter(number__in=some).values_list("number", "pk"))
    area_of = {one.after["household"]: one.after["area_code"] for one in joined if one.after["household"] not in keys}
    for part in chunks(area_of):
        made = Household.objects.bulk_create(
            [Household(number=number, area_code=area_of[number]) for number in part], batch_size=5000
        )
        keys.update({row.number: row.pk for row in made})
        add_rows(
            [
                HouseholdPlace(household_id=row.pk, area_code=row.area_code, first=run.as_of, recorded_at=clock.now())
                for row in made
            ]
        )
    add_rows([
        Membership(household_id=keys[one.after["household"]], person_id=one.person_id, first=one.after["first"], reason="roster",
                   run_id=run.pk, recorded_at=clock.now())
        for one in joined
    ])  # fmt: skip

"""A person's file: everything known of somebody in the order in which it happened, each with its source.

What lies above the registry (stays, settlements, payments) is told by providers that ``site`` registers. Opening a file is an
event of its own in the audit trail (style E7).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Q

from tuodi.apps.registry import permissions
from tuodi.apps.registry.models import Household, Identity, InsuredPlace, Membership, Merge, Person, PersonChange
from tuodi.apps.registry.queries import HouseholdFile, household_file, masked_certno
from tuodi.base import access, clock
from tuodi.base.audit import record
from tuodi.core.identities import IDENTITIES

CHANGES = {
    "death": "登记死亡",
    "death_corrected": "更正死亡登记",
    "move": "迁户，居住地变更",
    "move_corrected": "更正迁户，居住地变更",
    "move_voided": "作废迁户，居住地恢复",
    "changed": "变更基本信息",
    "insured_corrected": "更正参保地",
    "roster": "名册更新基本信息",
    "undo": "撤销名册，恢复基本信息",
}


@dataclass(frozen=True)
class Moment:
    """One thing of a file. ``on`` to ``last`` is when it held, ``recorded_at`` when we learned it; a withdrawn one is crossed out."""

    on: date
    kind: str
    text: str
    source: str
    recorded_at: datetime
    last: date | None = None
    subject_id: str = ""
    amount_fen: int | None = None
    is_withdrawn: bool = False
    url: str = ""
    run_id: int | None = None


@dataclass(frozen=True)
class PersonFile:
    """What a user sees of a person: the row, the number masked, and the moments."""

    person: Person
    certno: str
    merged: tuple[Person, ...]
    moments: tuple[Moment, ...]


Provider = Callable[[Any, Person], Iterable[Moment]]
PROVIDERS: list[Provider] = []


def open_file(user: Any, psn_no: str, *, with_withdrawn: bool = False) -> PersonFile:
    """Return the file of a visible person and leave an audit row ``person:viewed``."""
    person = access.get(user, Person, psn_no, permissions.VIEW, field="psn_no")
    moments = timeline(user, person, with_withdrawn=with_withdrawn)
    record(actor=user, verb="person:viewed", subject="person", subject_id=person.psn_no, area_code=person.insured_area)
    return PersonFile(person, masked_certno(person), tuple(person.merged.order_by("pk")), tuple(moments))


def open_household(user: Any, household: Household, day: date, *, with_withdrawn: bool = False) -> HouseholdFile:
    """Return the file of a visible household on a day and leave an audit row ``household:viewed``."""
    file = household_file(household, user, day, with_withdrawn=with_withdrawn)
    record(
        actor=user, verb="household:viewed", subject="household", subject_id=household.number, area_code=household.area_code
    )  # fmt: skip
    return file


def timeline(user: Any, person: Person, *, with_withdrawn: bool = False) -> list[Moment]:
    """Return a person's moments, oldest first."""
    moments = [
        *_identities(person),
        *_insured(person),
        *_memberships(user, person),
        *_changes(person),
        *_merges(person),
    ]
    for provider in PROVIDERS:
        moments += provider(user, person)
    kept = [moment for moment in moments if with_withdrawn or not moment.is_withdrawn]
    return sorted(kept, key=lambda moment: (moment.on, moment.recorded_at, moment.kind, moment.subject_id))


def _identities(person: Person) -> Iterable[Moment]:
    rows = Identity.objects.filter(Q(person=person) | Q(person__merged_into=person)).select_related("run")
    for row in rows:
        source = f"{row.issuer}，名册 {row.run_id}" if row.run_id else f"{row.issuer}，逐人登记"
        text = IDENTITIES[row.identity] + (f"（{row.document_number}）" if row.document_number else "")
        yield Moment(
            row.first, "identity", text, source, row.recorded_at, last=row.last, subject_id=str(row.pk),
            is_withdrawn=row.withdrawn_at is not None, run_id=row.run_id,
        )  # fmt: skip


def _insured(person: Person) -> Iterable[Moment]:
    """Yield the moves of the place of insurance; a merged record's own stay with it."""
    for row in InsuredPlace.objects.filter(person=person, first__isnull=False):
        assert row.first is not None
        source = f"名册 {row.run_id}" if row.run_id else "逐人登记"
        yield Moment(
            row.first, "insured", f"参保地变为 {row.area_code}", source, row.recorded_at, subject_id=str(row.pk),
            is_withdrawn=row.withdrawn_at is not None, run_id=row.run_id,
        )  # fmt: skip


def _memberships(user: Any, person: Person) -> Iterable[Moment]:
    seen = set(access.visible(user, Household).values_list("pk", flat=True).filter(memberships__person=person))
    rows = Membership.objects.filter(Q(person=person) | Q(person__merged_into=person)).select_related("household")
    for row in rows:
        text = f"户 {row.household.number}" if row.household_id in seen else "他处的户"
        yield Moment(
            row.first, "membership", text + ("（户主）" if row.is_head else ""), "户籍登记", row.recorded_at, last=row.last,
            subject_id=str(row.pk), is_withdrawn=row.withdrawn_at is not None,
        )  # fmt: skip


def _changes(person: Person) -> Iterable[Moment]:
    told_otherwise = ("insured",)
    for row in PersonChange.objects.filter(person=person).exclude(cause__in=told_otherwise).select_related("by"):
        told = row.after.get({"death": "died_on", "move": "first", "move_corrected": "first"}.get(row.cause, ""))
        day = date.fromisoformat(told) if told else clock.local(row.at).date()
        source = f"名册 {row.run_id}" if row.run_id else row.by.role_name
        text = CHANGES.get(row.cause, row.cause)
        yield Moment(
            day, "change", text, source, row.at, subject_id=str(row.pk), is_withdrawn=row.undone_at is not None,
            run_id=row.run_id,
        )  # fmt: skip


def _merges(person: Person) -> Iterable[Moment]:
    for row in Merge.objects.filter(Q(person=person) | Q(into=person)).select_related("by", "person", "into"):
        text = f"{row.person.psn_no} 并入 {row.into.psn_no}"
        yield Moment(
            clock.local(row.at).date(), "merge", text, row.by.role_name, row.at, subject_id=str(row.pk),
            is_withdrawn=row.undone_at is not None,
        )  # fmt: skip

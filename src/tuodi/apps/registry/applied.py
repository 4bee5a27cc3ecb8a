"""What an applied roster wrote, line by line, as the rows of the registry say: its preview is forgotten by then.

A line has the shape of a preview's (:mod:`tuodi.apps.registry.previews`), with the person's key beside it. What undoing took back,
or somebody ended or corrected since, is still what the roster wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.db.models import F, Q, QuerySet

from tuodi.apps.registry.models import Identity, ImportRun, Membership, Person, PersonChange
from tuodi.apps.registry.plans import COLUMNS
from tuodi.apps.registry.previews import ReadByPage, plain
from tuodi.core.dates import day_before

PARTICULARS = ("name", "gend", "birth", "insured_area", "registered_area", "residence_area", "insutype")


def _certified(run: ImportRun) -> QuerySet[Identity]:
    """Return the certifications that a roster added; what undoing a later one put back is a copy of these."""
    rows = Identity.objects.filter(run=run).exclude(replaces__run=F("run"))
    return rows.select_related("person", "replaces").order_by("pk")


def _ending(run: ImportRun) -> Q:
    """Tell those whom a full roster did not list: ended the day before it, and on no earlier day until then."""
    if not run.is_full_roster:
        return Q(pk__in=[])
    held = Q(replaces__last__isnull=True) | Q(replaces__last__gte=run.as_of)
    return held & Q(last=day_before(run.as_of))


def _changes(run: ImportRun) -> QuerySet[PersonChange]:
    return PersonChange.objects.filter(run=run, cause="roster").select_related("person").order_by("pk")


#: Kind of a line -> the rows that a roster wrote of it.
ROWS: dict[str, tuple[Callable[[ImportRun], QuerySet[Any]], ...]] = {
    "new": (lambda run: _certified(run).filter(replaces__isnull=True),),
    "changed": (lambda run: _certified(run).filter(replaces__isnull=False).exclude(_ending(run)),),
    "ended": (lambda run: _certified(run).filter(_ending(run), replaces__isnull=False),),
    "registered": (
        lambda run: Person.objects.filter(run=run).exclude(changes__run=run).order_by("pk"),
        lambda run: _changes(run).filter(before__withdrawn=True),
    ),
    "updated": (lambda run: _changes(run).filter(before__withdrawn=False),),
    "joined": (lambda run: Membership.objects.filter(run=run).select_related("person", "household").order_by("pk"),),
}


class Written(ReadByPage):
    """The lines of some kinds, one kind after the other."""

    def __init__(self, run: ImportRun, kinds: Iterable[str] = tuple(ROWS)) -> None:
        self.parts = [(kind, rows(run)) for kind in kinds for rows in ROWS[kind]]
        self.sizes = [rows.count() for _, rows in self.parts]

    def counted(self) -> dict[str, int]:
        """Return how many lines there are of each kind that has any."""
        found: dict[str, int] = {}
        for (kind, _), size in zip(self.parts, self.sizes, strict=True):
            if size:
                found[kind] = found.get(kind, 0) + size
        return found

    def __len__(self) -> int:
        return sum(self.sizes)

    def _between(self, first: int, last: int) -> Iterator[dict[str, Any]]:
        for (kind, rows), size in zip(self.parts, self.sizes, strict=True):
            if first < size and last > 0:
                yield from (_told(kind, row) for row in rows[max(first, 0) : min(last, size)])
            first, last = first - size, last - size


def _told(kind: str, row: Identity | Person | PersonChange | Membership) -> dict[str, Any]:
    person = row if isinstance(row, Person) else row.person
    fields = _fields(row)
    if isinstance(row, PersonChange) and row.before["certno_index"] != row.after["certno_index"]:
        fields.append(["certno", "", "已更换"])
    return {
        "kind": kind, "person": person.pk, "psn_no": person.psn_no, "name": person.name, "fields": fields,
        "identity": row.identity if isinstance(row, Identity) else "",
    }  # fmt: skip


def _fields(row: Identity | Person | PersonChange | Membership) -> list[list[Any]]:
    """Return what a row says and what was said before, where the two differ."""
    if isinstance(row, Membership):
        return [["household", None, row.household.number], ["first", None, plain(row.first)]]
    if isinstance(row, PersonChange):
        told = [(name, row.before.get(name), row.after.get(name)) for name in PARTICULARS]
    elif isinstance(row, Identity):
        told = [(name, getattr(row.replaces, name, None), getattr(row, name)) for name in COLUMNS.values()]
    else:
        told = [(name, None, getattr(row, name)) for name in PARTICULARS]
    return [[name, plain(was), plain(now)] for name, was, now in told if was != now]

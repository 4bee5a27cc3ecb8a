"""Many people's histories read: bills that count, identities and households as believed now, a few statements for some hundred."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet

from tuodi.apps.registry.models import Identity, InsuredPlace, Person
from tuodi.apps.registry.queries import Home, record_of
from tuodi.apps.settlement.folding import Computed, Part, PlansOf, compute, plans_for, settlement_of
from tuodi.apps.settlement.models import Bill
from tuodi.base.access import area_prefix
from tuodi.core.identities import IdentityRecord
from tuodi.core.settlements import Settlement

#: People read at a time.
CHUNK = 300


@dataclass(frozen=True)
class PersonHistory:
    """One person's bills that count, and identities as believed now; ``numbers`` are those of records merged into it too.

    ``homes`` are the person's households, where households' totals are kept.
    """

    person: Person
    bills: list[Bill]
    identities: list[Identity]
    numbers: tuple[str, ...] = ()
    homes: tuple[Home, ...] = ()

    @property
    def records(self) -> list[IdentityRecord]:
        """Return the identities as the core's values."""
        return [record_of(row, self.person.psn_no) for row in self.identities]

    @property
    def settlements(self) -> list[Settlement]:
        """Return the bills as the core's values."""
        return [settlement_of(bill, person=self.person, homes=self.homes) for bill in self.bills]

    def part(self, plans: PlansOf) -> Part:
        """Return the person's part of a fold."""
        return Part(self.person, self.settlements, self.records, plans_for(self.person, plans))


def earned(some: Iterable[PersonHistory], plans: PlansOf) -> Computed:
    """Return what some people's histories, folded together, earn."""
    return compute([held.part(plans) for held in some])


def people_with_bills(area_code: str) -> QuerySet[Person]:
    """Return everybody who is or was insured in an area and has a bill, under any of their numbers."""
    prefix = area_prefix(area_code)
    were = InsuredPlace.objects.filter(area_code__startswith=prefix, withdrawn_at__isnull=True).values("person")
    return billed().filter(Q(insured_area__startswith=prefix) | Q(pk__in=were))


def billed() -> QuerySet[Person]:
    """Return everybody who has a bill, under any of their numbers."""
    merged = Person.objects.filter(merged_into=OuterRef(OuterRef("pk"))).values("psn_no")
    has_bill = Exists(Bill.objects.filter(psn_no=OuterRef("psn_no"))) | Exists(Bill.objects.filter(psn_no__in=merged))
    return Person.objects.filter(has_bill, merged_into__isnull=True)


def histories(area_code: str, *, after: str = "", limit: int | None = None) -> Iterator[PersonHistory]:
    """Yield the history of everybody insured in an area who has a bill, in the order of their numbers, some at a time."""
    people = people_with_bills(area_code)
    while limit is None or limit > 0:
        some = list(people.filter(psn_no__gt=after).order_by("psn_no")[: min(CHUNK, limit or CHUNK)])
        if not some:
            return
        yield from histories_of(some)
        after = some[-1].psn_no
        limit = None if limit is None else limit - len(some)


def owners_of(people: Iterable[Person]) -> dict[str, str]:
    """Return every number of some people, those of records merged into theirs included, each with the number kept."""
    people = list(people)
    owner = {person.psn_no: person.psn_no for person in people}
    return owner | dict(Person.objects.filter(merged_into__in=people).values_list("psn_no", "merged_into__psn_no"))


def live_bills(numbers: Iterable[str]) -> list[Bill]:
    """Return the bills under some numbers that count: neither cancelled nor reversed, nor cancellations themselves."""
    rows = Bill.objects.filter(
        psn_no__in=list(numbers), is_cancellation=False, cancelled_by__isnull=True, is_reversed=False
    )
    return list(rows.order_by("setl_time", "setl_id"))


def histories_of(
    people: Sequence[Person], homes: Mapping[int, tuple[Home, ...]] | None = None
) -> Iterator[PersonHistory]:
    """Yield some people's histories, read in three statements."""
    owner = owners_of(people)
    bills: dict[str, list[Bill]] = {person.psn_no: [] for person in people}
    for bill in live_bills(owner):
        bills[owner[bill.psn_no]].append(bill)
    identities: dict[str, list[Identity]] = {person.psn_no: [] for person in people}
    held = Identity.objects.filter(withdrawn_at__isnull=True, person__psn_no__in=list(owner)).order_by("first", "pk")
    for row in held.select_related("person"):
        identities[owner[row.person.psn_no]].append(row)
    numbers: dict[str, list[str]] = {person.psn_no: [] for person in people}
    for number, kept in owner.items():
        numbers[kept].append(number)
    for person in people:
        number = person.psn_no
        own = homes.get(person.pk, ()) if homes else ()
        yield PersonHistory(person, bills[number], identities[number], tuple(numbers[number]), own)

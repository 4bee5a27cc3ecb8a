"""Circles: whoever must be folded together, because their bills count in totals of the same households (decision 19).

Where no policy that answers for a person keeps a household's totals, the person is a circle alone and nothing is read to find that out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from tuodi.apps.registry.insured import spans_of
from tuodi.apps.registry.models import Person
from tuodi.apps.registry.queries import Home, home_on, homes_of, members_of
from tuodi.apps.settlement.folding import PlansOf, is_by_household
from tuodi.apps.settlement.histories import PersonHistory, histories_of, owners_of
from tuodi.apps.settlement.models import Bill
from tuodi.base import clock
from tuodi.base.access import area_prefix

#: Somebody's key -> their households.
Homes = Mapping[int, tuple[Home, ...]]


@dataclass(frozen=True)
class Circle:
    """Whoever is folded together, in the order of their keys, and the ``keys`` of the rows that a writer locks for them.

    ``homes`` are their households; None where no household's totals are kept.
    """

    people: tuple[Person, ...]
    keys: frozenset[int]
    homes: Homes | None = None

    def histories(self) -> list[PersonHistory]:
        """Return the members' histories."""
        return list(histories_of(self.people, self.homes or {}))


def circle_of(person: Person, plans: PlansOf, *, also: date | None = None) -> Circle:
    """Return the circle of a kept person; ``also`` is the day of a bill that is not kept yet."""
    return circles_of([person], plans, also={person.pk: also} if also else {})[0]


def believed(person: Person, plans: PlansOf, *, also: Bill | None = None) -> list[PersonHistory]:
    """Return the histories of a kept person's circle as believed now; ``also`` is a bill of the person that is not kept yet."""
    circle = circle_of(person, plans, also=clock.local(also.setl_time).date() if also else None)
    return [
        replace(held, bills=[*held.bills, also]) if also and held.person.pk == person.pk else held
        for held in circle.histories()
    ]


def circles_of(
    people: Sequence[Person], *plans: PlansOf, also: Mapping[int, date] | None = None, homes: Homes | None = None
) -> list[Circle]:
    """Return the circles of some kept people, each once, in the order of the people.

    Where several ``plans`` are given, or ``homes`` that some people may come to have, nobody is left out who belongs to a circle
    under one of them.
    """
    shared = [person for person in people if any(is_by_household(person, known) for known in plans)]
    search = _Search(plans, also or {}, homes or {})
    search.follow(shared)
    found: dict[int, Circle] = {}
    for person in people:
        if person.pk not in found:
            made = search.circle(person)
            found |= {member.pk: made for member in made.people}
    return list({id(found[person.pk]): found[person.pk] for person in people}.values())


def circles_in(some: Sequence[PersonHistory], *plans: PlansOf, area_code: str) -> Iterator[list[PersonHistory]]:
    """Yield the circles of some people of an area who follow each other in the order of their numbers.

    A circle is yielded once: with the people among whom is its member of the lowest number in the area.
    """
    read = {held.person.pk: held for held in some}
    circles = circles_of([held.person for held in some], *plans)
    others = [one for circle in circles for one in circle.people if one.pk not in read]
    read |= {held.person.pk: held for held in (histories_of(others) if others else ())}
    for circle in circles:
        if circle.homes is None:
            yield [read[one.pk] for one in circle.people]
        elif not any(one.psn_no < some[0].person.psn_no and is_of(one, area_code) for one in circle.people):
            yield [replace(read[one.pk], homes=circle.homes[one.pk]) for one in circle.people]


def is_of(person: Person, area_code: str) -> bool:
    """Say whether somebody is or was insured in an area."""
    return any(span.area.startswith(area_prefix(area_code)) for span in spans_of(person))


@dataclass
class _Search:
    """Who was looked at, and in which households' totals bills of theirs count; ``linked`` are connected to who was asked about."""

    plans: Sequence[PlansOf]
    also: Mapping[int, date]
    would_be: Homes
    people: dict[int, Person] = field(default_factory=dict)
    homes: dict[int, tuple[Home, ...]] = field(default_factory=dict)
    counted: dict[int, set[int]] = field(default_factory=dict)
    linked: set[int] = field(default_factory=set)
    members: dict[int, set[int]] = field(default_factory=dict)

    def follow(self, seeds: Sequence[Person]) -> None:
        """Look at everybody of each household that is reached, until no new one is."""
        self._look_at(seeds)
        self.linked |= {person.pk for person in seeds}
        while new := self._reached() - self.members.keys():
            of_each = members_of(new)
            self.members |= of_each
            unknown = set().union(*of_each.values()) - self.people.keys()
            self._look_at(list(Person.objects.filter(pk__in=unknown).order_by("pk")))
            reached = self._reached()
            self.linked |= {key for key, counted in self.counted.items() if counted & reached}

    def _reached(self) -> set[int]:
        return set().union(*(self.counted[key] for key in self.linked))

    def _look_at(self, people: Sequence[Person]) -> None:
        """Read in which households' totals the bills of some people count, those that count no more included."""
        if not people:
            return
        self.people |= {person.pk: person for person in people}
        self.homes |= homes_of(person.pk for person in people)
        keys = {person.psn_no: person.pk for person in people}
        owner, days = owners_of(people), {person.pk: set[date]() for person in people}
        bills = Bill.objects.filter(psn_no__in=list(owner), is_cancellation=False)
        for number, at in bills.values_list("psn_no", "setl_time"):
            days[keys[owner[number]]].add(clock.local(at).date())
        for person in people:
            if any(is_by_household(person, known) for known in self.plans):
                also = {self.also[person.pk]} if person.pk in self.also else set()
                self.counted[person.pk] = self._households(person, days[person.pk] | also)
            else:
                self.counted[person.pk] = set()

    def _households(self, person: Person, days: Iterable[date]) -> set[int]:
        found = set()
        for homes in (self.homes[person.pk], self.would_be.get(person.pk, ())):
            found |= {home.household for day in days if (home := home_on(person, homes, day))}
        return found

    def circle(self, person: Person) -> Circle:
        """Return the circle of one of those who were asked about."""
        if person.pk not in self.linked:
            return Circle((person,), frozenset({person.pk}))
        inside, reached = {person.pk}, set(self.counted[person.pk])
        while new := {key for key in self.linked - inside if self.counted[key] & reached}:
            inside |= new
            reached |= set().union(*(self.counted[key] for key in new))
        keys = inside.union(*(self.members[household] for household in reached))
        people = tuple(self.people[key] for key in sorted(inside))
        return Circle(people, frozenset(keys), {key: self.homes[key] for key in inside})

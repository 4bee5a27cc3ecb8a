"""Where somebody is insured, by day.

Each place from its first day is a row (:class:`InsuredPlace`), corrected by withdrawing it and adding another. Few people ever
move: who never did has no rows and was always insured where the person's row says. Who moved carries the believed places in
short on the person's row (``insured_moves``), so that whoever reads a person knows them without asking again; only
:func:`place` writes the two.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import zip_longest
from typing import TYPE_CHECKING

from tuodi.core.dates import day_before

if TYPE_CHECKING:
    from tuodi.apps.registry.models import Person

#: The first day of the place that somebody was insured in before any move.
ALWAYS = date.min

#: Places in the order of their first days: the first of them since always.
Places = tuple[tuple[date, str], ...]


@dataclass(frozen=True)
class Span:
    """Where somebody is insured from ``first`` until the day before ``until``; None if they still are."""

    area: str
    first: date
    until: date | None

    @property
    def last(self) -> date | None:
        """Return the last day there."""
        return day_before(self.until) if self.until else None


def places_of(person: Person) -> Places:
    """Return where somebody was insured from which day."""
    if not person.insured_moves:
        return ((ALWAYS, person.insured_area),)
    origin, *moves = person.insured_moves.split()
    days = (date.fromisoformat(day) for day in moves[::2])
    return ((ALWAYS, origin), *zip(days, moves[1::2], strict=True))


def spans_of(person: Person) -> list[Span]:
    """Return the same with the day on which each ends, in order."""
    places = places_of(person)
    following = (first for first, _ in places[1:])
    return [Span(area, first, until) for (first, area), until in zip_longest(places, following)]


def area_on(person: Person, day: date) -> str:
    """Return where somebody was insured on a day."""
    return [area for first, area in places_of(person) if first <= day][-1]


def moved(places: Places, area: str, first: date) -> Places:
    """Return the places with another one, which holds until the next that is known."""
    return tuple(sorted([*places, (first, area)]))


def without(places: Places, first: date) -> Places:
    """Return the places without the one that begins on a day."""
    return tuple(place for place in places if place[0] != first)


def place(person: Person, places: Places) -> Person:
    """Set on a person's row, unsaved, where they are insured now and where they were."""
    person.insured_area = places[-1][1]
    person.insured_moves = _written(places) if len(places) > 1 else ""
    return person


def _written(places: Iterable[tuple[date, str]]) -> str:
    """Return places as a person's row keeps them.

    >>> _written([(ALWAYS, "610902"), (date(2024, 3, 1), "610921")])
    '610902 2024-03-01 610921'
    """
    (_, origin), *moves = places
    return " ".join([origin, *(f"{first.isoformat()} {area}" for first, area in moves)])

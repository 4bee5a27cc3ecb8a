"""Which policies answer for somebody: those of the area in which they were insured on the day that decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tuodi.apps.policies.queries import InForce, plans_of
from tuodi.apps.registry.insured import spans_of
from tuodi.apps.registry.models import Person

#: area -> the policies in force there.
PlansOf = Callable[[str], list[InForce]]


def plans_for(person: Person, plans: PlansOf = plans_of) -> list[InForce]:
    """Return the installations that answer for a person, those of each area while they were insured there, oldest first."""
    if not person.insured_moves:
        return plans(person.insured_area)
    return [
        replace(held, since=span.first, before=span.until)
        for span in spans_of(person) for held in plans(span.area)
    ]  # fmt: skip

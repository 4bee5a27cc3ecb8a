"""Versions of one document: a history folded under the plans that answer one after the other, totals running on.

A document may be put in force again from a day: corrected, with other figures, under other readings. The year goes on: what a
total has reached under one version is where the next one begins (decision 13). Totals are carried by their names, within the
same period and unit; a total that only one version has stays with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from tuodi.core.engine.events import Application, Event, events_of
from tuodi.core.engine.fold import EventResult, Remembered, fold, fold_time, judged_day, run_event, shape_of
from tuodi.core.engine.heights import demand_in_range
from tuodi.core.engine.plan import Plan
from tuodi.core.identities import IdentityRecord
from tuodi.core.settlements import Settlement

LAST_CATEGORY = ".last_category"


@dataclass(frozen=True)
class Version:
    """A plan and the settlements that it answers for."""

    plan: Plan
    settlements: Sequence[Settlement]


@dataclass(frozen=True)
class Period:
    """A plan in force from ``first`` until the day before ``until``; None if nothing comes after it."""

    plan: Plan
    first: date
    until: date | None

    def answers(self, day: date) -> bool:
        """Say whether this plan answers for a day."""
        return self.first <= day and (self.until is None or day < self.until)


def answering(periods: Sequence[Period], settlement: Settlement) -> int:
    """Return the number of the plan in force on a settlement's day (I-11); what came before the first plan is the first plan's."""
    days = [judged_day(period.plan.pack.year_of, settlement) for period in periods]
    return max((n for n, period in enumerate(periods) if period.answers(days[n])), default=0)


def fold_periods(
    periods: Sequence[Period],
    settlements: Iterable[Settlement],
    identities: Sequence[IdentityRecord],
    applications: Sequence[Application] = (),
) -> list[EventResult]:
    """Return a result for every settlement under the plan that answers for it, in folding order."""
    groups: dict[int, list[Settlement]] = {}
    for s in settlements:
        groups.setdefault(answering(periods, s), []).append(s)
    results = fold_documents([period.plan for period in periods], groups, identities, applications)
    return sorted(results.values(), key=lambda result: fold_time(result.settlement))


def fold_documents(
    plans: Sequence[Plan],
    groups: Mapping[int, list[Settlement]],
    identities: Sequence[IdentityRecord],
    applications: Sequence[Application] = (),
    *,
    areas: Sequence[str] = (),
) -> dict[str, EventResult]:
    """Return a result for each settlement of ``groups``, which says by the number of a plan what it answers for.

    Plans of one pack id are versions of one document, over which the totals run on; another document begins with nothing, unless
    it says itself that what came earlier in its first year, in the same area, counts (I-30, decision 13).
    """
    demand_in_range([plans[number] for number in groups], [s for some in groups.values() for s in some])
    documents: dict[str, list[int]] = {}
    for number in sorted(groups):
        documents.setdefault(plans[number].pack.pack, []).append(number)
    results: dict[str, EventResult] = {}
    for numbers in documents.values():
        versions = [Version(plans[number], groups[number]) for number in numbers]
        own = {s.setl_id for number in numbers for s in groups[number]}
        here = {areas[number] for number in numbers} if areas else set()
        others = [
            s for number, some in groups.items() if number not in numbers and (not areas or areas[number] in here)
            for s in some
        ]  # fmt: skip
        for result in fold_versions(_with_earlier(versions, others), identities, applications):
            if result.settlement.setl_id in own:
                results[result.settlement.setl_id] = result
    return results


def _with_earlier(versions: list[Version], others: list[Settlement]) -> list[Version]:
    """Return the versions of a document; its first one also counts what its text says counts from before its first day."""
    first = versions[0]
    pack, began = first.plan.pack, first.plan.first
    if pack.in_force.earlier_in_first_year != "counts":
        return versions
    judged = ((s, judged_day(pack.in_force.judged_by, s)) for s in others)
    earlier = [s for s, day in judged if day < began and day.year == began.year]
    return [Version(first.plan, [*earlier, *first.settlements]), *versions[1:]]


def fold_versions(
    versions: Sequence[Version], identities: Sequence[IdentityRecord], applications: Sequence[Application] = ()
) -> list[EventResult]:
    """Return a result for every settlement, each under its own version, in folding order."""
    if len(versions) == 1:
        return fold(versions[0].plan, versions[0].settlements, identities, applications)
    whole = [s for version in versions for s in version.settlements]
    events: list[tuple[Event, int]] = []
    for number, version in enumerate(versions):
        answered = {s.setl_id for s in version.settlements}
        made = events_of(version.plan, whole, identities, applications, answered=answered)
        events += [(event, number) for event in made]
    events.sort(key=lambda pair: fold_time(pair[0].settlement))
    _keep_last((versions[number].plan, event) for event, number in events)
    return _run(versions, events)


def _run(versions: Sequence[Version], events: list[tuple[Event, int]]) -> list[EventResult]:
    kept: list[Remembered] = [{} for _ in versions]
    results, before = [], events[0][1] if events else 0
    for event, number in events:
        plan = versions[number].plan
        if number != before:
            carry(versions[before].plan, kept[before], plan, kept[number])
        results.append(run_event(plan, shape_of(plan), event, kept[number]))
        before = number
    return results


def carry(source: Plan, held: Remembered, target: Plan, into: Remembered) -> None:
    """Write the totals of one version where another has totals of the same name, period and unit."""
    theirs, ours = shape_of(source), shape_of(target)
    places = {(g.period, g.is_household, g.application): n for n, g in enumerate(ours.groups)}
    for (number, whose, key), values in held.items():
        group = theirs.groups[number]
        place = places.get((group.period, group.is_household, group.application))
        if place is None:
            continue
        named = {theirs.slots[slot]: value for slot, value in zip(group.slots, values, strict=True)}
        slots = ours.groups[place].slots
        row = into.setdefault((place, whose, key), [0] * len(slots))
        for inside, slot in enumerate(slots):
            name = ours.slots[slot]
            if name in named:
                value = named[name]
                row[inside] = _same_category(source, target, value) if name.endswith(LAST_CATEGORY) else value


def _same_category(source: Plan, target: Plan, number: int) -> int:
    """Return the number that a category has in another version; one that is no more there is none of them, and not 0."""
    if not number:
        return 0
    names = [category.id for category in target.pack.categories]
    # It may be none of the source's either: carried into it from a version before.
    name = source.pack.categories[number - 1].id if number <= len(source.pack.categories) else None
    return names.index(name) + 1 if name in names else len(names) + 1


def _keep_last(events: Iterable[tuple[Plan, Event]]) -> None:
    """Leave the mark "last of its period" on one event only: each version marked the last of its own (I-02)."""
    last: dict[object, Event] = {}
    for plan, event in events:
        for layer in plan.layers:
            mark, s = f"last.{layer.id}", event.settlement
            if event.keys.get(mark):
                whose = s.home if layer.of == "household" else s.psn_no
                key = (layer.id, whose, event.keys.get(layer.deductible.per))
                if key in last:
                    del last[key].keys[mark]
                last[key] = event

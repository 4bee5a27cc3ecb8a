"""The fold: a person's history of events to what each event is due (benefits 1).

Nothing is updated in place: what an event is due is what the history earns with it less what it earned without it, so a late
bill, a cancelled stay, an identity granted back or a changed figure are all folded again and :func:`differences` says what is
to be paid or claimed back. What is known of an event before any total is comes from :mod:`.events`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from operator import attrgetter

from tuodi.core.engine.conditions import windows_named
from tuodi.core.engine.decide import Decision, share_of
from tuodi.core.engine.events import (
    Application,
    Event,
    day_for_profile,
    events_of,
    first_application,
    judged_day,
    live,
    registered_elsewhere,
)
from tuodi.core.engine.heights import demand_in_range
from tuodi.core.engine.plan import Plan
from tuodi.core.engine.reference import evaluate
from tuodi.core.engine.windows import IdentityWindow
from tuodi.core.identities import IdentityRecord
from tuodi.core.policy.model import FigureRow, Layer
from tuodi.core.settlements import AMOUNT_FIELDS, Settlement

__all__ = [
    "Application", "Difference", "Event", "EventResult", "LayerResult", "clauses_of", "day_for_profile", "differences",
    "due_day", "due_windows", "events_of", "first_application", "fold", "fold_time", "judged_day", "live", "readings_of",
    "registered_elsewhere", "run", "trace",
]  # fmt: skip

#: Totals as they stand: number of the group, whose, key of the period -> values in the group's order.
Remembered = dict[tuple[int, object, object], list[int]]


@dataclass(frozen=True, slots=True)
class LayerResult:
    """What one layer makes of one event, in fen. ``due_on`` is the first day on which it may be paid."""

    layer: str
    base: int
    deductible: int
    counted: int
    entitled: int
    cut: int
    pay: int
    due_on: date
    fund: str
    clauses: tuple[str, ...]
    readings: tuple[str, ...]
    pays: str = "maf_pay"


@dataclass(frozen=True, slots=True)
class EventResult:
    """What the pack makes of one settlement: a refusal with its clause, or what each layer pays.

    ``operands`` are what the steps ran on: facts, rows of figures by layer, remembered totals; :func:`trace` runs them again.
    """

    settlement: Settlement
    decision: Decision
    category: str
    identity: str
    window: IdentityWindow | None
    layers: tuple[LayerResult, ...]
    operands: Operands

    @property
    def pay(self) -> int:
        """What assistance pays for this settlement in all."""
        return sum(layer.pay for layer in self.layers if layer.pays == "maf_pay")

    @property
    def facts(self) -> Mapping[str, int]:
        """Every fact that the steps read, by name."""
        return dict(zip(self.operands.shape.facts, self.operands.facts, strict=True))

    @property
    def before(self) -> Mapping[str, int]:
        """Every remembered total as it was before the event, by name."""
        return dict(zip(self.operands.shape.slots, self.operands.before, strict=True))


@dataclass(frozen=True, slots=True)
class Operands:
    """What the steps of one event ran on, in the order of the plan's program."""

    shape: Shape
    facts: tuple[int, ...]
    rows: tuple[int, ...]
    before: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Remembered totals that start again together: one period, one unit, one application layer. ``slots`` are places in the state."""

    period: str
    is_household: bool
    application: str
    slots: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is the same for every event with one decision: figures, facts other than amounts, what is written, texts."""

    decision: Decision
    rows: tuple[int, ...]
    figures: tuple[tuple[int, ...], ...]
    given: tuple[int, ...]
    writes: tuple[tuple[int, tuple[tuple[int, int], ...]], ...]
    layers: tuple[Texts, ...]
    category: str


@dataclass(frozen=True, slots=True)
class Texts:
    """What is the same for one layer of a decision; ``at`` is where its outputs begin in the scalar function's answer."""

    layer: Layer
    at: int
    due: str
    waits: tuple[str, ...]
    clauses: tuple[tuple[str, ...], tuple[str, ...]]
    readings: tuple[str, ...]


@dataclass(slots=True)
class Shape:
    """What the fold works out once for a plan: places of facts and totals, and what each decision comes to."""

    facts: tuple[str, ...]
    slots: tuple[str, ...]
    steps: tuple[str, ...]
    amounts: Callable[[Settlement], tuple[int, ...]]
    given: tuple[str, ...]
    groups: tuple[Group, ...]
    applying: tuple[tuple[int, str], ...]
    lasting: tuple[tuple[int, str], ...]
    prepared: dict[tuple[int, tuple[str, ...], tuple[int, ...]], Prepared] = field(default_factory=dict)


def shape_of(plan: Plan) -> Shape:
    """Return the shape of a plan, made once."""
    if plan.shape is None:
        plan.shape = _shape(plan)
    assert isinstance(plan.shape, Shape)
    return plan.shape


def _shape(plan: Plan) -> Shape:
    program = plan.program
    amounts = tuple(name for name in program.facts if name in AMOUNT_FIELDS)
    given = tuple(name for name in program.facts if name not in AMOUNT_FIELDS)
    assert program.facts == (*amounts, *given)
    places: dict[tuple[str, bool, str], list[int]] = {}
    for bucket in program.buckets:
        application = bucket.period.removeprefix("application:") if bucket.period.startswith("application:") else ""
        key = ("" if application else bucket.period, bucket.unit == "household", application)
        own = [i for i, slot in enumerate(program.slots) if slot.bucket == bucket.name]
        places.setdefault(key, []).extend(own)
    return Shape(
        facts=program.facts,
        slots=tuple(slot.name for slot in program.slots),
        steps=tuple(step.name for step in program.steps),
        amounts=attrgetter(*amounts) if len(amounts) > 1 else lambda s: tuple(getattr(s, name) for name in amounts),
        given=given,
        groups=tuple(Group(*key, slots=tuple(slots)) for key, slots in places.items()),
        applying=tuple((i, layer.id) for i, layer in enumerate(plan.layers) if layer.due == "application"),
        lasting=tuple((i, layer.id) for i, layer in enumerate(plan.layers) if layer.deductible.waived_if_unreached),
    )


def fold(
    plan: Plan,
    settlements: Sequence[Settlement],
    identities: Sequence[IdentityRecord],
    applications: Sequence[Application] = (),
    *,
    reference: bool = False,
) -> list[EventResult]:
    """Return a result for every settlement given (cancelled ones left out by :func:`live`), in folding order.

    ``settlements`` may be those of one person, or of a household when a layer's totals are a household's. With ``reference``
    the slow evaluator runs instead of the generated one. Raises ``MissingValues`` before anything is computed in part, and
    ``InputErrors`` if the amounts of one person or household together leave the proven range.
    """
    demand_in_range([plan], settlements)
    return run(plan, events_of(plan, settlements, identities, applications), reference=reference)


def run(plan: Plan, events: Sequence[Event], *, reference: bool = False) -> list[EventResult]:
    """Return a result for every decided event, in their order."""
    remembered: Remembered = {}
    shape = shape_of(plan)
    return [run_event(plan, shape, event, remembered, reference=reference) for event in events]


def run_event(
    plan: Plan, shape: Shape, event: Event, remembered: Remembered, *, reference: bool = False
) -> EventResult:
    """Compute one event and write what it changes."""
    s = event.settlement
    prepared = _prepared(plan, shape, event)
    facts = shape.amounts(s) + prepared.given
    state = [0] * len(shape.slots)
    keys = []
    for n, group in enumerate(shape.groups):
        whose = s.home if group.is_household else s.psn_no
        key = (
            n,
            whose,
            event.applications.get(group.application) if group.application else event.keys.get(group.period),
        )
        keys.append(key)
        kept = remembered.get(key)
        if kept is not None:
            for place, value in zip(group.slots, kept, strict=True):
                state[place] = value
    before = tuple(state)
    results: tuple[LayerResult, ...] = ()
    if prepared.layers:
        if reference:
            flat, after = _by_reference(plan, facts, prepared.figures, before)
        else:
            flat, after = plan.scalar(facts, prepared.figures, before)
        for n, places in prepared.writes:
            kept = remembered.get(keys[n])
            if kept is None:
                kept = remembered[keys[n]] = [0] * len(shape.groups[n].slots)
            for inside, place in places:
                kept[inside] = after[place]
        results = tuple([_layer_result(texts, event, flat) for texts in prepared.layers])
    operands = Operands(shape, facts, prepared.rows, before)
    return EventResult(s, event.decision, prepared.category, event.decision.identity, event.window, results, operands)


def _prepared(plan: Plan, shape: Shape, event: Event) -> Prepared:
    """Return what is the same for every event of this decision, made once for each decision, application and last event.

    Only decisions that the plan keeps are kept here; one changed for a single event (a simulation) would never be asked for again.
    """
    applied = tuple(event.applications) if event.applications else ()
    last = tuple([i for i, layer in shape.lasting if event.keys.get(f"last.{layer}")]) if shape.lasting else ()
    key = (id(event.decision), applied, last)
    held = shape.prepared.get(key)
    if held is None or held.decision is not event.decision:
        held = _prepare(plan, shape, event, last)
        if plan.decisions.get(event.profile) is event.decision:
            shape.prepared[key] = held
    return held


def _prepare(plan: Plan, shape: Shape, event: Event, last: tuple[int, ...]) -> Prepared:
    decision, program = event.decision, plan.program
    unapplied = {i for i, layer in shape.applying if layer not in event.applications}
    rows = tuple(0 if i in unapplied else choice.row for i, choice in enumerate(decision.layers))
    known: dict[str, int] = {"category": decision.category}
    for i, (layer, choice) in enumerate(zip(plan.layers, decision.layers, strict=True)):
        known[f"a.{layer.id}"] = int(rows[i] > 0)
        known[f"c.{layer.id}"] = int(rows[i] > 0 and choice.counts_as_covered)
        known[f"last.{layer.id}"] = int(i in last)
        if layer.factor and layer.factor.of == "due":
            known[f"share.{layer.id}"] = share_of(layer, declined=event.profile.declined)
    seeing = {layer.id for layer, row in zip(plan.layers, rows, strict=True) if row}
    written = {bucket.name for bucket in program.buckets if seeing.intersection(bucket.layers)}
    writes = []
    for n, group in enumerate(shape.groups):
        places = [(i, place) for i, place in enumerate(group.slots) if program.slots[place].bucket in written]
        if places:
            writes.append((n, tuple(places)))
    categories = plan.pack.categories
    return Prepared(
        decision=decision, rows=rows, figures=tuple(plan.tables[i][row] for i, row in enumerate(rows)),
        given=tuple(known[name] for name in shape.given), writes=tuple(writes),
        layers=tuple(_texts(plan, event, i) for i, row in enumerate(rows) if row),
        category=categories[decision.category - 1].id if decision.category else "",
    )  # fmt: skip


def _texts(plan: Plan, event: Event, i: int) -> Texts:
    layer, row, declined = plan.layers[i], event.decision.layers[i].figures, event.profile.declined
    outputs = [plan.program.outputs[other.id] for other in plan.layers]
    assert tuple(outputs[i]) == ("base", "deductible", "counted", "entitled", "cut", "pay")
    return Texts(
        layer=layer, at=sum(len(other) for other in outputs[:i]), due=(row.due if row else None) or layer.due,
        waits=tuple(f"window:{window}" for window in due_windows(layer, covered_by_category=event.decision.category > 0)),
        clauses=(clauses_of(layer, row, cut=False, declined=declined), clauses_of(layer, row, cut=True, declined=declined)),
        readings=readings_of(layer, declined=declined),
    )  # fmt: skip


def _by_reference(
    plan: Plan, facts: tuple[int, ...], figures: Sequence[tuple[int, ...]], before: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return what the scalar function returns, by the slow evaluator."""
    program, shape = plan.program, shape_of(plan)
    known = dict(zip((*shape.facts, *shape.slots), (*facts, *before), strict=True))
    for layer, numbers in zip(program.layers, figures, strict=True):
        known.update({f"p.{layer}.{name}": n for name, n in zip(program.figures[layer], numbers, strict=True)})
    values = evaluate(program, known)
    flat = tuple(values[name] for layer in program.layers for name in program.outputs[layer].values())
    return flat, tuple(values[program.writes[slot]] if slot in program.writes else known[slot] for slot in shape.slots)


def trace(plan: Plan, result: EventResult) -> dict[str, int]:
    """Return every step's value for one computed event: the explanation is the computation, run again with its operands."""
    operands = result.operands
    figures = [plan.tables[i][row] for i, row in enumerate(operands.rows)]
    values, _ = plan.trace(operands.facts, figures, operands.before)
    return dict(zip(operands.shape.steps, map(int, values), strict=True))


def _layer_result(texts: Texts, event: Event, flat: Sequence[int]) -> LayerResult:
    at, layer = texts.at, texts.layer
    base, deductible, counted, entitled, cut, pay = flat[at : at + 6]
    due = "year_end" if counted + deductible > base else texts.due
    return LayerResult(
        layer.id, base, deductible, counted, entitled, cut, pay, due_day(layer, due, texts.waits, event), layer.fund,
        texts.clauses[cut != 0], texts.readings, layer.pays,
    )  # fmt: skip


def clauses_of(layer: Layer, row: FigureRow | None, *, cut: bool, declined: bool) -> tuple[str, ...]:
    """Return the clauses that acted on an event, the layer's first."""
    clauses = [layer.clause, layer.base.clause, *([row.clause] if row else [])]
    clauses += [rule.clause for rule in layer.caps.values() if rule.clause and cut]
    clauses += [layer.factor.clause] if layer.factor and declined else []
    return tuple(dict.fromkeys(clauses))


def readings_of(layer: Layer, *, declined: bool) -> tuple[str, ...]:
    """Return the readings that a layer rests on."""
    readings = [*layer.readings, *layer.base.readings, *layer.deductible.readings]
    for rule in layer.caps.values():
        readings += rule.readings
    readings += layer.factor.readings if layer.factor and declined else []
    return tuple(dict.fromkeys(readings))


def due_day(layer: Layer, due: str, waits: Iterable[str], event: Event) -> date:
    """Return the first day on which a layer may pay: settlement, certification, application, or after the year.

    ``waits`` names the keys of the reach-back windows whose certification a payment waits for.
    """
    if due == "application":
        return event.applications[layer.id]
    settled = event.settlement.setl_time.date()
    known = event.window.record.certified_on if event.window else None
    day = known if known is not None and known > settled else settled
    for window in waits:
        opened = event.keys.get(window)
        if isinstance(opened, date):
            day = max(day, opened)
    if due == "counter":
        return day
    if due == "december":
        return max(day, date(event.day.year, 12, 31))
    return max(day, date(event.day.year + 1, 1, 1))


def due_windows(layer: Layer, *, covered_by_category: bool) -> list[str]:
    """Return the reach-back windows whose certification a payment waits for: those its totals run in, and the one that covers."""
    periods = (layer.period, *(rule.per for rule in layer.caps.values()))
    running = [period.removeprefix("window:") for period in periods if period.startswith("window:")]
    if isinstance(layer.covers.window, str):
        running.append(layer.covers.window)
    return running if covered_by_category else [*running, *windows_named(layer.covers)]


@dataclass(frozen=True, slots=True)
class Difference:
    """What a second fold of the same history pays more (or less) for one settlement and layer."""

    setl_id: str
    layer: str
    before: int
    after: int

    @property
    def amount(self) -> int:
        return self.after - self.before


def differences(before: Iterable[EventResult], after: Iterable[EventResult]) -> list[Difference]:
    """Return every settlement and layer for which two folds pay differently, in the order of the second."""

    def paid(results: Iterable[EventResult]) -> dict[tuple[str, str], int]:
        return {(r.settlement.setl_id, x.layer): x.pay for r in results for x in r.layers if x.pays == "maf_pay"}

    old, new = paid(before), paid(after)
    keys = [*new, *(key for key in old if key not in new)]
    return [
        Difference(*key, before=old.get(key, 0), after=new.get(key, 0))
        for key in keys
        if old.get(key, 0) != new.get(key, 0)
    ]


def fold_time(settlement: Settlement) -> tuple[datetime, str]:
    """Return the order in which settlements are folded."""
    return settlement.setl_time, settlement.setl_id

"""The fold: a person's history of events to what each event is due (benefits 1).

Nothing is updated in place: what an event is due is what the history earns with it less what it earned without it, so a late
bill, a cancelled stay, an identity granted back or a changed figure are all folded again and :func:`differences` says what is
to be paid or claimed back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from tuodi.core.dates import age_on
from tuodi.core.engine.plan import Decision, Plan, Profile, share_of, tier_of, windows_named
from tuodi.core.engine.reference import evaluate
from tuodi.core.engine.windows import (
    IdentityWindow,
    Judged,
    ReachBack,
    certification_day,
    identity_windows,
    reach_backs,
    window_of,
)
from tuodi.core.identities import IDENTITIES, IdentityRecord
from tuodi.core.policy.model import FigureRow, Layer
from tuodi.core.settlements import Settlement

IDENTITY_BITS = {code: 1 << i for i, code in enumerate(IDENTITIES)}


@dataclass(frozen=True, slots=True)
class Application:
    """A person asks for a layer that is due on application only."""

    psn_no: str
    layer: str
    applied_on: date


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
    """What the pack makes of one settlement: a refusal with its clause, or what each layer pays."""

    settlement: Settlement
    decision: Decision
    category: str
    identity: str
    window: IdentityWindow | None
    layers: tuple[LayerResult, ...]
    facts: Mapping[str, int] = field(default_factory=dict)
    before: Mapping[str, int] = field(default_factory=dict)

    @property
    def pay(self) -> int:
        """What assistance pays for this settlement in all."""
        return sum(layer.pay for layer in self.layers if layer.pays == "maf_pay")


@dataclass
class Event:
    """A settlement with everything that the steps and the decision need, before any total is known."""

    settlement: Settlement
    day: date
    profile: Profile
    decision: Decision
    window: IdentityWindow | None
    keys: dict[str, object]
    applications: dict[str, date]


def live(settlements: Iterable[Settlement], cancelled: Iterable[str]) -> list[Settlement]:
    """Return the settlements that are not cancelled, in the order in which they are folded."""
    gone = set(cancelled)
    return sorted((s for s in settlements if s.setl_id not in gone), key=lambda s: (s.setl_time, s.setl_id))


def judged_day(how: str, settlement: Settlement) -> date:
    """Return the day that decides year and version (I-11, I-30)."""
    return {"settlement": settlement.setl_time.date(), "discharge": settlement.enddate, "admission": settlement.begndate}[how]


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
    the slow evaluator runs instead of the generated one. Raises ``MissingValues`` before anything is computed in part.
    """
    return run(plan, events_of(plan, settlements, identities, applications), reference=reference)


def run(plan: Plan, events: Sequence[Event], *, reference: bool = False) -> list[EventResult]:
    """Return a result for every decided event, in their order."""
    remembered: dict[tuple[str, object, object], list[int]] = {}
    return [_run(plan, event, remembered, reference=reference) for event in events]


def events_of(
    plan: Plan,
    settlements: Sequence[Settlement],
    identities: Sequence[IdentityRecord],
    applications: Sequence[Application] = (),
) -> list[Event]:
    """Return the events of a history in folding order, decided but not yet computed."""
    ordered = sorted(settlements, key=lambda s: (s.setl_time, s.setl_id))
    people: dict[str, tuple[list[IdentityWindow], dict[str, list[ReachBack]]]] = {}
    held: dict[str, list[IdentityRecord]] = {}
    asked: dict[str, list[Application]] = {}
    for record in identities:
        held.setdefault(record.psn_no, []).append(record)
    for application in applications:
        asked.setdefault(application.psn_no, []).append(application)
    for psn_no in dict.fromkeys(s.psn_no for s in ordered):
        own = held.get(psn_no, [])
        people[psn_no] = (
            identity_windows(plan.pack, own, life=plan.life),
            reach_backs(plan.pack, own, life=plan.life),
        )
    masks = _masks(plan, ordered, people)
    events = [
        _event(plan, s, windows=people[s.psn_no][0], openings=people[s.psn_no][1], mask=mask,
               applications=asked.get(s.psn_no, []))
        for s, mask in zip(ordered, masks, strict=True)
    ]  # fmt: skip
    _mark_last(plan, events)
    return events


def _masks(
    plan: Plan, ordered: list[Settlement], people: dict[str, tuple[list[IdentityWindow], dict[str, list[ReachBack]]]]
) -> list[int]:
    """Return the identities that count for each settlement, as bit masks."""
    masks = []
    used: set[int] = set()
    extended: dict[tuple[int, int], int] = {}
    for s in ordered:
        mask = 0
        for window in people[s.psn_no][0]:
            per_record = window.rule.per_record if window.rule else "window"
            if _meets(plan, window, s):
                if per_record == "first_settlement":
                    if id(window) in used:
                        continue
                    used.add(id(window))
                mask |= IDENTITY_BITS[window.identity]
                extended[(id(window), s.setl_time.year)] = 1
            elif per_record == "rest_of_year" and (id(window), s.setl_time.year) in extended:
                mask |= IDENTITY_BITS[window.identity]
        masks.append(mask)
    if plan.pack.category_rule == "best_of_year":
        years: dict[tuple[str, int], int] = {}
        for s, mask in zip(ordered, masks, strict=True):
            key = (s.psn_no, judged_day(plan.pack.year_of, s).year)
            years[key] = years.get(key, 0) | mask
        masks = [
            years[(s.psn_no, judged_day(plan.pack.year_of, s).year)] if mask else 0
            for s, mask in zip(ordered, masks, strict=True)
        ]
    return masks


def _meets(plan: Plan, window: IdentityWindow, s: Settlement) -> bool:
    inpatient = plan.care_of(s.med_type) == "inpatient"
    last = s.enddate if plan.pack.stay_ends == "discharge" else max(s.enddate, s.setl_time.date())
    return window.meets(
        care_first=s.begndate, care_last=last if inpatient else s.begndate, settled=s.setl_time.date()
    )


def _event(
    plan: Plan, s: Settlement, *, windows: list[IdentityWindow], openings: dict[str, list[ReachBack]], mask: int,
    applications: list[Application],
) -> Event:  # fmt: skip
    settled = s.setl_time.date()
    day = judged_day(plan.pack.year_of, s)
    opened = {name: window_of(found, settled) for name, found in openings.items()}
    profile = Profile(
        day=day_for_profile(plan, judged_day(plan.pack.in_force.judged_by, s)),
        identities=mask,
        med_type=s.med_type,
        diseases=plan.diseases_of(s),
        referral=s.refer_stas,
        out_of_province=s.out_prov,
        cause=s.cause,
        tier=tier_of(s.hosp_lv),
        age=age_on(s.birth, s.begndate) if s.birth else -1,
        windows=tuple(name for name, window in opened.items() if window),
        elsewhere=registered_elsewhere(plan, s.standard_area),
        designated=s.designated,
        assistance_institution=s.assistance_designated,
        declined=_declined(plan, windows, s),
        diagnosis=s.diag_code,
    )
    decision = plan.decide(profile)
    applied = {layer.id: first_application(layer, applications, day) for layer in plan.layers if layer.due == "application"}
    for layer, choice in zip(plan.layers, decision.layers, strict=True):
        if choice.missing is not None and applied.get(layer.id):
            raise choice.missing
    keys: dict[str, object] = {
        "year": day.year,
        "once": 1,
        "stay": (s.begndate, s.fixmedins_code) if plan.care_of(s.med_type) == "inpatient" else s.setl_id,
    }
    for name, window in opened.items():
        if window:
            certified = certification_day(plan.pack, window)
            keys[f"window:{name}"], keys[f"window_year:{name}"] = certified, certified.year
    return Event(
        settlement=s, day=day, profile=profile, decision=decision,
        window=_deciding_window(plan, windows, s, decision), keys=keys,
        applications={layer: on for layer, on in applied.items() if on},
    )  # fmt: skip


def day_for_profile(plan: Plan, day: date) -> date:
    """Return the day itself: figures and life are decided day by day; kept as one place to coarsen profiles."""
    return day


def registered_elsewhere(plan: Plan, standard_area: str) -> bool:
    """Say whether the household registration lies outside the pack's area; unknown counts as inside."""
    prefix = plan.pack.area.rstrip("0") if plan.pack.area.endswith("00") else plan.pack.area
    return bool(standard_area) and not standard_area.startswith(prefix)


def first_application(layer: Layer, applications: Iterable[Application], day: date) -> date | None:
    """Return the first application of the same calendar year that looks back on a day (I-40)."""
    found = [a.applied_on for a in applications if a.layer == layer.id and a.applied_on.year == day.year and a.applied_on >= day]
    return min(found, default=None)


def _declined(plan: Plan, windows: list[IdentityWindow], s: Settlement) -> bool:
    """Say whether the state of a factor holds for a settlement (I-59)."""
    for layer in plan.layers:
        factor = layer.factor
        if factor is None:
            continue
        settled = s.setl_time.date()
        for window in windows:
            record = window.record
            if record.identity != factor.state:
                continue
            last = record.last or date.max
            if factor.judged_on == "settlement_day" and record.first <= settled <= last:
                return True
            if factor.judged_on == "calendar_year" and record.first.year <= settled.year <= last.year:
                return True
            if factor.judged_on == "any_day_of_stay" and record.first <= s.enddate and s.begndate <= last:
                return True
    return False


def _deciding_window(
    plan: Plan, windows: list[IdentityWindow], s: Settlement, decision: Decision
) -> IdentityWindow | None:
    """Return the window that gives the deciding identity; held ones before reach-backs, earliest certified first."""
    found = [w for w in windows if w.identity == decision.identity and _meets(plan, w, s)]
    return min(found, key=lambda w: (w.judged == Judged.SETTLED, w.record.certified_on or w.record.first), default=None)


def _mark_last(plan: Plan, events: list[Event]) -> None:
    """Mark the last event of each layer's deductible period, for a waiver of an unreached deductible (I-02)."""
    for i, layer in enumerate(plan.layers):
        if not layer.deductible.waived_if_unreached:
            continue
        last: dict[object, Event] = {}
        for event in events:
            if event.decision.layers[i].counts_as_covered:
                last[(event.settlement.psn_no, event.keys.get(layer.deductible.per))] = event
        for event in last.values():
            event.keys[f"last.{layer.id}"] = 1


def _run(
    plan: Plan, event: Event, remembered: dict[tuple[str, object, object], list[int]], *, reference: bool
) -> EventResult:
    """Compute one event and write what it changes."""
    program, decision, s = plan.program, event.decision, event.settlement
    rows = tuple(
        0 if layer.due == "application" and layer.id not in event.applications else choice.row
        for layer, choice in zip(plan.layers, decision.layers, strict=True)
    )
    facts = facts_of(plan, event, rows)
    state = {slot.name: 0 for slot in program.slots}
    for bucket in program.buckets:
        kept = remembered.get(bucket_key(bucket.name, bucket.period, bucket.unit, event))
        if kept is not None:
            own = [slot.name for slot in program.slots if slot.bucket == bucket.name]
            state.update(zip(own, kept, strict=True))
    figures = [plan.tables[i][row] for i, row in enumerate(rows)]
    if any(rows):
        values, after = _evaluate(plan, facts, figures, state, reference=reference)
    else:
        values, after = {}, state
    seeing = {layer.id for layer, row in zip(plan.layers, rows, strict=True) if row}
    for bucket in program.buckets:
        if seeing.intersection(bucket.layers):
            own = [slot.name for slot in program.slots if slot.bucket == bucket.name]
            remembered[bucket_key(bucket.name, bucket.period, bucket.unit, event)] = [after[name] for name in own]
    results = tuple(
        _layer_result(plan, event, layer, i, values)
        for i, layer in enumerate(plan.layers)
        if layer.id in seeing
    )
    categories = plan.pack.categories
    return EventResult(
        settlement=s, decision=decision, category=categories[decision.category - 1].id if decision.category else "",
        identity=decision.identity, window=event.window, layers=results, facts=facts, before=state,
    )  # fmt: skip


def bucket_key(name: str, period: str, unit: str, event: Event) -> tuple[str, object, object]:
    """Return where a bucket's totals are kept for an event; a person's, or the household's where it has one."""
    s = event.settlement
    whose = s.household or s.psn_no if unit == "household" else s.psn_no
    if period.startswith("application:"):
        return name, whose, event.applications.get(period.removeprefix("application:"))
    return name, whose, event.keys.get(period)


def facts_of(plan: Plan, event: Event, rows: Sequence[int]) -> dict[str, int]:
    """Return every fact that the steps read."""
    s = event.settlement
    known: dict[str, int] = {"category": event.decision.category}
    for layer, row, choice in zip(plan.layers, rows, event.decision.layers, strict=True):
        known[f"a.{layer.id}"] = int(row > 0)
        known[f"c.{layer.id}"] = int(row > 0 and choice.counts_as_covered)
        known[f"last.{layer.id}"] = int(bool(event.keys.get(f"last.{layer.id}")))
        known[f"share.{layer.id}"] = share_of(layer, declined=event.profile.declined)
    return {name: known[name] if name in known else getattr(s, name) for name in plan.program.facts}


def _evaluate(
    plan: Plan, facts: dict[str, int], figures: list[tuple[int, ...]], state: dict[str, int], *, reference: bool
) -> tuple[dict[str, int], dict[str, int]]:
    program = plan.program
    if reference:
        known = {**facts, **state}
        for layer, numbers in zip(program.layers, figures, strict=True):
            known.update({f"p.{layer}.{name}": n for name, n in zip(program.figures[layer], numbers, strict=True)})
        values = evaluate(program, known)
        after = {slot: values[program.writes[slot]] if slot in program.writes else value for slot, value in state.items()}
        return values, after
    flat, slots = plan.scalar(tuple(facts.values()), figures, tuple(state.values()))
    names = [name for layer in program.layers for name in program.outputs[layer].values()]
    return dict(zip(names, flat, strict=True)), dict(zip(state, slots, strict=True))


def trace(plan: Plan, result: EventResult) -> dict[str, int]:
    """Return every step's value for one computed event: the explanation is the computation, run again with its operands."""
    rows = [c.row if result.facts.get(f"a.{layer.id}") else 0 for layer, c in zip(plan.layers, result.decision.layers, strict=True)]
    figures = [plan.tables[i][row] for i, row in enumerate(rows)]
    values, _ = plan.trace(tuple(result.facts.values()), figures, tuple(result.before.values()))
    return {step.name: int(value) for step, value in zip(plan.program.steps, values, strict=True)}


def _layer_result(plan: Plan, event: Event, layer: Layer, i: int, values: Mapping[str, int]) -> LayerResult:
    names = plan.program.outputs[layer.id]
    row = event.decision.layers[i].figures
    numbers = {key: int(values[name]) for key, name in names.items()}
    waived = numbers["counted"] + numbers["deductible"] > numbers["base"]
    due = "year_end" if waived else row.due if row else None
    return LayerResult(
        layer=layer.id, **numbers, due_on=due_day(layer, due, event), fund=layer.fund, pays=layer.pays,
        clauses=clauses_of(layer, row, cut=numbers["cut"] != 0, declined=event.profile.declined),
        readings=readings_of(layer, declined=event.profile.declined),
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


def due_day(layer: Layer, of_row: str | None, event: Event) -> date:
    """Return the first day on which a layer may pay: settlement, certification, application, or after the year."""
    due = of_row or layer.due
    if due == "application":
        return event.applications[layer.id]
    settled = event.settlement.setl_time.date()
    known = event.window.record.certified_on if event.window else None
    day = max(settled, known) if known else settled
    for window in due_windows(layer, covered_by_category=event.decision.category > 0):
        opened = event.keys.get(f"window:{window}")
        if isinstance(opened, date):
            day = max(day, opened)
    if due == "december":
        return max(day, date(event.day.year, 12, 31))
    return max(day, date(event.day.year + 1, 1, 1)) if due == "year_end" else day


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
        return {(r.settlement.setl_id, layer.layer): layer.pay for r in results for layer in r.layers}

    old, new = paid(before), paid(after)
    keys = [*new, *(key for key in old if key not in new)]
    return [
        Difference(*key, before=old.get(key, 0), after=new.get(key, 0)) for key in keys if old.get(key, 0) != new.get(key, 0)
    ]


def fold_time(settlement: Settlement) -> tuple[datetime, str]:
    """Return the order in which settlements are folded."""
    return settlement.setl_time, settlement.setl_id

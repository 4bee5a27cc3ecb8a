"""Events: what is known about each settlement of a history before any total is (benefits 3).

Identity records become windows, windows and facts a profile, the profile a decision, and keys say in which year, stay or
reach-back window the event's totals run. :mod:`.fold` computes the events in their order; openings and warnings read them too.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from tuodi.core.dates import age_on
from tuodi.core.engine.conditions import IDENTITY_BITS, Profile, tier_of
from tuodi.core.engine.decide import Decision
from tuodi.core.engine.plan import Plan
from tuodi.core.engine.windows import (
    IdentityWindow,
    Judged,
    ReachBack,
    certification_day,
    identity_windows,
    reach_backs,
    window_of,
)
from tuodi.core.identities import IdentityRecord
from tuodi.core.policy.model import Layer
from tuodi.core.settlements import Settlement


@dataclass(frozen=True, slots=True)
class Application:
    """A person asks for a layer that is due on application only."""

    psn_no: str
    layer: str
    applied_on: date


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
    if how == "settlement":
        return settlement.setl_time.date()
    return settlement.enddate if how == "discharge" else settlement.begndate


def events_of(
    plan: Plan,
    settlements: Sequence[Settlement],
    identities: Sequence[IdentityRecord],
    applications: Sequence[Application] = (),
    *,
    answered: Container[str] | None = None,
) -> list[Event]:
    """Return the events of a history in folding order, decided but not yet computed.

    With ``answered`` only settlements of these ids become events; the others are looked at where one settlement says what
    identity another has (windows used up, the best identity of a year).
    """
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
        for s, mask in zip(ordered, masks, strict=True) if answered is None or s.setl_id in answered
    ]  # fmt: skip
    _mark_last(plan, events)
    return events


def _masks(
    plan: Plan, ordered: list[Settlement], people: dict[str, tuple[list[IdentityWindow], dict[str, list[ReachBack]]]]
) -> list[int]:
    """Return the identities that count for each settlement, as bit masks."""
    masks = []
    used: set[int] = set()
    extended: set[tuple[int, int]] = set()
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
                extended.add((id(window), s.setl_time.year))
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
    return window.meets(care_first=s.begndate, care_last=last if inpatient else s.begndate, settled=s.setl_time.date())


def _event(
    plan: Plan, s: Settlement, *, windows: list[IdentityWindow], openings: dict[str, list[ReachBack]], mask: int,
    applications: list[Application],
) -> Event:  # fmt: skip
    pack = plan.pack
    settled = s.setl_time.date()
    day = judged_day(pack.year_of, s)
    opened = {name: window for name, found in openings.items() if (window := window_of(found, settled))}
    known = (
        day_for_profile(plan, judged_day(pack.in_force.judged_by, s)),
        mask,
        s.med_type,
        plan.diseases_of(s),
        s.refer_stas,
        s.out_prov,
        s.cause,
        tier_of(s.hosp_lv) if s.hosp_lv else "",
        age_on(s.birth, s.begndate) if s.birth else -1,
        tuple(opened),
        registered_elsewhere(plan, s.standard_area) if s.standard_area else False,
        s.designated,
        s.assistance_designated,
        _declined(plan, windows, s),
        s.diag_code,
        plan.diseases_open(s),
    )
    decided = plan.decided.get(known)
    if decided is None:
        profile = Profile(*known)
        decided = plan.decided[known] = profile, plan.decide(profile)
    profile, decision = decided
    applied = _applied(plan, decision, applications, day) if applications else {}
    keys: dict[str, object] = {
        "year": day.year,
        "once": 1,
        "stay": (s.psn_no, s.begndate, s.fixmedins_code) if plan.care_of(s.med_type) == "inpatient" else s.setl_id,
    }
    for name, window in opened.items():
        certified = certification_day(pack, window)
        keys[f"window:{name}"], keys[f"window_year:{name}"] = certified, certified.year
    deciding = _deciding_window(plan, windows, s, decision)
    return Event(s, day, profile, decision, deciding, keys, applied)


def _applied(plan: Plan, decision: Decision, applications: list[Application], day: date) -> dict[str, date]:
    """Return the day of the application that each layer on application looks from; its missing values are raised now."""
    applied: dict[str, date] = {}
    for layer, choice in zip(plan.layers, decision.layers, strict=True):
        if layer.due == "application" and (on := first_application(layer, applications, day)):
            if choice.missing is not None:
                raise choice.missing
            applied[layer.id] = on
    return applied


def day_for_profile(plan: Plan, day: date) -> date:
    """Return the day itself: figures and life are decided day by day; kept as one place to coarsen profiles."""
    return day


def registered_elsewhere(plan: Plan, standard_area: str) -> bool:
    """Say whether the household registration lies outside the pack's area; unknown counts as inside."""
    prefix = plan.pack.area.rstrip("0") if plan.pack.area.endswith("00") else plan.pack.area
    return bool(standard_area) and not standard_area.startswith(prefix)


def first_application(layer: Layer, applications: Iterable[Application], day: date) -> date | None:
    """Return the first application of the same calendar year that looks back on a day (I-40)."""
    found = [
        a.applied_on
        for a in applications
        if a.layer == layer.id and a.applied_on.year == day.year and a.applied_on >= day
    ]
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
    if len(found) < 2:
        return found[0] if found else None
    return min(found, key=lambda w: (w.judged == Judged.SETTLED, w.record.certified_on or w.record.first))


def _mark_last(plan: Plan, events: list[Event]) -> None:
    """Mark the last event that each layer looks at in its deductible period, for a waiver of an unreached deductible (I-02)."""
    for i, layer in enumerate(plan.layers):
        if not layer.deductible.waived_if_unreached:
            continue
        last: dict[object, Event] = {}
        for event in events:
            if event.decision.layers[i].counts_as_covered and (
                layer.due != "application" or layer.id in event.applications
            ):
                s = event.settlement
                whose = s.home if layer.of == "household" else s.psn_no
                last[(whose, event.keys.get(layer.deductible.per))] = event
        for event in last.values():
            event.keys[f"last.{layer.id}"] = 1

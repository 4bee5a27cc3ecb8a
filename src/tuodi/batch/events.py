"""From a person-sorted frame of settlements to the kernel's columns: identities joined, profiles decided.

Whatever depends on codes alone is asked of the plan once for each distinct *profile* (``Plan.decide``, the same call that
the service makes for one settlement); whatever depends on a person's records runs over arrays (:mod:`.windows`).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl

from tuodi.batch.distinct import combined, distinct, factorised
from tuodi.batch.kernel import Choice, Columns, amount_facts, key_names, silent_rows, unit_of
from tuodi.batch.windows import (
    EPOCH,
    FOREVER,
    NONE,
    Roster,
    day_number,
    deciding_certification,
    event_identities,
    record_windows,
    rule_table,
    state_holds,
)
from tuodi.core.engine.conditions import Profile, tier_of
from tuodi.core.engine.decide import Decision
from tuodi.core.engine.fold import registered_elsewhere
from tuodi.core.engine.plan import Plan
from tuodi.core.errors import Fault, MissingValues
from tuodi.core.identities import IDENTITIES

Array = np.ndarray[Any, Any]
IDENTITY_CODES = list(IDENTITIES)
#: Deciding adds to the plan's tables of figures.
_DECIDING = threading.Lock()
#: Columns that a profile is made of beside kind of care and disease, and the condition that looks at each.
CONDITIONS = {
    "refer_stas": "referral", "cause": "cause", "hosp_lv": "hospital", "standard_area": "registered",
    "out_prov": "out_of_province", "designated": "designated", "assistance_designated": "assistance_institution",
}  # fmt: skip
#: Columns that only some frames have.
ADDED = ("designated", "assistance_designated", "diag_others")


@dataclass
class Events:
    """One chunk of settlements, person-sorted, with everything decided but nothing computed."""

    frame: pl.DataFrame
    columns: Columns
    decisions: list[Decision]
    decision: Array
    settled: Array
    judged: Array
    certified: Array
    declined: Array
    window_days: dict[str, Array]
    applied: dict[str, Array] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)


def days(frame: pl.DataFrame, name: str, *, empty: int = NONE) -> Array:
    """Return a column of days as day numbers."""
    return frame[name].cast(pl.Int32).cast(pl.Int64).fill_null(empty).to_numpy()


def roster(identities: pl.DataFrame, people: pl.DataFrame) -> Roster:
    """Return the identity records of the given people (``psn_no``, ``person``), sorted by person."""
    codes = pl.DataFrame({"identity": IDENTITY_CODES, "code": np.arange(len(IDENTITY_CODES), dtype=np.int64)})
    own = (
        identities.join(people, on="psn_no", how="inner", maintain_order="left")
        .join(codes, on="identity", how="left", maintain_order="left")
        .sort("person", maintain_order=True)
    )
    counts = (
        np.bincount(own["person"].to_numpy(), minlength=len(people)) if len(own) else np.zeros(len(people), np.int64)
    )
    start = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    return Roster(
        start, own["code"].to_numpy(), days(own, "begin"), days(own, "end", empty=FOREVER), days(own, "certified_on"),
        days(own, "applied_on"),
    )  # fmt: skip


def columns_read(plan: Plan) -> list[pl.Expr]:
    """Return the columns of settlements that events and entries are made of; the institutions file adds some where there is one."""
    asked, diseases = plan.asked, {"disease", "diagnosis", "not_diagnosis"}
    names = ["row", "refd_setl_flag", "setl_id", "psn_no", "setl_time", "begndate", "enddate", "med_type"]
    names += [name for name, condition in CONDITIONS.items() if condition in asked and name not in ADDED]
    names += ["disease_class", "diag_code"] if asked & diseases else []
    names += ["brdy"] if asked & {"age", *diseases} else []
    names += amount_facts(plan.program)
    names += ["household"] if unit_of(plan.program) == "household" else []
    names += ["fixmedins_code"] if "stay" in key_names(plan.program) else []
    return [pl.col(*names), pl.col(f"^(?:{'|'.join(ADDED)})$")]


def decide(
    plan: Plan, frame: pl.DataFrame, identities: pl.DataFrame, applications: pl.DataFrame | None = None
) -> Events:
    """Return the events of a frame sorted by ``psn_no, setl_time, setl_id`` (no cancelled rows in it)."""
    by_household = unit_of(plan.program) == "household"
    person = factorised(frame["psn_no"])[0] if by_household else frame["psn_no"].rle_id().cast(pl.Int64).to_numpy()
    people = pl.DataFrame({"psn_no": frame["psn_no"].gather(distinct(person)[1])})
    people = people.with_columns(person=pl.int_range(len(people), dtype=pl.Int64))
    held = roster(identities, people)
    settled, judged = days(frame.select(pl.col("setl_time").dt.date()), "setl_time"), _judged(plan.pack.year_of, frame)
    year = frame["setl_time"].dt.year().cast(pl.Int64).to_numpy()
    care_first, care_last = days(frame, "begndate"), _care_last(plan, frame, settled)
    rules, windows = rule_table(plan.pack)
    last_in_force = min(day_number(plan.last), FOREVER)
    own = record_windows(
        held.start,
        held.identity,
        held.first,
        held.last,
        held.certified,
        held.applied,
        rules,
        windows,
        day_number(plan.first),
        last_in_force,
    )
    masks, openings = event_identities(
        person, care_first, care_last, settled, year, held.start, held.identity, rules, *own
    )
    judged_year = _years(judged)
    if plan.pack.category_rule == "best_of_year":
        masks = _best_of_year(person, judged_year, masks)
    declined = _declined(plan, frame, person, held, settled)
    decisions, decision = _decisions(plan, frame, masks, openings, declined)
    applied = _applied(plan, frame, person, people, judged, applications)
    choices, choice = _choices(plan, decisions, decision, declined, applied)
    decided = np.array([IDENTITY_CODES.index(d.identity) if d.identity else -1 for d in decisions], np.int64)[decision]
    certified = deciding_certification(
        person, decided, care_first, care_last, settled, held.start, held.identity, held.first, held.certified, rules,
        *own[:5],
    )  # fmt: skip
    window_days = {name: openings[:, i] for i, name in enumerate(plan.pack.windows)}
    keys = _keys(plan, frame, person, judged_year, window_days=window_days, applied=applied)
    unit = _unit(plan, frame, person)
    columns = Columns(
        unit=unit, amounts={name: frame[name].to_numpy() for name in amount_facts(plan.program)},
        choice=choice, choices=choices, keys=keys, last=_last(plan, unit, choices, choice, keys),
    )  # fmt: skip
    categories = plan.pack.categories
    names = {
        "category": [categories[d.category - 1].id if d.category else "" for d in decisions],
        "identity": [d.identity for d in decisions],
    }
    return Events(
        frame, columns, decisions, decision, settled, judged, certified, declined, window_days, applied, names
    )


def _refuse_missing(decisions: list[Decision], decision: Array, i: int, applied: Array) -> None:
    """Raise the fault of a layer on application that is asked for and reads a value nobody has entered."""
    blocked = np.array([d.layers[i].missing is not None for d in decisions])[decision] & (applied != NONE)
    if blocked.any():
        missing = decisions[decision[int(blocked.argmax())]].layers[i].missing
        assert missing is not None
        raise missing


def _judged(how: str, frame: pl.DataFrame) -> Array:
    if how == "settlement":
        return days(frame.select(pl.col("setl_time").dt.date()), "setl_time")
    return days(frame, {"discharge": "enddate", "admission": "begndate"}[how])


def _years(day: Array) -> Array:
    return day.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970


def _care_last(plan: Plan, frame: pl.DataFrame, settled: Array) -> Array:
    """Return the last day of care: discharge (or settlement, I-41) of a stay, the day itself otherwise."""
    inpatient = _mapped(frame["med_type"], lambda code: plan.care_of(code) == "inpatient").astype(bool)
    last = days(frame, "enddate")
    if plan.pack.stay_ends == "settlement":
        last = np.maximum(last, settled)
    return np.where(inpatient, last, days(frame, "begndate"))


def _mapped(column: pl.Series, of: Any) -> Array:
    """Return ``of(text)`` for each text of a column, asked once for each distinct text."""
    codes, distinct = factorised(column)
    return np.array([int(of(text)) for text in distinct], np.int64)[codes]


def _best_of_year(person: Array, year: Array, masks: Array) -> Array:
    """Return for each event with an identity all identities of its person's year (I-13, other reading)."""
    group, first = distinct(person * 10_000 + year)
    whole = np.zeros(len(first), np.int64)
    np.bitwise_or.at(whole, group, masks)
    spread = whole[group]
    return np.where(masks != 0, spread, 0)


def _declined(plan: Plan, frame: pl.DataFrame, person: Array, held: Roster, settled: Array) -> Array:
    """Return whether the state of a factor holds for each event (I-59)."""
    out = np.zeros(len(frame), np.int8)
    for layer in plan.layers:
        if layer.factor is None:
            continue
        first = last = settled
        if layer.factor.judged_on == "any_day_of_stay":
            first, last = days(frame, "begndate"), days(frame, "enddate")
        elif layer.factor.judged_on == "calendar_year":
            years = _years(settled)
            first = (years - 1970).astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64)
            last = (years - 1969).astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64) - 1
        state = IDENTITY_CODES.index(layer.factor.state)
        out |= state_holds(person, first, last, held.start, held.identity, held.first, held.last, state)
    return out


def _decisions(
    plan: Plan, frame: pl.DataFrame, masks: Array, openings: Array, declined: Array
) -> tuple[list[Decision], Array]:
    """Return the distinct decisions of a chunk and which one each event has."""
    day, asked = _judged(plan.pack.in_force.judged_by, frame), plan.asked
    boundaries = np.array([day_number(b) for b in plan.boundaries])
    segment = np.searchsorted(boundaries, day, side="right")
    codes: dict[str, tuple[Array, list[Any]]] = {
        name: factorised(frame[name]) for name, condition in CONDITIONS.items() if name in frame and condition in asked
    }
    codes["med_type"] = factorised(frame["med_type"])
    diseases, disease_values = _diseases(plan, frame, asked)
    age = _age(frame) if "age" in asked else np.full(len(frame), -1, np.int64)
    inside = sum(((openings[:, w] != NONE).astype(np.int64) << w) for w in range(openings.shape[1])) + np.zeros(
        len(frame), np.int64
    )
    decision, at = combined(
        [segment, distinct(masks)[0], diseases, age + 1, inside, declined, *(c for c, _ in codes.values())]
    )
    names = list(plan.pack.windows)

    def profile(i: int, day: int) -> Profile:
        known = {name: values[of[i]] for name, (of, values) in codes.items()}
        return Profile(
            day=EPOCH + timedelta(days=day), identities=int(masks[i]), med_type=known["med_type"],
            diseases=disease_values[diseases[i]][0], diagnosis=disease_values[diseases[i]][1],
            diseases_by_age=disease_values[diseases[i]][2],
            referral=known.get("refer_stas") or "", out_of_province=bool(known.get("out_prov")), cause=known.get("cause") or "",
            tier=tier_of(known.get("hosp_lv") or ""), age=int(age[i]),
            windows=tuple(name for w, name in enumerate(names) if inside[i] >> w & 1),
            elsewhere=registered_elsewhere(plan, known.get("standard_area") or ""), designated=known.get("designated"),
            assistance_institution=known.get("assistance_designated"), declined=bool(declined[i]),
        )  # fmt: skip

    def decided(i: int) -> Decision:
        """Ask for the first day of the stretch, so that stretches are asked for once; a complaint names the event's own day."""
        first = int(boundaries[segment[i] - 1]) if segment[i] else int(boundaries[0]) - 1
        try:
            return plan.decide(profile(i, first))
        except MissingValues:
            return plan.decide(profile(i, int(day[i])))

    made: list[Decision] = []
    missing: list[Fault] = []
    with _DECIDING:
        for i in at:
            try:
                made.append(decided(int(i)))
            except MissingValues as lacking:
                missing += lacking.faults
    if missing:
        raise MissingValues(missing)
    return made, decision


#: Disease classes, diagnosis where the pack asks for it, classes by age where the age decides and is not known.
_Diseases = tuple[tuple[str, ...], str, tuple[tuple[int, tuple[str, ...]], ...]]


def _diseases(plan: Plan, frame: pl.DataFrame, asked: set[str]) -> tuple[Array, list[_Diseases]]:
    """Return for each event a code, and what each code stands for."""
    asks = bool(asked & {"diagnosis", "not_diagnosis"})
    if not asks and "disease" not in asked:
        return np.zeros(len(frame), np.int64), [(("",), "", ())]
    ages = _under_age(plan, frame)
    certified, diagnosis = factorised(frame["disease_class"]), factorised(frame["diag_code"])
    others = (
        factorised(frame["diag_others"]) if "diag_others" in frame.columns else (np.zeros(len(frame), np.uint32), [""])
    )
    codes, first = combined([certified[0], diagnosis[0], others[0], ages + 1])
    values: dict[_Diseases, int] = {}
    mapped = []
    for i in first:
        certificate, main, more = (found[at[i]] or "" for at, found in (certified, diagnosis, others))
        classes = plan.disease_classes(certificate, main, int(ages[i]), others=more)
        by_age = plan.diseases_by_age(certificate, main, others=more) if ages[i] < 0 else ()
        mapped.append(values.setdefault((classes, main if asks else "", by_age), len(values)))
    return np.array(mapped, np.int64)[codes], list(values)


def _under_age(plan: Plan, frame: pl.DataFrame) -> Array:
    """Return ages only as finely as the pack's disease lists look at them: -1 unknown, else the age or 999."""
    limits = sorted({under for codes in plan.disease_codes.values() for _, under in codes if under})
    if not limits:
        return np.full(len(frame), -1, np.int64)
    age = _age(frame)
    return np.where(age < 0, -1, np.where(age < max(limits), age, 999))


def _age(frame: pl.DataFrame) -> Array:
    """Return completed years on admission; -1 where the birth date is not known."""
    if frame["brdy"].null_count() == len(frame):
        return np.full(len(frame), -1, np.int64)
    born, admitted = pl.col("brdy"), pl.col("begndate")
    month_day = 100 * admitted.dt.month().cast(pl.Int64) + admitted.dt.day()
    birth_day = 100 * born.dt.month().cast(pl.Int64) + born.dt.day()
    years = admitted.dt.year().cast(pl.Int64) - born.dt.year() - (month_day < birth_day).cast(pl.Int64)
    return frame.select(years.fill_null(-1).alias("age"))["age"].to_numpy()


def _choices(
    plan: Plan, decisions: list[Decision], decision: Array, declined: Array, applied: dict[str, Array]
) -> tuple[list[Choice], Array]:
    """Return the distinct choices and which one each event has; a layer on application looks only where somebody applied.

    Whether a factor's state holds is part of the profile, so that events of one decision agree on it.
    """
    asked = np.zeros(len(decision), np.int64)
    on_application = [i for i, layer in enumerate(plan.layers) if layer.due == "application"]
    for bit, i in enumerate(on_application):
        _refuse_missing(decisions, decision, i, applied[plan.layers[i].id])
        asked |= (applied[plan.layers[i].id] != NONE).astype(np.int64) << bit
    codes, first = combined([decision, asked])
    places: dict[Choice, int] = {}
    at: list[int] = []
    for i in first:
        rows = [layer.row for layer in decisions[decision[i]].layers]
        for bit, layer in enumerate(on_application):
            if not asked[i] >> bit & 1:
                rows[layer] = 0
        made = Choice(tuple(rows), decisions[decision[i]].category, bool(declined[i]))
        at.append(places.setdefault(made, len(places)))
    return list(places), np.array(at, np.uint32)[codes]


def _keys(
    plan: Plan,
    frame: pl.DataFrame,
    person: Array,
    year: Array,
    *,
    window_days: dict[str, Array],
    applied: dict[str, Array],
) -> dict[str, Array]:
    """Return the period keys that the program's buckets read."""
    keys: dict[str, Array] = {}
    for period in key_names(plan.program):
        if period == "year":
            keys[period] = year.astype(np.int16)
        elif period == "stay":
            keys[period] = _stays(plan, frame, person)
        elif period.startswith("window:"):
            keys[period] = window_days[period.removeprefix("window:")]
        elif period.startswith("window_year:"):
            keys[period] = _years(window_days[period.removeprefix("window_year:")])
        elif period.startswith("application:"):
            keys[period] = applied[period.removeprefix("application:")]
        else:
            raise AssertionError(period)
    return keys


def _stays(plan: Plan, frame: pl.DataFrame, person: Array) -> Array:
    """Return a number for each stay (person, admission day and institution); other care stands alone."""
    inpatient = _mapped(frame["med_type"], lambda code: plan.care_of(code) == "inpatient").astype(bool)
    admitted = days(frame, "begndate")
    stays, _ = combined([person, admitted - admitted.min(initial=0), factorised(frame["fixmedins_code"])[0]])
    return np.where(inpatient, stays.astype(np.int64), -2 - np.arange(len(frame)))


def _unit(plan: Plan, frame: pl.DataFrame, person: Array) -> Array:
    units = {bucket.unit for bucket in plan.program.buckets}
    if units == {"household"}:
        return household_of(frame).rle_id().cast(pl.Int64).to_numpy()
    return person


def household_of(frame: pl.DataFrame) -> pl.Series:
    """Return the household of each row; a person without one is a household alone, which no household's number can be: no id has a space."""
    alone = pl.when(pl.col("household") == "").then(" " + pl.col("psn_no")).otherwise(pl.col("household"))
    return frame.select(alone.alias("household"))["household"]


def _applied(
    plan: Plan,
    frame: pl.DataFrame,
    person: Array,
    people: pl.DataFrame,
    judged: Array,
    applications: pl.DataFrame | None,
) -> dict[str, Array]:
    """Return for each layer on application the first application of the year that looks back on each event (I-40)."""
    out = {layer.id: np.full(len(frame), NONE, np.int64) for layer in plan.layers if layer.due == "application"}
    if not out or applications is None or not len(applications):
        return out
    events = pl.DataFrame({"n": np.arange(len(frame)), "person": person, "on": judged, "year": _years(judged)})
    asked = applications.join(people, on="psn_no", how="inner").with_columns(
        at=pl.col("applied_on").cast(pl.Int32).cast(pl.Int64), year=pl.col("applied_on").dt.year().cast(pl.Int64)
    )
    for layer, column in out.items():
        own = asked.filter(pl.col("layer") == layer)
        if not len(own):
            continue
        met = (
            events.join(own.select("person", "year", "at"), on=["person", "year"], how="inner")
            .filter(pl.col("at") >= pl.col("on"))
            .group_by("n").agg(pl.col("at").min())
        )  # fmt: skip
        column[met["n"].to_numpy()] = met["at"].to_numpy()
    return out


def _last(plan: Plan, unit: Array, choices: list[Choice], choice: Array, keys: dict[str, Array]) -> dict[str, Array]:
    """Mark the last covered event of each person's or household's deductible period (I-02, other reading)."""
    out: dict[str, Array] = {}
    for i, layer in enumerate(plan.layers):
        if f"last.{layer.id}" not in plan.program.facts:
            continue
        silent = silent_rows(plan, i)
        is_covered = [c.rows[i] > 0 and c.rows[i] not in silent for c in choices]
        covered = np.flatnonzero(np.array(is_covered, bool)[choice])
        period = keys.get(layer.deductible.per, np.ones(len(unit), np.int64))[covered].astype(np.int64)
        group = unit[covered] * (np.ptp(period) + 1 if len(period) else 1) + period
        flags = np.zeros(len(unit), np.int8)
        _, back = np.unique(group[::-1], return_index=True)
        flags[covered[len(covered) - 1 - back]] = 1
        out[f"last.{layer.id}"] = flags
    return out

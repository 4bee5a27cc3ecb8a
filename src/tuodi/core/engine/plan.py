"""A plan: a pack under chosen readings and entered values, ready to decide what applies to an event.

``decide`` turns what is known about one event (its *profile*) into a :class:`Decision`: refusal with its clause, or category
and, for each layer, the row of figures that applies. The batch asks it once for each distinct profile, the service once for
each settlement: one meaning.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import date, timedelta

import msgspec

from tuodi.core.dates import FOREVER, LONG_AGO, Period, add_months, age_on, day_before
from tuodi.core.engine.codegen import Event, compile_scalar, compile_trace
from tuodi.core.engine.compile import compile_program
from tuodi.core.engine.conditions import IDENTITY_BITS, Profile, asked_for
from tuodi.core.engine.decide import Decision, decide, missing_values
from tuodi.core.engine.prove import prove
from tuodi.core.engine.steps import Program
from tuodi.core.errors import PackErrors, declare, fault
from tuodi.core.policy.figures import Entered, EnteredValue, Missing, Resolver, delegated_in
from tuodi.core.policy.model import Layer, Pack
from tuodi.core.settlements import Settlement

E_UNPROVEN = declare(
    "E-PACK-UNPROVEN", "步骤“{step}”（{label}）{why}：{low} 至 {high}", "这一层的数额或层数超出了可靠计算的范围，请核对"
)


@dataclass
class Plan:
    """See the module. Build with :func:`make_plan`; equal inputs make equal plans."""

    pack: Pack
    entered: Entered
    simulate: bool
    program: Program
    layers: list[Layer]
    first: date
    last: date
    tables: list[list[tuple[int, ...]]]
    boundaries: list[date]
    scalar: Event
    trace: Event
    row_index: list[dict[tuple[object, ...], int]] = field(default_factory=list)
    decisions: dict[Profile, Decision] = field(default_factory=dict)
    disease_codes: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    #: What others work out once for a plan: decisions by plain facts, kinds of care, disease classes, the fold's and words' tables.
    decided: dict[tuple[object, ...], tuple[Profile, Decision]] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    classes: dict[tuple[str, str, int, str], tuple[str, ...]] = field(default_factory=dict)
    open_classes: dict[tuple[str, str], tuple[tuple[int, tuple[str, ...]], ...]] = field(default_factory=dict)
    shape: object | None = None
    vocabulary: object | None = None

    @property
    def is_by_household(self) -> bool:
        """Say whether some total is a household's."""
        return any(bucket.unit == "household" for bucket in self.program.buckets)

    @property
    def life(self) -> Period:
        """The days on which the pack answers."""
        return Period(self.first, self.last)

    def segment(self, day: date) -> int:
        """Return which stretch of unchanged figures a day lies in."""
        return bisect_right(self.boundaries, day)

    def category_of(self, identities: int) -> tuple[int, str]:
        """Return the highest category (1-based; 0 none) that a mask of identities gives, and the identity that gives it."""
        for number, category in enumerate(self.pack.categories, start=1):
            for identity in category.identities:
                if identities & IDENTITY_BITS[identity]:
                    return number, identity
        return 0, ""

    def care_of(self, med_type: str) -> str:
        """Return the kind of care of a national code; longer local codes follow their first two digits."""
        found = self.kinds.get(med_type)
        if found is None:
            care = self.pack.care
            lists = (("inpatient", care.inpatient), ("chronic_outpatient", care.chronic_outpatient))
            kinds = (kind for kind, codes in lists if any(med_type.startswith(code) for code in codes))
            found = self.kinds[med_type] = next(kinds, "other")
        return found

    def diseases_of(self, settlement: Settlement) -> tuple[str, ...]:
        """Return the disease classes of a settlement, better first: the certified one, else by main diagnosis (I-58)."""
        if settlement.disease_class:
            return (settlement.disease_class,)
        age = age_on(settlement.birth, settlement.begndate) if settlement.birth else -1
        key = ("", settlement.diag_code, age, settlement.diag_others)
        found = self.classes.get(key)
        if found is None:
            found = self.classes[key] = self.disease_classes(
                "", settlement.diag_code, age, others=settlement.diag_others
            )
        return found

    def disease_classes(self, certified: str, diagnosis: str, age: int, *, others: str = "") -> tuple[str, ...]:
        """Return the classes that a diagnosis falls in; a disease of childhood only at a known age (see ``diseases_by_age``).

        ``others`` are further diagnoses of the bill (``;`` between them), looked at only where the pack says "any".
        """
        diseases = self.pack.diseases
        if certified:
            return (certified,)
        if diseases is None:
            return ("general",)
        codes = [diagnosis, *(others.split(";") if others and diseases.diagnoses == "any" else [])]
        found = []
        for known in diseases.classes:
            for prefix, under in self.disease_codes.get(known.id, []):
                if any(code.startswith(prefix) for code in codes) and (not under or 0 <= age < under):
                    found.append(known.id)
                    break
        return (*found, diseases.otherwise)

    def diseases_by_age(
        self, certified: str, diagnosis: str, *, others: str = ""
    ) -> tuple[tuple[int, tuple[str, ...]], ...]:
        """Return the classes that a diagnosis falls in from each age on, nothing if they are the same at every age."""
        limits = sorted({0, *(under for codes in self.disease_codes.values() for _, under in codes)})
        found = [(age, self.disease_classes(certified, diagnosis, age, others=others)) for age in limits]
        return tuple(found) if len({classes[0] for _, classes in found}) > 1 else ()

    def diseases_open(self, settlement: Settlement) -> tuple[tuple[int, tuple[str, ...]], ...]:
        """Return the classes of a settlement by age, if they depend on a birth date that the bill does not give."""
        if settlement.birth or settlement.disease_class:
            return ()
        key = (settlement.diag_code, settlement.diag_others)
        found = self.open_classes.get(key)
        if found is None:
            found = self.diseases_by_age("", settlement.diag_code, others=settlement.diag_others)
            self.open_classes[key] = found
        return found

    def decide(self, profile: Profile) -> Decision:
        """Return what applies; ``MissingValues`` if a rule that applies reads a value nobody has entered."""
        held = self.decisions.get(profile)
        if held is None:
            held = self.decisions[profile] = decide(self, profile)
        return held


def make_plan(pack: Pack, values: list[EnteredValue] | None = None, *, simulate: bool = False) -> Plan:
    """Return the plan of a pack (readings already applied) under entered values."""
    entered = Entered(values)
    first, last = life(pack, entered)
    program = compile_program(pack, simulate=simulate)
    unproven = prove(program)
    if unproven:
        raise PackErrors(
            fault(E_UNPROVEN, step=u.step, label=u.label, why=u.why, low=u.low, high=u.high) for u in unproven
        )
    layers = [*(pack.insurance if simulate else []), *pack.layers]
    days = {
        first,
        first.replace(month=1, day=1),
        last + timedelta(days=1) if last < FOREVER else FOREVER,
        *entered.days(),
        *_dated_days(layers, entered),
    }
    plan = Plan(
        pack=pack, entered=entered, simulate=simulate, program=program, layers=layers, first=first, last=last,
        tables=[[tuple([0] * len(program.figures[layer.id]))] for layer in layers],
        boundaries=sorted(days), scalar=compile_scalar(program), trace=compile_trace(program),
        row_index=[{} for _ in layers],
    )  # fmt: skip
    plan.disease_codes = _disease_codes(pack, entered)
    plan.asked = asked_for(plan)
    return plan


def life(pack: Pack, entered: Entered) -> tuple[date, date]:
    """Return the first and last day a pack answers for; ``MissingValues`` if one is delegated and not entered."""
    resolver = Resolver(entered, FOREVER)
    clause = pack.in_force.clause
    try:
        first = resolver.day_of(pack.in_force.first)
        last = FOREVER
        if pack.in_force.last is not None and not _open(pack, entered):
            last = resolver.day_of(pack.in_force.last)
        elif pack.in_force.years is not None:
            last = day_before(add_months(first, 12 * pack.in_force.years))
    except Missing as missing:
        raise missing_values(pack, missing, rule="施行期限", clause=clause, day=None) from None
    return first, last


def _open(pack: Pack, entered: Entered) -> bool:
    """Say whether the last day is one that an administrator may enter and has not (I-32)."""
    params = list(delegated_in(pack.in_force.last))
    return any(pack.delegated[p].optional and entered.entry(p, FOREVER) is None for p in params)


def _dated_days(layers: list[Layer], entered: Entered) -> set[date]:
    """Return every day on which a layer's figures change."""
    out: set[date] = set()
    resolver = Resolver(entered, FOREVER)
    for layer in layers:
        for row in layer.figures:
            for bound, later in ((row.first, 0), (row.last, 1)):
                if bound is not None:
                    try:
                        out.add(resolver.day_of(bound) + timedelta(days=later))
                    except Missing:
                        continue
            out.update(_days_in(msgspec.to_builtins(row)))
    return {day for day in out if day > LONG_AGO}


def _days_in(data: object) -> set[date]:
    """Return the days from which dated figures hold, anywhere inside a row."""
    if isinstance(data, list):
        own = {date.fromisoformat(d["first"]) for d in data if isinstance(d, dict) and "value" in d and "first" in d}
        return own.union(*(_days_in(item) for item in data))
    if isinstance(data, dict):
        return set().union(*(_days_in(item) for item in data.values()))
    return set()


def _disease_codes(pack: Pack, entered: Entered) -> dict[str, list[tuple[str, int]]]:
    """Return ICD prefixes (and the age below which they count) of each class; delegated lists only once entered."""
    out: dict[str, list[tuple[str, int]]] = {}
    for known in pack.diseases.classes if pack.diseases else []:
        codes: list[tuple[str, int]] = []
        for disease in pack.disease_lists:
            if disease.list_ == known.list_:
                under = int(disease.under_age) if disease.under_age else 0
                codes += [(prefix.strip(), under) for prefix in disease.icd10.split(";")]
        if known.delegated is not None:
            entry = entered.entry(known.delegated, FOREVER)
            codes += [(prefix.strip(), 0) for prefix in entry.value.split(";")] if entry else []
        out[known.id] = codes
    return out

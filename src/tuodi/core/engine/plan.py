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
from tuodi.core.engine.prove import prove, row_faults
from tuodi.core.engine.rows import figure_row, silent_row
from tuodi.core.engine.steps import Program
from tuodi.core.errors import MissingValues, PackErrors, declare, fault
from tuodi.core.identities import IDENTITIES
from tuodi.core.money import basis_points
from tuodi.core.policy.figures import Entered, EnteredValue, Missing, Resolver, delegated_in
from tuodi.core.policy.model import FigureRow, Layer, Pack, When
from tuodi.core.settlements import HOSPITAL_TIERS, Settlement

E_MISSING = declare(
    "E-DELEGATED-MISSING", "规则“{rule}”（{clause}）需要授权参数 {param}（{asks}），{day} 当日没有录入值",
    "请从{left_to}查得数值，连同来源录入后再算",
)  # fmt: skip
E_UNPROVEN = declare(
    "E-PACK-UNPROVEN", "步骤“{step}”（{label}）{why}：{low} 至 {high}", "这一层的数额或层数超出了可靠计算的范围，请核对"
)
E_RANGE = declare(
    "E-PACK-RANGE", "{layer}（{clause}）的数额“{figure}”超出可算的范围，或次序不对",
    "分段、定额、升档的起点要从小到大，目标不能高于触发线，比例不能超过 100%",
)  # fmt: skip
E_NO_ROW = declare(
    "E-PACK-NO-ROW", "{layer}（{clause}）没有适用于此情形的数额：{profile}", "请运行 tuodi pack check，补上政策包的空缺"
)

IDENTITY_BITS = {code: 1 << i for i, code in enumerate(IDENTITIES)}
NOT_IN_FORCE, NO_CATEGORY, CARE_NOT_COVERED, NOT_COVERED = (
    "not_in_force",
    "no_category",
    "care_not_covered",
    "not_covered",
)


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known about an event, apart from its amounts and the person's history; hashable, few distinct ones.

    ``identities`` is a bit mask of the identities that count; ``windows`` names the reach-back windows it lies in; ``age`` -1
    is unknown; ``declined`` says whether the state of a factor holds.
    """

    day: date
    identities: int
    med_type: str
    diseases: tuple[str, ...]
    referral: str
    out_of_province: bool
    cause: str
    tier: str = ""
    age: int = -1
    windows: tuple[str, ...] = ()
    elsewhere: bool = False
    designated: bool | None = None
    assistance_institution: bool | None = None
    declined: bool = False
    diagnosis: str = ""


@dataclass(frozen=True, slots=True)
class LayerChoice:
    """Which figures a layer reads for an event: ``row`` indexes the layer's table; 0 means it does not look.

    ``missing``: a layer on application reads values that nobody has entered; it is raised only if somebody applies.
    """

    row: int
    counts_as_covered: bool
    figures: FigureRow | None = None
    missing: MissingValues | None = None

    @property
    def looks(self) -> bool:
        """Say whether the layer looks at the event, or would if its values were entered."""
        return self.row > 0 or self.missing is not None


@dataclass(frozen=True, slots=True)
class Decision:
    """What applies to an event. ``refusal`` empty means that at least one layer looks at it."""

    refusal: str
    clause: str
    says: str
    category: int
    identity: str
    layers: tuple[LayerChoice, ...]


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
    #: What others work out once for a plan: decisions by plain facts, kinds of care, disease classes, the fold's and words' tables.
    decided: dict[tuple[object, ...], tuple[Profile, Decision]] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    classes: dict[tuple[str, str, int, str], tuple[str, ...]] = field(default_factory=dict)
    shape: object | None = None
    vocabulary: object | None = None

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
        """Return the classes that a diagnosis falls in; a disease of childhood needs a known age.

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

    def decide(self, profile: Profile) -> Decision:
        """Return what applies; ``MissingValues`` if a rule that applies reads a value nobody has entered."""
        held = self.decisions.get(profile)
        if held is None:
            held = self.decisions[profile] = _decide(self, profile)
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
        *_dated_days(layers, entered, first),
    }
    plan = Plan(
        pack=pack, entered=entered, simulate=simulate, program=program, layers=layers, first=first, last=last,
        tables=[[tuple([0] * len(program.figures[layer.id]))] for layer in layers],
        boundaries=sorted(days), scalar=compile_scalar(program), trace=compile_trace(program),
        row_index=[{} for _ in layers],
    )  # fmt: skip
    plan.disease_codes = _disease_codes(pack, entered, first)
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


def missing_values(pack: Pack, missing: Missing, *, rule: str, clause: str, day: date | None) -> MissingValues:
    """Return the error that names each missing value, its rule, clause and the document to look in."""
    return MissingValues(
        fault(
            E_MISSING, rule=rule, clause=clause, param=param, asks=pack.delegated[param].asks,
            left_to=pack.delegated[param].left_to, day=day or "任何一日",
        )
        for param in missing.params
    )  # fmt: skip


def _dated_days(layers: list[Layer], entered: Entered, first: date) -> set[date]:
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


def _disease_codes(pack: Pack, entered: Entered, first: date) -> dict[str, list[tuple[str, int]]]:
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


def _decide(plan: Plan, profile: Profile) -> Decision:
    pack = plan.pack
    none = tuple(LayerChoice(0, False) for _ in plan.layers)
    early = profile.day < plan.first
    counted_early = early and pack.in_force.earlier_in_first_year == "counts" and profile.day.year == plan.first.year
    reached = early and pack.in_force.reach_back_before_first and bool(profile.windows)
    if (early and not counted_early and not reached) or profile.day > plan.last:
        says = f"不在政策施行期限内（{plan.first} 至 {'长期' if plan.last == FOREVER else plan.last}）"
        return Decision(NOT_IN_FORCE, pack.in_force.clause, says, 0, "", none)
    opened_for = [i for name in profile.windows for i in pack.windows[name].identities]
    identities = profile.identities
    if reached:
        identities &= sum({IDENTITY_BITS[i] for i in opened_for})
    category, identity = plan.category_of(identities)
    chosen = tuple(_choice(plan, i, profile, category) for i in range(len(plan.layers)))
    insurers = len(pack.insurance) if plan.simulate else 0
    # What insurers pay does not depend on whether assistance counts the event.
    insured = (*chosen[:insurers], *none[insurers:])
    counted = _with_silent(plan, profile, chosen) if not _refused(plan, profile, category) else insured
    if category == 0 and not any(choice.looks for choice in chosen[insurers:]):
        if any(choice.row for choice in counted[insurers:]):
            return Decision(
                NO_CATEGORY, pack.no_category, "就医期间没有属于本政策救助对象的身份，只计入累计", 0, "", counted
            )
        return Decision(NO_CATEGORY, pack.no_category, "就医期间没有属于本政策救助对象的身份", 0, "", insured)
    if category == 0 and len(set(opened_for)) == 1:
        identity = opened_for[0]
    for refusal in pack.refusals:
        if holds(plan, refusal.when, profile, category):
            return Decision(refusal.id, refusal.clause, refusal.says, category, identity, insured)
    if category and not any(choice.row for choice in chosen[insurers:]):
        if not _any_care(plan, profile, category):
            return Decision(
                CARE_NOT_COVERED, pack.care.clause, "该医疗类别不在救助费用范围内", category, identity, insured
            )
        clause = pack.layers[0].clause
        return Decision(NOT_COVERED, clause, "该病种、机构或身份没有适用的救助", category, identity, insured)
    if counted_early:
        silent = tuple(LayerChoice(_early_row(plan, i, c), False) if c.row else c for i, c in enumerate(chosen))
        return Decision(
            NOT_IN_FORCE, pack.in_force.clause, "施行前的费用只计入累计，不予救助", category, identity, silent
        )
    return Decision("", "", "", category, identity, counted)


def _refused(plan: Plan, profile: Profile, category: int) -> bool:
    return any(holds(plan, refusal.when, profile, category) for refusal in plan.pack.refusals)


def _any_care(plan: Plan, profile: Profile, category: int) -> bool:
    """Say whether some assistance layer takes this kind of care at all."""
    care = plan.care_of(profile.med_type)
    return any(
        layer.covers.care is msgspec.UNSET or care in layer.covers.care
        for layer in plan.pack.layers
        if layer.due != "application"
    )


def _with_silent(plan: Plan, profile: Profile, chosen: tuple[LayerChoice, ...]) -> tuple[LayerChoice, ...]:
    """Return the choices; where the pack says so, a layer that does not cover the person counts the event all the same (I-38)."""
    if plan.pack.uncovered_settlements != "counted":
        return chosen
    return tuple(
        LayerChoice(_silent_row(plan, i), False)
        if not choice.looks and holds(plan, whoever(layer.covers), profile, 0)
        else choice
        for i, (layer, choice) in enumerate(zip(plan.layers, chosen, strict=True))
    )


def windows_named(when: When) -> list[str]:
    """Return the reach-back windows that conditions name."""
    own = [] if when.window is msgspec.UNSET else [when.window]
    others = [] if when.any_of is msgspec.UNSET else when.any_of
    return own + [name for other in others for name in windows_named(other)]


def whoever(when: When) -> When:
    """Return the conditions without those on the person."""
    unset = msgspec.UNSET
    others = unset if when.any_of is unset else [whoever(other) for other in when.any_of]
    if others is not unset and When() in others:
        others = unset
    return msgspec.structs.replace(when, category=unset, identity=unset, not_identity=unset, any_of=others)


def _silent_row(plan: Plan, i: int) -> int:
    return _row(plan, i, ("silent",), lambda: silent_row(plan.layers[i]))


def _early_row(plan: Plan, i: int, choice: LayerChoice) -> int:
    """Return the row of a settlement before the first day that counts and earns nothing; it uses up the deductible."""
    resolver = Resolver(plan.entered, plan.first)
    return _row(plan, i, ("silent", choice.row), lambda: silent_row(plan.layers[i], choice.figures, resolver))


def _row(plan: Plan, i: int, key: tuple[object, ...], make: object) -> int:
    index = plan.row_index[i]
    if key not in index:
        layer, numbers = plan.layers[i], make()  # type: ignore[operator]
        wrong = row_faults(plan.program.figures[layer.id], numbers)
        if wrong:
            raise PackErrors(fault(E_RANGE, layer=layer.name, clause=layer.clause, figure=figure) for figure in wrong)
        plan.tables[i].append(numbers)
        index[key] = len(plan.tables[i]) - 1
    return index[key]


def _choice(plan: Plan, i: int, profile: Profile, category: int) -> LayerChoice:
    """Return the figures of one layer for a profile: exactly one of its rows, or none."""
    layer = plan.layers[i]
    if not holds(plan, layer.covers, profile, category):
        return LayerChoice(0, False)
    resolver = Resolver(plan.entered, max(profile.day, plan.first))
    matching = [
        (n, row)
        for n, row in enumerate(layer.figures)
        if holds(plan, row.when, profile, category) and _in_time(row, resolver, plan)
    ]
    if not matching:
        return LayerChoice(0, False)
    number, row = matching[0]
    penalty, share = _penalty(plan, layer, profile, category, resolver), (1, 1)
    if layer.factor and layer.factor.of == "rate" and profile.declined:
        share = _fraction(layer.factor.share)
    key = (plan.segment(profile.day), number, penalty, share)
    try:
        index = _row(plan, i, key, lambda: figure_row(layer, row, resolver, penalty=penalty, rate_share=share))
    except Missing as missing:
        error = missing_values(plan.pack, missing, rule=layer.name, clause=row.clause, day=profile.day)
        if layer.due == "application":
            return LayerChoice(0, False, row, error)
        raise error from None
    return LayerChoice(index, True, row)


def _in_time(row: FigureRow, resolver: Resolver, plan: Plan) -> bool:
    try:
        after = row.first is None or resolver.day_of(row.first) <= resolver.day
        before = row.last is None or resolver.day <= resolver.day_of(row.last)
    except Missing as missing:
        raise missing_values(plan.pack, missing, rule=row.clause, clause=row.clause, day=resolver.day) from None
    return after and before


def _penalty(plan: Plan, layer: Layer, profile: Profile, category: int, resolver: Resolver) -> int:
    """Return the basis points taken off the base; of several penalties the heaviest."""
    found = [resolver.rate(p.share) for p in layer.base.penalties if holds(plan, p.when, profile, category)]
    return max(found, default=0)


def share_of(layer: Layer, *, declined: bool) -> int:
    """Return the share (basis points) of what is due that is paid."""
    if layer.factor is None or not declined:
        return 10_000
    top, bottom = _fraction(layer.factor.share)
    assert 10_000 * top % bottom == 0, layer.factor.share
    return 10_000 * top // bottom


def _fraction(share: str) -> tuple[int, int]:
    """Return a share as numerator and denominator, be it written as a fraction or in per cent."""
    top, _, bottom = share.partition("/")
    return (int(top), int(bottom)) if bottom else (basis_points(share), 10_000)


def holds(plan: Plan, when: When, profile: Profile, category: int) -> bool:
    """Say whether every given condition holds; an unknown fact meets no condition that asks for it."""
    unset = msgspec.UNSET
    if when.category is not unset and (not category or plan.pack.categories[category - 1].id not in when.category):
        return False
    if when.identity is not unset and not any(profile.identities & IDENTITY_BITS[i] for i in when.identity):
        return False
    if when.not_identity is not unset and any(profile.identities & IDENTITY_BITS[i] for i in when.not_identity):
        return False
    if when.care is not unset and plan.care_of(profile.med_type) not in when.care:
        return False
    if when.med_type is not unset and not any(profile.med_type.startswith(code) for code in when.med_type):
        return False
    if when.disease is not unset and profile.diseases[0] not in when.disease:
        return False
    if when.diagnosis is not unset and not _diagnosed(plan, when.diagnosis, profile):
        return False
    if when.not_diagnosis is not unset and _diagnosed(plan, when.not_diagnosis, profile):
        return False
    if when.hospital is not unset and profile.tier not in when.hospital:
        return False
    if when.age is not unset and not (profile.age >= 0 and when.age.from_ <= profile.age < when.age.to):
        return False
    return _holds_more(plan, when, profile, category)


def _holds_more(plan: Plan, when: When, profile: Profile, category: int) -> bool:
    unset = msgspec.UNSET
    if when.referral is not unset and profile.referral not in when.referral:
        return False
    if when.out_of_province is not unset and profile.out_of_province != when.out_of_province:
        return False
    if when.cause is not unset and profile.cause not in when.cause:
        return False
    if when.registered is not unset and ("elsewhere" if profile.elsewhere else "here") not in when.registered:
        return False
    if when.designated is not unset and profile.designated != when.designated:
        return False
    if when.assistance_institution is not unset and profile.assistance_institution != when.assistance_institution:
        return False
    if when.any_of is not unset and not any(holds(plan, other, profile, category) for other in when.any_of):
        return False
    return when.window is unset or when.window in profile.windows


def _diagnosed(plan: Plan, spec: object, profile: Profile) -> bool:
    """Say whether the main diagnosis is on a list; a delegated list that nobody has entered restricts nothing (decision 0006)."""
    if isinstance(spec, str):
        text: str | None = spec
    else:
        params = list(delegated_in(spec))
        entry = plan.entered.entry(params[0], profile.day) if params else None
        text = entry.value if entry else None
    return text is None or any(profile.diagnosis.startswith(code.strip()) for code in text.split(";"))


def tier_of(hosp_lv: str) -> str:
    """Return the tier of a national hospital level; empty when not known."""
    return HOSPITAL_TIERS.get(hosp_lv.zfill(2), "") if hosp_lv else ""

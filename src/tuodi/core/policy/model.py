"""The shape of a policy pack: one place's policy as data.

Everything an office may write is one of these structures; unknown keys are refused. Figures are text with their unit
(``3000 元``, ``5 万元``, ``70%``), never bare decimals; days are ``yyyy-mm-dd``. A pack names readings (I-nn) and what each
changes; it never contains an expression (style D3).

What is *not* here: parsing (:mod:`.parse`), meaning (:mod:`tuodi.core.engine`), plausibility (:mod:`.check`).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

Id = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_.\-]*$")]
Text = Annotated[str, Meta(min_length=1)]
Clause = Annotated[str, Meta(pattern=r"^[A-Z]{2,4}-[0-9A-Za-z.]+$")]
ReadingId = Annotated[str, Meta(pattern=r"^I-[0-9]{2}$")]

Care = Literal["inpatient", "chronic_outpatient", "other"]
Tier = Literal["primary", "secondary", "tertiary"]
Referral = Literal["local", "filed", "unfiled"]
Registered = Literal["here", "elsewhere"]
PeriodName = Annotated[str, Meta(pattern=r"^(claim|stay|year|once|application|window:[a-z0-9_]+|window_year:[a-z0-9_]+)$")]

#: Python cannot spell these keys.
KEYS = {"from_": "from", "for_": "for", "list_": "list"}


class Part(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename=KEYS):
    """Base of every structure of a pack."""


class Figure(Part, frozen=True, kw_only=True):
    """A figure that is not a plain text: left to another document, a share or multiple of another, raised by points.

    ``at_least`` beside ``delegated`` is what the text itself states as a minimum: it holds unless a higher value is entered (I-09).
    ``plus`` raises an amount ("100 元"), a rate ("5%") or a day ("1 天").
    """

    delegated: Id | None = None
    at_least: Text | None = None
    share: Text | None = None
    times: int | None = None
    plus: Text | None = None
    of: FigureSpec | None = None


class DatedFigure(Part, frozen=True, kw_only=True):
    """A figure from a day on."""

    first: date
    value: str | Figure


FigureSpec = str | Figure | list[DatedFigure]


class AgeRange(Part, frozen=True, kw_only=True):
    """Completed years on admission, ``[from, to)``."""

    from_: int = 0
    to: int = 999


class When(Part, frozen=True, kw_only=True):
    """Conditions on an event; each list is "one of", all given ones must hold; nothing given holds always.

    ``any_of``: of these conditions one at least must hold as well.
    """

    category: list[Id] | UnsetType = UNSET
    identity: list[Id] | UnsetType = UNSET
    not_identity: list[Id] | UnsetType = UNSET
    care: list[Care] | UnsetType = UNSET
    med_type: list[Text] | UnsetType = UNSET
    disease: list[Id] | UnsetType = UNSET
    diagnosis: str | Figure | UnsetType = UNSET
    not_diagnosis: str | Figure | UnsetType = UNSET
    hospital: list[Tier] | UnsetType = UNSET
    age: AgeRange | UnsetType = UNSET
    referral: list[Referral] | UnsetType = UNSET
    out_of_province: bool | UnsetType = UNSET
    cause: list[str] | UnsetType = UNSET
    registered: list[Registered] | UnsetType = UNSET
    designated: bool | UnsetType = UNSET
    assistance_institution: bool | UnsetType = UNSET
    window: Id | UnsetType = UNSET
    any_of: list[When] | UnsetType = UNSET


class Document(Part, frozen=True, kw_only=True):
    title: Text
    issuer: Text
    number: str = ""
    issued: date | None = None


class InForce(Part, frozen=True, kw_only=True):
    """The life of a pack, by the date of I-11; ``years`` counts from ``first`` where the text gives a length.

    A ``last`` that is left to an optional delegated value is open until somebody enters it (I-32).
    """

    clause: Clause
    first: date | Figure
    last: date | Figure | None = None
    years: int | None = None
    readings: list[ReadingId] = []
    judged_by: Literal["settlement", "discharge", "admission"] = "settlement"
    earlier_in_first_year: Literal["nothing", "counts"] = "nothing"
    reach_back_before_first: bool = False


class Delegated(Part, frozen=True, kw_only=True):
    """A figure the document leaves to another; without a value its rule refuses."""

    clause: Clause
    asks: Text
    left_to: Text
    unit: Literal["yuan", "percent", "day", "days", "number", "diagnoses", "text"]
    optional: bool = False


class Choice(Part, frozen=True, kw_only=True):
    """One reading of an ambiguous sentence: what it means and what it changes in the pack (path: value)."""

    means: Text
    set: dict[str, Any] = {}


class Reading(Part, frozen=True, kw_only=True):
    """An ambiguous sentence (I-nn), the reading in use and the listed others."""

    clause: list[Clause]
    question: Text
    default: Id
    choices: dict[Id, Choice]


class CareKinds(Part, frozen=True, kw_only=True):
    """Which med_type codes are which kind of care; two digits stand for all longer codes that begin with them."""

    clause: Clause
    inpatient: list[Text]
    chronic_outpatient: list[Text]


class Window(Part, frozen=True, kw_only=True):
    """A reach-back window of certifications, ``[day - months, day)``, judged by the settlement day (benefits 3).

    ``accompanied_by``: only certifications beside a record of one of these identities of the same day open it (I-45).
    """

    clause: Clause
    name: Text
    identities: list[Id]
    months: int
    before: Literal["certified_on", "applied_on"] = "certified_on"
    except_last_months: int = 0
    renewals: bool = False
    accompanied_by: list[Id] = []
    readings: list[ReadingId] = []


class IdentityRule(Part, frozen=True, kw_only=True):
    """How a pack stretches or cuts the window of an identity; the first rule that names an identity governs it."""

    clause: Clause
    identities: list[Id]
    readings: list[ReadingId] = []
    lasts_until: Literal["end", "month_end", "year_end"] = "end"
    months_after_end: int = 0
    certified_months: int = 0
    certified_until: Literal["day", "month_end"] = "day"
    reach_back_months: int = 0
    window: Id | None = None
    per_record: Literal["window", "first_settlement", "rest_of_year"] = "window"


class Category(Part, frozen=True, kw_only=True):
    id: Id
    name: Text
    clause: Clause
    identities: list[Id]


class Disease(Part, frozen=True, kw_only=True):
    """One line of a pack's disease list."""

    list_: Id
    disease: Text
    icd10: Text
    under_age: str = ""
    note: str = ""


class DiseaseClass(Part, frozen=True, kw_only=True):
    """A class of diseases: from a list of the pack's ``diseases.csv`` or a delegated list; order is from better to worse."""

    id: Id
    name: Text
    clause: Clause
    list_: Id | None = None
    delegated: Id | None = None


class Diseases(Part, frozen=True, kw_only=True):
    clause: Clause
    readings: list[ReadingId] = []
    classes: list[DiseaseClass]
    otherwise: Id = "general"
    diagnoses: Literal["main", "any"] = "main"


class Refusal(Part, frozen=True, kw_only=True):
    """A ground on which a settlement does not count at all, with its clause."""

    id: Id
    clause: Clause
    says: Text
    when: When
    readings: list[ReadingId] = []


class Band(Part, frozen=True, kw_only=True):
    """A bracket ``[from, next from)`` of the running total; ``limit`` caps what this bracket alone can bring."""

    from_: FigureSpec = "0 元"
    rate: FigureSpec
    limit: FigureSpec | None = None
    less: list[Id] = []


class Lump(Part, frozen=True, kw_only=True):
    """A lump sum once the running total reaches ``from``."""

    from_: FigureSpec
    amount: FigureSpec


class BringDown(Part, frozen=True, kw_only=True):
    """If the running total exceeds ``trigger``, all above ``target`` is paid."""

    trigger: FigureSpec
    target: FigureSpec


class CapStep(Part, frozen=True, kw_only=True):
    """A cap from a running burden on."""

    from_: FigureSpec = "0 元"
    amount: FigureSpec


class FigureRow(Part, frozen=True, kw_only=True):
    """The figures of a layer for the events that meet ``when``; exactly one row must answer."""

    clause: Clause
    when: When = When()
    first: date | Figure | None = None
    last: date | Figure | None = None
    deductible: FigureSpec | None = None
    deductibles_of_year: FigureSpec | None = None
    rate: FigureSpec | None = None
    bands: list[Band] = []
    lumps: list[Lump] = []
    bring_down: BringDown | None = None
    top_up_to: FigureSpec | None = None
    caps: dict[Id, FigureSpec] = {}
    cap_steps: dict[Id, list[CapStep]] = {}
    due: Literal["counter", "application", "year_end", "december"] | None = None


class Penalty(Part, frozen=True, kw_only=True):
    """A share taken off the base."""

    clause: Clause
    when: When
    share: FigureSpec


class Base(Part, frozen=True, kw_only=True):
    """What a layer looks at: a burden less what others paid, less what the layers before it paid.

    ``in_policy``: amount in policy scope; ``in_catalogue``: that plus the class-B first share; ``total``: the whole bill;
    ``cut``: what the cap of another layer cut off. ``less`` left out means every insurer, supplementary insurance and
    reliefs (benefits 2).
    """

    measure: Literal["in_policy", "in_catalogue", "total", "cut"]
    clause: Clause
    less: list[Id] | None = None
    upstream: bool = False
    after: list[Id] | None = None
    cut_of: Id | None = None
    penalties: list[Penalty] = []
    readings: list[ReadingId] = []


class DeductibleRule(Part, frozen=True, kw_only=True):
    per: PeriodName = "year"
    first_claim_only: bool = False
    waived_if_unreached: bool = False
    readings: list[ReadingId] = []


class CapRule(Part, frozen=True, kw_only=True):
    """An accumulator of what has been paid; layers that name the same id share it. ``counts`` adds layers it does not bind."""

    per: PeriodName = "year"
    counts: list[Id] = []
    steps_on: Literal["burden", "counted"] = "burden"
    revives: bool = True
    clause: Clause | None = None
    readings: list[ReadingId] = []


class Factor(Part, frozen=True, kw_only=True):
    """A share taken of what is due while a state holds (TH-3.2.6)."""

    state: Id
    share: Text
    clause: Clause
    of: Literal["due", "rate"] = "due"
    judged_on: Literal["settlement_day", "calendar_year", "any_day_of_stay"] = "settlement_day"
    readings: list[ReadingId] = []


class Layer(Part, frozen=True, kw_only=True):
    """One layer of benefit; layers run in the order written."""

    id: Id
    name: Text
    clause: Clause
    base: Base
    figures: list[FigureRow]
    covers: When = When()
    period: PeriodName = "year"
    of: Literal["person", "household"] = "person"
    deductible: DeductibleRule = DeductibleRule()
    bands: Literal["marginal", "whole"] = "marginal"
    position: Literal["after_deductible", "before_deductible"] = "after_deductible"
    caps: dict[Id, CapRule] = {}
    factor: Factor | None = None
    due: Literal["counter", "application", "year_end", "december"] = "counter"
    fund: Id
    pays: Id = "maf_pay"
    readings: list[ReadingId] = []
    opens: bool = False


class Fund(Part, frozen=True, kw_only=True):
    id: Id
    name: Text
    clause: Clause
    sources: list[Text] = []
    uses: list[Text] = []
    delegated: list[Id] = []
    notes: str = ""


class Premium(Part, frozen=True, kw_only=True):
    """A premium subsidy: who, which insurance, how much, out of which fund (docs/reference/cases.md).

    ``full`` is the whole personal premium (``value``, if given, is the standard that bounds it), ``fixed`` is ``value``, ``none``
    says with its clause that these people get none. ``who`` is a delegated list of identity codes. Of several rules for one
    insurance the highest holds, never two.
    """

    id: Id
    name: Text
    clause: Clause
    insurance: Literal["resident", "supplementary"]
    identities: list[Id] = []
    categories: list[Id] = []
    who: Id | None = None
    amount: Literal["full", "fixed", "none"]
    value: FigureSpec | None = None
    only_insured: bool = False
    only_paid: bool = False
    held: Literal["any_day", "first_day", "payment_day"] = "any_day"
    fund: Id | None = None
    readings: list[ReadingId] = []


class Condition(Part, frozen=True, kw_only=True):
    """A fact that somebody answers with yes or no; ``requires`` is a delegated value that says what must be met."""

    id: Id
    asks: Text
    requires: Id | None = None


class Criterion(Part, frozen=True, kw_only=True):
    """One condition of a means test.

    ``income_per_head``: (income of the window - ``minus``) / members against ``times`` x ``limit``; ``medical_cost``: the patient's
    cost of the window against ``limit``; ``yes_no``: a fact. ``limit_per`` is the unit of the limit; ``times`` is exact ("1.5").
    ``standard`` and ``residence_kind`` choose among values entered by area and residence kind (I-42).
    """

    id: Id
    name: Text
    clause: Clause
    kind: Literal["income_per_head", "medical_cost", "yes_no"]
    asks: Text = "事实"
    limit: FigureSpec | None = None
    limit_per: Literal["year", "month"] = "year"
    times: Text = "1"
    compare: Literal["at_most", "below", "at_least", "above"] = "at_most"
    minus: Literal["none", "in_policy", "self_paid"] = "none"
    window: Literal[
        "twelve_months_before_application_month", "twelve_months_to_application", "previous_calendar_year", "calendar_year"
    ] = "twelve_months_before_application_month"
    standard: Literal["registration", "residence"] = "registration"
    residence_kind: Literal["as_marked", "higher"] = "as_marked"
    requires: Id | None = None
    readings: list[ReadingId] = []


class MeansTest(Part, frozen=True, kw_only=True):
    """A test whose passing lets the office certify an identity, to the whole household or to the patient only."""

    id: Id
    name: Text
    clause: Clause
    identity: Id
    gives_to: Literal["household", "patient"] = "household"
    decided_by: list[Text]
    criteria: list[Criterion]
    readings: list[ReadingId] = []


class Tally(Part, frozen=True, kw_only=True):
    """What a year's burden is counted from: as the base of a layer, over settlements.

    ``after`` names the layers whose payments come off: left out all of them, ``[]`` none; ``upstream`` takes ``maf_pay`` off as
    well. ``counts``: settlements that the pack or one of the lines covers, or all (I-38).
    """

    clause: Clause
    measure: Literal["in_policy", "in_catalogue", "total"]
    less: list[Id] | None = None
    after: list[Id] | None = None
    upstream: bool = True
    counts: Literal["covered", "all"] = "covered"
    covers: When = When()
    readings: list[ReadingId] = []


class Line(Part, frozen=True, kw_only=True):
    """A threshold of the running yearly total for the events that meet ``when``; without ``threshold`` any burden will do."""

    clause: Clause
    when: When = When()
    threshold: FigureSpec | None = None
    compare: Literal["at_least", "above"] = "at_least"


class Opening(Part, frozen=True, kw_only=True):
    """An application that a year's burden opens; somebody decides at discretion, so no amount is computed."""

    id: Id
    name: Text
    clause: Clause
    tally: Tally
    lines: list[Line]
    of: Literal["person", "household"] = "person"
    decided_by: list[Text] = []
    checks: list[Text] = []
    materials: list[Text] = []
    fund: Id | None = None
    readings: list[ReadingId] = []


class WarningLine(Part, frozen=True, kw_only=True):
    """A line of early warning on a year's burden: of falling into (``fall``) or returning to (``relapse``) poverty."""

    id: Id
    name: Text
    clause: Clause
    kind: Literal["fall", "relapse", "other"] = "other"
    tally: Tally
    lines: list[Line]
    of: Literal["person", "household"] = "person"
    focus: list[Id] = []
    route: list[Text] = []
    readings: list[ReadingId] = []


class Duty(Part, frozen=True, kw_only=True):
    """A measure with the units that answer for it."""

    clause: Clause
    measure: Text
    lead: list[Text] = []
    responsible: list[Text] = []


class ProcedureStep(Part, frozen=True, kw_only=True):
    """A step of a procedure; ``term`` names a deadline of ``terms``."""

    id: Id
    clause: Clause
    does: Text
    by: Text
    term: Id | None = None
    materials: list[Text] = []
    readings: list[ReadingId] = []


class Procedure(Part, frozen=True, kw_only=True):
    id: Id
    name: Text
    clause: Clause
    steps: list[ProcedureStep]
    notes: list[Text] = []


class Service(Part, frozen=True, kw_only=True):
    """A service in kind: to whom, how often, up to what amount, paid by which fund.

    ``unless`` are facts that exclude it (already had one free); ``least_amount`` is what one service must be worth.
    """

    id: Id
    name: Text
    clause: Clause
    for_: When = When()
    requires: list[Condition] = []
    unless: list[Condition] = []
    content: list[Text] = []
    times: int | None = None
    per: Literal["year", "once"] = "year"
    first: date | None = None
    last: date | None = None
    yearly_amount: FigureSpec | None = None
    least_amount: FigureSpec | None = None
    fund: Id | None = None
    delegated: list[Id] = []
    readings: list[ReadingId] = []


class DepositWaiver(Part, frozen=True, kw_only=True):
    """Treatment first, payment after: who is admitted without deposit."""

    id: Id
    name: Text
    clause: Clause
    says: Text
    when: When = When()
    requires: list[Condition] = []
    readings: list[ReadingId] = []


class Deadline(Part, frozen=True, kw_only=True):
    """A length of days counted from the day after an event (I-60, I-61).

    ``runs_from`` says from which event; ``pauses``: days spent waiting for missing papers do not count; ``rest_day_end``: what
    happens to an end on a rest day; ``holds_notice`` names a deadline (of a public notice) that must have ended inside the term.
    """

    id: Id
    name: Text
    clause: Clause
    days: int | FigureSpec
    kind: Literal["working", "calendar"]
    runs_from: Literal["acceptance", "submission", "posting", "decision"]
    pauses: bool = False
    rest_day_end: Literal["next_working_day", "stays"] = "stays"
    holds_notice: Id | None = None
    readings: list[ReadingId] = []


class Clearing(Part, frozen=True, kw_only=True):
    """The yearly settlement of a fund on a day; what it covers (I-62)."""

    clause: Clause
    month: int
    day: int
    covers: Literal["to_that_day", "calendar_year"] = "to_that_day"
    readings: list[ReadingId] = []


class Capitation(Part, frozen=True, kw_only=True):
    """A yearly amount a head, paid to institutions after an assessment (I-63)."""

    clause: Clause
    amount: FigureSpec
    heads: Literal["registered_months", "first_of_january"] = "registered_months"
    effect: Literal["in_proportion", "pass_or_fail"] = "in_proportion"
    scale: FigureSpec
    pass_mark: FigureSpec | None = None
    fund: Id | None = None
    readings: list[ReadingId] = []


class Advance(Part, frozen=True, kw_only=True):
    """Who gets the assistance when an institution advanced money after an assignment of rights (I-64)."""

    clause: Clause
    institution_gets: Literal["smaller_of_the_two", "whole_assistance"] = "smaller_of_the_two"
    readings: list[ReadingId] = []


class CostControl(Part, frozen=True, kw_only=True):
    """A limit on an institution's share of in-policy self-paid cost of assisted people, part of its agreement (AK-3.1.3)."""

    clause: Clause
    selfpay_share_at_most: FigureSpec


class AdmissionNotice(Part, frozen=True, kw_only=True):
    """Who is told when a person with an identity is admitted."""

    told: Literal["village_contact", "service_team"]
    clause: Clause
    says: Text


class Terms(Part, frozen=True, kw_only=True):
    """Deadlines and how money is cleared, paid by the head and divided after an advance."""

    deadlines: list[Deadline] = []
    clearing: Clearing | None = None
    capitation: Capitation | None = None
    advance: Advance | None = None
    admission_notices: list[AdmissionNotice] = []
    cost_control: CostControl | None = None


class Accepted(Part, frozen=True, kw_only=True):
    """A warning of ``pack check`` that an officer has looked at and accepts."""

    warning: Text
    reason: Text
    by: Text


class Pack(Part, frozen=True, kw_only=True):
    """One place's policy."""

    pack: Id
    name: Text
    area: Annotated[str, Meta(pattern=r"^[0-9]{6}$")]
    example: bool = False
    document: Document
    in_force: InForce
    interpreter: str = ""
    year_of: Literal["settlement", "discharge", "admission"] = "settlement"
    rounding: Literal["running_total", "each_claim"] = "running_total"
    delegated: dict[Id, Delegated] = {}
    readings: dict[ReadingId, Reading] = {}
    care: CareKinds
    stay_ends: Literal["discharge", "settlement"] = "discharge"
    windows: dict[Id, Window] = {}
    identity_rules: list[IdentityRule] = []
    categories: list[Category]
    category_rule: Literal["each_settlement", "best_of_year"] = "each_settlement"
    uncovered_settlements: Literal["ignored", "counted"] = "ignored"
    no_category: Clause
    diseases: Diseases | None = None
    refusals: list[Refusal] = []
    funds: list[Fund]
    insurance: list[Layer] = []
    layers: list[Layer]
    premiums: list[Premium] = []
    means_tests: list[MeansTest] = []
    openings: list[Opening] = []
    warnings: list[WarningLine] = []
    procedures: list[Procedure] = []
    services: list[Service] = []
    deposit_waivers: list[DepositWaiver] = []
    duties: list[Duty] = []
    terms: Terms = Terms()
    disease_lists: list[Disease] = []
    accepted: list[Accepted] = []

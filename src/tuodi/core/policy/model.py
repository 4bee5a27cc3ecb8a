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
    """A figure that is not a plain text: left to another document, a share or multiple of another, raised by points."""

    delegated: Id | None = None
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
    """Conditions on an event; each list is "one of", all given ones must hold; nothing given holds always."""

    category: list[Id] | UnsetType = UNSET
    identity: list[Id] | UnsetType = UNSET
    not_identity: list[Id] | UnsetType = UNSET
    care: list[Care] | UnsetType = UNSET
    med_type: list[Text] | UnsetType = UNSET
    disease: list[Id] | UnsetType = UNSET
    diagnosis: str | Figure | UnsetType = UNSET
    hospital: list[Tier] | UnsetType = UNSET
    age: AgeRange | UnsetType = UNSET
    referral: list[Referral] | UnsetType = UNSET
    out_of_province: bool | UnsetType = UNSET
    cause: list[str] | UnsetType = UNSET
    registered: list[Registered] | UnsetType = UNSET
    designated: bool | UnsetType = UNSET
    assistance_institution: bool | UnsetType = UNSET
    window: Id | UnsetType = UNSET


class Document(Part, frozen=True, kw_only=True):
    title: Text
    issuer: Text
    number: str = ""
    issued: date | None = None


class InForce(Part, frozen=True, kw_only=True):
    """The life of a pack, by the date of I-11; ``years`` counts from ``first`` where the text gives a length."""

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
    """A reach-back window of certifications, ``[day - months, day)``, judged by the settlement day (benefits 3)."""

    clause: Clause
    name: Text
    identities: list[Id]
    months: int
    before: Literal["certified_on", "applied_on"] = "certified_on"
    except_last_months: int = 0
    renewals: bool = False
    readings: list[ReadingId] = []


class IdentityRule(Part, frozen=True, kw_only=True):
    """How a pack stretches or cuts the window of an identity; the first rule that names an identity governs it."""

    clause: Clause
    identities: list[Id]
    readings: list[ReadingId] = []
    lasts_until: Literal["end", "month_end"] = "end"
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
    due: Literal["counter", "application", "year_end"] | None = None


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
    due: Literal["counter", "application", "year_end"] = "counter"
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
    notes: str = ""


class Premium(Part, frozen=True, kw_only=True):
    """A premium subsidy: who, which insurance, how much, out of which fund."""

    id: Id
    name: Text
    clause: Clause
    insurance: Literal["resident", "supplementary"]
    identities: list[Id] = []
    categories: list[Id] = []
    amount: Literal["full", "fixed", "first_tier"]
    value: FigureSpec | None = None
    only_insured: bool = False
    fund: Id
    held: Literal["any_day", "first_day", "payment_day"] = "any_day"
    readings: list[ReadingId] = []


class Criterion(Part, frozen=True, kw_only=True):
    """One condition of a means test."""

    id: Id
    clause: Clause
    asks: Text
    kind: Literal["income_per_head", "yes_no", "amount_at_least"]
    limit: FigureSpec | None = None
    limit_times: str = "1"
    compare: Literal["at_most", "below", "at_least"] = "at_most"
    minus_medical: Literal["none", "in_policy", "all_self_paid"] = "none"
    window: Literal["twelve_months_to_application", "twelve_months_before_application_month", "previous_calendar_year", "calendar_year"] = (
        "twelve_months_before_application_month"
    )
    per: Literal["year", "month"] = "year"
    requires: Id | None = None


class MeansTest(Part, frozen=True, kw_only=True):
    """A test whose passing lets the office certify an identity."""

    id: Id
    name: Text
    clause: Clause
    identity: Id
    decided_by: list[Text]
    criteria: list[Criterion]
    readings: list[ReadingId] = []


class WarningLine(Part, frozen=True, kw_only=True):
    id: Id
    name: Text
    clause: Clause
    measure: Literal["in_policy_after_insurance", "in_policy_after_assistance", "total_left"]
    threshold: FigureSpec
    identities: list[Id] = []
    route: str = ""
    readings: list[ReadingId] = []


class Duty(Part, frozen=True, kw_only=True):
    """A measure with the units that answer for it."""

    clause: Clause
    measure: Text
    lead: list[Text] = []
    responsible: list[Text] = []


class ProcedureStep(Part, frozen=True, kw_only=True):
    id: Id
    clause: Clause
    does: Text
    by: Text
    days: FigureSpec | int | None = None
    day_kind: Literal["calendar", "working"] = "calendar"
    materials: list[Text] = []
    readings: list[ReadingId] = []


class Procedure(Part, frozen=True, kw_only=True):
    id: Id
    name: Text
    clause: Clause
    steps: list[ProcedureStep]
    notes: list[Text] = []


class Service(Part, frozen=True, kw_only=True):
    id: Id
    name: Text
    clause: Clause
    for_: When = When()
    content: list[Text] = []
    yearly_amount: FigureSpec | None = None
    fund: Id | None = None
    delegated: list[Id] = []
    readings: list[ReadingId] = []


class DepositWaiver(Part, frozen=True, kw_only=True):
    clause: Clause
    says: Text
    when: When
    requires: list[Text] = []


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
    warnings: list[WarningLine] = []
    procedures: list[Procedure] = []
    services: list[Service] = []
    deposit_waivers: list[DepositWaiver] = []
    duties: list[Duty] = []
    terms: dict[Id, Any] = {}
    disease_lists: list[Disease] = []
    accepted: list[Accepted] = []

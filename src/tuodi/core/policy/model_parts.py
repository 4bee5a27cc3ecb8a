"""The small structures of a pack: texts, figures, conditions, life, readings, identities, categories, diseases."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

# A pattern's description is what people are told who wrote something else.
Id = Annotated[
    str, Meta(pattern=r"^[a-z0-9][a-z0-9_.\-]*$", description="小写英文字母、数字、点、横线、下划线，以字母或数字开头")
]
Text = Annotated[str, Meta(min_length=1)]
Clause = Annotated[
    str, Meta(pattern=r"^[A-Z]{2,4}-[0-9A-Za-z.]+$", description="条款号，如 XX-7.1：两到四个大写字母、横线、章节")
]
ReadingId = Annotated[str, Meta(pattern=r"^I-[0-9]{2}$", description="释义的编号，如 I-04")]

Care = Literal["inpatient", "chronic_outpatient", "other"]
Tier = Literal["primary", "secondary", "tertiary"]
Referral = Literal["local", "filed", "unfiled"]
Registered = Literal["here", "elsewhere"]
PeriodName = Annotated[
    str,
    Meta(
        pattern=r"^(claim|stay|year|once|application|window:[a-z0-9_]+|window_year:[a-z0-9_]+)$",
        description="claim、stay、year、once、application、window:追溯窗口、window_year:追溯窗口 之一",
    ),
]

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

"""The shape of a policy pack: one place's policy as data.

Everything an office may write is one of these structures; unknown keys are refused. Figures are text with their unit
(``3000 元``, ``5 万元``, ``70%``), never bare decimals; days are ``yyyy-mm-dd``. A pack names readings (I-nn) and what each
changes; it never contains an expression (style D3).

What is *not* here: parsing (:mod:`.parse`), meaning (:mod:`tuodi.core.engine`), plausibility (:mod:`.check`).
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from tuodi.core.policy.model_around import (
    AdmissionNotice,
    Advance,
    Capitation,
    Clearing,
    Condition,
    CostControl,
    Criterion,
    Deadline,
    DepositWaiver,
    Duty,
    Fund,
    Line,
    MeansTest,
    Opening,
    Premium,
    Procedure,
    ProcedureStep,
    Service,
    Tally,
    Terms,
    WarningLine,
)
from tuodi.core.policy.model_layers import (
    Band,
    Base,
    BringDown,
    CapRule,
    CapStep,
    DeductibleRule,
    Factor,
    FigureRow,
    Layer,
    Lump,
    Penalty,
)
from tuodi.core.policy.model_parts import (
    KEYS,
    AgeRange,
    Care,
    CareKinds,
    Category,
    Choice,
    Clause,
    DatedFigure,
    Delegated,
    Disease,
    DiseaseClass,
    Diseases,
    Document,
    Figure,
    FigureSpec,
    Id,
    IdentityRule,
    InForce,
    Part,
    PeriodName,
    Reading,
    ReadingId,
    Referral,
    Refusal,
    Registered,
    Text,
    Tier,
    When,
    Window,
)

__all__ = [
    "KEYS",
    "Accepted",
    "AdmissionNotice",
    "Advance",
    "AgeRange",
    "Band",
    "Base",
    "BringDown",
    "CapRule",
    "CapStep",
    "Capitation",
    "Care",
    "CareKinds",
    "Category",
    "Choice",
    "Clause",
    "Clearing",
    "Condition",
    "CostControl",
    "Criterion",
    "DatedFigure",
    "Deadline",
    "DeductibleRule",
    "Delegated",
    "DepositWaiver",
    "Disease",
    "DiseaseClass",
    "Diseases",
    "Document",
    "Duty",
    "Factor",
    "Figure",
    "FigureRow",
    "FigureSpec",
    "Fund",
    "Id",
    "IdentityRule",
    "InForce",
    "Layer",
    "Line",
    "Lump",
    "MeansTest",
    "Opening",
    "Pack",
    "Part",
    "Penalty",
    "PeriodName",
    "Premium",
    "Procedure",
    "ProcedureStep",
    "Reading",
    "ReadingId",
    "Referral",
    "Refusal",
    "Registered",
    "Service",
    "Tally",
    "Terms",
    "Text",
    "Tier",
    "WarningLine",
    "When",
    "Window",
]


class Accepted(Part, frozen=True, kw_only=True):
    """A warning of ``pack check`` that an officer has looked at and accepts."""

    warning: Text
    reason: Text
    by: Text


class Pack(Part, frozen=True, kw_only=True):
    """One place's policy."""

    pack: Id
    name: Text
    area: Annotated[str, Meta(pattern=r"^[0-9]{6}$", description="六位数字")]
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

"""A layer of benefit: base, deductible, bands, caps, factor, and the rows of figures that they read (benefits 4)."""

from __future__ import annotations

from datetime import date
from typing import Literal

from tuodi.core.policy.model_parts import (
    Clause,
    Figure,
    FigureSpec,
    Id,
    Part,
    PeriodName,
    ReadingId,
    Text,
    When,
)


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
    #: When this row pays, if not when its layer does; who applies is told to a layer, so a row cannot wait for it.
    due: Literal["counter", "year_end", "december"] | None = None


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

"""What stands around the layers: funds, premiums, means tests, openings, warnings, procedures, services, terms."""

from __future__ import annotations

from datetime import date
from typing import Literal

from tuodi.core.policy.model_parts import (
    Clause,
    FigureSpec,
    Id,
    Part,
    ReadingId,
    Text,
    When,
)


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
        "twelve_months_before_application_month",
        "twelve_months_to_application",
        "previous_calendar_year",
        "calendar_year",
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

"""Histories to what they earn: each bill under the policy that answers for it, and some people's bills folded together.

Nothing is read here but policies; what was paid and what is written is :mod:`.history`.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, replace

from tuodi.apps.policies.queries import InForce, plans_of
from tuodi.apps.registry.insured import area_on, spans_of
from tuodi.apps.registry.models import Person
from tuodi.apps.registry.queries import Home, home_on
from tuodi.apps.settlement.models import Bill
from tuodi.base import clock
from tuodi.core.engine.fold import EventResult, LayerResult, judged_day
from tuodi.core.engine.versions import fold_documents
from tuodi.core.errors import InputErrors, declare, fault
from tuodi.core.identities import IdentityRecord
from tuodi.core.settlements import AMOUNT_FIELDS, Settlement

E_NO_POLICY = declare(
    "E-NO-POLICY", "区划 {area} 在 {day} 没有已批准的政策包", "请政策岗先提交、审核岗批准适用于该区划的政策包"
)  # fmt: skip

#: A fund: whose (the area that the policy is in force for), and which of theirs.
Fund = tuple[str, str]
#: area -> the policies in force there.
PlansOf = Callable[[str], list[InForce]]


@dataclass(frozen=True)
class Computed:
    """What histories earn: results by settlement, and which installation answered each."""

    results: dict[str, EventResult]
    answered: dict[str, InForce]

    def fund(self, layer: LayerResult, result: EventResult) -> Fund:
        """Return the fund that owes a layer of a settlement: that of the area whose policy answered."""
        return self.answered[result.settlement.setl_id].installation.area_code, layer.fund

    def only(self, setl_ids: Container[str]) -> Computed:
        """Return what some of the settlements earn."""
        return Computed(
            {key: result for key, result in self.results.items() if key in setl_ids},
            {key: held for key, held in self.answered.items() if key in setl_ids},
        )


@dataclass(frozen=True)
class Part:
    """One person's part of a fold: settlements and identities, and the policies that answer for them."""

    person: Person
    settlements: list[Settlement]
    records: list[IdentityRecord]
    plans: list[InForce]


def settlement_of(bill: Bill, *, person: Person | None, homes: Sequence[Home] = ()) -> Settlement:
    """Return a bill as the core's value, under the number by which the person is kept; ``homes`` where households count."""
    at = clock.local(bill.setl_time)
    home = home_on(person, homes, at.date()) if person and homes else None
    return Settlement(
        setl_id=bill.setl_id, psn_no=person.psn_no if person else bill.psn_no, fixmedins_code=bill.fixmedins_code, med_type=bill.med_type,
        begndate=bill.begndate, enddate=bill.enddate, setl_time=at, diag_code=bill.diag_code,
        **{name: getattr(bill, name) for name in AMOUNT_FIELDS}, disease_class=bill.disease_class,
        refer_stas=bill.refer_stas, out_prov=bill.out_prov, cause=bill.cause, birth=person.birth if person else None,
        hosp_lv=bill.hosp_lv, designated=bill.designated, household=home.number if home else "",
        assistance_designated=bill.assistance_designated, standard_area=person.registered_area if person else "",
    )  # fmt: skip


def compute(parts: Sequence[Part]) -> Computed:
    """Fold each settlement under the installation that answers for its day (decision 13), where the person was insured then.

    Installations of one document are versions of it, and a year's totals run on from one to the next. Another document begins
    with nothing, unless it says itself that what came earlier in its first year counts (I-30). Layers on application owe
    nothing here: nobody has applied for them. Parts of several people are one fold, in which households' totals are shared.
    """
    everywhere = {held.installation.pk: held for part in parts for held in part.plans}
    plans, number = list(everywhere.values()), {key: n for n, key in enumerate(everywhere)}
    answered: dict[str, InForce] = {}
    groups: dict[int, list[Settlement]] = {}
    for part in parts:
        for s in part.settlements:
            held = answering(part.plans, s, person=part.person)
            answered[s.setl_id] = held
            groups.setdefault(number[held.installation.pk], []).append(s)
    areas = [held.installation.area_code for held in plans]
    records = [record for part in parts for record in part.records]
    return Computed(fold_documents([held.plan for held in plans], groups, records, areas=areas), answered)


def plans_for(person: Person, plans: PlansOf = plans_of) -> list[InForce]:
    """Return the installations that answer for a person, those of each area while they were insured there, oldest first."""
    if not person.insured_moves:
        return plans(person.insured_area)
    return [
        replace(held, since=span.first, before=span.until)
        for span in spans_of(person) for held in plans(span.area)
    ]  # fmt: skip


def answering(plans: list[InForce], s: Settlement, *, person: Person) -> InForce:
    """Return the installation that answers for a settlement, by the date of I-11; the first of an area for what came before it.

    Where two areas judge by different days, so that neither counts the settlement as its own, the day of settling decides.
    """
    settled = s.setl_time.date()
    judged = [(held, judged_day(held.plan.pack.year_of, s)) for held in plans]
    for found in (
        (held for held, day in reversed(judged) if held.answers(day)),
        (held for held, day in judged if held.governs(day)),
        (held for held in reversed(plans) if held.answers(settled)),
    ):
        for held in found:
            return held
    raise InputErrors([fault(E_NO_POLICY, area=area_on(person, settled), day=settled)])


def is_by_household(person: Person, plans: PlansOf) -> bool:
    """Say whether a policy that answers for a person keeps a household's totals."""
    return any(held.plan.is_by_household for held in plans_for(person, plans))

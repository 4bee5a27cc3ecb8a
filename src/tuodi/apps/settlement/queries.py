"""What is asked about settlements: referrals, a person's standing, totals of a year, statements."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import QuerySet, Sum

from tuodi.apps.registry.models import Person
from tuodi.apps.registry.queries import numbers_of
from tuodi.apps.settlement import history
from tuodi.apps.settlement.folding import plans_for
from tuodi.apps.settlement.models import Bill, Entry
from tuodi.base import clock
from tuodi.core.dates import month_end
from tuodi.core.engine.fold import EventResult
from tuodi.core.engine.one_stop import paid_at_counter
from tuodi.core.engine.plan import Plan
from tuodi.core.engine.windows import identity_windows
from tuodi.core.identities import IDENTITIES
from tuodi.core.settlements import INSURER_FIELDS


@dataclass(frozen=True)
class Standing:
    """What a person is in a policy on a day: category, the identity that gives it, and whose pack says so."""

    pack: str
    category: str
    category_name: str
    identity: str
    clause: str

    @property
    def identity_name(self) -> str:
        return IDENTITIES.get(self.identity, "")


def standing_of_person(person: Person, day: date) -> Standing | None:
    """Return a person's category on a day under the policy in force there; None without a policy or a category.

    A policy whose own term is over or has not begun gives nobody anything (DT-5, TH-5).
    """
    plans = [held for held in plans_for(person) if held.answers(day)]
    if not plans or day not in plans[-1].plan.life:
        return None
    plan = plans[-1].plan
    windows = identity_windows(plan.pack, history.records_of(person.psn_no), life=plan.life)
    held = {w.identity for w in windows if w.meets(care_first=day, care_last=day, settled=day)}
    for category in plan.pack.categories:
        for identity in category.identities:
            if identity in held:
                return Standing(plan.pack.pack, category.id, category.name, identity, category.clause)
    return None


def term_over(person: Person, day: date) -> str:
    """Return the clause of the term outside which a day lies, of the policy that would answer; empty inside it."""
    plans = [held.plan for held in plans_for(person) if held.answers(day)]
    return plans[-1].pack.in_force.clause if plans and day not in plans[-1].life else ""


def day_bounds(first: date, last: date) -> tuple[datetime, datetime]:
    """Return the instants at which legal days begin and end, the end excluded."""
    begin = clock.instant(datetime(first.year, first.month, first.day))
    end = clock.instant(datetime(last.year, last.month, last.day)) + timedelta(days=1)
    return begin, end


def statement_rows(code: str, *, first: date, last: date, insutype: str = "", clr_type: str = "") -> QuerySet[Bill]:
    """Return an institution's rows of some days, cancellations as rows of their own, reversed ones left out."""
    begin, end = day_bounds(first, last)
    rows = Bill.objects.filter(fixmedins_code=code, setl_time__gte=begin, setl_time__lt=end, is_reversed=False)
    if insutype:
        rows = rows.filter(insutype=insutype)
    if clr_type:
        rows = rows.filter(clr_type=clr_type)
    return rows.select_related("cancels").order_by("setl_time", "setl_id")


@dataclass(frozen=True)
class StatementLine:
    """One row as reconciliation sees it, in fen; a cancellation is negative and names what it ``cancels``."""

    setl_id: str
    mdtrt_id: str
    psn_no: str
    msgid: str
    medfee: int
    fund: int
    acct: int
    assistance: int
    refunded: bool
    is_gone: bool = False
    cancels: str = ""


def statement(bills: Iterable[Bill]) -> list[StatementLine]:
    """Return the lines of some bills; a cancellation carries the amounts of what it cancels, negated."""
    bills = list(bills)
    granted = counter_grants(b.cancels if b.is_cancellation else b for b in bills)
    lines = []
    for b in bills:
        source, sign = (b.cancels, -1) if b.is_cancellation else (b, 1)
        fund = sum(getattr(source, name) for name in INSURER_FIELDS) + source.maf_pay + granted.get(source.pk, 0)
        lines.append(
            StatementLine(
                b.setl_id, b.mdtrt_id, b.psn_no, b.msgid, sign * source.medfee_sumamt, sign * fund, sign * source.acct_pay,
                sign * granted.get(source.pk, 0), b.is_cancellation, b.cancelled_by_id is not None, source.setl_id if sign < 0 else "",
            )
        )  # fmt: skip
    return lines


def left_to_pay(bill: Bill) -> int:
    """Return what is left of a bill after everybody else, the person's account included: no counter pays more."""
    others = sum(getattr(bill, name) for name in (*INSURER_FIELDS, "maf_pay"))
    return max(0, bill.medfee_sumamt - others - bill.hosp_part_amt - bill.acct_pay)


def counter_pay(plan: Plan, result: EventResult, bill: Bill, *, on: date) -> int:
    """Return what the counter pays of what a bill is granted, in fen: what is due by the day, and left to pay."""
    return min(sum(layer.pay for layer in paid_at_counter(plan, result, on)), left_to_pay(bill))


def counter_grants(bills: Iterable[Bill]) -> dict[int, int]:
    """Return what the counter paid for each bill when it was settled, as its answer said; what is due beyond is paid elsewhere."""
    kept = {bill.pk: bill for bill in bills}
    return {pk: min(max(0, fen), left_to_pay(kept[pk])) for pk, fen in first_grants(set(kept)).items()}


def first_grants(bill_ids: set[int]) -> dict[int, int]:
    """Return what each bill was granted at the counter when it was settled: differences since, and what is due later, apart."""
    rows = Entry.objects.filter(bill__in=bill_ids, refold__cause="settle").select_related("bill", "refold")
    out: dict[int, int] = {}
    for row in rows:
        if row.refold.cause_id == row.bill.setl_id and row.result.get("at_counter", True):
            out[row.bill_id] = out.get(row.bill_id, 0) + row.pay
    return out


def paid_in_year(psn_no: str, year: int, *, months: int = 12) -> dict[str, int]:
    """Return what assistance has paid for a person's settlements of a year or its first months, by layer."""
    begin, end = day_bounds(date(year, 1, 1), month_end(date(year, months, 1)))
    rows = Entry.objects.filter(
        bill__psn_no__in=numbers_of(psn_no), bill__setl_time__gte=begin, bill__setl_time__lt=end
    )
    return {layer: fen for layer, fen in rows.values_list("layer").annotate(Sum("pay")) if fen}

"""Settle, cancel, reverse: each takes the person's lock, folds the history and writes its differences."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from django.core.exceptions import PermissionDenied

from tuodi.apps.institutions.queries import Standing, standing
from tuodi.apps.policies.queries import plans_of
from tuodi.apps.registry.models import Person
from tuodi.apps.settlement import history, permissions
from tuodi.apps.settlement.circles import believed
from tuodi.apps.settlement.demands import demand_alive, demand_not_charged, demand_past, demand_theirs
from tuodi.apps.settlement.histories import earned
from tuodi.apps.settlement.history import Refolded
from tuodi.apps.settlement.models import Bill
from tuodi.apps.settlement.referrals import referrals
from tuodi.base import access, clock, outbox
from tuodi.base.access import visible
from tuodi.base.action import Action
from tuodi.base.prepared import insert
from tuodi.core.engine.fold import EventResult
from tuodi.core.engine.plan import Plan
from tuodi.core.errors import InputErrors, declare, fault

E_INSTITUTION = declare("E-INSTITUTION-UNKNOWN", "定点医药机构 {code} 没有登记", "请联系医保经办机构登记后再结算")
E_SUSPENDED = declare(
    "E-INSTITUTION-SUSPENDED",
    "定点医药机构 {code} 已暂停救助结算：{reason}",
    "请按自费或由参保人回参保地申请，恢复后再联网结算",
)
E_UNDESIGNATED = declare(
    "E-INSTITUTION-UNDESIGNATED",
    "定点医药机构 {code} 在 {day} 没有医保定点协议，不能联网结算",
    "请按自费处理，由参保人回参保地申请；协议已签的请经办机构登记",
)
E_SETTLED = declare("E-SETTLED-ALREADY", "结算号 {setl_id} 已经存在", "如需更正请先撤销原结算，再以新结算号结算")
E_NO_BILL = declare("E-BILL-UNKNOWN", "查不到本机构的结算 {setl_id}", "请核对结算号；他院结算须由原医院撤销")
E_CANCELLED = declare("E-BILL-CANCELLED", "结算 {setl_id} 已于 {at} 撤销", "不需要再次撤销")


@dataclass(frozen=True)
class Settled:
    """A settled bill, what it is granted, and how the rest of the history changed because of it."""

    bill: Bill
    result: EventResult
    refold: Refolded
    person: Person
    plan: Plan


@dataclass(frozen=True)
class Cancelled:
    """A bill that counts no more, and how the rest of the history changed because of it."""

    bill: Bill
    refold: Refolded
    person: Person


def person_of(psn_no: str) -> Person:
    """Return a person, or the one that the record was merged into; unknown is an error that says what to do."""
    person = Person.objects.filter(psn_no=psn_no).select_related("merged_into").first()
    if person is None:
        raise InputErrors([fault(history.E_PERSON, psn_no=psn_no)])
    return person.merged_into or person


def standing_of(code: str, day: date, *, is_online: bool = False) -> Standing:
    """Return what an institution is on the day of a settlement; unknown or suspended is an error.

    A counter that settles online must be designated, and not suspended today either: the day of a settlement is what its own
    message says. What an office enters is kept, and the pack's clause refuses it.
    """
    held = standing(code, day)
    if held is None:
        raise InputErrors([fault(E_INSTITUTION, code=code)])
    if reason := held.suspension or (is_online and held.suspended_today):
        raise InputErrors([fault(E_SUSPENDED, code=code, reason=reason)])
    if is_online and not held.designated and not held.institution.is_out_of_province:
        raise InputErrors([fault(E_UNDESIGNATED, code=code, day=day)])
    return held


def complete(bill: Bill, *, actor: Any) -> None:
    """Set what the register of institutions says of a bill on the day of its settlement."""
    demand_past(bill)
    settled_on = clock.local(bill.setl_time).date()
    held = standing_of(bill.fixmedins_code, settled_on, is_online=actor.role == "hospital")
    bill.hosp_lv = bill.hosp_lv or held.institution.level
    bill.designated, bill.assistance_designated = held.designated, held.assistance


class Settle(Action):
    """Keep a bill and grant what the history earns with it."""

    verb = permissions.SETTLE

    def __init__(self, *, actor: Any, bill: Bill) -> None:
        super().__init__(actor=actor)
        self.bill = bill

    def check(self) -> None:
        if self.actor.role == "hospital" and self.bill.fixmedins_code != self.actor.institution_code:
            raise PermissionDenied("只能为本机构办理结算")
        complete(self.bill, actor=self.actor)

    def lock(self) -> None:
        self.held = history.lock(self.bill.psn_no, bill=self.bill)

    def decide(self) -> None:
        self.read = history.bills_and_paid(self.held, also=self.bill.setl_id)
        if any(kept.setl_id == self.bill.setl_id for kept in self.read[0]):
            raise InputErrors([fault(E_SETTLED, setl_id=self.bill.setl_id)])
        demand_alive(self.held.person, self.bill.begndate)
        demand_not_charged(self.bill, self.held.by_person(self.read[0])[self.held.person.psn_no])
        self.bill.psn_no = self.held.person.psn_no
        self.bill.insutype = self.bill.insutype or self.held.person.insutype or "390"
        self.bill.refer_stas = self.bill.refer_stas or ("filed" if self.held.is_filed else "local")

    def write(self) -> Settled:
        self.bill.recorded_at = clock.now()
        insert(self.bill)
        bills, paid = self.read
        done = history.refold(
            self.held,
            cause="settle",
            cause_id=self.bill.setl_id,
            keep_trace=self.bill.setl_id,
            read=([*bills, self.bill], paid),
        )
        computed = done.computed
        result, answered = computed.results[self.bill.setl_id], computed.answered[self.bill.setl_id]
        return Settled(self.bill, result, done, self.held.person, answered.plan)

    def audited(self, done: Settled) -> dict[str, Any]:
        data = {"pay_fen": done.result.pay, **done.refold.told()}
        return {
            "subject": "settlement",
            "subject_id": self.bill.setl_id,
            "area_code": self.held.person.insured_area,
            "data": data,
        }

    def announce(self, done: Settled) -> None:
        outbox.announce("settlement:settled", setl_id=self.bill.setl_id, pay_fen=done.result.pay)


class CancelSettlement(Action):
    """Cancel a bill: a negative row of its own; the rest of the history gets what it earns without it."""

    verb = permissions.CANCEL

    def __init__(
        self, *, actor: Any, setl_id: str, new_id: str, msgid: str = "", reversal: bool = False, psn_no: str = "", mdtrt_id: str = ""
    ) -> None:  # fmt: skip
        super().__init__(actor=actor)
        self.setl_id, self.new_id, self.msgid, self.reversal = setl_id, new_id, msgid, reversal
        self.psn_no, self.mdtrt_id = psn_no, mdtrt_id

    def check(self) -> None:
        found = visible(self.actor, Bill).filter(setl_id=self.setl_id, is_cancellation=False).first()
        if found is None:
            raise InputErrors([fault(E_NO_BILL, setl_id=self.setl_id)])
        demand_theirs(found, psn_no=self.psn_no, mdtrt_id=self.mdtrt_id)
        self.bill = found

    def lock(self) -> None:
        self.held = history.lock(self.bill.psn_no)
        self.bill.refresh_from_db()
        if self.bill.cancelled_by_id or self.bill.is_reversed:
            at = self.bill.cancelled_by.recorded_at if self.bill.cancelled_by else clock.now()
            raise InputErrors([fault(E_CANCELLED, setl_id=self.setl_id, at=clock.local(at).strftime("%Y-%m-%d %H:%M"))])

    def write(self) -> Cancelled:
        if self.reversal:
            self.bill.is_reversed = True
            self.bill.save(update_fields=["is_reversed"])
        else:
            negative = Bill(
                setl_id=self.new_id, mdtrt_id=self.bill.mdtrt_id, psn_no=self.bill.psn_no, fixmedins_code=self.bill.fixmedins_code,
                msgid=self.msgid, insutype=self.bill.insutype, clr_type=self.bill.clr_type, clr_optins=self.bill.clr_optins,
                med_type=self.bill.med_type, begndate=self.bill.begndate, enddate=self.bill.enddate, setl_time=clock.now(),
                diag_code=self.bill.diag_code, recorded_at=clock.now(), is_cancellation=True,
            )  # fmt: skip
            negative.save(force_insert=True)
            self.bill.cancelled_by = negative
            self.bill.save(update_fields=["cancelled_by"])
        cause = "reverse" if self.reversal else "cancel"
        return Cancelled(self.bill, history.refold(self.held, cause=cause, cause_id=self.setl_id), self.held.person)

    def audited(self, done: Cancelled) -> dict[str, Any]:
        data = {**done.refold.told(), "reversal": self.reversal}
        return {"subject": "settlement", "subject_id": self.setl_id, "data": data}

    def announce(self, done: Cancelled) -> None:
        outbox.announce("settlement:cancelled", setl_id=self.setl_id)


def presettle(actor: Any, bill: Bill) -> EventResult:
    """Return what a bill would be granted now; nothing is kept."""
    return presettle_under(actor, bill)[0]


def presettle_under(actor: Any, bill: Bill) -> tuple[EventResult, Plan]:
    """Return what a bill would be granted now, and the plan that answers for it; nothing is kept."""
    access.demand(actor, permissions.PRESETTLE)
    person = made_ready(bill, actor=actor)
    plans = cache(plans_of)
    computed = earned(believed(person, plans, also=bill), plans)
    return computed.results[bill.setl_id], computed.answered[bill.setl_id].plan


def made_ready(bill: Bill, *, actor: Any) -> Person:
    """Set on a bill what is known of its institution, person and referral, and return the person; refused as settling it is."""
    complete(bill, actor=actor)
    person = person_of(bill.psn_no)
    demand_alive(person, bill.begndate)
    covering = referrals(person.pk, institution=bill.fixmedins_code, day=bill.begndate)
    bill.refer_stas = bill.refer_stas or ("filed" if covering.exists() else "local")
    bill.psn_no = person.psn_no
    return person


class RestoreSettlement(Action):
    """Undo a cancellation whose answer the hospital never got (2601 of 2208 or 2305)."""

    verb = permissions.REVERSE

    def __init__(self, *, actor: Any, setl_id: str) -> None:
        super().__init__(actor=actor)
        self.setl_id = setl_id

    def check(self) -> None:
        found = visible(self.actor, Bill).filter(setl_id=self.setl_id, is_cancellation=False).first()
        if found is None:
            raise InputErrors([fault(E_NO_BILL, setl_id=self.setl_id)])
        self.bill = found

    def lock(self) -> None:
        self.held = history.lock(self.bill.psn_no)
        self.bill.refresh_from_db()

    def decide(self) -> None:
        kept = self.held.by_person(history.bills_and_paid(self.held)[0])[self.held.person.psn_no]
        demand_not_charged(self.bill, kept)

    def write(self) -> Refolded | None:
        negative = self.bill.cancelled_by
        if negative is None:
            return None
        negative.is_reversed = True  # first: the database lets go only of a cancellation that is reversed
        negative.save(update_fields=["is_reversed"])
        self.bill.cancelled_by = None
        self.bill.save(update_fields=["cancelled_by"])
        return history.refold(self.held, cause="reverse", cause_id=self.setl_id)

    def audited(self, done: Refolded | None) -> dict[str, Any]:
        data = {**(done.told() if done else {"change_fen": 0}), "restored": True}
        return {"subject": "settlement", "subject_id": self.setl_id, "data": data}

    def announce(self, done: Refolded | None) -> None:
        outbox.announce("settlement:restored", setl_id=self.setl_id)

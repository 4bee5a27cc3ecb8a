"""Keep a report, compare a day, mend a difference, decide a mend that moves money."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import date, datetime
from typing import Any

from django.core.exceptions import PermissionDenied

from tuodi.apps.institutions.models import Institution
from tuodi.apps.reconciliation import permissions, queries
from tuodi.apps.reconciliation.comparing import Line, compare
from tuodi.apps.reconciliation.models import Finding, Mend, Report, Run
from tuodi.apps.settlement.actions import Cancelled, CancelSettlement, Settle, Settled
from tuodi.apps.settlement.models import Bill
from tuodi.base import access, clock
from tuodi.base.action import Action
from tuodi.core.errors import InputErrors, declare, fault
from tuodi.core.money import fen_from_yuan
from tuodi.core.settlements import AMOUNT_FIELDS

E_OLD = declare("E-RECON-OLD", "这一天已经重新对账，这条差异不是最新的", "请回到该日的对账结果，从最新的差异办理")
E_WAITING = declare("E-RECON-WAITING", "这条差异已有一项处理在等复核", "请先由复核岗办结")
E_MEND = declare("E-RECON-MEND", "这条差异不能用“{mend}”处理", "请从列出的处理办法中选择")
E_DECIDED = declare("E-RECON-DECIDED", "这项处理已经办结", "请刷新页面")
E_SAME_PERSON = declare("E-RECON-SAME-PERSON", "提出处理的人不能自己复核", "请由另一位审批岗办理")
E_REASON = declare("E-RECON-REASON", "没有写明理由", "请写明核实的情况，便于日后查证")
E_FUTURE = declare("E-RECON-FUTURE", "对账日 {day} 还没有到", "请选择今天或以前的日期")


def refuse(code: str, /, **values: object) -> InputErrors:
    """Return an error of one fault, ready to be raised."""
    return InputErrors([fault(code, **values)])


class OfDay(Action):
    """What is done to one institution and day; the institution's row is the lock."""

    def __init__(self, *, actor: Any, code: str, day: date) -> None:
        super().__init__(actor=actor)
        self.code, self.day = code, day

    def check(self) -> None:
        rows = Institution.objects.all() if self.actor.role == "system" else queries.institutions_of(self.actor)
        found = rows.filter(code=self.code).first()
        if found is None:
            raise PermissionDenied("这家机构不在您的范围内")
        self.institution = found
        if self.day > clock.today():
            raise refuse(E_FUTURE, day=self.day)

    def lock(self) -> None:
        Institution.objects.select_for_update().get(pk=self.institution.pk)


class KeepReport(OfDay):
    """Keep what a side reported. A hospital speaks for itself only; the insurer's file is brought by the office."""

    verb = permissions.REPORT

    def __init__(
        self, *, actor: Any, code: str, day: date, side: str, filename: str, lines: list[Line]
    ) -> None:  # fmt: skip
        super().__init__(actor=actor, code=code, day=day)
        self.side, self.filename, self.lines = side, filename, lines

    def check(self) -> None:
        super().check()
        if self.side == "insurer" and self.actor.role == "hospital":
            raise PermissionDenied("医保机构的对账文件由经办机构上传")

    def write(self) -> Report:
        told = [line.told() for line in self.lines]
        return Report.objects.create(
            fixmedins_code=self.code, area_code=self.institution.area_code, day=self.day, side=self.side,
            filename=self.filename[:200], digest=hashlib.sha256(repr(told).encode()).hexdigest(), lines=told, by=self.actor,
            at=clock.now(),
        )  # fmt: skip

    def audited(self, done: Report) -> dict[str, Any]:
        data = {"institution": self.code, "day": str(self.day), "side": self.side, "lines": len(self.lines)}
        return {"subject": "report", "subject_id": done.pk, "area_code": done.area_code, "data": data}


class Reconcile(OfDay):
    """Compare the three sides of an institution and day; earlier runs stay."""

    verb = permissions.RUN

    def decide(self) -> None:
        self.hospital = queries.report_of(self.code, self.day, "hospital")
        self.insurer = queries.report_of(self.code, self.day, "insurer")
        self.found = compare(
            queries.ours(self.code, self.day),
            hospital=queries.lines_of(self.hospital),
            insurer=queries.lines_of(self.insurer),
        )

    def write(self) -> Run:
        made = Run.objects.create(
            fixmedins_code=self.code, area_code=self.institution.area_code, day=self.day, hospital=self.hospital,
            insurer=self.insurer, counts=dict(Counter(one.kind for one in self.found)), by=self.actor, at=clock.now(),
        )  # fmt: skip
        Finding.objects.bulk_create(
            Finding(
                run=made, setl_id=one.setl_id, kind=one.kind, sides=one.sides, wrong=one.wrong, signature=one.signature
            )
            for one in self.found
        )
        return made

    def audited(self, done: Run) -> dict[str, Any]:
        data = {"institution": self.code, "day": str(self.day), **done.counts}
        return {"subject": "reconciliation", "subject_id": done.pk, "area_code": done.area_code, "data": data}


class MendDifference(Action):
    """Do something about a difference: at once where no money moves, else proposed to the approver."""

    verb = permissions.MEND

    def __init__(self, *, actor: Any, finding: Finding, kind: str, reason: str) -> None:
        super().__init__(actor=actor)
        self.finding, self.kind, self.reason = finding, kind, reason.strip()

    def check(self) -> None:
        self.finding = access.get(self.actor, Finding, self.finding.pk, self.verb)
        if not self.reason:
            raise refuse(E_REASON)
        if self.kind not in dict(queries.choices_for(self.finding, self.actor)):
            raise refuse(E_MEND, mend=queries.MEND_NAMES.get(self.kind, self.kind))

    def lock(self) -> None:
        Run.objects.select_for_update().get(pk=self.finding.run_id)
        if not queries.newest_runs(self.actor).filter(pk=self.finding.run_id).exists():
            raise refuse(E_OLD)
        if self.finding.mends.filter(state="waiting").exists():
            raise refuse(E_WAITING)

    def write(self) -> Mend:
        return Mend.objects.create(
            finding=self.finding, kind=self.kind, reason=self.reason, proposed_by=self.actor, proposed_at=clock.now(),
            state="waiting" if self.kind in queries.MONEY else "done",
        )  # fmt: skip

    def audited(self, done: Mend) -> dict[str, Any]:
        data = {"setl_id": self.finding.setl_id, "mend": self.kind, "state": done.state}
        return {"subject": "mend", "subject_id": done.pk, "area_code": self.finding.run.area_code, "data": data}


class DecideMend(Action):
    """Confirm or send back a mend that moves money, as somebody else; confirmed, it is done in the same transaction."""

    verb = permissions.APPROVE

    def __init__(self, *, actor: Any, mend: Mend, refusal: str | None = None) -> None:
        super().__init__(actor=actor)
        self.mend, self.refusal = mend, refusal

    def check(self) -> None:
        self.mend = access.get(self.actor, Mend, self.mend.pk, self.verb)
        if self.refusal is not None and not self.refusal.strip():
            raise refuse(E_REASON)
        if self.mend.proposed_by_id == self.actor.pk:
            raise refuse(E_SAME_PERSON)

    def lock(self) -> None:
        self.mend = Mend.objects.select_for_update(of=("self",)).select_related("finding__run").get(pk=self.mend.pk)
        if self.mend.state != "waiting":
            raise refuse(E_DECIDED)

    def write(self) -> Mend:
        mend = self.mend
        if self.refusal is None:
            (_cancel if mend.kind == "cancel" else _record)(mend, actor=self.actor)
        mend.state = "done" if self.refusal is None else "refused"
        mend.decided_by, mend.decided_at, mend.refusal = self.actor, clock.now(), (self.refusal or "").strip()
        mend.save(update_fields=["state", "decided_by", "decided_at", "refusal"])
        return mend

    def audited(self, done: Mend) -> dict[str, Any]:
        run = done.finding.run
        data = {"setl_id": done.finding.setl_id, "mend": done.kind, "state": done.state}
        return {"subject": "mend", "subject_id": done.pk, "area_code": run.area_code, "data": data}


def _told(said: dict[str, Any], mend: Mend) -> dict[str, Any]:
    return {**said, "data": {**said["data"], "mend_id": mend.pk, "proposed_by": mend.proposed_by_id}}


class CancelByMend(CancelSettlement):
    """Cancel a settlement as two people decided. Who confirms does it: who proposed may have left the office since."""

    verb = permissions.APPROVE

    def __init__(self, *, actor: Any, mend: Mend) -> None:
        super().__init__(actor=actor, setl_id=mend.finding.setl_id, new_id=f"R{mend.pk:012d}")
        self.mend = mend

    def audited(self, done: Cancelled) -> dict[str, Any]:
        return _told(super().audited(done), self.mend)


class SettleByMend(Settle):
    """Record a settlement that was missing as two people decided; done by who confirms."""

    verb = permissions.APPROVE

    def __init__(self, *, actor: Any, bill: Bill, mend: Mend) -> None:
        super().__init__(actor=actor, bill=bill)
        self.mend = mend

    def audited(self, done: Settled) -> dict[str, Any]:
        return _told(super().audited(done), self.mend)


def _cancel(mend: Mend, *, actor: Any) -> None:
    CancelByMend(actor=actor, mend=mend).run()


def _record(mend: Mend, *, actor: Any) -> None:
    SettleByMend(actor=actor, bill=bill_to_record(mend), mend=mend).run()


def bill_to_record(mend: Mend) -> Bill:
    """Return the bill as the insurer wrote it; ours is computed, whatever the file says that assistance paid."""
    told = mend.finding.sides["insurer"]["bill"]
    assert told is not None, mend.pk
    amounts = {name: fen_from_yuan(told.get(name, "0")) for name in AMOUNT_FIELDS} | {"maf_pay": 0}
    return Bill(
        setl_id=told["setl_id"], mdtrt_id=told.get("mdtrt_id", ""), psn_no=told["psn_no"],
        fixmedins_code=mend.finding.run.fixmedins_code, med_type=told["med_type"],
        begndate=date.fromisoformat(told["begndate"]), enddate=date.fromisoformat(told["enddate"]),
        setl_time=clock.instant(datetime.fromisoformat(told["setl_time"])), diag_code=told["diag_code"],
        disease_class=told.get("disease_class", ""), refer_stas=told.get("refer_stas", "local"),
        out_prov=told.get("out_prov") == "1", cause=told.get("cause", ""), hosp_lv=told.get("hosp_lv", ""),
        acct_pay=fen_from_yuan(told.get("acct_pay", "0")), **amounts,
    )  # fmt: skip

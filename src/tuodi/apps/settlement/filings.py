"""Filings: referral (2501 / 2502) and chronic disease (2503 / 2504)."""

from __future__ import annotations

from typing import Any

from tuodi.apps.settlement import permissions
from tuodi.apps.settlement.actions import person_of
from tuodi.apps.settlement.demands import is_same_person
from tuodi.apps.settlement.envelope import Fields
from tuodi.apps.settlement.gateway import Call, Reply, handles, own_id
from tuodi.apps.settlement.models import Filing
from tuodi.base import clock
from tuodi.base.action import Action
from tuodi.core.errors import InputErrors, declare, fault

E_NO_FILING = declare("E-FILING-UNKNOWN", "查不到备案 {number}", "请核对待遇申报明细流水号")
E_GONE = declare("E-FILING-CANCELLED", "备案 {number} 已经撤销", "不需要再次撤销")


class MakeFiling(Action):
    """Keep a filing from its first day on, under the number that it names: a parting of merged records gives it back."""

    verb = permissions.FILE

    def __init__(self, *, actor: Any, filing: Filing) -> None:
        super().__init__(actor=actor)
        self.filing = filing

    def check(self) -> None:
        person_of(self.filing.psn_no)

    def write(self) -> Filing:
        self.filing.recorded_at = clock.now()
        self.filing.save(force_insert=True)
        return self.filing

    def audited(self, done: Filing) -> dict[str, Any]:
        return {"subject": "filing", "subject_id": done.number, "data": {"kind": done.kind}}


class CancelFiling(Action):
    """Cancel a filing; what was settled under it stays as it was settled."""

    verb = permissions.FILE

    def __init__(self, *, actor: Any, number: str, psn_no: str, kind: str) -> None:
        super().__init__(actor=actor)
        self.number, self.psn_no, self.kind = number, psn_no, kind

    def lock(self) -> None:
        found = Filing.objects.select_for_update().filter(number=self.number, kind=self.kind).first()
        if found is None or not is_same_person(self.psn_no, found.psn_no):
            raise InputErrors([fault(E_NO_FILING, number=self.number)])
        if found.cancelled_at:
            raise InputErrors([fault(E_GONE, number=self.number)])
        self.filing = found

    def write(self) -> Filing:
        self.filing.cancelled_at = clock.now()
        self.filing.save(update_fields=["cancelled_at"])
        return self.filing

    def audited(self, done: Filing) -> dict[str, Any]:
        return {"subject": "filing", "subject_id": done.number, "data": {"cancelled": True}}


def _make(call: Call, filing: Filing, fields: Fields) -> Reply:
    fields.done()
    filing.number = own_id("F", call)
    made = MakeFiling(actor=call.actor, filing=filing).run()
    return Reply({"result": {"trt_dcla_detl_sn": made.number}}, subject=made.number)


@handles("2501", changes=True)
def file_referral(call: Call) -> Reply:
    fields = Fields(call.envelope.node("refmedin") or call.envelope.node("data"))
    first = fields.day("begndate") or fields.day("refl_date", title="转院日期")
    filing = Filing(
        kind="referral", psn_no=fields.text("psn_no", title="人员编号", limit=30),
        diag_code=fields.text("diag_code", title="诊断代码", limit=20),
        target=fields.text("reflin_medins_no", title="转往医院编号", limit=30),
        target_area=fields.text("mdtrtarea_admdvs", limit=12), first=first, last=fields.day("enddate"),
        data={"reason": fields.text("refl_rea", limit=100), "type": fields.text("refl_type", limit=30)},
    )  # fmt: skip
    return _make(call, filing, fields)


@handles("2503", changes=True)
def file_chronic(call: Call) -> Reply:
    fields = Fields(call.envelope.node("data"))
    filing = Filing(
        kind="chronic", psn_no=fields.text("psn_no", title="人员编号", limit=30),
        target=fields.text("opsp_dise_code", title="慢特病病种代码", limit=30), first=fields.day("begndate", title="开始日期"),
        last=fields.day("enddate"), data={"name": fields.text("opsp_dise_name", limit=300)},
    )  # fmt: skip
    return _make(call, filing, fields)


def _cancel(call: Call, kind: str) -> Reply:
    fields = Fields(call.envelope.node("data"))
    number, psn_no = (
        fields.text("trt_dcla_detl_sn", title="待遇申报明细流水号", limit=30),
        fields.text("psn_no", title="人员编号", limit=30),
    )
    fields.done()
    CancelFiling(actor=call.actor, number=number, psn_no=psn_no, kind=kind).run()
    return Reply({}, subject=number)


@handles("2502", changes=True)
def cancel_referral(call: Call) -> Reply:
    return _cancel(call, "referral")


@handles("2504", changes=True)
def cancel_chronic(call: Call) -> Reply:
    return _cancel(call, "chronic")

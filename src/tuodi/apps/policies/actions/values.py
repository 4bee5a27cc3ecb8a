"""Delegated values: entered with their source by one person, approved by another; samples say that they are samples."""

from __future__ import annotations

from datetime import date
from typing import Any

from tuodi.apps.policies import permissions
from tuodi.apps.policies.actions.base import (
    E_DECIDED,
    E_MISSING,
    E_REASON,
    demand_another,
    demand_area,
    demand_impact,
    lock_area,
    row_for,
)  # fmt: skip
from tuodi.apps.policies.models import DelegatedValue, Installation
from tuodi.apps.policies.queries import Proposal, pack_of, plans_of, state_of
from tuodi.base import clock, outbox
from tuodi.base.action import Action, refuse
from tuodi.core.errors import InputErrors, MissingValues, declare, fault
from tuodi.core.money import basis_points
from tuodi.core.policy.check_figures import reads
from tuodi.core.policy.local_values import plain_param
from tuodi.core.policy.model import Delegated

E_PARAM = declare("E-POLICY-PARAM", "{area} 的政策包里没有授权参数“{param}”", "请先提交政策包，再从它的参数表中选择")
E_SOURCE = declare(
    "E-POLICY-SOURCE", "没有写明“{param}”的来源", "请写明查得该数值的文件名称、文号和条款；示例值请勾选“示例”"
)
E_VALUE_FORM = declare("E-POLICY-VALUE", "“{param}”的值“{given}”不是{wanted}", "请按文件原文录入")

WANTED = {
    "yuan": "金额（如 660.00）", "percent": "比例（如 60%，不超过 100%）", "day": "日期（yyyy-mm-dd）", "days": "天数（整数）", "number": "整数",
    "diagnoses": "诊断编码（大写字母加数字，几个之间用半角分号，如 C34;N18.5）", "text": "文字",
}  # fmt: skip
SAMPLE = "示例"


def is_readable(unit: str, value: str) -> bool:
    """Say whether a value is written as its unit wants it.

    >>> is_readable("yuan", "660.00"), is_readable("percent", "0.6"), is_readable("day", "2025-12-31")
    (True, False, True)
    >>> is_readable("percent", "180%"), is_readable("diagnoses", "C34;N18.5"), is_readable("diagnoses", "C34；N18.5")
    (False, True, False)
    """
    return bool(value) and reads(value, unit) and not (unit == "percent" and basis_points(value) > 10_000)


def declared_param(area_code: str, param: str) -> Delegated | None:
    """Return what the packs of an area, approved or waiting, say of a parameter."""
    rows = Installation.objects.filter(area_code=area_code, refused_at__isnull=True).order_by("-first", "-pk")
    for row in rows:
        found = pack_of(row).delegated.get(plain_param(param))
        if found is not None:
            return found
    return None


class ProposeValue(Action):
    """Enter a value for a parameter that an area's pack leaves to another document; returns it, waiting for another person.

    ``param`` may bear a qualifier (``param@610902.urban``). ``first`` None: always. A sample's source begins with 示例.
    """

    verb = permissions.PROPOSE_VALUE

    def __init__(
        self,
        *,
        actor: Any,
        area_code: str,
        param: str,
        value: str,
        source: str,
        first: date | None = None,
        is_sample: bool = False,
    ) -> None:
        super().__init__(actor=actor)
        self.area_code, self.param, self.value, self.first = area_code, param.strip(), value.strip(), first
        self.source, self.is_sample = source.strip(), is_sample or source.strip().startswith(SAMPLE)

    def check(self) -> None:
        demand_area(self.actor, self.area_code)

    def lock(self) -> None:
        lock_area(self.area_code)

    def decide(self) -> None:
        declared = declared_param(self.area_code, self.param)
        if declared is None:
            raise refuse(E_PARAM, area=self.area_code, param=self.param)
        found = []
        if not is_readable(declared.unit, self.value):
            found.append(fault(E_VALUE_FORM, param=self.param, given=self.value, wanted=WANTED[declared.unit]))
        if not self.source and not self.is_sample:
            found.append(fault(E_SOURCE, param=self.param))
        if found:
            raise InputErrors(found)
        if self.is_sample and not self.source.startswith(SAMPLE):
            self.source = f"{SAMPLE}值：{self.source}" if self.source else f"{SAMPLE}值"

    def write(self) -> DelegatedValue:
        return DelegatedValue.objects.create(
            area_code=self.area_code, param=self.param, value=self.value, source=self.source, first=self.first, is_sample=self.is_sample,
            proposed_by=self.actor, proposed_at=clock.now(),
        )  # fmt: skip

    def audited(self, done: DelegatedValue) -> dict[str, Any]:
        return told(done)


def told(row: DelegatedValue) -> dict[str, Any]:
    """Return the audit row of a value."""
    data = {
        "param": row.param, "value": row.value, "source": row.source, "first": row.first.isoformat() if row.first else None,
        "is_sample": row.is_sample,
    }  # fmt: skip
    return {"subject": "delegatedvalue", "subject_id": str(row.pk), "area_code": row.area_code, "data": data}


class OnValue(Action):
    """An action on one value, found in the actor's area and locked with the area's policy."""

    row: DelegatedValue

    def __init__(self, *, actor: Any, value: DelegatedValue) -> None:
        super().__init__(actor=actor)
        self.key = value.pk

    def check(self) -> None:
        self.row = row_for(self.actor, DelegatedValue, self.key, self.verb)

    def lock(self) -> None:
        lock_area(self.row.area_code)
        self.row = DelegatedValue.objects.select_for_update(of=("self",)).get(pk=self.key)

    def audited(self, done: DelegatedValue) -> dict[str, Any]:
        return told(done)


def demand_measured(row: DelegatedValue, proposal: Proposal) -> None:
    """Raise unless the effect on the area's settlements was looked at, where a policy is in force; or if the plan would break."""
    try:
        plans = plans_of(row.area_code)
        plans_of(row.area_code, proposal)
    except MissingValues:
        if proposal.withdrawn is not None:
            raise
        return
    if plans:
        if row.impact.get("missing"):
            raise refuse(E_MISSING, count=len(row.impact["missing"]), first=row.impact["missing"][0])
        demand_impact(row.impact, row.area_code)


def demand_value_waits(actor: Any, row: DelegatedValue) -> None:
    """Raise unless a value waits for a decision, and by another person than who entered it."""
    if row.approved_at or row.refused_at or row.withdrawn_at:
        raise refuse(E_DECIDED, state=state_of(row))
    demand_another(actor, row.proposed_by_id)


def demand_withdrawal_waits(actor: Any, row: DelegatedValue) -> None:
    """Raise unless the withdrawal of a value waits for a decision, and by another person than who asked for it."""
    if not row.withdrawal_at or row.withdrawn_at:
        raise refuse(E_DECIDED, state=state_of(row))
    demand_another(actor, row.withdrawal_by_id)


class Approval(OnValue):
    """What approving a value and approving its withdrawal share: who and when in two columns, and everybody is told."""

    columns: tuple[str, str]
    cause: str

    def write(self) -> DelegatedValue:
        for column, given in zip(self.columns, (self.actor, clock.now()), strict=True):
            setattr(self.row, column, given)
        self.row.save(update_fields=self.columns)
        return self.row

    def announce(self, done: DelegatedValue) -> None:
        outbox.announce("policy:approved", area_code=done.area_code, cause_id=f"{self.cause}:{done.pk}")


class ApproveValue(Approval):
    """Let a value count: another person, its impact measured where a policy is in force."""

    verb = permissions.APPROVE_VALUE
    columns, cause = ("approved_by", "approved_at"), "value"

    def decide(self) -> None:
        demand_value_waits(self.actor, self.row)
        demand_measured(self.row, Proposal(value=self.row))


class WithReason(OnValue):
    """An action on an entered value that nobody takes without saying why."""

    def __init__(self, *, actor: Any, value: DelegatedValue, reason: str) -> None:
        super().__init__(actor=actor, value=value)
        self.reason = reason.strip()

    def decide(self) -> None:
        if not self.reason:
            raise refuse(E_REASON)


class RefuseValue(WithReason):
    """Send a value back, with the reason."""

    verb = permissions.REFUSE_VALUE

    def decide(self) -> None:
        super().decide()
        demand_value_waits(self.actor, self.row)

    def write(self) -> DelegatedValue:
        self.row.refused_by, self.row.refused_at, self.row.refusal = self.actor, clock.now(), self.reason
        self.row.save(update_fields=["refused_by", "refused_at", "refusal"])
        return self.row


class WithdrawValue(WithReason):
    """Take back a value: one that waits at once, one that counts when another person approves (:class:`ApproveWithdrawal`)."""

    verb = permissions.WITHDRAW_VALUE

    def decide(self) -> None:
        super().decide()
        if self.row.refused_at or self.row.withdrawn_at or self.row.withdrawal_at:
            raise refuse(E_DECIDED, state=state_of(self.row))

    def write(self) -> DelegatedValue:
        row, now = self.row, clock.now()
        row.withdrawal_by, row.withdrawal_at, row.withdrawal_reason, row.impact = self.actor, now, self.reason, {}
        if row.approved_at is None:
            row.withdrawn_by, row.withdrawn_at = self.actor, now
        row.save(
            update_fields=[
                "withdrawal_by",
                "withdrawal_at",
                "withdrawal_reason",
                "impact",
                "withdrawn_by",
                "withdrawn_at",
            ]
        )
        return row


class ApproveWithdrawal(Approval):
    """Let a value no longer count: another person than who asked."""

    verb = permissions.APPROVE_WITHDRAWAL
    columns, cause = ("withdrawn_by", "withdrawn_at"), "withdrawal"

    def decide(self) -> None:
        demand_withdrawal_waits(self.actor, self.row)
        demand_measured(self.row, Proposal(withdrawn=self.row))


class RefuseWithdrawal(WithReason):
    """Let a value count on although its withdrawal was asked for, with the reason: another person than who asked."""

    verb = permissions.REFUSE_VALUE

    def decide(self) -> None:
        super().decide()
        demand_withdrawal_waits(self.actor, self.row)

    def write(self) -> DelegatedValue:
        row = self.row
        row.withdrawal_by, row.withdrawal_at, row.withdrawal_reason, row.impact = None, None, "", {}
        row.save(update_fields=["withdrawal_by", "withdrawal_at", "withdrawal_reason", "impact"])
        return row

    def audited(self, done: DelegatedValue) -> dict[str, Any]:
        row = told(done)
        return {**row, "data": {**row["data"], "withdrawal_refused": self.reason}}

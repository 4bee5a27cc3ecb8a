"""Institutions: registered, changed, designated by agreement, suspended; each an action with its audit row."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.db.models import Q
from django.http import Http404

from tuodi.apps.institutions import permissions
from tuodi.apps.institutions.models import KINDS, Agreement, Institution, LevelChange, Suspension
from tuodi.base import access, clock, outbox
from tuodi.base.action import Action
from tuodi.core.errors import InputErrors, declare, fault
from tuodi.core.settlements import HOSPITAL_TIERS

E_EXISTS = declare("E-INST-EXISTS", "机构编码 {code} 已经登记", "请查出该机构再修改")
E_CODE = declare("E-INST-CODE", "机构编码“{code}”不是 12 位国家编码（H 或 P 加 11 位数字）", "请按国家医保编码登记")
E_NAME = declare("E-INST-NAME", "没有填写机构名称", "请按执业许可证填写全称")
E_LEVEL = declare("E-INST-LEVEL", "没有“{level}”这种机构等级", "请从等级表中选择；药店留空")
E_TYPE = declare("E-INST-TYPE", "没有“{kind}”这种机构类型", "请从类型表中选择")
E_DAYS = declare("E-INST-DAYS", "终止日期 {last} 早于起始日期 {first}", "请核对协议或决定上的两个日期")
E_KIND = declare("E-INST-KIND", "没有“{kind}”这种协议", "可选：医保定点（insurance）、医疗救助定点（assistance）")
E_HELD = declare(
    "E-INST-AGREEMENT-HELD", "{code} 在 {first} 至 {last} 已有同类协议", "请先终止原协议，或从其终止次日起签订"
)
E_CHOSEN = declare(
    "E-INST-NOT-INSURED",
    "{code} 在 {first} 没有医保定点协议",
    "医疗救助定点从医保定点机构中择优确定（WH-5.3），请先登记医保定点协议",
)
E_ENDED = declare("E-INST-ENDED", "这份协议已经终止", "不需要再次终止")
E_SUSPENDED = declare("E-INST-SUSPENDED-ALREADY", "{code} 在这段时间已经暂停：{reason}", "请先恢复，或改用不重叠的日期")
E_LIFTED = declare("E-INST-LIFTED", "这次暂停已经恢复", "不需要再次恢复")
E_REASON = declare("E-INST-REASON", "没有写明理由", "请写明理由和依据（如检查通知书文号）")
E_SAME = declare("E-INST-NO-CHANGE", "修改前后完全相同", "请改动需要更正的内容，或取消")

CODE_LENGTH = 12
CHANGEABLE = ("name", "contact", "phone", "level", "kind")


def refuse(code: str, /, **fields: object) -> InputErrors:
    """Return an error of one fault, ready to be raised."""
    return InputErrors([fault(code, **fields)])


class RegisterInstitution(Action):
    """Add an institution of the actor's area; returns it."""

    verb = permissions.CHANGE

    def __init__(
        self, *, actor: Any, code: str, name: str, area_code: str, level: str = "", kind: str = "1", is_out_of_province: bool = False,
        contact: str = "", phone: str = "",
    ) -> None:  # fmt: skip
        super().__init__(actor=actor)
        self.made = Institution(
            code=code.strip().upper(), name=name.strip(), area_code=area_code, level=level, kind=kind,
            is_out_of_province=is_out_of_province, contact=contact.strip(), phone=phone.strip(),
        )  # fmt: skip

    def check(self) -> None:
        inside = self.made.area_code.startswith(access.area_prefix(self.actor.area_code))
        if not inside and not self.made.is_out_of_province:
            raise Http404("没有这个区划，或不在您的辖区内")

    def decide(self) -> None:
        made, faults = self.made, []
        if not (len(made.code) == CODE_LENGTH and made.code[0] in "HP" and made.code[1:].isdecimal()):
            faults.append(fault(E_CODE, code=made.code))
        if not made.name:
            faults.append(fault(E_NAME))
        if made.level and made.level not in HOSPITAL_TIERS:
            faults.append(fault(E_LEVEL, level=made.level))
        if made.kind not in KINDS:
            faults.append(fault(E_TYPE, kind=made.kind))
        if Institution.objects.filter(code=made.code).exists():
            faults.append(fault(E_EXISTS, code=made.code))
        if faults:
            raise InputErrors(faults)

    def write(self) -> Institution:
        self.made.save(force_insert=True)
        return self.made

    def audited(self, done: Institution) -> dict[str, Any]:
        data = {"done": "registered", "level": done.level, "kind": done.kind}
        return {"subject": "institution", "subject_id": done.code, "area_code": done.area_code, "data": data}


class OnInstitution(Action):
    """An action on one institution of the actor's area, locked."""

    institution: Institution

    def __init__(self, *, actor: Any, institution: Institution) -> None:
        super().__init__(actor=actor)
        self.key = institution.pk

    def check(self) -> None:
        self.institution = access.get(self.actor, Institution, self.key, self.verb)

    def lock(self) -> None:
        self.institution = Institution.objects.select_for_update(of=("self",)).get(pk=self.key)

    def audited(self, done: Any) -> dict[str, Any]:
        own = self.institution
        return {"subject": "institution", "subject_id": own.code, "area_code": own.area_code, "data": self.told(done)}

    def told(self, done: Any) -> dict[str, Any]:
        """Return the values of the audit row."""
        return {}


class ChangeInstitution(OnInstitution):
    """Change contacts, name or level; a level's changes are kept with the day from which they hold."""

    verb = permissions.CHANGE

    def __init__(self, *, actor: Any, institution: Institution, first: date | None = None, **changes: str) -> None:
        super().__init__(actor=actor, institution=institution)
        assert set(changes) <= set(CHANGEABLE), changes
        self.first, self.changes = first, {name: value.strip() for name, value in changes.items()}

    def decide(self) -> None:
        own = self.institution
        self.before = {name: getattr(own, name) for name in self.changes if getattr(own, name) != self.changes[name]}
        if not self.before:
            raise refuse(E_SAME)
        if "name" in self.before and not self.changes["name"]:
            raise refuse(E_NAME)
        if self.changes.get("level") and self.changes["level"] not in HOSPITAL_TIERS:
            raise refuse(E_LEVEL, level=self.changes["level"])
        if "kind" in self.before and self.changes["kind"] not in KINDS:
            raise refuse(E_TYPE, kind=self.changes["kind"])

    def write(self) -> Institution:
        own = self.institution
        if "level" in self.before:
            LevelChange.objects.create(
                institution=own, before=own.level, after=self.changes["level"], first=self.first or clock.today(),
                recorded_at=clock.now(), by=self.actor,
            )  # fmt: skip
        for name in self.before:
            setattr(own, name, self.changes[name])
        own.save(update_fields=list(self.before))
        return own

    def told(self, done: Institution) -> dict[str, Any]:
        """Contacts are personal: of them only that they changed."""
        told: dict[str, Any] = {"done": "changed", "fields": sorted(self.before)}
        if "level" in self.before:
            told |= {"level_before": self.before["level"], "level": done.level}
        return told


def overlapping(first: date, last: date | None) -> Q:
    """Return the condition that a row's days meet some days."""
    meets = Q(last__isnull=True) | Q(last__gte=first)
    return meets & Q(first__lte=last) if last else meets


class MakeAgreement(OnInstitution):
    """Designate an institution for insurance or for assistance from a day; assistance is chosen among the insured (WH-5.3)."""

    verb = permissions.CHANGE

    def __init__(
        self,
        *,
        actor: Any,
        institution: Institution,
        kind: str,
        first: date,
        last: date | None = None,
        number: str = "",
        terms: str = "",
    ) -> None:
        super().__init__(actor=actor, institution=institution)
        self.kind, self.first, self.last, self.number, self.terms = kind, first, last, number.strip(), terms

    def decide(self) -> None:
        if self.kind not in dict(Agreement.KINDS):
            raise refuse(E_KIND, kind=self.kind)
        if self.last is not None and self.last < self.first:
            raise refuse(E_DAYS, first=self.first, last=self.last)
        held = Agreement.objects.filter(
            overlapping(self.first, self.last), institution=self.institution, ended_at__isnull=True
        )
        same = held.filter(kind=self.kind).first()
        if same is not None:
            raise refuse(E_HELD, code=self.institution.code, first=same.first, last=same.last or "长期")
        insured = held.filter(kind="insurance", first__lte=self.first)
        if self.kind == "assistance" and not insured.exists():
            raise refuse(E_CHOSEN, code=self.institution.code, first=self.first)

    def write(self) -> Agreement:
        return Agreement.objects.create(
            institution=self.institution, kind=self.kind, number=self.number, first=self.first, last=self.last, terms=self.terms,
            recorded_at=clock.now(),
        )  # fmt: skip

    def told(self, done: Agreement) -> dict[str, Any]:
        last = done.last.isoformat() if done.last else None
        return {
            "done": "agreement_made",
            "agreement": done.pk,
            "kind": done.kind,
            "first": done.first.isoformat(),
            "last": last,
        }

    def announce(self, done: Agreement) -> None:
        outbox.announce("institution:designated", code=self.institution.code, kind=done.kind)


class EndAgreement(OnInstitution):
    """End an agreement after a day: the row is closed and, where it held before, another keeps those days."""

    verb = permissions.CHANGE

    def __init__(self, *, actor: Any, agreement: Agreement, last: date, reason: str) -> None:
        super().__init__(actor=actor, institution=agreement.institution)
        self.agreement_key, self.last, self.reason = agreement.pk, last, reason.strip()

    def decide(self) -> None:
        self.row = Agreement.objects.select_for_update(of=("self",)).get(pk=self.agreement_key)
        if not self.reason:
            raise refuse(E_REASON)
        if self.row.ended_at:
            raise refuse(E_ENDED)
        if self.row.last is not None and self.row.last < self.last:
            raise refuse(E_DAYS, first=self.last, last=self.row.last)

    def write(self) -> Agreement:
        row = self.row
        row.ended_at, row.end_reason = clock.now(), self.reason
        row.save(update_fields=["ended_at", "end_reason"])
        if self.last >= row.first:
            Agreement.objects.create(
                institution=row.institution, kind=row.kind, number=row.number, first=row.first, last=self.last, terms=row.terms,
                recorded_at=clock.now(), end_reason=self.reason,
            )  # fmt: skip
        return row

    def told(self, done: Agreement) -> dict[str, Any]:
        return {"done": "agreement_ended", "agreement": done.pk, "kind": done.kind, "last": self.last.isoformat()}


class Suspend(OnInstitution):
    """Keep an institution from settling from a day, with the reason that its counter will be told (AK-6.3)."""

    verb = permissions.SUSPEND

    def __init__(
        self, *, actor: Any, institution: Institution, reason: str, first: date, last: date | None = None
    ) -> None:
        super().__init__(actor=actor, institution=institution)
        self.reason, self.first, self.last = reason.strip(), first, last

    def decide(self) -> None:
        if not self.reason:
            raise refuse(E_REASON)
        if self.last is not None and self.last < self.first:
            raise refuse(E_DAYS, first=self.first, last=self.last)
        held = Suspension.objects.filter(
            overlapping(self.first, self.last), institution=self.institution, lifted_at__isnull=True
        )
        if (same := held.first()) is not None:
            raise refuse(E_SUSPENDED, code=self.institution.code, reason=same.reason)

    def write(self) -> Suspension:
        return Suspension.objects.create(
            institution=self.institution, first=self.first, last=self.last, reason=self.reason, recorded_at=clock.now()
        )

    def told(self, done: Suspension) -> dict[str, Any]:
        last = done.last.isoformat() if done.last else None
        return {"suspension": done.pk, "first": done.first.isoformat(), "last": last}

    def announce(self, done: Suspension) -> None:
        outbox.announce("institution:suspended", code=self.institution.code, suspension=done.pk)


class LiftSuspension(OnInstitution):
    """Let an institution settle again from a day; the days before stay suspended."""

    verb = permissions.LIFT

    def __init__(self, *, actor: Any, suspension: Suspension, first: date | None = None) -> None:
        super().__init__(actor=actor, institution=suspension.institution)
        self.suspension_key, self.first = suspension.pk, first

    def decide(self) -> None:
        self.row = Suspension.objects.select_for_update(of=("self",)).get(pk=self.suspension_key)
        if self.row.lifted_at:
            raise refuse(E_LIFTED)
        self.again = self.first or clock.today()
        if self.row.last is not None and self.again > self.row.last:
            raise refuse(E_DAYS, first=self.again, last=self.row.last)

    def write(self) -> Suspension:
        row = self.row
        row.lifted_at = clock.now()
        row.save(update_fields=["lifted_at"])
        last = self.again - timedelta(days=1)
        if last >= row.first:
            Suspension.objects.create(
                institution=row.institution, first=row.first, last=last, reason=row.reason, recorded_at=clock.now()
            )
        return row

    def told(self, done: Suspension) -> dict[str, Any]:
        return {"suspension": done.pk, "again_from": self.again.isoformat()}

    def announce(self, done: Suspension) -> None:
        outbox.announce("institution:suspension_lifted", code=self.institution.code, suspension=done.pk)

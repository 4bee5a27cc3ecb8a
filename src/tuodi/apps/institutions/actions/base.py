"""What every action on institutions needs: its faults, the locked institution, days that meet."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import Q

from tuodi.apps.institutions.models import Institution
from tuodi.base import access
from tuodi.base.action import Action
from tuodi.core.errors import declare

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


def overlapping(first: date, last: date | None) -> Q:
    """Return the condition that a row's days meet some days."""
    meets = Q(last__isnull=True) | Q(last__gte=first)
    return meets & Q(first__lte=last) if last else meets


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

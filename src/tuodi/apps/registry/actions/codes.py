"""What local codes of the insurance platform mean: added for a region from a day, ended on a day. A row is never overwritten."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Q

from tuodi.apps.registry import permissions
from tuodi.apps.registry.models import IdentityCode
from tuodi.base import access
from tuodi.base.action import Action
from tuodi.core.errors import InputErrors, declare, fault
from tuodi.core.identities import IDENTITIES

E_REGION = declare("E-CODE-REGION", "“{region}”不是您辖区内的六位区划代码", "请填写本辖区或下级的区划代码")
E_BLANK = declare("E-CODE-BLANK", "没有填写本地编码或本地名称", "请按医保信息平台的字典填写")
E_MEANS = declare("E-CODE-IDENTITY", "没有“{identity}”这种身份", "请从身份表中选择")
E_HELD = declare(
    "E-CODE-HELD", "{region} 的“{text}”在 {first} 至 {last} 已对照为{identity}", "请先终止原对照，再从次日起新增"
)
E_DAYS = declare("E-CODE-DAYS", "终止日期 {last} 早于起始日期 {first}", "请核对两个日期")
E_OVER = declare("E-CODE-OVER", "“{text}”的对照已于 {last} 终止", "不需要再次终止")


def demand_region(actor: Any, region: str) -> None:
    """Raise unless a region lies in the actor's area."""
    if not region.startswith(access.area_prefix(actor.area_code)):
        raise PermissionDenied("上级或其他辖区的对照由其管理员维护")


class MapIdentityCode(Action):
    """Say what a local code means in a region from a day; its code and its name must mean nothing else there meanwhile."""

    verb = permissions.MAP_CODES

    def __init__(
        self, *, actor: Any, region: str, local_code: str, label: str, identity: str, first: date, last: date | None = None
    ) -> None:  # fmt: skip
        super().__init__(actor=actor)
        self.row = IdentityCode(
            region=region.strip(), local_code=local_code.strip(), label=label.strip(), identity=identity, first=first, last=last
        )  # fmt: skip

    def lock(self) -> None:
        list(IdentityCode.objects.select_for_update().filter(region=self.row.region).order_by("pk").values_list("pk"))

    def decide(self) -> None:
        row, faults = self.row, []
        inside = row.region.startswith(access.area_prefix(self.actor.area_code))
        if not (len(row.region) == 6 and row.region.isascii() and row.region.isdecimal() and inside):
            faults.append(fault(E_REGION, region=row.region))
        if not row.local_code or not row.label:
            faults.append(fault(E_BLANK))
        if row.identity not in IDENTITIES:
            faults.append(fault(E_MEANS, identity=row.identity))
        if row.last is not None and row.last < row.first:
            faults.append(fault(E_DAYS, first=row.first, last=row.last))
        if faults:
            raise InputErrors(faults)
        self._demand_unambiguous()

    def _demand_unambiguous(self) -> None:
        row = self.row
        meanwhile = Q(last__isnull=True) | Q(last__gte=row.first)
        if row.last is not None:
            meanwhile &= Q(first__lte=row.last)
        rows = IdentityCode.objects.filter(meanwhile, region=row.region)
        texts = (row.local_code, row.label)
        held = rows.filter(local_code=row.local_code) | rows.filter(
            Q(local_code=row.label) | Q(label__in=texts), ~Q(identity=row.identity)
        )
        if (other := held.order_by("first", "pk").first()) is not None:
            text = other.local_code if other.local_code in texts else other.label
            known = IDENTITIES.get(other.identity, other.identity)
            last = other.last or "长期"
            raise InputErrors([
                fault(E_HELD, region=row.region, text=text, first=other.first, last=last, identity=known)
            ])  # fmt: skip

    def write(self) -> IdentityCode:
        self.row.save(force_insert=True)
        return self.row

    def audited(self, done: IdentityCode) -> dict[str, Any]:
        return told(done, "mapped")


class EndIdentityCode(Action):
    """End what a local code means, after a day."""

    verb = permissions.MAP_CODES

    def __init__(self, *, actor: Any, code: IdentityCode, last: date) -> None:
        super().__init__(actor=actor)
        self.key, self.last = code.pk, last

    def check(self) -> None:
        self.row = access.get(self.actor, IdentityCode, self.key, self.verb)
        demand_region(self.actor, self.row.region)

    def lock(self) -> None:
        self.row = IdentityCode.objects.select_for_update(of=("self",)).get(pk=self.key)

    def decide(self) -> None:
        if self.row.last is not None:
            raise InputErrors([fault(E_OVER, text=self.row.label, last=self.row.last)])
        if self.last < self.row.first:
            raise InputErrors([fault(E_DAYS, first=self.row.first, last=self.last)])

    def write(self) -> IdentityCode:
        self.row.last = self.last
        self.row.save(update_fields=["last"])
        return self.row

    def audited(self, done: IdentityCode) -> dict[str, Any]:
        return told(done, "ended")


def told(row: IdentityCode, done: str) -> dict[str, Any]:
    """Return the audit row of a mapping."""
    data = {
        "done": done, "local_code": row.local_code, "identity": row.identity, "first": row.first.isoformat(),
        "last": row.last.isoformat() if row.last else None,
    }  # fmt: skip
    return {"subject": "identity_code", "subject_id": str(row.pk), "area_code": row.region, "data": data}

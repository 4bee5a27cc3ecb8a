"""What the actions on policies share: the errors, the actor's own area, one lock for an area's policy, two people."""

from __future__ import annotations

from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404

from tuodi.apps.policies.models import DelegatedValue, Installation
from tuodi.apps.policies.queries import areas_above, basis
from tuodi.base import access
from tuodi.base.action import refuse
from tuodi.core.errors import declare

M = TypeVar("M", bound=Model)

E_SAME_PERSON = declare("E-POLICY-SAME-PERSON", "提交人不能审核自己提交的内容", "请由另一位审核岗办理")
E_DECIDED = declare("E-POLICY-DECIDED", "这项内容已经办结（{state}）", "请刷新页面；需要改变的请重新提交")
E_IMPACT = declare(
    "E-POLICY-IMPACT", "还没有测算对本地结算的影响，或测算以后政策又有变化", "请先重新测算，看过结果再批准"
)
E_REASON = declare("E-POLICY-REASON", "没有写明理由", "请写明理由，便于对方改正和日后查证")
E_MISSING = declare(
    "E-POLICY-VALUES",
    "还有 {count} 项授权参数没有录入，有的结算算不出来：{first}",
    "请先录入并批准这些参数，再重新测算",
)


def demand_area(actor: Any, area_code: str) -> None:
    """Raise ``Http404`` unless an area lies in the actor's own."""
    if not area_code.startswith(access.area_prefix(actor.area_code)):
        raise Http404("没有这个区划，或不在您的辖区内")


def row_for(actor: Any, model: type[M], key: int, verb: str) -> M:
    """Return a row that the actor sees; one of an area above may be looked at and not decided."""
    found = access.get(actor, model, key, verb)
    if not found.area_code.startswith(access.area_prefix(actor.area_code)):  # type: ignore[attr-defined]
        raise PermissionDenied("上级辖区的政策由上级办理")
    return found


def lock_area(area_code: str) -> None:
    """Take the lock of an area's policy: the rows of it and of those above, in the order of their keys."""
    above = areas_above(area_code)
    list(Installation.objects.select_for_update().filter(area_code__in=above).order_by("pk").values_list("pk"))
    list(DelegatedValue.objects.select_for_update().filter(area_code__in=above).order_by("pk").values_list("pk"))


def demand_another(actor: Any, first_person_id: int | None) -> None:
    """Raise if the second person is the first."""
    if actor.pk == first_person_id:
        raise refuse(E_SAME_PERSON)


def demand_impact(impact: dict[str, Any], area_code: str) -> None:
    """Raise unless an impact was measured under the policy that is in force now."""
    if impact.get("basis") != basis(area_code):
        raise refuse(E_IMPACT)

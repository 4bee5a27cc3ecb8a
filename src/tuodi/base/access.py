"""Who may do what, where: roles named after jobs x verbs in one table x the area tree. Deny by default.

A role is what somebody is employed to do; verbs are ``noun:verb``; the area is a node of the area tree and everything below
it; a hospital counter sees its own institution only. There are no per-person rights. Fetching is checking: :func:`get`
answers 404 outside one's area and 403 inside it without the verb (style E3).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.db.models import Model, Q, QuerySet
from django.http import Http404

M = TypeVar("M", bound=Model)

ROLES: dict[str, str] = {
    "administrator": "系统管理员",
    "policy_officer": "政策岗",
    "policy_approver": "政策审核岗",
    "registry_clerk": "身份信息岗",
    "county_clerk": "县级经办岗",
    "county_approver": "县级审批岗",
    "town_clerk": "乡镇经办岗",
    "village_clerk": "村级协办岗",
    "finance": "财务岗",
    "auditor": "审计监督岗",
    "hospital": "医院窗口",
    "system": "系统任务",
}

#: verb -> roles that may do it. A verb that is not here nobody may do.
VERBS: dict[str, frozenset[str]] = {}


def allow(verb: str, *roles: str) -> str:
    """Add a row to the table and return the verb; each app's ``permissions.py`` calls it once per verb."""
    assert verb not in VERBS, verb
    assert set(roles) <= set(ROLES), roles
    VERBS[verb] = frozenset(roles)
    return verb


#: model -> what of it a user may see at all.
SCOPES: dict[type[Model], Callable[[Any], Q]] = {}


def scope(model: type[Model], rule: Callable[[Any], Q]) -> None:
    """Say what of a model a user may see; a model without a rule is seen by nobody."""
    assert model not in SCOPES, model
    SCOPES[model] = rule


def may(user: Any, verb: str) -> bool:
    """Say whether a user's job includes a verb."""
    return bool(getattr(user, "is_active", False)) and getattr(user, "role", "") in VERBS.get(verb, frozenset())


def demand(user: Any, verb: str) -> None:
    """Raise ``PermissionDenied`` unless the user may."""
    if not may(user, verb):
        raise PermissionDenied("您的岗位没有这项权限；确需办理的，请联系系统管理员调整岗位。")


def visible(user: Any, model: type[M]) -> QuerySet[M]:
    """Return the rows of a model that a user may see; none without an account or a rule."""
    rows: QuerySet[M] = model._default_manager.all()
    rule = SCOPES.get(model)
    if rule is None or not getattr(user, "is_active", False):
        return rows.none()
    return rows.filter(rule(user))


def get(user: Any, model: type[M], key: Any, verb: str, *, field: str = "pk") -> M:
    """Return one row that the user may see and do ``verb`` to: unknown and out of one's area look alike."""
    found = visible(user, model).filter(**{field: key}).first()
    if found is None:
        raise Http404("没有这条记录，或不在您的辖区内")
    demand(user, verb)
    return found


def in_area(user: Any, field: str) -> Q:
    """Return the condition that a row's area code lies in the user's area: the codes under its prefix."""
    return Q(**{f"{field}__startswith": area_prefix(user.area_code)})


#: Digits after which a code is that of a province, a city, a county, a town, a village.
LEVELS = (2, 4, 6, 9, 12)
#: What no code begins with: an account without an area sees no area.
NOWHERE = "-"


def area_prefix(code: str) -> str:
    """Return what the codes of an area and of all below it begin with; of what is no code, what no code begins with.

    Only whole levels are cut off: the noughts at the end of a town's code are its villages, not its province.

    >>> area_prefix("610900"), area_prefix("610902"), area_prefix("610902100000"), area_prefix("610902010000")
    ('6109', '610902', '610902100', '610902010')
    >>> area_prefix("000000"), area_prefix(""), area_prefix("6109020000")
    ('', '-', '6109020000')
    """
    if not code:
        return NOWHERE
    end = len(code)
    if end in LEVELS:
        for before in reversed([0, *LEVELS[: LEVELS.index(end)]]):
            if code[before:end].strip("0"):
                break
            end = before
    return code[:end]

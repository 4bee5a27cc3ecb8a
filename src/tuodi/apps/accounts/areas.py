"""What areas are called: an administrator says it once, and pages show the name beside the code. Nothing is computed from names."""

from __future__ import annotations

from typing import Any

from tuodi.apps.accounts import permissions
from tuodi.apps.accounts.actions import AREA, E_AREA
from tuodi.apps.institutions.models import Institution
from tuodi.base import access
from tuodi.base.action import Action
from tuodi.base.models import Area, User
from tuodi.core.errors import InputErrors, declare, fault

E_AREA_NAME = declare("E-AREA-NAME", "没有填写区划名称，或超过 60 个字", "请填写民政部门公布的名称")
NAME_LENGTH = 60


class NameArea(Action):
    """Say what an area of the actor's own is called, or call it otherwise; returns it."""

    verb = permissions.NAME_AREA

    def __init__(self, *, actor: Any, code: str, name: str) -> None:
        super().__init__(actor=actor)
        self.code, self.name, self.before = code.strip(), name.strip(), ""

    def lock(self) -> None:
        held = Area.objects.select_for_update().filter(code=self.code).first()
        self.before = held.name if held else ""

    def decide(self) -> None:
        faults = []
        if not (AREA.fullmatch(self.code) and self.code.startswith(access.area_prefix(self.actor.area_code))):
            faults.append(fault(E_AREA, area=self.code))
        if not 0 < len(self.name) <= NAME_LENGTH:
            faults.append(fault(E_AREA_NAME))
        if faults:
            raise InputErrors(faults)

    def write(self) -> Area:
        return Area.objects.update_or_create(code=self.code, defaults={"name": self.name})[0]

    def audited(self, done: Area) -> dict[str, Any]:
        data = {"from": self.before, "to": done.name}
        return {"subject": "area", "subject_id": done.code, "area_code": done.code, "data": data}


def areas_seen(user: Any) -> list[tuple[str, str]]:
    """Return the areas of a user's own that have a name, an account or an institution, each with its name if it has one."""
    access.demand(user, permissions.NAME_AREA)
    names = dict(access.visible(user, Area).values_list("code", "name"))
    codes = {user.area_code, *names}
    for rows in (access.visible(user, User), access.visible(user, Institution)):
        codes |= set(rows.values_list("area_code", flat=True).distinct().order_by())
    own = access.area_prefix(user.area_code)
    return [(code, names.get(code, "")) for code in sorted(codes) if code.startswith(own)]

"""Institutions registered and changed; a level's changes are kept with the day from which they hold."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import Http404

from tuodi.apps.institutions import permissions
from tuodi.apps.institutions.actions.base import (
    E_CODE,
    E_EXISTS,
    E_LEVEL,
    E_NAME,
    E_SAME,
    E_TYPE,
    OnInstitution,
)
from tuodi.apps.institutions.models import KINDS, Institution, LevelChange
from tuodi.base import access, clock
from tuodi.base.action import Action, refuse
from tuodi.core.errors import InputErrors, fault
from tuodi.core.settlements import HOSPITAL_TIERS

CODE_LENGTH = 12
CHANGEABLE = ("name", "contact", "phone", "level", "kind")


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

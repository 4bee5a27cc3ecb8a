"""Two records that look alike and are two people: said so with a reason, and taken back. The mark stays either way."""

from __future__ import annotations

from typing import Any

from tuodi.apps.registry import permissions
from tuodi.apps.registry.actions.base import E_APART, E_NOT_APART, E_SAME_PERSON, E_WHY, locked
from tuodi.apps.registry.actions.people import apart
from tuodi.apps.registry.models import NotTheSame, Person
from tuodi.base import access, clock
from tuodi.base.action import Action, refuse


class TellApart(Action):
    """Say that two records are two people, so that they are not shown as duplicates again."""

    verb = permissions.TELL_APART

    def __init__(self, *, actor: Any, one: str, other: str, reason: str) -> None:
        super().__init__(actor=actor)
        self.numbers, self.reason = (one, other), reason.strip()

    def check(self) -> None:
        found = [access.get(self.actor, Person, psn_no, self.verb, field="psn_no") for psn_no in self.numbers]
        self.keys = sorted({person.pk for person in found})
        if len(self.keys) < 2:
            raise refuse(E_SAME_PERSON)
        if not self.reason:
            raise refuse(E_WHY)

    def lock(self) -> None:
        self.people = locked(self.keys)
        if apart(*self.people).exists():
            raise refuse(E_APART)

    def write(self) -> NotTheSame:
        one, other = self.people
        return NotTheSame.objects.create(one=one, other=other, reason=self.reason, by=self.actor, at=clock.now())

    def audited(self, done: NotTheSame) -> dict[str, Any]:
        data = {"other": done.other.psn_no, "done": "marked"}
        return {
            "subject": "person", "subject_id": done.one.psn_no, "area_code": done.one.insured_area, "data": data
        }  # fmt: skip


class UndoTellApart(Action):
    """Take back that two records are two people; they are shown again."""

    verb = permissions.TELL_APART

    def __init__(self, *, actor: Any, mark_id: int) -> None:
        super().__init__(actor=actor)
        self.mark_id = mark_id

    def check(self) -> None:
        self.mark = access.get(self.actor, NotTheSame, self.mark_id, self.verb)

    def lock(self) -> None:
        locked([self.mark.one_id, self.mark.other_id])
        self.mark.refresh_from_db()
        if self.mark.undone_at is not None:
            raise refuse(E_NOT_APART)

    def write(self) -> NotTheSame:
        self.mark.undone_by, self.mark.undone_at = self.actor, clock.now()
        self.mark.save(update_fields=["undone_by", "undone_at"])
        return self.mark

    def audited(self, done: NotTheSame) -> dict[str, Any]:
        data = {"other": done.other.psn_no, "done": "undone"}
        return {
            "subject": "person", "subject_id": done.one.psn_no, "area_code": done.one.insured_area, "data": data
        }  # fmt: skip

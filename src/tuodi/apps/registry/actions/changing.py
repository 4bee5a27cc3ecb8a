"""Change what is recorded of a person. What was said before stays with the change; the identity number stays sealed there."""

from __future__ import annotations

from typing import Any

from tuodi.apps.registry import permissions, words
from tuodi.apps.registry.actions.base import (
    E_NO_CHANGE,
    E_NUMBER_FORM,
    E_NUMBER_HELD,
    WEIGHED,
    PersonAction,
    announce_people,
)
from tuodi.apps.registry.actions.people import holder_of
from tuodi.apps.registry.actions.writing import save_people, snapshot
from tuodi.apps.registry.models import Person, PersonChange
from tuodi.apps.registry.queries import certno_of, seal_certno
from tuodi.base import clock
from tuodi.base.action import refuse
from tuodi.batch.citizen import citizen_id_fault

#: Where somebody is insured is not among them: that is dated (:mod:`tuodi.apps.registry.actions.insuring`).
FACTS = ("name", "gend", "birth", "registered_area", "residence_area", "insutype")


class ChangePerson(PersonAction):
    """Set a person's particulars; an empty identity number leaves the one that is held."""

    verb = permissions.CHANGE

    def __init__(self, *, actor: Any, psn_no: str, certno: str = "", **facts: Any) -> None:
        super().__init__(actor=actor, psn_no=psn_no)
        assert set(facts) <= set(FACTS), facts
        self.certno, self.facts = certno.strip().upper(), facts

    def check(self) -> None:
        super().check()
        if self.certno and citizen_id_fault(self.certno):
            raise refuse(E_NUMBER_FORM)

    def decide(self) -> None:
        self.changed = [name for name, value in self.facts.items() if getattr(self.person, name) != value]
        if self.certno and self.certno != certno_of(self.person):
            self.changed.append("certno")
        if not self.changed:
            raise refuse(E_NO_CHANGE)
        held = holder_of(self.certno) if "certno" in self.changed else None
        if held is not None and held.pk != self.person.pk:
            raise refuse(E_NUMBER_HELD, psn_no=held.psn_no)

    def write(self) -> Person:
        before = snapshot(self.person)
        for name, value in self.facts.items():
            setattr(self.person, name, value)
        self.person.initials = words.initials(self.person.name)
        if "certno" in self.changed:
            seal_certno(self.person, self.certno)
        self.kept = PersonChange.objects.create(
            person=self.person, cause="changed", before=before, after=snapshot(self.person), by=self.actor, at=clock.now()
        )  # fmt: skip
        save_people([self.person])
        return self.person

    def told(self, done: Person) -> dict[str, Any]:
        return {"changed": self.changed}

    def announce(self, done: Person) -> None:
        if set(WEIGHED) & set(self.changed):
            announce_people("person:changed", [done.psn_no], cause_id=f"change:{self.kept.pk}")

"""Register a person, merge two records of one person and part them again, reveal an identity number."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet

from tuodi.apps.registry import permissions, words
from tuodi.apps.registry.actions.base import (
    E_APART,
    E_MERGE_CHAIN,
    E_MERGED,
    E_NOT_MERGED,
    E_NUMBER_FORM,
    E_NUMBER_HELD,
    E_PERSON_EXISTS,
    E_REASON,
    E_SAME_PERSON,
    announce_people,
    locked,
)  # fmt: skip
from tuodi.apps.registry.models import Merge, NotTheSame, Person, SearchWord
from tuodi.apps.registry.queries import certno_of, seal_certno
from tuodi.base import access, clock, secrets
from tuodi.base.action import Action, refuse
from tuodi.batch.citizen import citizen_id_fault
from tuodi.core.errors import InputErrors, fault

#: What an identity number may be looked at for: a closed list, so that the audit row holds no free text.
REVEAL_REASONS = {
    "verify_document": "核对证件原件", "verify_with_department": "与认定部门比对", "payment": "办理资金支付",
    "complaint": "答复来信来访", "court_or_audit": "配合司法或审计",
}  # fmt: skip


def holder_of(certno: str) -> Person | None:
    """Return the believed record that holds an identity number."""
    if not certno:
        return None
    return Person.objects.filter(certno_index__in=secrets.search_indexes(certno), withdrawn_at__isnull=True).first()


def refuse_outside(actor: Any, insured_area: str) -> None:
    """Raise unless a place of insurance is in the actor's area."""
    if not insured_area.startswith(access.area_prefix(actor.area_code)):
        raise PermissionDenied("参保地不在您的辖区内")


class RegisterPerson(Action):
    """Add somebody; a number that is held already is refused with the record that holds it."""

    verb = permissions.REGISTER

    def __init__(
        self, *, actor: Any, psn_no: str, name: str, insured_area: str, certno: str = "", **facts: Any
    ) -> None:
        super().__init__(actor=actor)
        allowed = {"gend", "birth", "registered_area", "residence_area", "insutype"}
        assert set(facts) <= allowed, facts
        self.certno = certno.strip().upper()
        self.person = Person(psn_no=psn_no, name=name.strip(), insured_area=insured_area, **facts)

    def check(self) -> None:
        refuse_outside(self.actor, self.person.insured_area)
        if self.certno and citizen_id_fault(self.certno):
            raise refuse(E_NUMBER_FORM)

    def decide(self) -> None:
        wrong = []
        if Person.objects.filter(psn_no=self.person.psn_no).exists():
            wrong.append(fault(E_PERSON_EXISTS, psn_no=self.person.psn_no))
        held = holder_of(self.certno)
        if held is not None:
            wrong.append(fault(E_NUMBER_HELD, psn_no=held.psn_no))
        if wrong:
            raise InputErrors(wrong)

    def write(self) -> Person:
        person = self.person
        person.initials, person.recorded_at = words.initials(person.name), clock.now()
        seal_certno(person, self.certno)
        if self.certno and person.birth is None:
            person.birth = date(int(self.certno[6:10]), int(self.certno[10:12]), int(self.certno[12:14]))
        person.save(force_insert=True)
        words.index([person], fresh=True)
        return person

    def audited(self, done: Person) -> dict[str, Any]:
        return {"subject": "person", "subject_id": done.psn_no, "area_code": done.insured_area}

    def announce(self, done: Person) -> None:
        announce_people("person:registered", [done.psn_no])


def must_be_mergeable(person: Person, into: Person) -> None:
    """Raise if a record cannot be merged into another."""
    if person.pk == into.pk:
        raise refuse(E_SAME_PERSON)
    for one in (person, into):
        if one.merged_into is not None:
            raise refuse(E_MERGED, psn_no=one.psn_no, into=one.merged_into.psn_no)
    if Person.objects.filter(merged_into=person).exists():
        raise refuse(E_MERGE_CHAIN, psn_no=person.psn_no)
    if apart(person, into).exists():
        raise refuse(E_APART)


def apart(one: Person, other: Person) -> QuerySet[NotTheSame]:
    """Return the mark that says that two records are two people, if there is one."""
    first, second = sorted((one.pk, other.pk))
    return NotTheSame.objects.filter(one=first, other=second, undone_at__isnull=True)


def must_be_merged(person: Person) -> Person:
    """Return the record that another was merged into; raise if it was not."""
    if person.merged_into is None:
        raise refuse(E_NOT_MERGED, psn_no=person.psn_no)
    return person.merged_into


class MergePeople(Action):
    """Merge a duplicate record into the one that is kept. Both rows stay; the kept one answers for both."""

    verb = permissions.MERGE

    def __init__(self, *, actor: Any, psn_no: str, into: str) -> None:
        super().__init__(actor=actor)
        self.psn_no, self.into_no = psn_no, into

    def check(self) -> None:
        self.person = access.get(self.actor, Person, self.psn_no, self.verb, field="psn_no")
        self.into = access.get(self.actor, Person, self.into_no, self.verb, field="psn_no")

    def lock(self) -> None:
        by_key = {person.pk: person for person in locked([self.person.pk, self.into.pk])}
        self.person, self.into = by_key[self.person.pk], by_key[self.into.pk]
        must_be_mergeable(self.person, self.into)

    def write(self) -> Merge:
        self.person.merged_into = self.into
        self.person.save(update_fields=["merged_into"])
        SearchWord.objects.filter(person=self.person).delete()
        return Merge.objects.create(person=self.person, into=self.into, by=self.actor, at=clock.now())

    def audited(self, done: Merge) -> dict[str, Any]:
        return {
            "subject": "person",
            "subject_id": self.psn_no,
            "area_code": self.person.insured_area,
            "data": {"into": self.into_no},
        }

    def announce(self, done: Merge) -> None:
        announce_people("identity:changed", [self.psn_no, self.into_no], cause_id=f"merge:{done.pk}")


class UnmergePeople(Action):
    """Part two records that were merged by mistake; each has again what it had."""

    verb = permissions.UNMERGE

    def __init__(self, *, actor: Any, psn_no: str) -> None:
        super().__init__(actor=actor)
        self.psn_no = psn_no

    def check(self) -> None:
        self.person = access.get(self.actor, Person, self.psn_no, self.verb, field="psn_no")

    def lock(self) -> None:
        keys = [key for key in (self.person.pk, self.person.merged_into_id) if key]
        self.person = next(person for person in locked(keys) if person.pk == self.person.pk)
        self.into = must_be_merged(self.person)

    def write(self) -> Merge:
        merge = Merge.objects.get(person=self.person, undone_at__isnull=True)
        merge.undone_at = clock.now()
        merge.save(update_fields=["undone_at"])
        self.person.merged_into = None
        self.person.save(update_fields=["merged_into"])
        words.index([self.person])
        return merge

    def audited(self, done: Merge) -> dict[str, Any]:
        return {
            "subject": "person",
            "subject_id": self.psn_no,
            "area_code": self.person.insured_area,
            "data": {"from": self.into.psn_no},
        }

    def announce(self, done: Merge) -> None:
        announce_people("identity:changed", [self.psn_no, self.into.psn_no], cause_id=f"unmerge:{done.pk}")


class RevealNumber(Action):
    """Show an identity number in full, for a reason of the closed list; who looked, at whom and why is audited."""

    verb = permissions.REVEAL

    def __init__(self, *, actor: Any, psn_no: str, reason: str) -> None:
        super().__init__(actor=actor)
        self.psn_no, self.reason = psn_no, reason

    def check(self) -> None:
        self.person = access.get(self.actor, Person, self.psn_no, self.verb, field="psn_no")
        if self.reason not in REVEAL_REASONS:
            raise refuse(E_REASON, allowed="、".join(REVEAL_REASONS.values()))

    def write(self) -> str:
        return certno_of(self.person)

    def audited(self, done: str) -> dict[str, Any]:
        data = {"reason": self.reason, "shown": bool(done)}
        return {"subject": "person", "subject_id": self.psn_no, "area_code": self.person.insured_area, "data": data}

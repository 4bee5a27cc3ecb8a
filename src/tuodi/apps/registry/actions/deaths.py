"""A death recorded, and one recorded wrongly put right: another day, or none.

What a death ended is written beside it, so that a correction gives back exactly that: rows changed since by somebody else are
left alone. A correction that changes certifications, and so may move money, is proposed by one person and decided by another.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

from tuodi.apps.registry import permissions
from tuodi.apps.registry.actions.base import (
    E_DEAD,
    E_DEATH_DAY,
    E_DEATH_DECIDED,
    E_DEATH_PAIR,
    E_DEATH_WAITING,
    E_MEMBER,
    E_NO_CHANGE,
    E_NOT_DEAD,
    E_WHY,
    PersonAction,
    announce_people,
    group_of,
    period,
)
from tuodi.apps.registry.actions.identities import copied, refuse_faulty
from tuodi.apps.registry.models import DeathCorrection, Identity, Membership, Person, PersonChange
from tuodi.base import access, clock
from tuodi.base.action import refuse
from tuodi.core.dates import FOREVER

Row = TypeVar("Row", Identity, Membership)
CAUSES = ("death", "death_corrected")


@dataclass
class Plan:
    """What a death, or its correction, does to rows: withdrawn, added, and which the death ended with what stands for each."""

    gone: list[Identity | Membership] = field(default_factory=list)
    made: list[Identity | Membership] = field(default_factory=list)
    ended: list[tuple[int, Identity | Membership | None]] = field(default_factory=list)

    def write(self) -> list[list[int | None]]:
        """Write it and return which rows the death ended, each with what was added for it."""
        for row in self.gone:
            row.withdrawn_at = clock.now()
            row.save(update_fields=["withdrawn_at"])
        for row in self.made:
            row.save(force_insert=True)
        return [[origin, row.pk if row is not None else None] for origin, row in self.ended]


def _outlives(row: Identity | Membership, day: date) -> bool:
    return row.last is None or row.last > day


def _again(row: Row, *, replaces: Row, last: date | None, reason: str) -> Row:
    """Return an unsaved row that says what another did, to a last day."""
    if isinstance(row, Identity):
        return copied(row, last=last, replaces=replaces)
    return Membership(
        household_id=row.household_id, person_id=row.person_id, first=row.first, last=last, is_head=row.is_head, reason=reason,
        replaces=replaces, recorded_at=clock.now(),
    )  # fmt: skip


def plan_of(model: type[Row], people: list[int], *, day: date | None, given_back: list[list[int | None]]) -> Plan:
    """Return what a death on a day does to some people's rows, those given back that an earlier death ended; no day, no death."""
    believed = {
        row.pk: row for row in model.objects.filter(person__in=people, withdrawn_at__isnull=True).order_by("pk")
    }
    plan, origins = Plan(), []
    for origin_id, held_id in given_back:
        held, origin = believed.pop(held_id, None) if held_id else None, model.objects.get(pk=origin_id)
        if held_id and held is None:
            continue
        if held is not None:
            plan.gone.append(held)
        origins.append((origin, held or origin))
    for row in believed.values():
        if day is not None and _outlives(row, day):
            plan.gone.append(row)
            origins.append((row, row))
    for origin, replaces in origins:
        is_ended = day is not None and _outlives(origin, day)
        made = None
        if day is None or not is_ended or origin.first <= day:
            made = _again(
                origin,
                replaces=replaces,
                last=day if is_ended else origin.last,
                reason="death" if is_ended else "correct",
            )
            plan.made.append(made)
        if is_ended:
            plan.ended.append((origin.pk, made))
    return plan


def last_death(people: list[int]) -> PersonChange | None:
    """Return what was last recorded of somebody's death."""
    return (
        PersonChange.objects.filter(person__in=people, cause__in=CAUSES, undone_at__isnull=True).order_by("-pk").first()
    )


def plans_of_correction(person: Person, day: date | None) -> tuple[Plan, Plan]:
    """Return what correcting a death does to memberships and to certifications."""
    people = group_of(person)
    told = change.after if (change := last_death(people)) else {}
    members = plan_of(Membership, people, day=day, given_back=told.get("memberships", []))
    ends = day if told.get("ends_identities") else None
    if ends is None and not told.get("identities"):
        return members, Plan()
    return members, plan_of(Identity, people, day=ends, given_back=told.get("identities", []))


def _refuse_meeting(person: Person, plan: Plan) -> None:
    """Raise if a row to be given back shares a day with one that was recorded meanwhile."""
    gone = [row.pk for row in plan.gone]
    for row in plan.made:
        if isinstance(row, Identity):
            refuse_faulty(row, person=person, beside=gone)
        else:
            others = Membership.objects.filter(person__in=group_of(person), withdrawn_at__isnull=True).exclude(
                pk__in=gone
            )
            for other in others.select_related("household"):
                if other.first <= (row.last or FOREVER) and row.first <= (other.last or FOREVER):
                    held = period(other.first, other.last)
                    raise refuse(E_MEMBER, psn_no=person.psn_no, held=held, number=other.household.number)


def _record(
    person: Person, *, day: date | None, cause: str, ends: bool, plans: tuple[Plan, Plan], by: Any
) -> dict[str, int]:
    members, identities = plans
    before = {"died_on": str(person.died_on) if person.died_on else None}
    after = {
        "died_on": str(day) if day else None,
        "ends_identities": ends,
        "memberships": members.write(),
        "identities": identities.write(),
    }
    PersonChange.objects.create(person=person, cause=cause, before=before, after=after, by=by, at=clock.now())
    person.died_on = day
    person.save(update_fields=["died_on"])
    return {"memberships": len(members.gone), "identities": len(identities.gone) or len(identities.made)}


def _refuse_day(person: Person, day: date) -> None:
    if day > clock.today() or (person.birth and day < person.birth):
        raise refuse(E_DEATH_DAY, day=day)


def _announce(person: Person, identities: int) -> None:
    announce_people("person:died", [person.psn_no])
    if identities:
        announce_people("identity:changed", [person.psn_no], cause_id=f"death:{person.pk}")


class RecordDeath(PersonAction):
    """Record a death: memberships end that day; identities too where the office says so, else they wait for their department."""

    verb = permissions.RECORD_DEATH

    def __init__(self, *, actor: Any, psn_no: str, day: date, ends_identities: bool) -> None:
        super().__init__(actor=actor, psn_no=psn_no)
        self.day, self.ends_identities = day, ends_identities

    def decide(self) -> None:
        if self.person.died_on is not None:
            raise refuse(E_DEAD, psn_no=self.person.psn_no, day=self.person.died_on)
        _refuse_day(self.person, self.day)
        people = group_of(self.person)
        members = plan_of(Membership, people, day=self.day, given_back=[])
        ended = plan_of(Identity, people, day=self.day, given_back=[]) if self.ends_identities else Plan()
        self.plans = (members, ended)

    def write(self) -> dict[str, int]:
        return _record(
            self.person, day=self.day, cause="death", ends=self.ends_identities, plans=self.plans, by=self.actor
        )  # fmt: skip

    def told(self, done: dict[str, int]) -> dict[str, Any]:
        return {"day": str(self.day), **done}

    def announce(self, done: dict[str, int]) -> None:
        _announce(self.person, done["identities"])


def _correct(person: Person, day: date | None, *, by: Any) -> dict[str, int]:
    """Write a correction: what the wrong death ended is given back, what the right one ends is ended."""
    told, plans = last_death(group_of(person)), plans_of_correction(person, day)
    ends = bool(told and told.after.get("ends_identities"))
    if told is not None:
        told.undone_at = clock.now()
        told.save(update_fields=["undone_at"])
    return _record(person, day=day, cause="death_corrected", ends=ends, plans=plans, by=by)


class CorrectDeath(PersonAction):
    """Put right a death recorded wrongly, with a reason; what changes certifications is only proposed."""

    verb = permissions.CORRECT_DEATH

    def __init__(self, *, actor: Any, psn_no: str, day: date | None, reason: str) -> None:
        super().__init__(actor=actor, psn_no=psn_no)
        self.day, self.reason = day, reason.strip()

    def decide(self) -> None:
        person = self.person
        if person.died_on is None:
            raise refuse(E_NOT_DEAD, psn_no=person.psn_no)
        if not self.reason:
            raise refuse(E_WHY)
        if self.day == person.died_on:
            raise refuse(E_NO_CHANGE)
        if self.day is not None:
            _refuse_day(person, self.day)
        if person.death_corrections.filter(state="waiting").exists():
            raise refuse(E_DEATH_WAITING, psn_no=person.psn_no)
        members, identities = plans_of_correction(person, self.day)
        for plan in (members, identities):
            _refuse_meeting(person, plan)
        self.touches = bool(identities.gone or identities.made)

    def write(self) -> DeathCorrection:
        if not self.touches:
            _correct(self.person, self.day, by=self.actor)
        return DeathCorrection.objects.create(
            person=self.person, day=self.day, reason=self.reason, touches_identities=self.touches,
            state="waiting" if self.touches else "done", proposed_by=self.actor, proposed_at=clock.now(),
        )  # fmt: skip

    def told(self, done: DeathCorrection) -> dict[str, Any]:
        return {"day": str(self.day or ""), "state": done.state}

    def announce(self, done: DeathCorrection) -> None:
        if done.state == "done":
            _announce(self.person, 0)


class DecideDeathCorrection(PersonAction):
    """Confirm or send back a correction that changes certifications, as somebody else; confirmed, it is done at once."""

    verb = permissions.DECIDE_DEATH

    def __init__(self, *, actor: Any, correction_id: int, refusal: str | None = None) -> None:
        super().__init__(actor=actor, psn_no="")
        self.correction_id, self.refusal = correction_id, refusal

    def check(self) -> None:
        self.row = access.get(self.actor, DeathCorrection, self.correction_id, self.verb)
        self.person = self.row.person.merged_into or self.row.person
        if self.row.proposed_by_id == self.actor.pk:
            raise refuse(E_DEATH_PAIR)
        if self.refusal is not None and not self.refusal.strip():
            raise refuse(E_WHY)

    def lock(self) -> None:
        super().lock()
        self.row.refresh_from_db()
        if self.row.state != "waiting":
            raise refuse(E_DEATH_DECIDED)

    def decide(self) -> None:
        if self.refusal is None:
            for plan in plans_of_correction(self.person, self.row.day):
                _refuse_meeting(self.person, plan)

    def write(self) -> DeathCorrection:
        row = self.row
        self.identities = (
            _correct(self.person, row.day, by=row.proposed_by)["identities"] if self.refusal is None else 0
        )
        row.state = "done" if self.refusal is None else "refused"
        row.decided_by, row.decided_at, row.refusal = self.actor, clock.now(), (self.refusal or "").strip()
        row.save(update_fields=["state", "decided_by", "decided_at", "refusal"])
        return row

    def told(self, done: DeathCorrection) -> dict[str, Any]:
        return {"day": str(done.day or ""), "state": done.state, "identities": self.identities}

    def announce(self, done: DeathCorrection) -> None:
        if done.state == "done":
            _announce(self.person, self.identities)

"""Undo an applied roster: what it added is withdrawn, what it withdrew is added again, particulars are set as they were.

Refused while something later stands on what the roster said, naming whose it is: a row of it that was ended or corrected since,
a certification that would overlap one put back, a settlement of somebody it registered.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Q

from tuodi.apps.registry import permissions
from tuodi.apps.registry.actions.base import E_RESTORE, WEIGHED, announce_people, lock_keys
from tuodi.apps.registry.actions.rosters import _RunAction
from tuodi.apps.registry.actions.writing import restore, save_people
from tuodi.apps.registry.models import Identity, ImportRun, InsuredPlace, Membership, Person, PersonChange, SearchWord
from tuodi.apps.registry.plans import chunks
from tuodi.apps.registry.queries import DEPENDENTS
from tuodi.base import clock
from tuodi.base.action import refuse
from tuodi.base.bulk import add_rows
from tuodi.core.dates import FOREVER

FACTS = ("identity", "first", "last", "certified_on", "applied_on", "issuer", "document_number")
#: How many people a refusal names.
NAMED = 10


class UndoRoster(_RunAction):
    """Undo an applied roster exactly, or refuse and say whose later changes stand in the way."""

    verb = permissions.UNDO
    needs, wanted = ("applied",), "撤销"

    def decide(self) -> None:
        assert not self.run_row.reached, "a run half undone goes on in parts"
        people = concerned(self.run_row)
        lock_keys(people)
        self.find(people)
        refuse_if(self.standing())

    def must_be_possible(self, people: Sequence[int]) -> None:
        """Raise unless all of it could be undone now; nothing is locked."""
        self.check()
        self.run_row = ImportRun.objects.get(pk=self.run_id)
        standing: set[str] = set()
        for some in chunks(people):
            self.find(some)
            standing.update(self.standing())
        refuse_if(sorted(standing))

    def find(self, people: Sequence[int]) -> None:
        """Find what the run did to some people."""
        run, held = self.run_row.pk, list[Identity]()
        self.joined, self.changes, self.people = list[Membership](), list[PersonChange](), list[Person]()
        for some in chunks(people):
            held += Identity.objects.filter(person__in=some).select_related("person")
            self.joined += Membership.objects.filter(person__in=some, run=run).select_related("person")
            changes = PersonChange.objects.filter(person__in=some, run=run, undone_at__isnull=True)
            self.changes += changes.select_related("person").order_by("pk")
            self.people += Person.objects.filter(pk__in=some, run=run, withdrawn_at__isnull=True)
        self.added = [row for row in held if row.run_id == run and row.withdrawn_at is None]
        self.gone = [row for row in held if row.run_id == run and row.withdrawn_at is not None]
        self.removed = [row for row in held if row.withdrawn_by_run_id == run]

    def standing(self) -> list[str]:
        """Return whose later changes stand on what the run did."""
        return sorted({*self._changed_since(), *self._overlapping(), *self._later_particulars(), *self._depending()})

    def _changed_since(self) -> set[str]:
        """Whose rows of this run were ended, corrected or left since, and not put back as they were."""
        believed = {(row.person_id, row.identity, row.first, row.last) for row in self.added}
        found = {
            row.person.psn_no for row in self.gone if (row.person_id, row.identity, row.first, row.last) not in believed
        }
        return found | {row.person.psn_no for row in self.joined if row.withdrawn_at is not None}

    def _overlapping(self) -> set[str]:
        """Whose certifications put back would share a day with one that somebody else recorded since."""
        back: dict[tuple[int, str], list[Identity]] = {}
        for row in self.removed:
            back.setdefault((row.person_id, row.identity), []).append(row)
        own, found = {row.pk for row in self.added}, set()
        for some in chunks({person for person, _ in back}):
            rows = Identity.objects.filter(person__in=some, withdrawn_at__isnull=True).select_related("person")
            for row in rows:
                for old in back.get((row.person_id, row.identity), []) if row.pk not in own else []:
                    if old.first <= (row.last or FOREVER) and row.first <= (old.last or FOREVER):
                        found.add(row.person.psn_no)
        return found

    def _later_particulars(self) -> set[str]:
        found = set()
        own = {change.person_id: change.pk for change in self.changes}
        for some in chunks(own):
            later = (
                PersonChange.objects.filter(person__in=some, undone_at__isnull=True)
                .exclude(run=self.run_row)
                .select_related("person")
            )
            found |= {row.person.psn_no for row in later if row.pk > own[row.person_id]}
        return found

    def _depending(self) -> set[str]:
        """Who was registered by this run and is needed since: identities, households, merges, deaths, whatever lies above."""
        found = {person.psn_no for person in self.people if person.died_on or person.merged_into_id}
        mine = {person.pk: person.psn_no for person in self.people}
        for some in chunks(mine):
            named = Identity.objects.filter(person__in=some, withdrawn_at__isnull=True).exclude(run=self.run_row)
            found |= {mine[key] for key in named.values_list("person_id", flat=True)}
            members = Membership.objects.filter(person__in=some, withdrawn_at__isnull=True).filter(
                ~Q(run=self.run_row) | Q(run__isnull=True)
            )
            found |= {mine[key] for key in members.values_list("person_id", flat=True)}
            merged = Person.objects.filter(merged_into__in=some).values_list("merged_into_id", flat=True)
            found |= {mine[key] for key in merged}
            for dependents in DEPENDENTS:
                found |= set(dependents([mine[key] for key in some]))
        return found

    def write(self) -> Any:
        self.put_back()
        self.close()
        return self.run_row

    def put_back(self) -> None:
        """Withdraw what the run added, add again what it withdrew, and set particulars as they were."""
        now = clock.now()
        for part in chunks(self.added):
            Identity.objects.filter(pk__in=[row.pk for row in part]).update(withdrawn_at=now)
        for part in chunks(self.removed):
            add_rows([
                Identity(person_id=row.person_id, run_id=row.run_id, replaces_id=row.pk, recorded_at=now,
                         **{name: getattr(row, name) for name in FACTS})
                for row in part
            ])  # fmt: skip
        for part in chunks(self.joined):
            Membership.objects.filter(pk__in=[row.pk for row in part]).update(withdrawn_at=now)
        for part in chunks(self.changes):
            save_people([restore(change.person, change.before) for change in part])
            PersonChange.objects.filter(pk__in=[change.pk for change in part]).update(undone_at=now)
            moves = InsuredPlace.objects.filter(run=self.run_row, person__in=[change.person_id for change in part])
            moves.filter(withdrawn_at__isnull=True).update(withdrawn_at=now)
        restored = {change.person_id for change in self.changes}
        for some in chunks(person.pk for person in self.people if person.pk not in restored):
            Person.objects.filter(pk__in=some).update(withdrawn_at=now)
            SearchWord.objects.filter(person__in=some).delete()

    def close(self) -> None:
        """Set the run undone."""
        run = self.run_row
        run.state, run.undone_at, run.failure, run.reached = "undone", clock.now(), "", 0
        run.save(update_fields=["state", "undone_at", "failure", "reached"])

    def announce(self, done: Any) -> None:
        numbers = {row.person.psn_no for row in [*self.added, *self.removed]}
        announce_people("identity:changed", numbers, cause_id=f"run:{self.run_row.pk}")
        announce_people(
            "household:changed", {row.person.psn_no for row in self.joined}, cause_id=f"run:{self.run_row.pk}"
        )
        weighed = [
            row.person.psn_no for row in self.changes if any(row.before[key] != row.after[key] for key in WEIGHED)
        ]
        announce_people("person:changed", weighed, cause_id=f"run:{self.run_row.pk}")


def refuse_if(standing: Sequence[str]) -> None:
    """Raise if later changes of somebody stand in the way, naming some of them."""
    if standing:
        more = f" 等 {len(standing)} 人" if len(standing) > NAMED else ""
        raise refuse(E_RESTORE, people="、".join(standing[:NAMED]), more=more)


def concerned(run: ImportRun) -> list[int]:
    """Return the keys of everybody to whom a run did something, in order; undoing it leaves the list as it is."""
    found = set(Person.objects.filter(run=run).values_list("pk", flat=True))
    for rows in (
        Identity.objects.filter(Q(run=run) | Q(withdrawn_by_run=run)),
        Membership.objects.filter(run=run),
        PersonChange.objects.filter(run=run),
    ):
        found.update(rows.values_list("person_id", flat=True))
    return sorted(found)

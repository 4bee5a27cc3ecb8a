"""Undo an applied roster: what it added is withdrawn, what it withdrew is added again, particulars are set as they were.

Refused while something later stands on what the roster said, naming whose it is: a row of it that was ended or corrected since,
a certification that would overlap one put back, a settlement of somebody it registered.
"""

from __future__ import annotations

from django.db.models import Q

from tuodi.apps.registry import permissions
from tuodi.apps.registry.actions.base import E_RESTORE, WEIGHED, announce_people, refuse
from tuodi.apps.registry.actions.rosters import _RunAction
from tuodi.apps.registry.actions.writing import add_rows, restore, save_people
from tuodi.apps.registry.models import Identity, ImportRun, InsuredPlace, Membership, Person, PersonChange, SearchWord
from tuodi.apps.registry.plans import chunks
from tuodi.apps.registry.queries import DEPENDENTS
from tuodi.base import clock
from tuodi.core.dates import FOREVER

FACTS = ("identity", "first", "last", "certified_on", "applied_on", "issuer", "document_number")
#: How many people a refusal names.
NAMED = 10


class UndoRoster(_RunAction):
    """Undo an applied roster exactly, or refuse and say whose later changes stand in the way."""

    verb = permissions.UNDO
    needs, wanted = ("applied", "undoing"), "撤销"

    def decide(self) -> None:
        run = self.run_row
        self.added = list(
            Identity.objects.filter(run=run, withdrawn_at__isnull=True).select_related("person", "replaces")
        )
        self.removed = list(Identity.objects.filter(withdrawn_by_run=run).select_related("person"))
        self.joined = list(Membership.objects.filter(run=run).select_related("person"))
        self.changes = list(PersonChange.objects.filter(run=run, undone_at__isnull=True).select_related("person"))
        self.people = list(Person.objects.filter(run=run, withdrawn_at__isnull=True))
        touched = {row.person_id for row in [*self.added, *self.removed, *self.joined, *self.changes]} | {
            p.pk for p in self.people
        }
        for some in chunks(sorted(touched)):
            list(Person.objects.select_for_update().filter(pk__in=some).order_by("pk").values_list("pk"))
        standing = sorted(
            {*self._changed_since(), *self._overlapping(), *self._later_particulars(), *self._depending()}
        )
        if standing:
            more = f" 等 {len(standing)} 人" if len(standing) > NAMED else ""
            raise refuse(E_RESTORE, people="、".join(standing[:NAMED]), more=more)

    def _changed_since(self) -> set[str]:
        """Whose rows of this run were ended, corrected or left since, and not put back as they were."""
        gone = Identity.objects.filter(run=self.run_row, withdrawn_at__isnull=False).select_related("person")
        believed = {(row.person_id, row.identity, row.first, row.last) for row in self.added}
        found = {
            row.person.psn_no for row in gone if (row.person_id, row.identity, row.first, row.last) not in believed
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

    def write(self) -> ImportRun:
        run, now = self.run_row, clock.now()
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
        InsuredPlace.objects.filter(run=run, withdrawn_at__isnull=True).update(withdrawn_at=now)
        restored = {change.person_id for change in self.changes}
        for some in chunks(person.pk for person in self.people if person.pk not in restored):
            Person.objects.filter(pk__in=some).update(withdrawn_at=now)
            SearchWord.objects.filter(person__in=some).delete()
        run.state, run.undone_at, run.failure = "undone", now, ""
        run.save(update_fields=["state", "undone_at", "failure"])
        return run

    def announce(self, done: ImportRun) -> None:
        numbers = {row.person.psn_no for row in [*self.added, *self.removed]}
        announce_people("identity:changed", numbers, cause_id=f"run:{done.pk}")
        announce_people("household:changed", {row.person.psn_no for row in self.joined}, cause_id=f"run:{done.pk}")
        weighed = [
            row.person.psn_no for row in self.changes if any(row.before[key] != row.after[key] for key in WEIGHED)
        ]
        announce_people("person:changed", weighed, cause_id=f"run:{done.pk}")

"""A large roster applied and undone some people at a time, each part a short transaction of its own (decision 17).

A person is in one part, so every settlement sees each person as before or as after. How many people are done stands with the run and is
written with the part: whoever comes after a kill goes on there, and of two who are at it at once the later finds the part done.
What changed since it was seen is passed over and told, never overwritten.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tuodi.apps.registry import comparing, permissions, previews
from tuodi.apps.registry.actions.base import lock_keys, lock_people
from tuodi.apps.registry.actions.rosters import _RunAction, announce_plan, close_applied
from tuodi.apps.registry.actions.undoing import UndoRoster
from tuodi.apps.registry.actions.writing import write_plan
from tuodi.apps.registry.models import ImportRun, Person
from tuodi.apps.registry.reading import Roster
from tuodi.base import clock
from tuodi.base.doors import sentence_of
from tuodi.core.errors import declare, fault

E_ROW_CHANGED = declare(
    "E-REG-ROW-CHANGED",
    "人员 {psn_no} 的登记在预览之后有变化，这一处没有写入",
    "请核对现在的登记；仍要写入的，把这一行另存成名册重新导入",
)
E_ROW_STANDS = declare(
    "E-REG-ROW-STANDS",
    "人员 {psn_no} 在撤销期间有了以这份名册为依据的变更，没有恢复",
    "请核对现在的登记，逐人更正",
)

#: People of a part: the writer of SQLite is held for well under a tenth of a second on an idle machine.
PEOPLE = 500


class Overtaken(Exception):
    """Somebody else has done this part."""


class ApplyPart(_RunAction):
    """Apply what a preview says of some people, ``people`` being everybody's lines in order; returns how many are done then."""

    verb = permissions.IMPORT
    needs = ("applying",)

    def __init__(
        self, *, actor: Any, run_id: int, roster: Roster, people: Sequence[list[dict[str, Any]]], first: int
    ) -> None:
        super().__init__(actor=actor, run_id=run_id)
        self.roster, self.people, self.first = roster, people, first
        self.last = min(first + PEOPLE, len(people))
        self.lines = [line for some in people[first : self.last] for line in some]

    def lock(self) -> None:
        self.lock_run()
        if self.run_row.reached != self.first:
            raise Overtaken
        lock_people(line["psn_no"] for line in self.lines)

    def decide(self) -> None:
        self.plan, self.passed = comparing.plan_of_lines(self.run_row, self.roster, self.lines)

    def write(self) -> int:
        run = self.run_row
        write_plan(run, self.plan, actor=self.actor)
        for line in self.passed:
            run.counts[line["kind"]] -= 1
        told = [sentence_of(fault(E_ROW_CHANGED, line=line["line"], psn_no=line["psn_no"])) for line in self.passed]
        _reach(run, self.last, told)
        if self.last == len(self.people):
            close_applied(run)
        return self.last

    def audited(self, done: int) -> dict[str, Any]:
        return _audited_part(self.run_row, super().audited(done), done, len(self.people), len(self.passed))

    def announce(self, done: int) -> None:
        announce_plan(self.run_row, self.plan)


class UndoPart(UndoRoster):
    """Undo a roster for some people, ``people`` being the keys of everybody concerned in order; returns how many are done then."""

    needs = ("undoing",)

    def __init__(self, *, actor: Any, run_id: int, people: Sequence[int], first: int) -> None:
        super().__init__(actor=actor, run_id=run_id)
        self.everybody, self.first, self.last = people, first, min(first + PEOPLE, len(people))

    def lock(self) -> None:
        super().lock()
        if self.run_row.reached != self.first:
            raise Overtaken

    def decide(self) -> None:
        some = self.everybody[self.first : self.last]
        lock_keys(some)
        self.find(some)
        self.left = self.standing()
        if self.left:
            left = set(Person.objects.filter(psn_no__in=self.left).values_list("pk", flat=True))
            self.find([key for key in some if key not in left])

    def write(self) -> int:
        self.put_back()
        _reach(self.run_row, self.last, [sentence_of(fault(E_ROW_STANDS, psn_no=psn_no)) for psn_no in self.left])
        if self.last == len(self.everybody):
            self.close()
        return self.last

    def audited(self, done: int) -> dict[str, Any]:
        return _audited_part(self.run_row, super().audited(done), done, len(self.everybody), len(self.left))

    def announce(self, done: int) -> None:
        super().announce(self.run_row)


def _reach(run: ImportRun, done: int, passed: list[str]) -> None:
    """Note how many people are done and what was passed over."""
    if passed:
        run.counts["passed"] = run.counts.get("passed", 0) + len(passed)
        previews.add(run, previews.PASSED, passed)
    run.reached, run.asked_at = done, clock.now()
    run.save(update_fields=["reached", "asked_at", "counts", "told"])


def _audited_part(run: ImportRun, told: dict[str, Any], done: int, total: int, passed: int) -> dict[str, Any]:
    """Return the audit row of a part: the last one's is that of the whole."""
    if done == total:
        return told
    return {**told, "data": {"step": f"{run.state} part", "done": done, "total": total, "passed": passed}}

"""Rosters read, weighed, applied and undone in the background, each step under the name of whoever asked for it.

Reading and weighing write nothing until a short action keeps the preview: killed, they have left nothing. Applying and undoing are many
short transactions of some people each, so that the counters go on meanwhile (decision 17): killed, they go on where they were. The
announcement still waits then, and the next delivery takes the step; one that is told twice finds the run in another state and does
nothing. What is small is done at once, in one transaction, so that a clerk does not wait for a turn.
"""

from __future__ import annotations

import copy
import gc
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404

from tuodi.apps.policies.queries import plans_of
from tuodi.apps.registry import comparing
from tuodi.apps.registry.actions.parts import ApplyPart, Overtaken, UndoPart
from tuodi.apps.registry.actions.rosters import (
    ApplyRoster,
    AskToUndo,
    ConfirmRoster,
    KeepPreview,
    UploadRoster,
    step_failed,
)
from tuodi.apps.registry.actions.undoing import UndoRoster, concerned
from tuodi.apps.registry.comparing import roster_of
from tuodi.apps.registry.insured import moved, place, places_of
from tuodi.apps.registry.models import Identity, ImportRun, Person
from tuodi.apps.registry.plans import Difference, Plan, chunks
from tuodi.apps.registry.previews import by_person
from tuodi.apps.settlement.folding import PlansOf, is_by_household
from tuodi.apps.settlement.histories import CHUNK, PersonHistory, billed, histories_of
from tuodi.apps.settlement.retro import Impact, Would, circle_with, in_order, weigh
from tuodi.base.action import Action, together
from tuodi.base.doors import said
from tuodi.base.progress import Notes
from tuodi.core.errors import InputErrors

#: What is done at once: files of so many bytes, runs of so many changes.
SMALL_BYTES, SMALL_CHANGES = 40 * 1024, 500
#: Settlements of one person that a preview lists.
LISTED = 50
GONE = "经办人的账号已停用，或岗位、辖区已变，不能以其名义继续。请由在岗的身份信息岗重新办理。"

Progress = Callable[[int, int], None]


def notes_of(run_id: int) -> str:
    """Return the name under which the progress of a run is noted."""
    return f"roster-{run_id}"


def take_in(*, actor: Any, content: bytes, **given: Any) -> ImportRun:
    """Take a roster in: a small one is read and weighed at once and not kept if it cannot be read, another in the background."""
    upload = UploadRoster(actor=actor, content=content, **given)
    if len(content) > SMALL_BYTES:
        made: ImportRun = upload.run()
        return made
    with together():
        made = upload.run()
        return read(made)


def confirm(actor: Any, run: ImportRun) -> None:
    """Have a previewed roster applied, a small one at once; raises what refuses it."""
    if _changes(run) > SMALL_CHANGES or run.reached:
        ConfirmRoster(actor=actor, run_id=run.pk).run()
    else:
        ApplyRoster(actor=actor, run_id=run.pk).run()


def undo(actor: Any, run: ImportRun) -> None:
    """Have an applied roster undone, a small one at once; raises what refuses it."""
    if _changes(run) > SMALL_CHANGES or run.reached:
        AskToUndo(actor=actor, run_id=run.pk).run()
    else:
        UndoRoster(actor=actor, run_id=run.pk).run()


def _changes(run: ImportRun) -> int:
    left = ("unchanged", "conflicts", "not_found", "bad", "passed")
    return sum(count for kind, count in run.counts.items() if kind not in left)


def read(run: ImportRun, notes: Notes | None = None) -> ImportRun:
    """Read a kept roster, weigh what it would change, and keep both; raises what is wrong with the file's form."""

    def saying(doing: str) -> Progress | None:
        return (lambda done, total: notes.say(doing, done, total)) if notes else None

    if notes:
        notes.say("正在读取名册")
    preview = comparing.preview_of(run, reading=saying("正在读取名册"), progress=saying("正在与登记比对"))
    found = impact_of_plan(preview.plan, as_of=run.as_of, progress=saying("正在测算对救助金额的影响"))
    if notes:
        notes.say("正在保存比对结果")
    kept: ImportRun = KeepPreview(
        actor=run.by, preview=preview, impacts=[line_of(one) for one in found], sums=sums_of(found)
    ).run()
    return kept


def read_uploaded(data: dict[str, Any]) -> None:
    """Subscriber of ``roster:uploaded``."""
    _step(data["run"], "reading", "failed", read)


def apply_confirmed(data: dict[str, Any]) -> None:
    """Subscriber of ``roster:confirmed``."""
    _step(data["run"], "applying", "previewed", _apply)


def undo_asked(data: dict[str, Any]) -> None:
    """Subscriber of ``roster:undo_asked``."""
    _step(data["run"], "undoing", "applied", _undo)


def _apply(run: ImportRun, notes: Notes) -> None:
    notes.say("正在读取名册")
    roster, people = roster_of(run), by_person(run)

    def part(first: int) -> Action:
        return ApplyPart(actor=run.asked_by, run_id=run.pk, roster=roster, people=people, first=first)

    _in_parts(run, part, len(people), lambda done: notes.say("正在写入登记（人）", done, len(people)))


def _undo(run: ImportRun, notes: Notes) -> None:
    notes.say("正在核对登记有没有变化")
    people = concerned(run)
    if not run.reached:
        UndoRoster(actor=run.asked_by, run_id=run.pk).must_be_possible(people)

    def part(first: int) -> Action:
        return UndoPart(actor=run.asked_by, run_id=run.pk, people=people, first=first)

    _in_parts(run, part, len(people), lambda done: notes.say("正在恢复登记（人）", done, len(people)))


def _in_parts(run: ImportRun, part: Callable[[int], Action], total: int, say: Callable[[int], None]) -> None:
    """Take parts from where the run is to its end; between two, leave the one writer of SQLite to the counters as long again."""
    done = run.reached
    with _lasting():
        while True:
            say(done)
            began = time.monotonic()
            try:
                done = part(done).run()
            except Overtaken:
                run.refresh_from_db(fields=["reached"])
                done = run.reached
            else:
                if done >= total:
                    return
            time.sleep(time.monotonic() - began)


@contextmanager
def _lasting() -> Iterator[None]:
    """Leave what is there, a roster's hundreds of thousands of lines, out of what Python looks through for garbage.

    Looking through it takes four times as long as a part, and would be done in the middle of one.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _step(run_id: int, state: str, back_to: str, work: Callable[[ImportRun, Notes], Any]) -> None:
    """Take a step that a run waits for; what refuses it is kept for whoever asked."""
    run = ImportRun.objects.select_related("by", "asked_by").filter(pk=run_id, state=state).first()
    if run is None:
        return
    with Notes(notes_of(run_id)) as notes:
        try:
            work(run, notes)
        except InputErrors as errors:
            step_failed(run_id, state=state, back_to=back_to, why="\n".join(said(errors)))
        except (PermissionDenied, Http404):
            step_failed(run_id, state=state, back_to=back_to, why=GONE)


def impact_of_plan(plan: Plan, *, as_of: date, progress: Progress | None = None) -> list[Impact]:
    """Return what a roster's plan comes to, for those whose settlements it touches; whoever shows it has checked who asks.

    A bounded number of statements for each few hundred people, however many settlements they have.
    """
    by_person: dict[str, list[Difference]] = defaultdict(list)
    for one in plan.of_kind("new", "changed", "ended", "updated"):
        by_person[one.psn_no].append(one)
    numbers, found, plans, done, seen = sorted(by_person), list[Impact](), cache(plans_of), 0, set[str]()
    for some in chunks(numbers):
        people = list(billed().filter(psn_no__in=some).order_by("psn_no"))
        for at in range(0, len(people), CHUNK):
            for circle in _circles(
                people[at : at + CHUNK], plans, seen, lambda one: (_person_after(one, by_person, as_of), None)
            ):
                would_be = [
                    _after(held, by_person, as_of) if held.person.psn_no in by_person else held for held in circle
                ]
                made = weigh(circle, would_be, plans=plans).values()
                found += [one for one in made if one.changes or one.why]
            if progress:
                progress(done + len(some) * min(at + CHUNK, len(people)) // len(people), len(numbers))
        done += len(some)
    return found


def _circles(
    people: list[Person], plans: PlansOf, seen: set[str], would_be: Callable[[Person], Would]
) -> Iterator[list[PersonHistory]]:
    """Yield whoever is folded together with some people, as they are and as they would be, each circle once."""
    for held in histories_of(people):
        versions = (held.person, would_be(held.person)[0] or held.person)
        if not any(is_by_household(one, plans) for one in versions):
            yield [held]
        elif held.person.psn_no not in seen:
            circle = circle_with(held.person, plans, would_be)
            seen |= {one.person.psn_no for one in circle}
            yield circle


def _after(held: PersonHistory, told: dict[str, list[Difference]], as_of: date) -> PersonHistory:
    """Return somebody as a plan leaves them."""
    mine = [one for one in told[held.person.psn_no] if one.kind != "updated"]
    gone = {one.held_id for one in mine}
    made = (Identity(person=held.person, identity=one.identity, **one.after) for one in mine)
    after = in_order([*(row for row in held.identities if row.pk not in gone), *made])
    return replace(held, person=_person_after(held.person, told, as_of) or held.person, identities=after)


def _person_after(person: Person, told: dict[str, list[Difference]], as_of: date) -> Person | None:
    """Return somebody's particulars as a plan leaves them; None if it leaves them alone."""
    changed = None
    for one in told.get(person.psn_no, ()):
        if one.kind == "updated":
            changed = changed or copy.copy(person)
            for name, value in one.after.items():
                if name == "insured_area":
                    place(changed, moved(places_of(changed), value, as_of))
                elif name != "certno":
                    setattr(changed, name, value)
    return changed


def line_of(one: Impact) -> dict[str, Any]:
    """Return one person's impact as a preview keeps it."""
    listed = [[change.settled_on.isoformat(), change.fen] for change in one.changes[:LISTED]]
    return {
        "psn_no": one.psn_no, "bills": one.bills, "gain_fen": one.gain_fen, "loss_fen": one.loss_fen, "why": one.why,
        "changes": listed, "more": len(one.changes) - len(listed),
    }  # fmt: skip


def sums_of(found: list[Impact]) -> dict[str, int]:
    """Return what a roster comes to in all."""
    return {
        "gain_fen": sum(one.gain_fen for one in found), "loss_fen": sum(one.loss_fen for one in found),
        "gaining": sum(1 for one in found if one.gain_fen), "losing": sum(1 for one in found if one.loss_fen),
        "unknown": sum(1 for one in found if one.why),
    }  # fmt: skip

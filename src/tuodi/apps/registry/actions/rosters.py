"""Rosters in three steps: preview, confirm or give up, and undo. Nothing is applied before it is confirmed (TH-4.3.1).

Each step is asked for by somebody and taken in the background under that name (:mod:`tuodi.apps.settlement.importing`), a small
roster's at once. What a roster would change is kept (:mod:`tuodi.apps.registry.previews`), not found anew by every page.
Applying computes the plan again under the locks of everybody concerned and refuses if it is no longer what was previewed; a large
roster is applied in parts (:mod:`tuodi.apps.registry.actions.parts`), which pass over what changed.
Undoing puts back exactly what was believed before: what the run added is withdrawn, what it withdrew is added again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date
from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied

from tuodi.apps.registry import comparing, permissions, previews
from tuodi.apps.registry.actions.base import WEIGHED, announce_people, lock_people
from tuodi.apps.registry.actions.writing import write_plan
from tuodi.apps.registry.comparing import E_STATE, Preview
from tuodi.apps.registry.models import ImportRun, RosterFile
from tuodi.apps.registry.plans import Plan
from tuodi.base import access, clock, outbox
from tuodi.base.action import Action, refuse
from tuodi.batch.citizen import mask_within
from tuodi.core.errors import declare
from tuodi.core.identities import IDENTITIES

E_CHANGED = declare("E-REG-RUN-CHANGED", "预览之后登记的信息有变化，导入的结果会与预览不同", "请重新比对，核对后再确认")
E_BEGUN = declare(
    "E-REG-RUN-BEGUN", "这份名册已写入 {reached} 人，还没有写完", "请先确认导入，从停下的地方写完；不要的再整份撤销"
)
E_COVERS_NONE = declare(
    "E-REG-RUN-COVERS", "全量名册没有说明包含哪些身份", "请勾选名册包含的身份；不在名册上的人将在这些身份上终止"
)
E_SEEN = declare(
    "E-REG-RUN-SEEN",
    "同样内容的名册已于 {at} 导入（第 {run} 次导入）",
    "不需要重复导入；内容有更正的请导入更正后的文件",
)


class UploadRoster(Action):
    """Keep a roster, sealed, and have it read and held against what is known; nothing else is written."""

    verb = permissions.IMPORT

    def __init__(
        self, *, actor: Any, content: bytes, filename: str, kind: str, issuer: str, area_code: str, as_of: date | None = None,
        is_full: bool = False, covers: Sequence[str] = (),
    ) -> None:  # fmt: skip
        super().__init__(actor=actor)
        assert kind in ("people", "identities"), kind
        assert set(covers) <= set(IDENTITIES), covers
        self.run_row = ImportRun(
            issuer=issuer, kind=kind, filename=mask_within(filename)[:200], digest=hashlib.sha256(content).hexdigest(), area_code=area_code,
            is_full_roster=is_full, covers=list(covers), as_of=as_of or clock.today(), state="reading", by=actor, asked_by=actor,
        )  # fmt: skip
        self.sealed = comparing.sealed(self.run_row, content)

    def check(self) -> None:
        run = self.run_row
        if not run.area_code.startswith(access.area_prefix(self.actor.area_code)):
            raise PermissionDenied("名册所属区划不在您的辖区内")
        if run.is_full_roster and not run.covers:
            raise refuse(E_COVERS_NONE)
        same = ImportRun.objects.filter(
            digest=run.digest,
            kind=run.kind,
            area_code=run.area_code,
            as_of=run.as_of,
            is_full_roster=run.is_full_roster,
            state__in=("applying", "applied"),
        ).first()
        if same is not None:
            raise refuse(E_SEEN, at=clock.local(same.applied_at or same.at).strftime("%Y-%m-%d %H:%M"), run=same.pk)

    def write(self) -> ImportRun:
        run = self.run_row
        run.at = run.asked_at = clock.now()
        run.save(force_insert=True)
        RosterFile.objects.create(run=run, sealed=self.sealed)
        return run

    def audited(self, done: ImportRun) -> dict[str, Any]:
        data = {"digest": done.digest, "step": "upload"}
        return {"subject": "roster", "subject_id": done.pk, "area_code": done.area_code, "data": data}

    def announce(self, done: ImportRun) -> None:
        outbox.announce("roster:uploaded", run=done.pk)


class _RunAction(Action):
    """What every step of an import shares: a visible run, locked, in a state that it needs."""

    needs: tuple[str, ...] = ("previewed",)
    wanted = "导入"

    def __init__(self, *, actor: Any, run_id: int) -> None:
        super().__init__(actor=actor)
        self.run_id = run_id

    def check(self) -> None:
        access.get(self.actor, ImportRun, self.run_id, self.verb)

    def lock(self) -> None:
        self.lock_run()

    def lock_run(self) -> None:
        """Take the run's row, in a state that the step needs."""
        self.run_row = ImportRun.objects.select_for_update().get(pk=self.run_id)
        if self.run_row.state not in self.needs:
            raise refuse(E_STATE, state=self.run_row.get_state_display(), wanted=self.wanted)

    def audited(self, done: Any) -> dict[str, Any]:
        run = self.run_row
        return {
            "subject": "roster",
            "subject_id": run.pk,
            "area_code": run.area_code,
            "data": {"step": run.state, "counts": run.counts},
        }


class KeepPreview(_RunAction):
    """Keep what a roster was found to change, and what that comes to in money, to be looked at before it is confirmed."""

    verb = permissions.IMPORT
    needs, wanted = ("reading",), "比对"

    def __init__(self, *, actor: Any, preview: Preview, impacts: Sequence[Any], sums: dict[str, int]) -> None:
        super().__init__(actor=actor, run_id=preview.run.pk)
        plan, roster = preview.plan, preview.roster
        lines: dict[str, Sequence[Any]] = {kind: plan.of_kind(kind) for kind in previews.CHANGES}
        lines |= {"not_found": plan.not_found, "conflicts": plan.conflicts, "bad": roster.faults}
        self.kept = {kind: [previews.line_of(one) for one in some] for kind, some in lines.items()}
        self.kept[previews.IMPACT] = list(impacts)
        self.kept[previews.TO_CORRECT] = [roster.bad_csv.decode()] if roster.bad.height else []
        self.parts = [
            part for kind, some in self.kept.items() for part in previews.sealed_parts(preview.run, kind, some)
        ]
        self.told = {
            "lines": {kind: len(some) for kind, some in self.kept.items()}, "ignored": list(roster.ignored),
            "absences_kept": plan.absences_kept, "money": sums,
        }  # fmt: skip
        self.digest, self.counts = plan.digest, plan.counts | {"bad": roster.bad.height}

    def write(self) -> ImportRun:
        run = self.run_row
        previews.keep(self.parts)
        run.told = self.told
        run.plan, run.counts = self.digest, self.counts
        run.state, run.failure = "previewed", ""
        run.save(update_fields=["told", "plan", "counts", "state", "failure"])
        return run

    def audited(self, done: ImportRun) -> dict[str, Any]:
        told = super().audited(done)
        return {**told, "data": {"digest": done.digest, "counts": done.counts, "step": "preview"}}


class _AskedAction(_RunAction):
    """A step that the background takes, under the name of whoever asks for it here."""

    leads_to: ClassVar[str]
    fact: ClassVar[str]

    def write(self) -> ImportRun:
        run = self.run_row
        run.state, run.asked_by, run.asked_at, run.failure = self.leads_to, self.actor, clock.now(), ""
        run.save(update_fields=["state", "asked_by", "asked_at", "failure"])
        return run

    def announce(self, done: ImportRun) -> None:
        outbox.announce(self.fact, run=done.pk)


class _NotBegun(_RunAction):
    """A step that is too late once a part of the roster is applied."""

    def lock_run(self) -> None:
        super().lock_run()
        if self.run_row.reached:
            raise refuse(E_BEGUN, reached=self.run_row.reached)


class ReadRosterAgain(_NotBegun, _AskedAction):
    """Have a roster that waits held against what is known now; what was found before is forgotten."""

    verb = permissions.IMPORT
    needs, wanted = ("previewed", "failed"), "重新比对"
    leads_to, fact = "reading", "roster:uploaded"

    def write(self) -> ImportRun:
        previews.forget(self.run_row)
        return super().write()


class ConfirmRoster(_AskedAction):
    """Have a previewed roster applied."""

    verb = permissions.IMPORT
    leads_to, fact = "applying", "roster:confirmed"


class AskToUndo(_AskedAction):
    """Have an applied roster undone."""

    verb = permissions.UNDO
    needs, wanted = ("applied",), "撤销"
    leads_to, fact = "undoing", "roster:undo_asked"


class ApplyRoster(_NotBegun):
    """Apply a small previewed roster, whole or not at all; refused when it would do something else than was previewed."""

    verb = permissions.IMPORT

    def lock(self) -> None:
        self.lock_run()
        lock_people(line["psn_no"] for line in previews.Lines(self.run_row, previews.CHANGES)[:])

    def decide(self) -> None:
        self.plan = comparing.preview_of(self.run_row).plan
        if self.plan.digest != self.run_row.plan:
            raise refuse(E_CHANGED)

    def write(self) -> Any:
        write_plan(self.run_row, self.plan, actor=self.actor)
        close_applied(self.run_row)
        return self.run_row

    def announce(self, done: Any) -> None:
        announce_plan(self.run_row, self.plan)


def close_applied(run: ImportRun) -> None:
    """Set a run applied, and forget what its preview needed."""
    RosterFile.objects.filter(run=run).update(sealed=b"")
    previews.forget(run)
    run.state, run.applied_at, run.failure, run.reached = "applied", clock.now(), "", 0
    run.save(update_fields=["state", "applied_at", "failure", "reached"])


def announce_plan(run: ImportRun, plan: Plan) -> None:
    """Tell whose settlements follow from what was written."""
    announce_people("identity:changed", plan.psn_nos, cause_id=f"run:{run.pk}")
    joined = [one.psn_no for one in plan.of_kind("joined")]
    announce_people("household:changed", joined, cause_id=f"run:{run.pk}")
    weighed = [one.psn_no for one in plan.of_kind("updated") if set(WEIGHED) & set(one.after)]
    announce_people("person:changed", weighed, cause_id=f"run:{run.pk}")


def step_failed(run_id: int, *, state: str, back_to: str, why: str) -> None:
    """Note that a step in the background was refused and why, unless the run is no longer in it. Bookkeeping of the work."""
    ImportRun.objects.filter(pk=run_id, state=state).update(state=back_to, failure=why[:2000])


class DropRoster(_NotBegun):
    """Give a roster up; its sealed content is emptied."""

    verb = permissions.IMPORT
    needs, wanted = ("reading", "failed", "previewed"), "放弃"

    def write(self) -> ImportRun:
        RosterFile.objects.filter(run=self.run_row).update(sealed=b"")
        previews.forget(self.run_row)
        self.run_row.state = "dropped"
        self.run_row.save(update_fields=["state"])
        return self.run_row

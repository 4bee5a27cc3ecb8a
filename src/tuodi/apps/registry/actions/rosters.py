"""Rosters in three steps: preview, confirm or give up, and undo. Nothing is applied before it is confirmed (TH-4.3.1).

Confirming computes the plan again under the locks of everybody concerned and refuses if it is no longer what was previewed.
Undoing puts back exactly what was believed before: what the run added is withdrawn, what it withdrew is added again.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.core.exceptions import PermissionDenied

from tuodi.apps.registry import permissions
from tuodi.apps.registry.actions.base import announce_people, refuse
from tuodi.apps.registry.actions.writing import write_plan
from tuodi.apps.registry.models import ImportRun, Person, RosterFile
from tuodi.apps.registry.plans import Plan, chunks, people_of_list, plan_identities, plan_people
from tuodi.apps.registry.queries import codes_for
from tuodi.apps.registry.reading import Roster, read_roster
from tuodi.base import access, clock, secrets
from tuodi.base.action import Action
from tuodi.base.audit import record
from tuodi.batch.citizen import mask_within
from tuodi.core.errors import declare
from tuodi.core.identities import IDENTITIES

E_STATE = declare("E-REG-RUN-STATE", "这份名册的状态是“{state}”，不能{wanted}", "请刷新页面，按现在的状态办理")
E_CHANGED = declare("E-REG-RUN-CHANGED", "预览之后登记的信息有变化，导入的结果会与预览不同", "请重新预览，核对后再确认")
E_COVERS_NONE = declare(
    "E-REG-RUN-COVERS", "全量名册没有说明包含哪些身份", "请勾选名册包含的身份；不在名册上的人将在这些身份上终止"
)
E_SEEN = declare(
    "E-REG-RUN-SEEN",
    "同样内容的名册已于 {at} 导入（第 {run} 次导入）",
    "不需要重复导入；内容有更正的请导入更正后的文件",
)

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Preview:
    """A roster as it was read, and what it would change."""

    run: ImportRun
    roster: Roster
    plan: Plan


def _bound(run: ImportRun) -> str:
    return f"registry.rosterfile:{run.digest}"


def _local_names(area_code: str, day: date) -> dict[str, str]:
    """Return what the local codes and labels of the insurance platform mean on a day."""
    return {text: row.identity for row in codes_for(area_code, day) for text in (row.local_code, row.label)}


def _read(run: ImportRun, content: bytes, progress: Progress | None) -> Roster:
    only = run.covers[0] if run.kind == "identities" and len(run.covers) == 1 else ""
    return read_roster(
        content, kind=run.kind, identity=only, names=_local_names(run.area_code, run.as_of), progress=progress
    )


def _plan(actor: Any, run: ImportRun, roster: Roster, progress: Progress | None) -> Plan:
    if run.kind == "people":
        return plan_people(actor, roster, as_of=run.as_of, area_code=run.area_code)
    return plan_identities(
        actor, roster, issuer=run.issuer, as_of=run.as_of, covers=run.covers, is_full=run.is_full_roster, area_code=run.area_code,
        progress=progress,
    )  # fmt: skip


class PreviewRoster(Action):
    """Read a roster and keep it, sealed, with what it would change; nothing else is written."""

    verb = permissions.IMPORT

    def __init__(
        self, *, actor: Any, content: bytes, filename: str, kind: str, issuer: str, area_code: str, as_of: date | None = None,
        is_full: bool = False, covers: Sequence[str] = (), progress: Progress | None = None,
    ) -> None:  # fmt: skip
        super().__init__(actor=actor)
        assert kind in ("people", "identities"), kind
        assert set(covers) <= set(IDENTITIES), covers
        self.content, self.progress = content, progress
        self.run_row = ImportRun(
            issuer=issuer, kind=kind, filename=mask_within(filename)[:200], digest=hashlib.sha256(content).hexdigest(), area_code=area_code,
            is_full_roster=is_full, covers=list(covers), as_of=as_of or clock.today(), state="previewed", by=actor,
        )  # fmt: skip

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
            state="applied",
        ).first()
        if same is not None:
            raise refuse(E_SEEN, at=clock.local(same.applied_at or same.at).strftime("%Y-%m-%d %H:%M"), run=same.pk)

    def decide(self) -> None:
        self.roster = _read(self.run_row, self.content, self.progress)
        self.plan = _plan(self.actor, self.run_row, self.roster, self.progress)

    def write(self) -> Preview:
        run = self.run_row
        run.at, run.plan = clock.now(), self.plan.digest
        run.counts = self.plan.counts | {"bad": self.roster.bad.height}
        run.save(force_insert=True)
        text = base64.b64encode(self.content).decode("ascii")
        RosterFile.objects.create(run=run, sealed=secrets.encrypt(text, bound_to=_bound(run)))
        return Preview(run, self.roster, self.plan)

    def audited(self, done: Preview) -> dict[str, Any]:
        data = {"digest": done.run.digest, "counts": done.run.counts, "step": "preview"}
        return {"subject": "roster", "subject_id": done.run.pk, "area_code": done.run.area_code, "data": data}


def preview_of(user: Any, run_id: int, *, progress: Progress | None = None) -> Preview:
    """Return a kept preview anew, as things are now, and leave an audit row ``roster:viewed``."""
    run = access.get(user, ImportRun, run_id, permissions.IMPORT)
    roster, plan = _replanned(user, run, progress)
    record(actor=user, verb="roster:viewed", subject="roster", subject_id=run.pk, area_code=run.area_code)
    return Preview(run, roster, plan)


def _replanned(user: Any, run: ImportRun, progress: Progress | None) -> tuple[Roster, Plan]:
    sealed = bytes(run.file.sealed)
    if run.state != "previewed" or not sealed:
        raise refuse(E_STATE, state=run.get_state_display(), wanted="再预览")
    roster = _read(run, base64.b64decode(secrets.decrypt(sealed, bound_to=_bound(run))), progress)
    return roster, _plan(user, run, roster, progress)


class _RunAction(Action):
    """What confirming, giving up and undoing share: a visible run, locked, in the state that it needs."""

    needs, wanted = "previewed", "导入"

    def __init__(self, *, actor: Any, run_id: int, progress: Progress | None = None) -> None:
        super().__init__(actor=actor)
        self.run_id, self.progress = run_id, progress

    def check(self) -> None:
        access.get(self.actor, ImportRun, self.run_id, self.verb)

    def lock(self) -> None:
        self.run_row = ImportRun.objects.select_for_update().get(pk=self.run_id)
        if self.run_row.state != self.needs:
            raise refuse(E_STATE, state=self.run_row.get_state_display(), wanted=self.wanted)

    def audited(self, done: Any) -> dict[str, Any]:
        run = self.run_row
        return {
            "subject": "roster",
            "subject_id": run.pk,
            "area_code": run.area_code,
            "data": {"step": run.state, "counts": run.counts},
        }


class ApplyRoster(_RunAction):
    """Apply a previewed roster, whole or not at all; refused when it would do something else than was previewed."""

    verb = permissions.IMPORT

    def decide(self) -> None:
        _, plan = _replanned(self.actor, self.run_row, self.progress)
        if plan.digest != self.run_row.plan:
            raise refuse(E_CHANGED)
        keys = {one.person_id for one in plan.differences if one.person_id}
        for some in chunks(sorted(keys)):
            list(Person.objects.select_for_update().filter(pk__in=some).order_by("pk").values_list("pk"))
        self.plan = plan

    def write(self) -> ImportRun:
        run = self.run_row
        write_plan(run, self.plan, actor=self.actor, progress=self.progress)
        RosterFile.objects.filter(run=run).update(sealed=b"")
        run.state, run.applied_at = "applied", clock.now()
        run.save(update_fields=["state", "applied_at"])
        return run

    def announce(self, done: ImportRun) -> None:
        announce_people("identity:changed", self.plan.psn_nos, cause_id=f"run:{done.pk}")
        joined = [one.psn_no for one in self.plan.of_kind("joined")]
        announce_people("household:changed", joined, cause_id=f"run:{done.pk}")


class DropRoster(_RunAction):
    """Give a preview up; its sealed content is emptied."""

    verb = permissions.IMPORT
    wanted = "放弃"

    def write(self) -> ImportRun:
        RosterFile.objects.filter(run=self.run_row).update(sealed=b"")
        self.run_row.state = "dropped"
        self.run_row.save(update_fields=["state"])
        return self.run_row


def list_of_people(user: Any, content: bytes) -> tuple[list[str], Roster, list[Any]]:
    """Return the person numbers of an uploaded list (the city's register, TH-3.1.0), the list as read, and rows nobody's."""
    access.demand(user, permissions.VIEW_ROSTER)
    roster = read_roster(content, kind="register")
    numbers, unknown = people_of_list(user, roster)
    record(
        actor=user,
        verb="roster:compared",
        subject="roster",
        data={"rows": roster.frame.height, "bad": roster.bad.height},
    )
    return numbers, roster, unknown

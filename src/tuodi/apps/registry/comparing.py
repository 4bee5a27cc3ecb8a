"""A kept roster held against what is known: its content unsealed, read and planned. Nothing is written here.

It is seen as whoever uploaded it sees the registry, also when the background reads it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import polars as pl

from tuodi.apps.registry import permissions, previews
from tuodi.apps.registry.models import ImportRun
from tuodi.apps.registry.plans import Plan, people_of_list, plan_identities, plan_people
from tuodi.apps.registry.queries import codes_for
from tuodi.apps.registry.reading import Roster, read_roster
from tuodi.base import access, secrets
from tuodi.base.audit import record
from tuodi.core.errors import InputErrors, declare, fault

E_STATE = declare("E-REG-RUN-STATE", "这份名册的状态是“{state}”，不能{wanted}", "请刷新页面，按现在的状态办理")

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Preview:
    """A roster as it was read, and what it would change."""

    run: ImportRun
    roster: Roster
    plan: Plan


def bound(run: ImportRun) -> str:
    """Return what the sealed content of a roster is bound to."""
    return f"registry.rosterfile:{run.digest}"


def sealed(run: ImportRun, content: bytes) -> bytes:
    """Return a roster's content as it is kept."""
    return secrets.encrypt(base64.b64encode(content).decode("ascii"), bound_to=bound(run))


def preview_of(run: ImportRun, *, reading: Progress | None = None, progress: Progress | None = None) -> Preview:
    """Return what a kept roster would change as things are now; ``reading`` and ``progress`` are told rows of how many."""
    roster = roster_of(run, progress=reading)
    return Preview(run, roster, _plan(run, roster, progress))


def roster_of(run: ImportRun, *, progress: Progress | None = None) -> Roster:
    """Return a kept roster as it reads."""
    held = bytes(run.file.sealed)
    if not held:
        raise InputErrors([fault(E_STATE, state=run.get_state_display(), wanted="再比对")])
    content = base64.b64decode(secrets.decrypt(held, bound_to=bound(run)))
    only = run.covers[0] if run.kind == "identities" and len(run.covers) == 1 else ""
    names = _local_names(run.area_code, run.as_of)
    return read_roster(content, kind=run.kind, identity=only, names=names, progress=progress)


def plan_of_lines(run: ImportRun, roster: Roster, lines: Sequence[dict[str, Any]]) -> tuple[Plan, list[dict[str, Any]]]:
    """Return what some lines of a preview change as things are now, and those of them that would change something else.

    The rows of the lines are planned once more and each difference is held against its line, field by field: only what was seen
    in the preview is in the plan. A difference that the preview did not have is left alone without a word.
    """
    rows = sorted({line["line"] for line in lines if line["line"]})
    absent = sorted({line["psn_no"] for line in lines if line["kind"] == "ended"})
    part = replace(roster, frame=roster.frame.filter(pl.col("row").is_in(rows)))
    now = {previews.told_by(previews.line_of(one)): one for one in _plan(run, part, None, absent).differences}
    found = [(line, now.get(previews.told_by(line))) for line in lines]
    return Plan([one for _, one in found if one is not None]), [line for line, one in found if one is None]


def _local_names(area_code: str, day: date) -> dict[str, str]:
    """Return what the local codes and labels of the insurance platform mean on a day."""
    return {text: row.identity for row in codes_for(area_code, day) for text in (row.local_code, row.label)}


def _plan(run: ImportRun, roster: Roster, progress: Progress | None, absent: Sequence[str] | None = None) -> Plan:
    if run.kind == "people":
        return plan_people(run.by, roster, as_of=run.as_of, area_code=run.area_code, progress=progress)
    return plan_identities(
        run.by, roster, issuer=run.issuer, as_of=run.as_of, covers=run.covers, is_full=run.is_full_roster, area_code=run.area_code,
        progress=progress, absent=absent,
    )  # fmt: skip


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

"""The audit trail as a list: what was done in one's area, by verb, subject, actor and day; and the state of the chain."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from tuodi.apps.trail import permissions, words
from tuodi.base import access, clock
from tuodi.base.audit import record
from tuodi.base.doors import csv_line
from tuodi.base.models import AuditEvent

EXPORT_ROWS = 50_000
HEAD = ("记录号", "时间", "用户名", "姓名", "岗位", "事项", "对象", "对象编号", "辖区", "内容", "封存序号")


@dataclass(frozen=True)
class Asked:
    """What is looked for; empty is everything."""

    first: date | None = None
    last: date | None = None
    verb: str = ""
    subject: str = ""
    subject_id: str = ""
    actor: str = ""


def events_for(user: Any, asked: Asked) -> QuerySet[AuditEvent]:
    """Return the rows of the user's area that are asked for, the newest first."""
    access.demand(user, permissions.VIEW)
    rows = access.visible(user, AuditEvent).select_related("actor")
    if asked.first:
        rows = rows.filter(at__gte=_begin(asked.first))
    if asked.last:
        rows = rows.filter(at__lt=_begin(asked.last + timedelta(days=1)))
    if asked.verb:
        rows = rows.filter(verb=asked.verb)
    if asked.subject:
        rows = rows.filter(subject=asked.subject)
    if asked.subject_id:
        rows = rows.filter(subject_id=asked.subject_id)
    if asked.actor:
        rows = rows.filter(Q(actor__username=asked.actor) | Q(actor__name=asked.actor))
    return rows.order_by("-pk")


def _begin(day: date) -> datetime:
    return clock.instant(datetime.combine(day, time.min))


def events_of(subject: str, subject_id: object, *, limit: int) -> list[AuditEvent]:
    """Return the last things done to one row; whoever asks has fetched that row through its own rule."""
    rows = AuditEvent.objects.filter(subject=subject, subject_id=str(subject_id)).select_related("actor")
    return list(rows.order_by("-pk")[:limit])


@dataclass(frozen=True)
class Chain:
    """How the trail stands: what is sealed and the seal of the last row, since when, and when it was last walked and with what result."""

    sealed: int
    head: str
    sealed_until: datetime | None
    unsealed: int
    verified_at: datetime | None
    holds: bool | None
    broken_at: int | None


def chain() -> Chain:
    """Return the state of the chain, without walking it."""
    last = AuditEvent.objects.filter(seal__isnull=False).order_by("-sequence").first()
    walked = AuditEvent.objects.filter(verb=permissions.VERIFY).order_by("-pk").first()
    said = walked.data if walked else {}
    return Chain(
        sealed=(last.sequence or 0) if last else 0,
        head=bytes(last.seal).hex() if last and last.seal else "",
        sealed_until=last.at if last else None,
        unsealed=AuditEvent.objects.filter(seal__isnull=True).count(),
        verified_at=walked.at if walked else None,
        holds=said.get("holds"),
        broken_at=said.get("broken_at"),
    )


def export(user: Any, rows: QuerySet[AuditEvent]) -> Iterator[str]:
    """Yield the rows as CSV that spreadsheets open with the right characters; recorded, as it takes data out."""
    access.demand(user, permissions.EXPORT)
    count = min(rows.count(), EXPORT_ROWS)
    record(actor=user, verb=permissions.EXPORT, subject="audit", data={"rows": count})
    return _lines(rows[:EXPORT_ROWS])


def _lines(rows: Iterable[AuditEvent]) -> Iterator[str]:
    yield "\ufeff" + csv_line(HEAD)
    for row in rows:
        yield csv_line(
            (
                row.pk, clock.local(row.at).strftime("%Y-%m-%d %H:%M:%S"), row.actor.username, row.actor.name,
                access.ROLES.get(row.actor_role, row.actor_role), words.said(row.verb), words.SUBJECTS.get(row.subject, row.subject), row.subject_id,
                row.area_code, json.dumps(row.data, ensure_ascii=False, sort_keys=True) if row.data else "", row.sequence or "",
            )
        )  # fmt: skip

"""The audit trail: written with what it tells of, never changed, sealed so that tampering shows.

Rows are plain inserts (a chain extended row by row would make every writer queue); :func:`seal` gives those that have none a
number and a hash over the row and the hash before, and :func:`verify` finds an edited, deleted or reordered sealed row. The chain
is in the order of sealing: a row that was committed late, with a lower id than sealed ones, is sealed after them, and nobody waits.
Rows cut off at the end leave a whole chain; heads kept outside the database (:mod:`.anchors`) show them. What is not sealed yet, the
rows of two seconds while a county is served, is kept by the database triggers alone, which refuse update and delete of everything
but the seal; so a verdict says how many those are and since when.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Min

from tuodi.base import anchors, clock
from tuodi.base.models import AuditEvent
from tuodi.base.prepared import insert

FIRST = b"\x00" * 32
BATCH = 1000
#: The database lock of whoever seals.
SEALING = 20_231_104


def record(
    *,
    actor: Any,
    verb: str,
    subject: str,
    subject_id: str = "",
    area_code: str = "",
    data: dict[str, Any] | None = None,
) -> AuditEvent:
    """Add one row; ``data`` holds ids, codes and amounts, never names or identity numbers."""
    row = AuditEvent(
        at=clock.now(), actor_id=actor.pk, actor_role=actor.role, verb=verb, subject=subject, subject_id=str(subject_id),
        area_code=area_code or getattr(actor, "area_code", ""), data=data or {},
    )  # fmt: skip
    insert(row)
    return row


def digest(event: AuditEvent, before: bytes) -> bytes:
    """Return the seal of a row after the seal of the one before it."""
    content = json.dumps(
        [event.pk, event.at.isoformat(), event.actor_id, event.actor_role, event.verb, event.subject, event.subject_id,
         event.area_code, event.data],
        ensure_ascii=False, sort_keys=True, separators=(",", ":"),
    )  # fmt: skip
    made = HMAC(settings.TUODI_AUDIT_KEY, hashes.SM3())
    made.update(before + content.encode())
    return made.finalize()


def seal() -> int:
    """Seal the rows that are not yet; return how many. Two that seal at once take turns. The new end is kept outside the database.

    Asked every two seconds, so nothing is locked or written if there are none; they are found by the index of the numbers.
    """
    waiting = AuditEvent.objects.filter(sequence__isnull=True, seal__isnull=True)
    if not waiting.exists():
        return 0
    done = 0
    with transaction.atomic():
        _take_turn()
        last = AuditEvent.objects.filter(seal__isnull=False).order_by("-sequence").first()
        before = bytes(last.seal) if last and last.seal else FIRST
        sequence = last.sequence if last and last.sequence else 0
        for event in waiting.order_by("pk").iterator(BATCH):
            sequence += 1
            before = digest(event, before + sequence.to_bytes(8, "big"))
            AuditEvent.objects.filter(pk=event.pk, seal__isnull=True).update(seal=before, sequence=sequence)
            done += 1
        if done:
            transaction.on_commit(lambda: anchors.keep(sequence, before))
    return done


def _take_turn() -> None:
    """Wait until nobody else seals; SQLite has one writer anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SEALING])


@dataclass(frozen=True)
class Verdict:
    """What :func:`verify` found: how many sealed rows hold, how many wait for a seal since when, and the first that is wrong."""

    sealed: int
    unsealed: int
    broken_at: int | None = None
    why: str = ""
    unsealed_since: datetime | None = None

    @property
    def unsealed_seconds(self) -> int:
        """How long the oldest row without a seal has waited for it."""
        return max(0, int((clock.now() - self.unsealed_since).total_seconds())) if self.unsealed_since else 0

    @property
    def holds(self) -> bool:
        return self.broken_at is None


def verify(heads: Iterable[anchors.Head] | None = None) -> Verdict:
    """Walk the chain from the beginning and hold it against the heads that were kept (``None``: those beside the keys).

    An edited, deleted, inserted or reordered row breaks it; rows cut off at the end are missing before a head.
    """
    known: dict[int, list[anchors.Head]] = {}
    for head in anchors.kept() if heads is None else heads:
        known.setdefault(head.sequence, []).append(head)
    waiting = AuditEvent.objects.filter(seal__isnull=True).aggregate(count=Count("pk"), since=Min("at"))
    return replace(_walk(known, waiting["count"]), unsealed_since=waiting["since"])


def _walk(known: dict[int, list[anchors.Head]], unsealed: int) -> Verdict:
    before, sequence = FIRST, 0
    for event in AuditEvent.objects.filter(seal__isnull=False).order_by("sequence").iterator(BATCH):
        sequence += 1
        if event.sequence != sequence:
            return Verdict(sequence - 1, unsealed, event.pk, f"第 {sequence} 条缺失：审计记录被删除或改动了顺序")
        before = digest(event, before + sequence.to_bytes(8, "big"))
        if bytes(event.seal or b"") != before:
            return Verdict(sequence - 1, unsealed, event.pk, f"第 {sequence} 条与封存值不符：内容或前一条被改动")
        for head in known.pop(sequence, []):
            if head.seal != before.hex():
                why = f"第 {sequence} 条与 {head.at} 另存的链首不符：其前的审计记录被删去后又有新的记录"
                return Verdict(sequence - 1, unsealed, event.pk, why)
    if known:
        head = known[min(known)][0]
        why = (
            f"{head.at} 已封存到第 {head.sequence} 条，现在只有 {sequence} 条：末尾的审计记录被删去，或恢复了较早的备份"
        )
        return Verdict(sequence, unsealed, 0, why)
    return Verdict(sequence, unsealed)

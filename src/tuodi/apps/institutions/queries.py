"""What an institution is on a day: known, designated, suspended, at which level; the list and one in detail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from tuodi.apps.institutions.models import Agreement, ApiKey, Institution, LevelChange, Suspension
from tuodi.base import clock
from tuodi.base.access import get, visible
from tuodi.base.models import AuditEvent
from tuodi.base.prepared import Prepared
from tuodi.core.settlements import HOSPITAL_TIERS


@dataclass(frozen=True)
class Standing:
    """An institution on a day. ``suspension`` is the reason, empty when it may settle; ``suspended_today`` that of today."""

    institution: Institution
    designated: bool
    assistance: bool
    suspension: str
    suspended_today: str = ""


#: What an institution may be looked for as, on a day.
STATES = {
    "designated": "医保定点",
    "assistance": "医疗救助定点",
    "suspended": "暂停结算",
    "undesignated": "没有定点协议",
}


def on_day(rows: QuerySet[Institution], day: date) -> QuerySet[Institution]:
    """Return institutions with what they are on a day: ``is_designated``, ``is_assistance``, ``suspended_for``."""
    within = Q(institution=OuterRef("pk"), first__lte=day) & (Q(last__isnull=True) | Q(last__gte=day))
    held = Agreement.objects.filter(within, ended_at__isnull=True)
    suspended = Suspension.objects.filter(within, lifted_at__isnull=True)
    return rows.annotate(
        is_designated=Exists(held.filter(kind="insurance")), is_assistance=Exists(held.filter(kind="assistance")),
        suspended_for=suspended.order_by("pk").values("reason")[:1],
    )  # fmt: skip


def _with_level(code: str, day: date, today: date) -> QuerySet[Institution]:
    within = Q(institution=OuterRef("pk"), first__lte=today) & (Q(last__isnull=True) | Q(last__gte=today))
    now = Suspension.objects.filter(within, lifted_at__isnull=True).order_by("pk")
    later = LevelChange.objects.filter(institution=OuterRef("pk"), first__gt=day).order_by("first", "pk")
    return on_day(Institution.objects.filter(code=code), day).annotate(
        level_then=later.values("before")[:1], suspended_today=now.values("reason")[:1]
    )  # fmt: skip


WITH_LEVEL = Prepared(_with_level, code=str, day=date, today=date)


def standing(code: str, day: date) -> Standing | None:
    """Return what an institution is on a day, in one statement; None if it is not known. Its level is that of the day."""
    row = next(iter(WITH_LEVEL(code=code, day=day, today=clock.today())), None)
    if row is None:
        return None
    if row.level_then is not None:
        row.level = row.level_then
    reason = row.suspended_for or ""
    is_designated = bool(row.is_designated) and not reason
    return Standing(row, is_designated, bool(row.is_assistance), reason, row.suspended_today or "")


def institutions(
    user: Any, *, on: date, text: str = "", area_code: str = "", tier: str = "", level: str = "", state: str = ""
) -> QuerySet[Institution]:
    """Return the institutions that a user may see, by name or code, area, tier or level, and state on a day (``STATES``)."""
    rows = on_day(visible(user, Institution), on)
    if text := text.strip():
        rows = rows.filter(Q(name__icontains=text) | Q(code__istartswith=text))
    if area_code:
        rows = rows.filter(area_code__startswith=area_code)
    if tier:
        rows = rows.filter(level__in=[code for code, name in HOSPITAL_TIERS.items() if name == tier])
    if level:
        rows = rows.filter(level=level)
    if state == "suspended":
        rows = rows.filter(suspended_for__isnull=False)
    elif state == "undesignated":
        rows = rows.filter(is_designated=False)
    elif state in STATES:
        rows = rows.filter(**{f"is_{state}": True}, suspended_for__isnull=True)
    return rows.order_by("area_code", "code")


def state_on(row: Agreement | Suspension, day: date) -> str:
    """Return what an agreement or suspension is on a day: ``now``, ``coming``, ``over``, or ``closed`` before its time."""
    if (row.ended_at if isinstance(row, Agreement) else row.lifted_at) is not None:
        return "closed"
    if row.first > day:
        return "coming"
    return "over" if row.last is not None and row.last < day else "now"


#: What the rows of an institution's audit trail tell, by verb or by what was done.
TOLD = {
    "registered": "登记", "changed": "修改信息", "agreement_made": "签订协议", "agreement_ended": "终止协议",
    "institution:suspend": "暂停结算", "institution:lift_suspension": "恢复结算",
}  # fmt: skip


def trail_of(user: Any, row: Institution) -> list[tuple[AuditEvent, str]]:
    """Return who did what with an institution, newest first; a counter is told nothing of the office's work."""
    if getattr(user, "role", "") == "hospital":
        return []
    rows = AuditEvent.objects.filter(subject="institution", subject_id=row.code).select_related("actor").order_by("-pk")
    return [(event, TOLD.get(event.data.get("done", event.verb), event.verb)) for event in rows]


@dataclass(frozen=True)
class Detail:
    """An institution with everything known of it, newest first."""

    institution: Institution
    standing: Standing
    agreements: list[Agreement]
    suspensions: list[Suspension]
    levels: list[LevelChange]
    keys: list[ApiKey]


def institution_in_detail(user: Any, code: str, verb: str, *, on: date) -> Detail:
    """Return an institution that a user may do ``verb`` to; keys without their tokens, and none for whom they are not."""
    found = get(user, Institution, code, verb, field="code")
    now = standing(code, on)
    assert now is not None
    keys = visible(user, ApiKey).filter(institution=found).defer("token_sealed").select_related("user").order_by("-pk")
    return Detail(
        found, now, list(found.agreements.order_by("-first", "-pk")), list(found.suspensions.order_by("-first", "-pk")),
        list(found.levels.select_related("by").order_by("-first", "-pk")), list(keys),
    )  # fmt: skip

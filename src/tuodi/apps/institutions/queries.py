"""What an institution is on a day: known, designated, suspended, at which level; the list and one in detail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from tuodi.apps.institutions.models import Agreement, ApiKey, Institution, LevelChange, Suspension
from tuodi.base.access import get, visible
from tuodi.core.settlements import HOSPITAL_TIERS


@dataclass(frozen=True)
class Standing:
    """An institution on a day. ``suspension`` is the reason, empty when it may settle."""

    institution: Institution
    designated: bool
    assistance: bool
    suspension: str


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


def standing(code: str, day: date) -> Standing | None:
    """Return what an institution is on a day, in one statement; None if it is not known. Its level is that of the day."""
    later = (
        LevelChange.objects.filter(institution=OuterRef("pk"), first__gt=day)
        .order_by("first", "pk")
        .values("before")[:1]
    )
    row = on_day(Institution.objects.filter(code=code), day).annotate(level_then=later).first()
    if row is None:
        return None
    if row.level_then is not None:
        row.level = row.level_then
    reason = row.suspended_for or ""
    return Standing(row, bool(row.is_designated) and not reason, bool(row.is_assistance), reason)


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

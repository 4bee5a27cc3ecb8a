"""Accounts of an area as a list: who has which job, whether it is in use, locked, and guarded by a second factor."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet

from tuodi.apps.accounts import permissions
from tuodi.base import access, clock
from tuodi.base.models import User

STATES = {"active": "启用", "inactive": "已停用", "locked": "已锁定", "bare": "未设第二重验证", "first": "未改初始密码"}
#: What the list may be ordered by.
ORDERS = ("username", "name", "role", "area_code", "last_login")


def accounts_for(user: Any, *, text: str = "", role: str = "", state: str = "") -> QuerySet[User]:
    """Return the accounts that a user may see, with whether each is locked and has a second factor, narrowed."""
    access.demand(user, permissions.VIEW)
    rows = access.visible(user, User).annotate(is_locked=Exists(_locks()), has_second_factor=Exists(_factors()))
    if text:
        rows = rows.filter(Q(username__contains=text) | Q(name__contains=text) | Q(institution_code=text.upper()))
    if role:
        rows = rows.filter(role=role)
    narrow = {
        "active": Q(is_active=True), "inactive": Q(is_active=False), "locked": Q(is_locked=True),
        "bare": Q(has_second_factor=False, is_active=True), "first": Q(must_change_password=True, is_active=True),
    }  # fmt: skip
    return rows.filter(narrow[state]) if state in narrow else rows


def ordered(rows: QuerySet[User], order: str) -> QuerySet[User]:
    """Return the rows by a column, descending with a minus before; the username decides among equals."""
    return rows.order_by(order if order.lstrip("-") in ORDERS else "area_code", "username")


def _locks() -> QuerySet[AccessAttempt]:
    """Return the attempts that keep an account locked now."""
    since = clock.now() - timedelta(hours=settings.AXES_COOLOFF_TIME)
    return AccessAttempt.objects.filter(
        username=OuterRef("username"),
        failures_since_start__gte=settings.AXES_FAILURE_LIMIT,
        attempt_time__gt=since,
    )


def _factors() -> QuerySet[Authenticator]:
    return Authenticator.objects.filter(user=OuterRef("pk"), type=Authenticator.Type.TOTP)

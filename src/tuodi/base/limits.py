"""How often somebody may call in a minute: counted in the database, so for all workers and machines together.

A worker draws permits in blocks from the shared count, so that a busy hospital costs one small write in many calls; what is
refused may therefore come up to one block a worker early. Who calls is kept as a keyed hash, never as a name or address. If the
count cannot be kept the call goes on: counting must not stop a settlement.
"""

from __future__ import annotations

import logging
import threading
from functools import wraps
from typing import Any

from allauth.account.adapter import get_adapter
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.crypto import salted_hmac

from tuodi.base import clock
from tuodi.base.models import CallCount

logger = logging.getLogger(__name__)

#: Minutes for which a count is kept after it is over.
KEPT = 5
DRAW = """
INSERT INTO base_callcount (who, minute, drawn) VALUES (%s, %s, %s)
ON CONFLICT (who, minute) DO UPDATE SET drawn = base_callcount.drawn + excluded.drawn RETURNING drawn
"""


class Permits:
    """What this worker has drawn and not used yet."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        self.minute = 0
        self.left: dict[str, int] = {}

    def take(self, who: str, minute: int) -> bool:
        """Use one permit that is held; another minute's are worth nothing."""
        with self.guard:
            if minute != self.minute:
                self.minute, self.left = minute, {}
            held = self.left.get(who, 0)
            self.left[who] = max(0, held - 1)
            return held > 0

    def add(self, who: str, minute: int, number: int) -> None:
        with self.guard:
            if minute == self.minute:
                self.left[who] = self.left.get(who, 0) + number


HELD = Permits()


def take(what: str, who: str, *, per_minute: int, block: int = 1) -> bool:
    """Say whether ``who`` may do ``what`` once more in this minute."""
    key = salted_hmac(f"tuodi.limits.{what}", who, algorithm="sha256").hexdigest()[:32]
    minute = int(clock.now().timestamp()) // 60
    if HELD.take(key, minute):
        return True
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(DRAW, [key, minute, block])
            drawn = cursor.fetchone()[0]
        if drawn == block:
            CallCount.objects.filter(minute__lt=minute - KEPT).delete()
    except DatabaseError:
        logger.exception("calls could not be counted")
        return True
    granted = min(block, per_minute - (drawn - block))
    if granted > 1:
        HELD.add(key, minute, granted - 1)
    return bool(granted > 0)


def client_address(request: HttpRequest) -> str | None:
    """Return the address that a request came from, as the trusted proxy saw it where there is one."""
    try:
        address: str | None = get_adapter().get_client_ip(request)
    except PermissionDenied:
        return None
    return address


def page_limited(what: str, *, per_minute: int) -> Any:
    """Let an address ask for a public page so many times a minute; more is answered by a page that says so."""

    def limited(view: Any) -> Any:
        @wraps(view)
        def ask(request: HttpRequest, *args: Any, **named: Any) -> HttpResponse:
            if not take(what, client_address(request) or "", per_minute=per_minute):
                refused = render(request, "429.html", status=429)
                refused["Retry-After"] = "60"
                return refused
            answer: HttpResponse = view(request, *args, **named)
            return answer

        return ask

    return limited

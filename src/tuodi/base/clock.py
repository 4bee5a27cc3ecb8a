"""The one place where the clock is read (style C7). Tests and re-runs set it; nothing else asks what time it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.utils import timezone

#: Legal days are those of Beijing, whatever the server's zone.
ZONE = ZoneInfo("Asia/Shanghai")
_SET: ContextVar[datetime | None] = ContextVar("tuodi_clock", default=None)


def now() -> datetime:
    """Return the present instant, aware."""
    return _SET.get() or timezone.now()


def today() -> date:
    """Return the legal day."""
    return now().astimezone(ZONE).date()


def local(instant: datetime) -> datetime:
    """Return an instant as Beijing wall time without zone, as the national interface writes it."""
    return instant.astimezone(ZONE).replace(tzinfo=None)


def instant(local_time: datetime) -> datetime:
    """Return Beijing wall time as an aware instant."""
    return local_time.replace(tzinfo=ZONE)


@contextmanager
def set_to(moment: datetime) -> Iterator[None]:
    """Pretend that it is ``moment`` inside the block."""
    token = _SET.set(moment)
    try:
        yield
    finally:
        _SET.reset(token)

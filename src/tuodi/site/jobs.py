"""What is done beside the pages while a county is served: announcements delivered, the audit chain sealed, long work done.

A turn that fails is logged with where it failed and tried again. A database that cannot be reached fails every turn until it is
back: that is one line when it is first met, one a minute as long as it lasts, and one when it is over.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

LOG = logging.getLogger("tuodi.jobs")
#: Seconds between turns, each of which seals the audit chain and delivers announcements; between words that the database is gone.
DELIVER_EVERY, REMIND_EVERY = 2, 60
#: Turns after which what is used up is cleared away.
CLEAR_EVERY = 30


class Outage:
    """The time in which the database cannot be reached, the same for all jobs of a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: float | None = None
        self._told = 0.0

    def goes_on(self, error: Exception) -> None:
        """Say that the database is gone, unless that was said within the last minute."""
        with self._lock:
            now = time.monotonic()
            kind = type(error).__name__
            if self._since is None:
                self._since = self._told = now
                LOG.error("连不上数据库（%s），每 %s 秒再试；原因可用 tuodi doctor 查看", kind, DELIVER_EVERY)
            elif now - self._told >= REMIND_EVERY:
                self._told = now
                LOG.error("数据库仍连不上，已 %d 秒（%s）", now - self._since, kind)

    def is_over(self) -> None:
        """Say that the database is back, if it was gone."""
        with self._lock:
            if self._since is not None:
                LOG.warning("数据库已恢复，中断 %d 秒", time.monotonic() - self._since)
            self._since = None


OUTAGE = Outage()


def work(stop: threading.Event) -> None:
    """Seal the audit chain and deliver announcements until told to stop; one that can not be delivered leaves no row unsealed."""
    from tuodi.apps.institutions import nonces
    from tuodi.base import audit, outbox

    turns = 0

    def turn() -> None:
        nonlocal turns
        audit.seal()
        turns, is_due = turns + 1, turns % CLEAR_EVERY == 0
        if is_due:
            nonces.forget_old()
        while outbox.deliver(long=False) and not stop.is_set():
            pass

    _repeat(turn, stop)


def work_long(stop: threading.Event) -> None:
    """Do what takes long (rosters read, weighed and written) until told to stop, so that nothing else waits for it."""
    from tuodi.base import outbox

    def turn() -> None:
        while outbox.deliver(long=True) and not stop.is_set():
            pass

    _repeat(turn, stop)


def _repeat(turn: Callable[[], None], stop: threading.Event) -> None:
    from django.db import InterfaceError, OperationalError, close_old_connections, connection

    while not stop.wait(DELIVER_EVERY):
        try:
            close_old_connections()
            turn()
            OUTAGE.is_over()
        except (OperationalError, InterfaceError) as error:
            if connection.connection is not None and connection.is_usable():
                LOG.exception("后台任务出错，稍后重试")
            else:
                OUTAGE.goes_on(error)
        except Exception:
            LOG.exception("后台任务出错，稍后重试")
    connection.close()

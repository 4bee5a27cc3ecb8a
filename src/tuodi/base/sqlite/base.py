"""SQLite for several counters at once: who has waited longest for the one writer's place does not wait ever longer.

SQLite lets a waiting writer sleep longer with each attempt, up to a tenth of a second, while newcomers try at once: with sixteen
windows a few wait for seconds. Here everybody tries again at the same short interval, so all waits are alike; after the
connection's ``timeout`` the error is the usual one. Every write of the product begins a transaction, so this is the only place.
"""

from __future__ import annotations

import random
import sqlite3
import time

from django.db.backends.sqlite3 import base
from django.db.utils import OperationalError

#: Seconds between two attempts, on average.
INTERVAL = 0.002


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's, with another way of waiting for ``BEGIN IMMEDIATE``."""

    def _start_transaction_under_autocommit(self) -> None:
        limit = float(self.get_connection_params().get("timeout", 5))
        until = time.monotonic() + limit
        self.connection.execute("PRAGMA busy_timeout = 0")
        try:
            while True:
                try:
                    return super()._start_transaction_under_autocommit()
                except OperationalError as error:
                    if not _is_busy(error) or time.monotonic() > until:
                        raise
                time.sleep(INTERVAL * random.uniform(0.5, 1.5))  # noqa: S311 - waiting, not a secret
        finally:
            self.connection.execute(f"PRAGMA busy_timeout = {int(limit * 1000)}")


def _is_busy(error: OperationalError) -> bool:
    code = getattr(error.__cause__, "sqlite_errorcode", 0)
    return bool(code & 0xFF == sqlite3.SQLITE_BUSY)

"""A site with a database of its own that is gone afterwards; work is done in processes of the site's settings."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.faults.served import Served

DATABASES = ("sqlite", "postgres")
NAMES = {"sqlite": "SQLite", "postgres": "PostgreSQL"}


class Place(Served):
    """The hammer's site; :meth:`inside` runs one function of :mod:`.inside` there."""

    def __init__(self, database: str) -> None:
        super().__init__(database)
        self.environment["TUODI_CALLS_A_MINUTE"] = str(10**8)

    def migrate(self) -> None:
        self.manage("from django.core.management import call_command; call_command('migrate', verbosity=0)")

    def inside(self, task: str, **given: Any) -> Any:
        """Return what a task returns, run in a process of its own."""
        code = f"import json\nfrom tests.benchmarks.service import inside\nprint('\\n=' + json.dumps(inside.{task}(**json.loads({json.dumps(given)!r}))))"
        return json.loads(self.manage(code).rpartition("\n=")[2])


@contextmanager
def place(database: str) -> Iterator[Place]:
    """Yield a place; its processes end and its files go when it is left."""
    held = Place(database)
    try:
        yield held
    finally:
        held.stop()
        if held.server is not None:
            held.server.cleanup()
        shutil.rmtree(held.home, ignore_errors=True)

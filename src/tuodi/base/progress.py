"""How far a long piece of work is, for whoever waits at a page: one small file each, in the county's folder.

Not in the database: the work may stand in one transaction, of which nobody sees anything before it is over. Nothing is decided
by these files; one that is missing (another machine does the work, or it has not begun) only means that no bar is filled.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

#: Seconds between two notes of one work, so that small steps cost nothing.
NOTE_EVERY = 0.5


@dataclass(frozen=True)
class Progress:
    """What was noted last: what is being done, how much of how much, and how many seconds ago."""

    doing: str
    done: int
    total: int
    age: int

    @property
    def percent(self) -> int:
        """Never a hundred: what is over has no note."""
        return min(99, self.done * 100 // self.total) if self.total else 0


class Notes:
    """The notes of one piece of work; gone when the ``with`` is left, however it is left."""

    def __init__(self, work: str) -> None:
        self.path, self.written = _path(work), 0.0

    def __enter__(self) -> Notes:
        self.path.parent.mkdir(exist_ok=True)
        return self

    def __exit__(self, *raised: object) -> None:
        self.path.unlink(missing_ok=True)

    def say(self, doing: str, done: int = 0, total: int = 0) -> None:
        """Note how far it is; between two ends of a step not more often than somebody looks."""
        now = time.monotonic()
        if 0 < done < total and now - self.written < NOTE_EVERY:
            return
        self.written = now
        fresh = self.path.with_suffix(f".{os.getpid()}")
        fresh.write_text(f"{done} {total} {doing}", "utf-8")
        fresh.replace(self.path)


def seen(work: str) -> Progress | None:
    """Return what a piece of work noted last; None if nothing is known of it."""
    path = _path(work)
    try:
        done, total, doing = path.read_text("utf-8").split(" ", 2)
        age = int(time.time() - path.stat().st_mtime)
    except (OSError, ValueError):
        return None
    return Progress(doing, int(done), int(total), max(0, age))


def _path(work: str) -> Path:
    assert work.replace("-", "").isalnum(), work
    return Path(settings.HOME) / "progress" / f"{work}.txt"

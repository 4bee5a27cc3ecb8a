"""Heads of the audit chain kept outside the database: without them, cutting off the last rows would leave a chain that is whole.

A head is a number of sealed rows and the last seal. One a day stands in ``audit-heads.txt`` under the county's home; the same line
is shown to the auditor to be printed or kept on another machine. Whoever can change the database but not what is kept elsewhere
cannot take rows away unseen.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from tuodi.base import clock
from tuodi.base.models import AuditEvent

LINE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (\d{1,18}) ([0-9a-f]{64})")


@dataclass(frozen=True)
class Head:
    """The end of the chain as it was at a moment: how many rows were sealed, and the seal of the last."""

    at: str
    sequence: int
    seal: str

    def __str__(self) -> str:
        return f"{self.at} {self.sequence} {self.seal}"


def path() -> Path:
    return Path(settings.HOME) / "audit-heads.txt"


def parse(lines: Iterable[str]) -> list[Head]:
    """Return the heads that lines tell of; a line that is none says so."""
    found = []
    for line in filter(None, (line.strip() for line in lines)):
        told = LINE.fullmatch(line)
        if told is None:
            raise ValueError(f"不是审计链首记录：{line[:80]}")
        found.append(Head(told[1], int(told[2]), told[3]))
    return found


def kept() -> list[Head]:
    """Return the heads kept beside the keys; none before the first seal."""
    return parse(path().read_text("utf-8").splitlines()) if path().exists() else []


def keep(sequence: int, seal: bytes) -> Head:
    """Keep a head: the last one of each day, so that the file stays short.

    One that the chain does not lead on from any more is never replaced: it is the proof that rows are gone.
    """
    head = Head(f"{clock.local(clock.now()):%Y-%m-%d %H:%M:%S}", sequence, bytes(seal).hex())
    heads = kept()
    if heads and heads[-1].at[:10] == head.at[:10] and _stands(heads[-1]):
        heads.pop()
    path().parent.mkdir(parents=True, exist_ok=True)
    written = path().with_suffix(".new")
    with written.open("w", encoding="utf-8") as file:
        file.write("".join(f"{one}\n" for one in [*heads, head]))
        file.flush()
        os.fsync(file.fileno())
    written.replace(path())
    return head


def _stands(head: Head) -> bool:
    return AuditEvent.objects.filter(sequence=head.sequence, seal=bytes.fromhex(head.seal)).exists()

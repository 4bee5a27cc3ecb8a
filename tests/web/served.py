"""The site as people meet it: granian on a database of its own, in a temporary place."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]

PREPARE = """
from django.core.management import call_command
call_command("migrate", verbosity=0)
from datetime import date
from tests.apps.cast import assemble, bill
from tests.site.entering import give_password
from tuodi.apps.registry.models import Person
from tuodi.apps.settlement.actions import Settle
from tuodi.base import secrets
c = assemble()
for user in c.users.values():
    give_password(user)
p = c.wang
p.certno_index, p.certno_tail, p.birth = secrets.search_index("610902194901011228"), "1228", date(1949, 1, 1)
p.save()
for n in range(27):
    Settle(actor=c.sun, bill=bill(f"H2-{n:03d}", date(2023, 2, 1 + n % 28), 300 + 17 * n, hospital=c.other_hospital.code, person="P0002", msgid="m")).run()
"""


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


class Served:
    """A running site with the standing cast in it."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="tuodi-web-"))
        (self.home / "static").mkdir()
        self.environment = {
            **os.environ, "TUODI_HOME": str(self.home), "DJANGO_SETTINGS_MODULE": "tuodi.site.settings", "TUODI_LOG": "ERROR",
            "TUODI_DATABASE": f"sqlite:///{self.home}/tuodi.sqlite3",
        }  # fmt: skip
        self.manage(PREPARE)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.web = subprocess.Popen(
            [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(self.port), "--workers", "1",
             "--no-ws", "--log-level", "error", "tuodi.site.wsgi:application"],
            env=self.environment, cwd=ROOT,
        )  # fmt: skip
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=0.2).close()
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the server did not start")

    def manage(self, code: str) -> str:
        """Run Python inside the site's environment and return what it prints."""
        text = f"import django; django.setup()\n{code}"
        done = subprocess.run(
            [sys.executable, "-c", text], env=self.environment, cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def stop(self) -> None:
        self.web.terminate()
        self.web.wait(10)

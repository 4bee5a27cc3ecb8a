"""The site served as an office serves it, ``tuodi serve`` on a database of its own in a temporary place."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


class Site:
    """A home with a database, and the processes that serve it."""

    def __init__(self, home: Path | None = None) -> None:
        self.home = home or Path(tempfile.mkdtemp(prefix="tuodi-served-"))
        (self.home / "static").mkdir(exist_ok=True)
        self.environment = {
            **os.environ, "TUODI_HOME": str(self.home), "DJANGO_SETTINGS_MODULE": "tuodi.site.settings", "TUODI_LOG": "ERROR",
            "TUODI_DATABASE": f"sqlite:///{self.home}/tuodi.sqlite3",
        }  # fmt: skip
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.web: subprocess.Popen[str] | None = None

    def python(self, code: str, **how: Any) -> subprocess.Popen[str]:
        """Begin Python inside the site's environment."""
        text = f"import django; django.setup()\n{code}"
        return subprocess.Popen([sys.executable, "-c", text], env=self.environment, cwd=ROOT, text=True, **how)

    def manage(self, code: str) -> str:
        """Run Python inside the site's environment and return what it prints."""
        begun = self.python(code, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        said, wrong = begun.communicate()
        assert begun.returncode == 0, wrong[-3000:]
        return said

    def tuodi(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the product as an office would."""
        command = [sys.executable, "-m", "tuodi.cli", *words]
        return subprocess.run(command, env=self.environment, cwd=ROOT, capture_output=True, text=True)

    def start(self, *, workers: int = 2) -> None:
        """Serve, and return when the port answers."""
        command = [
            sys.executable,
            "-m",
            "tuodi.cli",
            "serve",
            "--port",
            str(self.port),
            "--workers",
            str(workers),
        ]
        self.web = subprocess.Popen(
            command, env=self.environment, cwd=ROOT, text=True, stdout=subprocess.DEVNULL, start_new_session=True
        )
        for _ in range(600):
            assert self.web.poll() is None, "the server ended while it started"
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=0.2).close()
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the server did not start")

    def end(self) -> None:
        """Stop serving in good order."""
        if self.web is not None:
            self.web.terminate()
            self.web.wait(60)
            self.web = None

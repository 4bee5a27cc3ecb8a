"""Writers of SQLite wait for each other, and not for ever."""

import sqlite3
import threading

import pytest
from django.db import connections
from django.db.utils import OperationalError

from tuodi.base.sqlite import base


@pytest.fixture
def one(tmp_path, django_db_blocker):
    """A connection of the product to a file, and another program's to the same."""
    settings = {
        **connections["default"].settings_dict,
        "ENGINE": "tuodi.base.sqlite",
        "NAME": str(tmp_path / "one.sqlite3"),
    }
    settings["OPTIONS"] = {"transaction_mode": "IMMEDIATE", "timeout": 30}
    settings["TEST"] = {**settings["TEST"], "NAME": None}
    ours = base.DatabaseWrapper(settings, "one")
    with django_db_blocker.unblock():
        ours.cursor().execute("CREATE TABLE kept (n integer)")
        theirs = sqlite3.connect(settings["NAME"], isolation_level=None, check_same_thread=False)
        yield ours, theirs
        ours.close()
        theirs.close()


def test_a_writer_goes_on_when_the_other_has_committed(one, monkeypatch):
    ours, theirs = one
    theirs.execute("BEGIN IMMEDIATE")
    waited = threading.Event()

    def sleep(seconds):
        assert seconds < 0.01
        if not waited.is_set():
            waited.set()
            theirs.execute("COMMIT")

    monkeypatch.setattr(base.time, "sleep", sleep)
    ours._start_transaction_under_autocommit()
    ours.cursor().execute("INSERT INTO kept VALUES (1)")
    ours._commit()
    assert waited.is_set()
    assert theirs.execute("SELECT n FROM kept").fetchall() == [(1,)]


def test_a_writer_that_waited_its_time_is_told_so_and_may_try_again(one, monkeypatch):
    ours, theirs = one
    monkeypatch.setitem(ours.settings_dict["OPTIONS"], "timeout", 0)
    theirs.execute("BEGIN IMMEDIATE")
    with pytest.raises(OperationalError, match="locked"):
        ours._start_transaction_under_autocommit()
    theirs.execute("COMMIT")
    ours._start_transaction_under_autocommit()
    ours._rollback()


def test_another_error_is_raised_at_once(one):
    ours, _ = one
    ours._start_transaction_under_autocommit()
    with pytest.raises(OperationalError, match="within a transaction"):
        ours._start_transaction_under_autocommit()
    ours._rollback()

"""Jobs beside the pages: what is logged while the database is gone, and that anything else is logged whole."""

from __future__ import annotations

import threading

import pytest
from django.db import OperationalError, connection

from tuodi.apps.institutions import nonces
from tuodi.base import audit, outbox
from tuodi.site import jobs

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run(monkeypatch, caplog):
    """Return a function that runs long jobs in a thread of their own, which turns of delivery end, and returns what was logged."""
    monkeypatch.setattr(jobs, "DELIVER_EVERY", 0.001)
    monkeypatch.setattr(jobs, "OUTAGE", jobs.Outage())

    def run(*turns, job=jobs.work_long):
        stop, left = threading.Event(), list(turns)

        def deliver(**_):
            turn = left.pop(0)
            if not left:
                stop.set()
            return turn()

        monkeypatch.setattr(outbox, "deliver", deliver)
        caplog.clear()
        thread = threading.Thread(target=job, args=(stop,))
        thread.start()
        thread.join(60)
        assert not thread.is_alive()
        assert not left
        return [
            (one.levelname, one.message, one.exc_info is not None) for one in caplog.records if one.name == "tuodi.jobs"
        ]

    return run


def gone():
    connection.close()
    raise OperationalError("connection refused")


def locked():
    connection.ensure_connection()
    raise OperationalError("database is locked")


def broken():
    raise ValueError("a subscriber's fault")


def nothing():
    return 0


def test_a_database_that_is_gone_is_one_line_and_one_when_it_is_back(run):
    gone_said, back_said = run(*[gone] * 5, nothing, nothing)
    assert gone_said == ("ERROR", gone_said[1], False)
    assert gone_said[1].startswith("连不上数据库")
    assert back_said == ("WARNING", "数据库已恢复，中断 0 秒", False)


def test_as_long_as_it_is_gone_that_is_said_again_each_minute(run, monkeypatch):
    monkeypatch.setattr(jobs, "REMIND_EVERY", 0)
    assert [said[0] for said in run(*[gone] * 3, nothing)] == ["ERROR"] * 3 + ["WARNING"]


def test_what_else_fails_is_logged_whole_each_time(run):
    assert run(broken, locked, broken, nothing) == [("ERROR", "后台任务出错，稍后重试", True)] * 3


def test_two_jobs_tell_one_outage(run, monkeypatch):
    monkeypatch.setattr(audit, "seal", nothing)
    monkeypatch.setattr(nonces, "forget_old", nothing)
    assert len(run(gone)) == 1
    assert run(gone, job=jobs.work) == []
    assert [said[0] for said in run(nothing)] == ["WARNING"]


def test_an_announcement_that_fails_leaves_no_row_unsealed(run, monkeypatch):
    sealed = []
    monkeypatch.setattr(audit, "seal", lambda: sealed.append(1))
    run(broken, job=jobs.work)
    assert sealed

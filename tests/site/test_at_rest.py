"""What lies on disks: who may read it, what of it is sealed; and what log lines never say."""

import logging
import os
import stat
import subprocess
import sys
from datetime import date

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import IntegrityError, connection, transaction

from tests.apps.cast import assemble, bill
from tests.site.entering import enter, log_in
from tuodi.apps.registry.models import Identity
from tuodi.apps.settlement.actions import Settle
from tuodi.base.logs import WithoutValues
from tuodi.core.errors import InputErrors, fault
from tuodi.site.doctor import files

SECRETS = ("王奶奶", "610902199001011234", "chen", "小陈")


def mode(path) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def test_what_a_county_writes_is_nobody_else_s(tmp_path):
    home = tmp_path / "county"
    told = {**os.environ, "TUODI_HOME": str(home), "TUODI_DATABASE": "sqlite://"}
    tuodi = [sys.executable, "-m", "tuodi.cli"]
    script = f"umask 0022; {' '.join(tuodi)} migrate && {' '.join(tuodi)} audit seal && {' '.join(tuodi)} backup {home}/b.zip"
    subprocess.run(["sh", "-c", script], env=told, check=True, capture_output=True)
    found = {path.name: mode(path) for path in home.rglob("*") if path.is_file()}
    assert "tuodi.sqlite3" in found
    assert "tuodi_field_key" in found
    assert not {name: oct(held) for name, held in found.items() if held & 0o077}


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL keeps its own files")
def test_the_doctor_sees_a_database_that_others_can_read(tmp_path, monkeypatch):
    monkeypatch.setattr(connection, "is_in_memory_db", lambda: False)
    held = tmp_path / "tuodi.sqlite3"
    held.touch(mode=0o600)
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", str(held))
    assert [one.level for one in files()] == ["好"]
    held.chmod(0o644)
    assert [one.level for one in files()] == ["错误"]


def told_of(error: BaseException) -> str:
    try:
        raise error
    except BaseException:
        record = logging.LogRecord("tuodi", logging.ERROR, __file__, 1, "call %s failed", ("R1",), sys.exc_info())
    return WithoutValues("%(message)s").format(record)


def test_a_log_line_tells_where_an_error_was_and_no_value():
    said = told_of(ValueError("610902199001011234 王奶奶"))
    assert "call R1 failed" in said
    assert "test_at_rest.py" in said
    assert "ValueError" in said
    assert "王奶奶" not in said
    assert "6109021990" not in said


def test_of_our_own_errors_a_log_line_tells_the_codes():
    said = told_of(InputErrors([fault("E-REG-NUMBER-HELD", psn_no="P0001")]))
    assert "E-REG-NUMBER-HELD" in said
    assert "P0001" not in said


@pytest.mark.django_db
def test_a_row_that_the_database_refuses_is_not_in_the_log():
    cast = assemble()
    row = Identity(
        person=cast.wang, identity="dibao_edge", first=date(2024, 2, 2), last=date(2024, 1, 1), issuer="某某单位", document_number="证件号码77",
        recorded_at=cast.hospital.agreements.get(kind="assistance").recorded_at,
    )  # fmt: skip
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        row.save()
    said = told_of(caught.value)
    assert "IntegrityError" in said
    assert "证件号码77" not in said
    assert "某某单位" not in said
    if connection.vendor == "postgresql":
        assert "identity_days" in said


@pytest.fixture
def logged():
    """What the console handler would write while a test runs."""
    lines: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record):
            lines.append(self.format(record))

    handler = Kept()
    handler.setFormatter(WithoutValues("%(name)s %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    yield lines
    root.removeHandler(handler)


@pytest.mark.django_db
def test_pages_log_nothing_personal_even_when_they_fail(client, logged, monkeypatch):
    cache.clear()
    cast = assemble()
    log_in(client, cast.chen, password="610902199001011234")
    done = Settle(actor=cast.zhao, bill=bill("A", date(2023, 3, 1), 1000)).run().bill
    enter(client, cast.chen)
    client.post("/settlements/find/", {"text": "610902199001011234"})
    client.get(f"/settlements/{done.pk}/")
    client.get("/people/999999/")
    client.raise_request_exception = False
    monkeypatch.setattr("tuodi.apps.settlement.counter.person_with", _fails)
    answer = client.get("/settlements/", {"who": "x"})
    assert answer.status_code == 500
    assert "王奶奶" not in answer.content.decode()
    assert "Traceback" not in answer.content.decode()
    said = "\n".join(logged)
    assert "KeyError" in said
    for secret in SECRETS:
        assert secret not in said, said


def _fails(actor, ticket):
    raise KeyError(" ".join(SECRETS))

"""A county backed up, restored into an empty database of another process, and found to be the same."""

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKE = """
from datetime import date
from django.core.management import call_command
call_command('migrate', verbosity=0)
from tests.apps.cast import assemble, bill
from tuodi.apps.settlement.actions import CancelSettlement, Settle
from tuodi.base import audit, secrets
cast = assemble()
cast.wang.certno_sealed = secrets.encrypt('11010519491231002X', bound_to='registry.person:P0001')
cast.wang.certno_index = secrets.search_index('11010519491231002X')
cast.wang.save()
for setl_id, day, yuan in (('A', date(2023, 3, 1), 30000), ('B', date(2023, 4, 1), 40000)):
    Settle(actor=cast.zhao, bill=bill(setl_id, day, yuan)).run()
CancelSettlement(actor=cast.zhao, setl_id='A', new_id='A-').run()
audit.seal()
"""
LOOK = """
import json
from django.db.models import Sum
from tuodi.apps.registry.models import Person
from tuodi.apps.registry.queries import certno_of
from tuodi.apps.settlement.models import Entry
from tuodi.base import audit
print(json.dumps([Entry.objects.aggregate(fen=Sum('pay'))['fen'], certno_of(Person.objects.get(psn_no='P0001')), audit.verify().sealed]))
"""


class County:
    """A county in a home and database of its own, worked on by processes of their own."""

    def __init__(self, home: Path, request) -> None:
        self.home = home
        home.mkdir()
        self.environment = {**os.environ, "TUODI_HOME": str(home), "TUODI_LOG": "ERROR"}
        self.environment.pop("TUODI_DATABASE", None)
        if request.config.getoption("--database") == "postgres":
            import psycopg

            url = os.environ["TUODI_DATABASE"]
            name = f"county_{uuid.uuid4().hex[:8]}"
            with psycopg.connect(url, autocommit=True) as held:
                held.execute(f"CREATE DATABASE {name}")
            before, _, query = url.partition("?")
            self.environment["TUODI_DATABASE"] = f"{before.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")

    def run(self, code: str) -> subprocess.CompletedProcess:
        text = f"import os\nos.environ['DJANGO_SETTINGS_MODULE'] = 'tuodi.site.settings'\nimport django\ndjango.setup()\n{code}"
        return subprocess.run(
            [sys.executable, "-c", text], env=self.environment, cwd=ROOT, capture_output=True, text=True, timeout=120
        )

    def must(self, code: str) -> str:
        done = self.run(code)
        assert done.returncode == 0, done.stdout + done.stderr[-3000:]
        return done.stdout

    def command(self, call: str) -> subprocess.CompletedProcess:
        return self.run(
            f"import sys\nfrom pathlib import Path\nfrom tuodi.site import commands\nsys.exit(commands.{call})"
        )


@pytest.fixture(scope="module")
def county(tmp_path_factory, request):
    made = County(tmp_path_factory.mktemp("first") / "home", request)
    made.must(MAKE)
    return made


@pytest.mark.parametrize("portable", [False, True])
def test_restored_elsewhere_with_its_keys_it_is_the_same_county(county, tmp_path, request, portable):
    path = tmp_path / "county.tuodi"
    done = county.command(f"backup(Path({str(path)!r}), passphrase='春江花月夜', portable={portable})")
    assert done.returncode == 0, done.stderr
    assert path.stat().st_mode & 0o077 == 0
    other = County(tmp_path / "home", request)
    wrong = other.command(f"restore(Path({str(path)!r}), passphrase='错')")
    assert (wrong.returncode, "口令不对" in wrong.stderr) == (1, True)
    done = other.command(f"restore(Path({str(path)!r}), passphrase='春江花月夜')")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "分毫不差" in done.stdout
    assert "审计链完好" in done.stdout
    assert other.must(LOOK) == county.must(LOOK)
    assert json.loads(other.must(LOOK))[:2] == [2_800_000, "11010519491231002X"]
    again = other.command(f"restore(Path({str(path)!r}), passphrase='春江花月夜')")
    assert (again.returncode, "已经有数据" in again.stderr) == (1, True)
    added = "from tuodi.base.models import User\nUser.objects.create_user('new', 'long-enough-1', name='新', role='auditor', area_code='610900')"
    other.must(added)


def test_without_a_passphrase_the_keys_stay_out_and_that_is_said(county, tmp_path, request):
    path = tmp_path / "county.tuodi"
    done = county.command(f"backup(Path({str(path)!r}))")
    assert "备份不含密钥" in done.stdout
    assert "已经存在" in county.command(f"backup(Path({str(path)!r}))").stderr
    refused = County(tmp_path / "home", request).command(f"restore(Path({str(path)!r}))")
    assert (refused.returncode, "备份不含密钥" in refused.stderr) == (1, True)


def test_the_home_need_not_be_made_before_a_county_is_restored_into_it(county, tmp_path, request):
    """A production's keys are in its environment, so nothing else has made the folder when ``restore`` begins."""
    path = tmp_path / "county.tuodi"
    assert county.command(f"backup(Path({str(path)!r}))").returncode == 0
    other = County(tmp_path / "home", request)
    other.home.rmdir()
    for key in (county.home / "keys").iterdir():
        other.environment[key.name.upper()] = key.read_text("ascii")
    done = other.command(f"restore(Path({str(path)!r}))")
    assert (done.returncode, "分毫不差" in done.stdout) == (0, True), done.stderr


def test_a_damaged_file_is_not_restored(county, tmp_path, request):
    path = tmp_path / "county.tuodi"
    path.write_bytes(b"nothing")
    refused = county.command(f"restore(Path({str(path)!r}))")
    assert (refused.returncode, "已损坏" in refused.stderr) == (1, True)

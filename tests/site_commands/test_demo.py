"""The demonstration: places with packs in force and samples marked, bills settled and explained, logins kept from others."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOOK = """
from pathlib import Path
from tuodi.site import commands, demonstration
demonstration.environment(Path({home!r}))
code = commands.nightly()
from django.conf import settings
from tuodi.apps.policies.models import DelegatedValue, Installation
from tuodi.apps.settlement.models import Bill, Entry
from tuodi.base.models import User
assert settings.TUODI_DEMONSTRATION
assert Installation.objects.filter(approved_at__isnull=False).count() == 1
assert not DelegatedValue.objects.filter(is_sample=False).exists()
assert Bill.objects.count() > 5 and Entry.objects.filter(pay__gt=0).exists()
from django.contrib.auth import authenticate
from tuodi.apps.institutions.models import Institution
far = dict(Institution.objects.values_list("area_code", "is_out_of_province").distinct())
assert far == {{"610900": False, "619800": False, "989900": True}}, far
user = User.objects.get(username="610900-county_clerk")
assert user.check_password({password!r})
raise SystemExit(code)
"""


def environment():
    return {key: value for key, value in os.environ.items() if not key.startswith("TUODI_") or key == "TUODI_CACHE"}


def run(*words):
    return subprocess.run(
        [sys.executable, *words], env=environment(), cwd=ROOT, capture_output=True, text=True, timeout=180
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("shown") / "demo"


@pytest.fixture(scope="module")
def made(home):
    done = run(
        "-m", "tuodi.cli", "demo", "--home", str(home), "--people", "40", "--pack", "610900-ankang", "--no-serve"
    )
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    return done.stdout


def test_a_small_demonstration_stands_and_its_books_are_right(made, home):
    assert "虚构" in made
    assert "给病人看的说明" in made
    assert "610900-hospital" in made
    assert (home / "logins.txt").stat().st_mode & 0o077 == 0
    password = re.search(r"密码都是：(\S+)", made)[1]
    looked = run("-c", LOOK.format(home=str(home), password=password))
    assert looked.returncode == 0, looked.stdout + looked.stderr[-2000:]


def test_it_is_served_again_until_ctrl_c_which_every_process_gets(made, home):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    words = [sys.executable, "-m", "tuodi.cli", "demo", "--home", str(home), "--port", str(port)]
    serving = subprocess.Popen(
        words,
        env=environment(),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        for _ in range(300):
            try:
                page = urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).read().decode()
                break
            except OSError:
                assert serving.poll() is None, serving.stderr.read()
                time.sleep(0.1)
        assert "演示数据" in page
        second = run("-m", "tuodi.cli", "demo", "--home", str(home), "--port", str(port))
        assert second.returncode == 6
        assert f"端口 {port} 已被别的程序占用" in second.stderr
    finally:
        os.killpg(serving.pid, signal.SIGINT)
        out, wrong = serving.communicate(timeout=30)
    assert serving.returncode == 0, wrong
    assert "沿用" in out
    assert f"http://127.0.0.1:{port}/" in out
    assert out.endswith("已停止。\n")
    assert "Traceback" not in wrong


def test_a_county_that_is_no_demonstration_is_not_touched(tmp_path):
    (tmp_path / "tuodi.sqlite3").write_bytes(b"real")
    done = run("-m", "tuodi.cli", "demo", "--home", str(tmp_path), "--no-serve", "--fresh")
    assert done.returncode == 6
    assert "不是演示的数据库" in done.stderr
    assert (tmp_path / "tuodi.sqlite3").read_bytes() == b"real"


def test_a_new_one_takes_the_place_of_the_old_and_of_one_half_made(made, tmp_path):
    from tuodi.site.demonstration import DATABASE, MARK, clear

    for name in (DATABASE, f"{DATABASE}-wal", "mine.csv"):
        (tmp_path / name).write_text("x")
    clear(tmp_path)
    assert (tmp_path / DATABASE).exists()
    (tmp_path / MARK).touch()
    clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.csv"]

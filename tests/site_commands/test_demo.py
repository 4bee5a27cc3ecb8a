"""The demonstration: a place with its pack in force and samples marked, bills settled, logins printed and not kept in the open."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOOK = """
from pathlib import Path
from tuodi.site import commands, demo
demo.environment(Path({home!r}))
code = commands.nightly()
from django.conf import settings
from tuodi.apps.policies.models import DelegatedValue, Installation
from tuodi.apps.settlement.models import Bill, Entry
assert settings.TUODI_DEMONSTRATION
assert Installation.objects.filter(approved_at__isnull=False).count() == 1
assert not DelegatedValue.objects.filter(is_sample=False).exists()
assert Bill.objects.count() > 5 and Entry.objects.filter(pay__gt=0).exists()
raise SystemExit(code)
"""


def run(code):
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith("TUODI_") or key == "TUODI_CACHE"
    }
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=180
    )


def test_a_small_demonstration_stands_and_its_books_are_right(tmp_path):
    home = tmp_path / "demo"
    made = f"from pathlib import Path\nfrom tuodi.site.demo import demo\nraise SystemExit(demo(Path({str(home)!r}), 40, packs=['610900-ankang']))"
    done = run(made)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert "虚构" in done.stdout
    assert (home / "logins.txt").stat().st_mode & 0o077 == 0
    looked = run(LOOK.format(home=str(home)))
    assert looked.returncode == 0, looked.stdout + looked.stderr[-2000:]
    again = run(made)
    assert (again.returncode, "已经有数据库" in again.stderr) == (1, True)

"""``tuodi demo``: the folder of a demonstration, made once and used again, what is said of it, and its pages at localhost.

What is in it is made by :mod:`tuodi.site.demo`. A folder that holds a county which is no demonstration is never touched.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tuodi.site.demo import Place

DATABASE, MARK, LOGINS = "tuodi.sqlite3", "demonstration.txt", "logins.txt"
SAID = "这个文件夹是托底的演示：人、机构和单据都是虚构的。可以整个删掉。\n"
#: Whose door is shown first: the place with the most rules to see.
FIRST = "610900"


def run(
    home: Path, people: int, *, packs: Sequence[str] = (), port: int = 8000, is_served: bool = True, afresh: bool = False
) -> int:  # fmt: skip
    """Make a demonstration, or take the one that is there; say what is in it, and serve it."""
    from django.core.exceptions import ImproperlyConfigured

    from tuodi.site import commands

    home = home.absolute()
    if is_served and (trouble := commands.port_trouble("127.0.0.1", port)):
        raise ImproperlyConfigured(trouble + "（make demo PORT=…）")
    if (home / DATABASE).exists() and not (home / MARK).exists():
        raise ImproperlyConfigured(
            f"“{home}”里有一个不是演示的数据库，不能动它。请换一个文件夹：tuodi demo --home 文件夹"
        )
    if afresh or not (home / LOGINS).exists():
        clear(home)
    environment(home)
    if (home / LOGINS).exists():
        print(f"沿用“{home}”里已有的演示。要重新造一个：tuodi demo --fresh（make demo FRESH=1）")
    else:
        _make(home, people, packs)
    print("\n" + (home / LOGINS).read_text("utf-8"))
    if not is_served:
        print(f"已造好。打开网页：tuodi demo --home {home}（或 make demo）")
        return 0
    return commands.serve(port=port)


def environment(home: Path) -> None:
    """Set what a demonstration runs under; before :func:`tuodi.site.commands.prepare`, and again before serving it."""
    os.environ.update(TUODI_HOME=str(home.absolute()), TUODI_DEMONSTRATION="1", TUODI_SECOND_FACTOR="0")
    os.environ.setdefault("TUODI_LOG", "WARNING")
    for name in ("TUODI_DATABASE", "TUODI_PRODUCTION", "TUODI_HOSTS", "TUODI_HTTPS_ELSEWHERE"):
        os.environ.pop(name, None)


def clear(home: Path) -> None:
    """Take a demonstration away, and nothing else that may lie in its folder."""
    if not (home / MARK).exists():
        return
    for path in (*home.glob(f"{DATABASE}*"), home / LOGINS, home / MARK):
        path.unlink(missing_ok=True)
    for folder in ("keys", "static"):
        shutil.rmtree(home / folder, ignore_errors=True)


def _make(home: Path, people: int, packs: Sequence[str]) -> None:
    from tuodi.site import commands

    home.mkdir(parents=True, exist_ok=True)
    (home / MARK).write_text(SAID, "utf-8")
    print(f"正在造演示（{home}），每个地方 {people} 人，约需一两分钟：", flush=True)
    commands.migrate(quiet=True)
    from tuodi.site.demo import make

    places = make(people, packs=packs)
    first = next((place for place in places if place.pack.area == FIRST), places[-1])
    explain_one(first)
    path = home / LOGINS
    path.touch(0o600)
    path.write_text(logins(first, places, path), "utf-8")


def explain_one(place: Place) -> None:
    """Print the settlement that was helped most in a place, as its patient would read it."""
    from django.db.models import Sum

    from tuodi.apps.settlement.counter import worked_settlement
    from tuodi.apps.settlement.models import Bill

    live = Bill.objects.filter(
        setl_id__in=place.seen, is_cancellation=False, cancelled_by__isnull=True, is_reversed=False
    )
    bill = live.annotate(paid=Sum("entries__pay")).order_by("-paid", "setl_id").first()
    worked = worked_settlement(bill) if bill else None
    if worked:
        print(f"\n其中救助最多的一笔，给病人看的说明（{place.pack.name}，虚构）：\n")
        print("\n".join(f"  {line}".rstrip() for line in worked.explanation.patient.splitlines()))


def logins(first: Place, places: Sequence[Place], path: Path) -> str:
    """Return the accounts as people read them: one for each job, and how those of the other places are called."""
    from unicodedata import east_asian_width

    from tuodi.site.web import tasks_for

    lines = [f"演示账号，密码都是：{first.password}", f"  {'用户名':<25}{'岗位':<13}网页上能做的"]
    for user in first.users.values():
        wide = sum(east_asian_width(letter) in "WF" for letter in user.role_name)
        doors = "、".join(task.title for task in tasks_for(user)) or "（没有网页上的事项）"
        lines.append(f"  {user.username:<28}{user.role_name}{' ' * (15 - len(user.role_name) - wide)}{doors}")
    others = [f"{place.pack.area} {place.pack.name}" for place in places if place is not first]
    if others:
        lines += [f"上面是{first.pack.name}的账号；别的地方把前六位换成：", *(f"  {other}" for other in others)]
    lines += ["人、机构和单据都是虚构的，不可录入真实信息。", f"账号也写在 {path}", ""]
    return "\n".join(lines)

"""Rosters whose every step is killed: the background process, or the database under it; where it writes, inside its transactions.

A roster of people and one of their identities are taken in, confirmed and undone as the page does it; the steps are taken by the
background jobs, which are killed while they read, write and undo. After every kill a preview is there whole or not at all; what is applied
or undone in parts is there for as many people as the run says, and the next background process goes on there, each part once.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import Any

import psutil

from tests.faults.books import books_of
from tests.faults.hammer import strike_postgres
from tests.faults.served import Served, served_county

BACKGROUND = """
import threading
from tuodi.site import jobs
jobs.DELIVER_EVERY = 0.05
jobs.work_long(threading.Event())
"""
#: Somebody settled, as an office types a bill in, before the roster says that she has been of 低保 all along: the differences are entered afterwards.
BEFORE = """
from datetime import date
from tests.apps.cast import bill
from tuodi.apps.settlement.actions import Settle
from tuodi.base.models import User
for n in range(6):
    Settle(actor=User.objects.get(username="zhao"), bill=bill(f"B{n}", date(2023, 2 + n, 3), 4000 + n, person="P0002")).run()
"""
ASK = """
import json
from tests.faults import imports
from tuodi.apps.registry.models import ImportRun
from tuodi.apps.settlement import importing
from tuodi.base.models import User
registrar, step, kind, people = User.objects.get(username="registrar"), *%r
if step == "take in":
    importing.take_in(actor=registrar, content=imports.roster(kind, people), kind=kind, issuer="民政局", area_code="610902", filename="r.csv")
else:
    getattr(importing, step)(registrar, ImportRun.objects.get(kind=kind))
"""
LOOK = """
import json
from tuodi.apps.registry.actions.parts import PEOPLE
from tuodi.apps.registry.models import Identity, ImportRun, Person, RosterPart
from tuodi.base.models import Announcement, AuditEvent
print(json.dumps({
  "people": Person.objects.filter(psn_no__startswith="V").count(), "held": Identity.objects.filter(run__isnull=False, withdrawn_at__isnull=True).count(),
  "reached": dict(ImportRun.objects.values_list("kind", "reached")),
  "part": PEOPLE, "states": dict(ImportRun.objects.values_list("kind", "state")), "failures": [f for f in ImportRun.objects.values_list("failure", flat=True) if f],
  "preview": RosterPart.objects.exists(), "audited": [f"{k}" for k in AuditEvent.objects.filter(subject="roster").order_by("pk").values_list("data__step", flat=True)],
}))
"""
#: What is asked for, of which roster, the state in which the background is at work on it, and the state that follows.
STEPS = (
    ("take in", "people", "reading", "previewed"), ("confirm", "people", "applying", "applied"),
    ("take in", "identities", "reading", "previewed"), ("confirm", "identities", "applying", "applied"),
    ("undo", "identities", "undoing", "undone"),
)  # fmt: skip

#: What the trail tells of a roster that is taken in and confirmed, each once.
AUDITED = ("upload", "preview", "applying", "applied")


def roster(kind: str, people: int) -> bytes:
    """Return a roster of invented people, or of their identities and 李叔's."""
    if kind == "people":
        rows = ["人员编号,姓名,性别,参保地区划,险种", *(f"V{n:05d},虚构{n},男,610902,390" for n in range(people))]
    else:
        rows = ["姓名,人员编号,身份证号,救助类别,起始日期,终止日期", "李叔,P0002,,低保,2023-01-01,"]
        rows += [f"虚构{n},V{n:05d},,低保,2023-01-01," for n in range(people)]
    return "\n".join(rows).encode()


def imports_killed(
    database: str, *, people: int = 2500, kills: int = 2, kill: str = "worker", proves: bool = True
) -> dict[str, Any]:
    """Kill what takes the steps of two imports, so many times in each step; return what was counted."""
    served, _ = served_county(database)
    struck: Counter[str] = Counter()
    try:
        served.manage(BEFORE)
        for step, kind, doing, done in STEPS:
            before = look(served)
            served.manage(ASK % ((step, kind, people),))
            assert look(served)["states"][kind] == doing, "the roster is too small to be taken in behind the page"
            for _ in range(kills):
                struck_it = struck_at_reading if doing == "reading" else struck_once
                if not struck_it(served, kill):
                    break
                found = look(served)
                struck[f"killed while {doing}" if found["states"][kind] == doing else "killed after it"] += 1
                whole(before, found, kind, doing, done, people)
            served.worker = served.python(BACKGROUND)
            found = finished(served, kind, done)
            served.stop_worker()
            whole(before, found, kind, doing, done, people)
        assert [step for step in found["audited"] if not step.endswith(" part")] == [
            *AUDITED,
            *AUDITED,
            "undoing",
            "undone",
        ], found
        parts = Counter(step for step in found["audited"] if step.endswith(" part"))
        size = found["part"]
        assert parts["applying part"] == (people - 1) // size + people // size, parts
        assert parts["undoing part"] == people // size, parts
        books = books_of(served)
        assert books["told"], "no differences followed from the roster"
    finally:
        served.close()
    assert not proves or all(struck[f"killed while {doing}"] for doing in ("reading", "applying", "undoing")), struck
    return {"people": people, **struck, "steps done once each": len(STEPS), "rows equal to the batch": books["compared"]}  # fmt: skip


def struck_once(served: Served, kill: str) -> bool:
    """Begin the background and kill it, or the database, inside a transaction that writes; False if it never was in one."""
    served.environment["PGAPPNAME"] = "import"
    served.worker = served.python(BACKGROUND)
    processes = [psutil.Process(served.worker.pid)]
    if kill == "database" and served.server is not None:
        inside = strike_postgres(served, "import", processes)
    else:
        inside = served.stopped_inside("import", processes, within=60)
    served.stop_worker()
    return inside


def struck_at_reading(served: Served, kill: str) -> bool:
    """Begin the background and kill it, or the database, while it reads and compares: there it writes only at the very end."""
    served.environment["PGAPPNAME"] = "import"
    served.worker = served.python(BACKGROUND)
    until = time.monotonic() + 60
    while not any((served.home / "progress").glob("*.txt")):
        if time.monotonic() > until or served.worker.poll() is not None:
            return False
        time.sleep(0.01)
    time.sleep(served.chance.uniform(0, 0.1))
    if kill == "database" and served.server is not None:
        served.kill_postgres()
        served.revive_postgres()
    served.stop_worker()
    for left in (served.home / "progress").glob("*.txt"):
        left.unlink()
    return True


def look(served: Served) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(served.manage(LOOK).splitlines()[-1])
    return found


def finished(served: Served, kind: str, state: str) -> dict[str, Any]:
    """Wait until the background has taken the step."""
    until = time.monotonic() + 300
    while time.monotonic() < until:
        found = look(served)
        if found["states"][kind] == state:
            return found
        assert not found["failures"], found
        time.sleep(0.5)
    raise AssertionError(f"the roster of {kind} was never {state}: {found}")


def whole(before: dict[str, Any], found: dict[str, Any], kind: str, doing: str, done: str, people: int) -> None:
    """Raise unless the step is done, not begun, or done for exactly as many people as the run says, in whole parts."""
    counts = {name: found[name] for name in ("people", "held")}
    if found["states"][kind] == doing:
        reached, told = found["reached"][kind], "people" if kind == "people" else "held"
        assert reached % found["part"] == 0, found
        assert reached == 0 or doing != "reading", found
        expected = {name: before[name] for name in counts}
        expected[told] += -reached if doing == "undoing" else reached
        assert counts == expected, f"half a part is there: {before} {found}"
        asked = ["upload"] if doing == "reading" else [doing, *[f"{doing} part"] * (reached // found["part"])]
        assert found["audited"][len(before["audited"]) :] == asked, found["audited"]
        return
    wanted = {"people": people, "held": people + 1 if found["states"].get("identities") == "applied" else 0}
    if kind == "people" and done == "previewed":
        wanted["people"] = 0
    assert found["states"][kind] == done, found
    assert counts == wanted, f"half a step is there: {found}"

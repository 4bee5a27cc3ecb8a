"""Sixteen hospitals' clients on one family, through HTTP, while processes are killed (web, worker or database); then the books are checked.

    python -m tests.faults.hammer --database postgres --seconds 60 --clients 16 --kill web

Every client settles, repeats messages, cancels, reverses. Afterwards, in a process that served nothing: every answer given is in
the database exactly once, nothing is there that nobody was answered or could not repeat, what each bill was granted is what the
history earns when it is folded again, and no cap is overspent.
"""

from __future__ import annotations

import argparse
import json
import random
import threading
import time
import urllib.error
from collections import Counter
from typing import Any

from tests.faults.served import Served

#: Seconds between two kills.
KILL_EVERY = 6.0
KILLS = ("web", "worker", "database")


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
        self.wrong = ""

    def msgid(self) -> str:
        self.counter += 1
        return f"{self.code}{20240101000000 + self.number:014d}{self.counter:04d}"

    def run(self) -> None:
        while time.time() < self.until and self.counter < 9000:
            try:
                self.turn()
            except AssertionError as broken:
                self.wrong = str(broken)
                return

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
        for _ in range(400):
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
            if "系统内部错误" in answer["err_msg"] or "E-SYSTEM-AWAY" in answer["err_msg"]:
                self.counts["told to ask again"] += 1
                time.sleep(0.1)
                continue
            self.counts["refused"] += 1
            return None
        self.counts["gave up"] += 1
        return None


#: Every history folded afresh and held against the books; what each person was granted in a year; the trail walked.
CHECK = """
import json
from tuodi.apps.settlement.models import Bill, Entry, Exchange
from tuodi.apps.settlement.nightly import check_books
from tuodi.base import audit
from tuodi.base.models import Announcement, AuditEvent
from tuodi.site import commands
from tuodi.site.wiring import wire
wire()
commands.deliver()
audit.seal()
live = Bill.objects.filter(is_cancellation=False, cancelled_by__isnull=True, is_reversed=False)
years = {}
for psn_no, at, pay in Entry.objects.values_list("bill__psn_no", "bill__setl_time__year", "pay"):
    years[f"{psn_no} {at}"] = years.get(f"{psn_no} {at}", 0) + pay
books, verdict = check_books(), audit.verify()
settled = set(AuditEvent.objects.filter(verb="settlement:settle").values_list("subject_id", flat=True))
bills = set(Bill.objects.filter(is_cancellation=False).values_list("setl_id", flat=True))
print(json.dumps({"live": sorted(live.values_list("setl_id", flat=True)), "wrong": [d.setl_id for d in books.differences][:5], "years": years,
  "bills": len(bills), "audit": verdict.holds, "why": verdict.why, "sealed": verdict.sealed, "audited": settled == bills,
  "waiting": Announcement.objects.filter(delivered_at__isnull=True).count()}))
"""
#: Nobody of the cast may be granted more in a year (AK-3.4.1, the risen cap).
CAP_FEN = 5_000_000


def books_of(served: Served) -> dict[str, Any]:
    """Return what the books say, looked at by a process that served nothing; raises if a law is broken."""
    found: dict[str, Any] = json.loads(served.manage(CHECK).splitlines()[-1])
    assert not found["wrong"], f"granted is not what the history earns: {found['wrong']}"
    assert all(fen <= CAP_FEN for fen in found["years"].values()), found["years"]
    assert found["audit"], found["why"]
    assert found["audited"], "a settlement without its audit row, or the other way round"
    assert not found["waiting"], "news that was not told"
    return found


def hammer(database: str, *, seconds: float, clients: int, kill: str = "") -> dict[str, Any]:
    """Run it and return what was counted; raises if a law is broken."""
    served = Served(database)
    try:
        tokens = served.prepare()
        served.start()
        if kill == "worker":
            served.start_worker()
        until = time.time() + seconds
        codes = list(tokens)
        threads = [Client(served, codes[n % 2], tokens[codes[n % 2]], n, until) for n in range(clients)]
        for thread in threads:
            thread.start()
        killed = 0
        while time.time() < until:
            time.sleep(max(0.0, min(KILL_EVERY, until - time.time())))
            if kill and time.time() < until:
                strike(served, kill)
                killed += 1
        for thread in threads:
            thread.join(120)
        served.stop_worker()
        found = books_of(served)
    finally:
        served.close()
    return reported(threads, found, seconds) | {"killed": killed}


def strike(served: Served, kill: str) -> None:
    """Kill -9 one kind of process and start it again."""
    if kill == "database":
        served.break_database()
    elif kill == "worker":
        served.stop_worker()
        served.start_worker()
    else:
        served.stop()
        served.start()


def reported(threads: list[Client], found: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Return the figures of a run, held against what the clients were answered."""
    counts: Counter[str] = sum((thread.counts for thread in threads), Counter())
    believed = {setl_id for thread in threads for setl_id, is_live in thread.settled.items() if is_live}
    lost, extra = believed - set(found["live"]), set(found["live"]) - believed
    assert not lost, f"answered but not kept: {sorted(lost)[:5]}"
    assert len(extra) <= counts["gave up"], f"kept but never answered: {sorted(extra)[:5]}"
    assert not [thread.wrong for thread in threads if thread.wrong], [thread.wrong for thread in threads]
    times = sorted(t for thread in threads for t in thread.times)
    return {
        "clients": len(threads), "seconds": seconds, **counts, "answers": len(times), "per second": round(len(times) / seconds, 1),
        "median ms": round(1000 * times[len(times) // 2], 1), "p99 ms": round(1000 * times[len(times) * 99 // 100], 1),
        "bills": found["bills"], "most granted in a year (fen)": max(found["years"].values(), default=0), "audit rows sealed": found["sealed"],
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--kill", choices=KILLS, default="", help="what is killed (kill -9) every few seconds")
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

"""Sixteen windows of two hospitals on one family, through HTTP, while processes are killed inside their transactions.

    python -m tests.faults --only web --database postgres

A window asks again, with the same message, until it is answered. Afterwards every message that was answered is kept once, no other
is, each settlement is there once, and every message sent once more gets the answer that it got; then the books are looked at
(:mod:`.books`).
"""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from typing import Any

import psutil

from tests.faults.books import books_of
from tests.faults.clients import OFFICE, Client
from tests.faults.served import Served, each, served_county

KILLS = ("web", "worker", "database")
#: Answers between two kills, and seconds after which it is not waited for them.
ANSWERS, AT_MOST = 12, 20
#: Of the kills so many must have met a transaction: a process that is only seen between them proves nothing.
INSIDE = 0.8


def hammer(
    database: str, *, seconds: float = 0, clients: int = 16, kill: str = "", kills: int = 0, proves: bool = True
) -> dict[str, Any]:
    """Hammer for some seconds, or until so many kills are done; return what was counted; raises if a law is broken.

    A run that ``proves`` something must have met a transaction with most of its kills; how often one does depends on the machine.
    """
    served, tokens = served_county(database)
    office = None
    try:
        served.start()
        if kill == "worker":
            served.start_worker()
            office = served.python(OFFICE)
        stop, codes = threading.Event(), list(tokens)
        windows = [Client(served, codes[n % 2], tokens[codes[n % 2]], n, stop) for n in range(clients)]
        for window in windows:
            window.start()
        struck = killing(served, kill, kills, windows) if kill else Counter()
        if not kill:
            time.sleep(seconds)
        stop.set()
        for window in windows:
            window.join()
        if office is not None:
            office.kill()
        figures = judged(served, windows)
    finally:
        if office is not None:
            office.kill()
        served.close()
    assert not kill or not proves or struck["inside a transaction that writes"] >= INSIDE * kills, struck
    return {"windows": clients, **({"seconds": seconds} if not kill else {}), **struck, **figures}


def killing(served: Served, kill: str, kills: int, windows: list[Client]) -> Counter[str]:
    """Kill so many times, each time after some answers, and start again what was killed."""
    struck: Counter[str] = Counter()
    for _ in range(kills):
        before, until = answered(windows), time.monotonic() + AT_MOST
        while answered(windows) < before + ANSWERS and time.monotonic() < until:
            time.sleep(0.1)
        if any(window.wrong for window in windows):
            break
        struck["kill -9"] += 1
        struck["inside a transaction that writes"] += strike(served, kill)
    return struck


def answered(windows: list[Client]) -> int:
    return sum(len(window.ledger.answers) for window in windows)


def strike(served: Served, kill: str) -> bool:
    """Kill -9 inside a transaction and start again; say whether it was inside."""
    if kill == "worker":
        inside = served.stopped_inside("worker", served.processes("worker"))
        served.stop_worker()
        served.start_worker()
        return inside
    if kill == "database" and served.server is not None:
        return strike_postgres(served)
    if kill == "web" and served.chance.random() < 0.5:
        return strike_one(served)
    inside = served.stopped_inside("web", served.processes("web"))
    served.stop()
    served.start()
    return inside


def strike_postgres(served: Served, name: str = "web", processes: list[psutil.Process] | None = None) -> bool:
    """Kill the whole server while whoever writes is stopped inside a transaction; they go on when it is up again."""
    held = served.processes("web") if processes is None else processes
    inside = served.stopped_inside(name, held)
    served.kill_postgres()
    each(held, signal.SIGCONT)
    served.revive_postgres()
    return inside


def strike_one(served: Served) -> bool:
    """Kill one worker of the web server, the one that writes; the server starts another."""
    workers = served.workers()
    # PostgreSQL does not say which process a transaction is of, so that none may go on.
    held = workers if served.server is None else served.processes("web")
    inside = served.stopped_inside("web", held)
    writer = served.writer() if served.server is None else served.chance.choice(workers).pid
    struck = next((one for one in workers if one.pid == writer), workers[0])
    struck.kill()
    each(held, signal.SIGCONT)
    return inside


def judged(served: Served, windows: list[Client]) -> dict[str, Any]:
    """Return the figures of a run, the books held against what the windows were answered."""
    wrong = [window.wrong for window in windows if window.wrong]
    assert not wrong, wrong
    again = sum(window.ask_all_again() for window in windows)
    found = books_of(served)
    live = {setl_id: counts for window in windows for setl_id, counts in window.ledger.live.items()}
    assert sorted(live) == found["bills"], "what was answered is not what is kept"
    assert sorted(setl_id for setl_id, counts in live.items() if counts) == found["live"], "what counts differs"
    sent = sorted(
        [window.code, msgid, infno, "reversed" if msgid in window.ledger.reversed else "done"]
        for window in windows
        for infno, msgid, _, _ in window.ledger.answers
    )
    assert sent == found["exchanges"], "messages kept are not the messages answered"
    counts: Counter[str] = sum((window.counts for window in windows), Counter())
    return {
        **counts, "messages, each kept once": len(sent), "asked once more, same answer": again, "settlements, each once": len(live),
        "rows equal to the batch": found["compared"], "most granted in a year (fen)": max(found["years"].values(), default=0),
        "news told": found["told"], "audit rows sealed": found["sealed"],
    }  # fmt: skip

"""Settle calls over the national interface, beside the same statements without the service: pgbench, or a loop on sqlite3."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median
from typing import Any

from tests.benchmarks import table
from tests.benchmarks.service import replayed
from tests.benchmarks.service.messages import Line, Sender
from tests.benchmarks.service.place import NAMES, Place, place
from tests.benchmarks.table import Row, skipped
from tests.benchmarks.timing import Times, seconds_of
from tests.benchmarks.timing import ratio as ratio_of

#: openIMIS's claim engine, as its own benchmark says: 1,116 statements and this long for a bill of twenty lines.
OPENIMIS = 0.748
SLOWER, STATEMENTS, SHARE, TAIL, FASTER = 3, 12, 0.25, 20, 25
CLIENTS = 16
FIRST = 10_000_000
SETTINGS = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;"
#: The settlements of the contestant that is measured have ids that begin so; those of the replay begin with 5 to 8.
UNIQUE = 10**17


@dataclass
class Counter:
    """The hospital's window: sends the next calls and keeps what was answered."""

    sender: Sender
    port: int
    sent: int = UNIQUE

    def __post_init__(self) -> None:
        self.answered: list[str] = []
        self.times: list[float] = []

    def prepared(self, count: int) -> list[tuple[str, bytes]]:
        """Return the next calls as bytes: making them is not measured."""
        numbers = range(self.sent, self.sent + count)
        self.sent += count
        return [(f"S{number}", self.sender.request(number)) for number in numbers]

    def send(self, calls: list[tuple[str, bytes]]) -> None:
        """Send them one after another over one connection; an answer that is no settlement stops the benchmark."""
        line = Line(self.port)
        for setl_id, request in calls:
            began = time.perf_counter()
            body = line.send(request)
            self.times.append(time.perf_counter() - began)
            answer = json.loads(body)
            assert answer["infcode"] == 0, answer["err_msg"]
            assert answer["output"]["setlinfo"]["setl_id"] == setl_id
            self.answered.append(setl_id)
        line.socket.close()

    def send_at_once(self, calls: list[tuple[str, bytes]]) -> None:
        """Send them from sixteen windows."""
        with ThreadPoolExecutor(CLIENTS) as windows:
            list(windows.map(self.send, [calls[n::CLIENTS] for n in range(CLIENTS)]))


@dataclass(frozen=True)
class Contest:
    """A served site with people in hospital, and the captured call."""

    held: Place
    database: str
    counter: Counter
    captured: replayed.Captured
    others: range


def contest(held: Place, database: str, *, people: int) -> Contest:
    """Prepare both contestants: the first half of the people is ours, the second the replay's."""
    held.migrate()
    key = held.inside("counters", count=people, before=2)
    mine, others = range(FIRST, FIRST + people // 2), range(FIRST + people // 2, FIRST + people)
    tail = 4 * UNIQUE
    made = Sender(**key, people=others)
    call = made.call(tail)
    said = held.inside("captured", first=made.call(tail + 1), request=call, setl_id=f"S{tail}")
    person, nonce = str(others[tail % len(others)]), call["headers"]["x-tif-nonce"]
    captured = replayed.Captured(said["statements"], str(tail), nonce, person, said["bill"], said["refold"])
    held.start()
    return Contest(held, database, Counter(Sender(**key, people=mine), held.port), captured, others)


def settle_calls(database: str, *, calls: int, rounds: int, people: int, judged: bool) -> Iterable[Row]:
    """Measure calls one by one and from sixteen windows, and look at the books afterwards."""
    what = f"one-stop settle call, 20-line bill, {NAMES[database]}"
    if database == "postgres" and not replayed.pgbench():
        yield skipped(
            what, "pgbench is not installed (Debian: postgresql-contrib)", reach=f"at most {SLOWER} times as long"
        )
        return
    with place(database) as held:
        found = contest(held, database, people=people)
        replay = replayer(found)
        yield from one_by_one(found, replay, calls=calls, rounds=rounds, judged=judged)
        yield from at_once(found, replay, calls=calls, rounds=rounds, judged=judged)


Replayer = Callable[[int, int], replayed.Replay]


def replayer(found: Contest) -> Replayer:
    """Return what sends the statements again: so many clients, so many transactions each."""
    if found.database == "postgres":
        text = replayed.script(found.captured, found.others)
        host = str(found.held.home / "postgres")
        return lambda clients, count: replayed.through_pgbench(text, host=host, clients=clients, transactions=count)
    loop = replayed.Loop(found.captured, str(found.held.home / "tuodi.sqlite3"), found.others, SETTINGS)

    def run(clients: int, count: int) -> replayed.Replay:
        # One writer at a time is all that SQLite has: more connections would only wait for each other.
        seconds = seconds_of(lambda: [loop() for _ in range(clients * count)])
        return replayed.Replay(seconds / (clients * count), clients * count / seconds)

    return run


def one_by_one(found: Contest, replay: Replayer, *, calls: int, rounds: int, judged: bool) -> Iterator[Row]:
    """Measure one client."""
    name, counter = NAMES[found.database], found.counter
    counter.send(counter.prepared(max(calls // 4, 10)))
    replay(1, max(calls // 4, 10))
    ours, theirs = Times([]), Times([])
    for _ in range(rounds):
        batch = counter.prepared(calls)
        counter.times.clear()
        counter.send(batch)
        ours.seconds.append(median(counter.times))
        theirs.seconds.append(replay(1, calls).latency)
    times = ratio_of(ours, theirs)
    statements = len([s for s in found.captured.statements if s not in ("BEGIN", "COMMIT", "BEGIN IMMEDIATE")])
    beside = "pgbench, one client" if found.database == "postgres" else "sqlite3, one connection"
    is_judged = judged and found.database == "postgres"
    yield Row(
        f"one-stop settle call, 20-line bill, {name}, one client", table.duration(ours.median), f"the same statements by {beside}: {table.duration(theirs.median)}",
        f"{times:.1f} times as long", f"at most {SLOWER}" if found.database == "postgres" else "", times <= SLOWER if is_judged else None,
    )  # fmt: skip
    yield Row(
        f"the same: statements besides BEGIN and COMMIT, {name}", str(statements), "", "", f"at most {STATEMENTS}", statements <= STATEMENTS if judged else None,
    )  # fmt: skip
    faster = OPENIMIS / ours.median
    yield Row(
        f"the same, {name}, against openIMIS's claim engine", table.duration(ours.median), "1,116 statements and 748 ms (quoted, not run here)",
        f"{faster:.0f} times as fast", f"at least {FASTER}", faster >= FASTER if judged else None,
    )  # fmt: skip


def at_once(found: Contest, replay: Replayer, *, calls: int, rounds: int, judged: bool) -> Iterator[Row]:
    """Measure sixteen clients and two web processes, then count and re-fold what was kept."""
    name, counter = NAMES[found.database], found.counter
    rates: list[tuple[float, float]] = []
    times: list[float] = []
    counter.send_at_once(counter.prepared(max(calls // 2, CLIENTS)))
    for _ in range(rounds):
        batch = counter.prepared(max(calls * 4, CLIENTS))
        counter.times.clear()
        seconds = seconds_of(lambda given=batch: counter.send_at_once(given))
        times += counter.times
        rates.append((len(batch) / seconds, replay(CLIENTS, max(calls // 2, 1)).rate))
    share, times = median(a / b for a, b in rates), sorted(times)
    middle, last = median(times), times[len(times) * 99 // 100]
    is_judged = judged and found.database == "postgres"
    beside = "pgbench, 16 clients" if found.database == "postgres" else "sqlite3, one connection"
    yield Row(
        f"settle calls, 16 clients, two web processes, {name}", f"{median(a for a, _ in rates):.0f} a second",
        f"the same transaction by {beside}: {median(b for _, b in rates):.0f} a second", f"{share:.2f} of its rate",
        f"at least {SHARE}" if found.database == "postgres" else "", share >= SHARE if is_judged else None,
    )  # fmt: skip
    yield Row(
        f"the same, {name}: p99 beside the median", table.duration(last), table.duration(middle), f"{last / middle:.1f} times", f"under {TAIL}",
        last < TAIL * middle if judged else None,
    )  # fmt: skip
    yield checked(found, counter)


def checked(found: Contest, counter: Counter) -> Row:
    """Count what was lost or doubled, and the histories whose entries are not what they earn: not a time, so judged always."""
    kept: dict[str, Any] = found.held.inside("books", area_code="610902", prefix="S1")
    lost = set(counter.answered) - set(kept["kept"])
    extra = len(kept["kept"]) - len(set(counter.answered))
    assert (lost, extra, kept["wrong"]) == (set(), 0, 0)
    note = f"{len(counter.answered):,} answered, {len(lost)} lost, {extra} kept without answer, {kept['wrong']} differences of {kept['bills']:,} bills re-folded"
    return Row(f"the same, {NAMES[found.database]}: lost or doubled", note, "", "", "none", True)

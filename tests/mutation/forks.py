"""Pytest plugin that runs many mutants after one collection: each in a child of its own, until the first test that notices it.

Started by ``python -m tests.mutation``, which says in ``TUODI_MUTANTS`` where the names are (a line each, with the digest of the function);
``.told`` beside them gets a line of JSON for each mutant. First every test runs once without a mutant, to see which functions it calls and how long it takes: for
a mutant only the tests that call its function run, those first that have killed most of its neighbours in a second.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import sys
import time
import tomllib
from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol
from mutmut.mutation import trampoline

from tests.mutation import planted
from tests.mutation.ledger import KILLED, SURVIVED, WITHOUT_END, function_of, module_of

trampoline.wrap_in_trampoline = planted.place

#: A test that takes so many seconds of a processor more than it should runs without end.
LIMIT = 10
#: Bytes that a child may have: a mutant that appends without end must not take the machine's.
MEMORY = 4 * 2**30
#: Whose tests run Polars: its threads do not outlive a fork, so that these never run in the parent.
COLUMNS = ("test_evaluators", "test_windows_columns", "test_values_when_asked", "test_codegen")


class Order:
    """The tests for a mutant: of those that call its function, first those that kill most of its neighbours in a second."""

    def __init__(self, items: list[pytest.Item], seen: dict[str, tuple[float, list[str]]]) -> None:
        self.items = {item.nodeid: item for item in items}
        self.took = {test: took for test, (took, _) in seen.items()}
        self.reach = {test: {*reached, *planted.UNNOTED} for test, (_, reached) in seen.items()}
        self.kills: Counter[tuple[str, str]] = Counter()

    def __call__(self, mutant: str) -> list[pytest.Item]:
        function, module = function_of(mutant), module_of(mutant)

        def worth(test: str) -> float:
            kills = 20 * self.kills[function, test] + self.kills[module, test] + 0.2
            return kills / (self.took[test] + 0.005)

        reaching = [test for test in self.items if function in self.reach[test]]
        return [self.items[test] for test in sorted(reaching, key=worth, reverse=True)]

    def killed(self, mutant: str, test: str) -> None:
        self.kills[function_of(mutant), test] += 1
        self.kills[module_of(mutant), test] += 1


def _seen(items: list[pytest.Item], caches: list) -> dict[str, tuple[float, list[str]]]:
    """Run tests without a mutant and return how long each took and what it called."""
    seen = {}
    for item in items:
        for cache in caches:
            cache.cache_clear()
        planted.REACHED.clear()
        began = time.process_time()
        reports = runtestprotocol(item, log=False, nextitem=None)
        if any(report.failed for report in reports):
            sys.exit(f"{item.nodeid} fails without a mutant")
        seen[item.nodeid] = (time.process_time() - began, sorted(planted.REACHED))
    return seen


def _seen_apart(items: list[pytest.Item], caches: list) -> dict[str, tuple[float, list[str]]]:
    """Return the same from a child."""
    ours, theirs = os.pipe()
    if not os.fork():
        with os.fdopen(theirs, "w", encoding="utf-8") as answer:
            json.dump(_seen(items, caches), answer)
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, encoding="utf-8") as answer:
        told = json.load(answer)
    os.wait()
    return told


class Runs:
    """Children at work."""

    def __init__(self, told: Path, order: Order, caches: list) -> None:
        self.told, self.order, self.caches = told, order, caches
        self.running: dict[int, tuple[str, str, int]] = {}

    def start(self, mutant: str, digest: str) -> None:
        ours, theirs = os.pipe()
        pid = os.fork()
        if not pid:
            self.child(mutant, theirs)
        os.close(theirs)
        self.running[pid] = (mutant, digest, ours)

    def child(self, mutant: str, answer: int) -> None:
        """Run the tests under the mutant until one fails; never returns."""
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        tests = self.order(mutant)
        for cache in self.caches:
            cache.cache_clear()
        planted.Remembered.mutated = function_of(mutant)
        planted.plant(mutant)
        for item, following in zip(tests, [*tests[1:], None], strict=True):
            signal.setitimer(signal.ITIMER_VIRTUAL, LIMIT + 5 * self.order.took[item.nodeid])
            try:
                noticed = any(report.failed for report in runtestprotocol(item, log=False, nextitem=following))
            except BaseException:
                noticed = True
            if noticed:
                os.write(answer, item.nodeid.encode())
                os._exit(1)
        os._exit(0)

    def reap(self) -> None:
        pid, status, used = os.wait4(-1, 0)
        mutant, digest, ours = self.running.pop(pid)
        test = os.read(ours, 4096).decode()
        os.close(ours)
        if not os.WIFSIGNALED(status) and os.WEXITSTATUS(status) and not test:
            print(f"{mutant}: ended before its first test (out of memory?), is run again next time", flush=True)
            return
        if os.WIFSIGNALED(status):
            state = WITHOUT_END if os.WTERMSIG(status) == signal.SIGVTALRM else KILLED
        else:
            state = KILLED if os.WEXITSTATUS(status) else SURVIVED
        if test:
            self.order.killed(mutant, test)
        seconds = round(used.ru_utime + used.ru_stime, 2)
        line = {"mutant": mutant, "digest": digest, "state": state, "test": test, "seconds": seconds}
        with self.told.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def pytest_configure() -> None:
    """Note what is called from before the first test is read."""
    options = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["tool"]["mutmut"]
    for file in options["only_mutate"]:
        import_module(file.removeprefix("src/").removesuffix(".py").replace("/", "."))
    import_module("numba")  # some tests import it, each child would
    planted.remember()
    pytest_configure.end = planted.record()


def pytest_runtestloop(session: pytest.Session) -> bool:
    """Run every mutant named and no test otherwise."""
    from tuodi.core.engine.plan import Plan

    names = Path(os.environ["TUODI_MUTANTS"])
    caches = planted.caches()
    apart = [item for item in session.items if item.path.stem in COLUMNS]
    seen = _seen([item for item in session.items if item not in apart], caches) | _seen_apart(apart, caches)
    pytest_configure.end()
    runs = Runs(names.with_suffix(".told"), Order(session.items, seen), caches)
    for plan in [one for one in gc.get_objects() if isinstance(one, Plan)]:
        planted.forget_decisions(plan)
    gc.collect()
    gc.freeze()
    print(f"{len(seen)} tests, {sum(took for took, _ in seen.values()):.0f} s of a processor", flush=True)
    for line in names.read_text("utf-8").splitlines():
        while len(runs.running) >= int(os.environ.get("TUODI_CHILDREN", "2")):
            runs.reap()
        runs.start(*line.split())
    while runs.running:
        runs.reap()
    return True

"""Pytest plugin that runs many mutants after one collection: each in a child of its own, until the first test that notices it.

Collecting the deciding tests takes longer than most mutants live. Read by ``python -m tests.mutation``, which says in ``TUODI_MUTANTS`` where
the names are (a line each) and writes after them ``.told``: a line of JSON for each mutant, so that a stopped run goes on where it was.
"""

from __future__ import annotations

import functools
import gc
import json
import os
import resource
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol

#: A mutant that takes this many seconds of a processor runs without end: all tests together take less than half.
LIMIT = 90
SURVIVED, KILLED, WITHOUT_END = "survived", "killed", "timeout"


def function_of(mutant: str) -> str:
    """Return the function that a mutant is in.

    >>> function_of("tuodi.core.money.x_half_up__mutmut_12")
    'tuodi.core.money.x_half_up'
    """
    return mutant.partition("__mutmut_")[0]


def module_of(mutant: str) -> str:
    """Return the module that a mutant is in.

    >>> module_of("tuodi.core.money.x_half_up__mutmut_12"), module_of("tuodi.core.policy.figures.xǁMissingǁ__init____mutmut_2")
    ('tuodi.core.money', 'tuodi.core.policy.figures')
    """
    return mutant.partition(".x_")[0].partition(".xǁ")[0]


class Order:
    """The tests for a mutant: first those that killed its neighbours, then those known to reach its function, the quickest first."""

    def __init__(self, items: list[pytest.Item], stats: dict) -> None:
        self.items = {item.nodeid: item for item in items}
        self.took = stats["duration_by_test"]
        self.reach = {function: set(tests) for function, tests in stats["tests_by_mangled_function_name"].items()}
        self.kills: Counter[tuple[str, str]] = Counter()

    def __call__(self, mutant: str) -> list[pytest.Item]:
        function, module = function_of(mutant), module_of(mutant)
        reach = self.reach.get(function, set())

        def place(test: str) -> tuple:
            return (
                -self.kills[function, test],
                test not in reach,
                -self.kills[module, test],
                self.took.get(test, 1.0),
            )

        return [self.items[test] for test in sorted(self.items, key=place)]

    def killed(self, mutant: str, test: str) -> None:
        self.kills[function_of(mutant), test] += 1
        self.kills[module_of(mutant), test] += 1


def _caches() -> list:
    """Return what remembers answers of the code before it was mutated."""
    return [one for one in gc.get_objects() if isinstance(one, functools._lru_cache_wrapper)]


def _child(mutant: str, tests: list[pytest.Item], caches: list, answer: int) -> None:
    """Run the tests under the mutant until one fails; never returns."""
    from mutmut.mutation.trampoline import set_mutant_under_test

    used = int(time.process_time())
    resource.setrlimit(resource.RLIMIT_CPU, (used + LIMIT, used + LIMIT + 2))
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    for cache in caches:
        cache.cache_clear()
    set_mutant_under_test(mutant)
    for item in tests:
        try:
            reports = runtestprotocol(item, log=False, nextitem=None)
            noticed = any(report.failed for report in reports)
        except BaseException:
            noticed = True
        if noticed:
            os.write(answer, item.nodeid.encode())
            os._exit(1)
    os._exit(0)


class Runs:
    """Children at work."""

    def __init__(self, told: Path, order: Order) -> None:
        self.told, self.order, self.caches = told, order, _caches()
        self.running: dict[int, tuple[str, int, float]] = {}

    def start(self, mutant: str) -> None:
        ours, theirs = os.pipe()
        pid = os.fork()
        if not pid:
            _child(mutant, self.order(mutant), self.caches, theirs)
        os.close(theirs)
        self.running[pid] = (mutant, ours, time.time())

    def reap(self) -> None:
        pid, status = os.wait()
        mutant, ours, began = self.running.pop(pid)
        test = os.read(ours, 4096).decode()
        os.close(ours)
        if os.WIFSIGNALED(status):
            state = WITHOUT_END if os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL) else KILLED
        else:
            state = KILLED if os.WEXITSTATUS(status) else SURVIVED
        if test:
            self.order.killed(mutant, test)
        line = {"mutant": mutant, "state": state, "test": test, "seconds": round(time.time() - began, 2)}
        with self.told.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def pytest_runtestloop(session: pytest.Session) -> bool:
    """Run every mutant named, two at a time, and no test otherwise."""
    names = Path(os.environ["TUODI_MUTANTS"])
    told = names.with_suffix(".told")
    done = {json.loads(line)["mutant"] for line in told.read_text("utf-8").splitlines()} if told.exists() else set()
    runs = Runs(told, Order(session.items, json.loads(Path("mutmut-stats.json").read_text("utf-8"))))
    gc.collect()
    gc.freeze()
    sys.stdout.flush()
    for mutant in names.read_text("utf-8").split():
        if mutant in done:
            continue
        while len(runs.running) >= int(os.environ.get("TUODI_CHILDREN", "2")):
            runs.reap()
        runs.start(mutant)
    while runs.running:
        runs.reap()
    return True

"""A county whose first process is killed."""

import signal
import time
from pathlib import Path

import psutil
import pytest

from tests.served import Site


@pytest.fixture
def site():
    made = Site()
    assert made.tuodi("migrate").returncode == 0
    made.start()
    yield made
    made.end()


def test_no_worker_outlives_the_first_process_and_the_county_starts_again(site):
    workers = workers_of(psutil.Process(site.web.pid))
    assert len(workers) == 2
    site.web.send_signal(signal.SIGKILL)
    site.web.wait()
    gone, alive = psutil.wait_procs(workers, timeout=20)
    for one in alive:
        one.kill()
    assert len(gone) == 2
    site.start()


def test_no_worker_is_a_fork_of_the_process_whose_threads_hold_the_database(site):
    """Each has its stack at an address of its own, as only a program begun anew has; so has one that takes a killed one's place
    (docs/decisions/0018)."""
    first = psutil.Process(site.web.pid)
    before = workers_of(first)
    assert len(before) == 2
    before[0].kill()
    until = time.monotonic() + 60
    while len(workers_of(first)) < 2 or before[0] in workers_of(first):
        assert time.monotonic() < until, "no worker took the killed one's place"
        time.sleep(0.1)
    assert all(stack_of(one) != stack_of(first) for one in workers_of(first))


def stack_of(process: psutil.Process) -> str:
    """Return the address at which a process's stack begins."""
    maps = Path(f"/proc/{process.pid}/maps").read_text()
    return next(line.split()[0].split("-")[1] for line in maps.splitlines() if line.endswith("[stack]"))


def workers_of(first: psutil.Process) -> list[psutil.Process]:
    """Return the processes that answer requests, whether forked or begun anew; not the one that only keeps count of resources."""
    alive = [one for one in first.children() if one.status() != psutil.STATUS_ZOMBIE]
    return [one for one in alive if not any("resource_tracker" in word for word in one.cmdline())]

"""A county whose first process is killed."""

import signal

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
    workers = psutil.Process(site.web.pid).children(recursive=True)
    assert len(workers) == 2
    site.web.send_signal(signal.SIGKILL)
    site.web.wait()
    gone, alive = psutil.wait_procs(workers, timeout=20)
    for one in alive:
        one.kill()
    assert len(gone) == 2
    site.start()

"""A short run of each fault in every run of the suite; the long ones are in docs/reference/faults.md."""

import pytest

from tests.faults import runs
from tests.faults.hammer import hammer


@pytest.fixture
def database(request):
    return request.config.getoption("--database")


@pytest.mark.parametrize("kill", ["web", "worker", "database"])
def test_G08_no_interleaving_and_no_kill_overspends_loses_or_doubles(database, kill):
    assert hammer(database, seconds=8, clients=4, kill=kill)["settled"] > 2


@pytest.mark.parametrize("kill", ["importer", "database"])
def test_an_import_that_is_killed_is_whole_or_nothing(database, kill):
    assert runs.imports_killed(database, people=60, kills=2, kill=kill)["then imported"] == 60


def test_G15_the_same_message_ten_times_at_once(database):
    assert runs.repeated(database, messages=3)["bills"] == 3


def test_G16_messages_out_of_order(database):
    assert runs.out_of_order(database)["live bills"] == 1


def test_the_clock_goes_back_and_forward(database):
    assert runs.clock_moved(database)["bills"] == 5


@pytest.mark.skipif(not runs.can_mount(), reason="a small file system cannot be mounted here")
def test_the_disk_is_full_and_then_not(database):
    figures = runs.disk_full(database)
    assert figures["bills"] == figures["settled in the end"]


def test_broken_requests_change_nothing(database):
    assert runs.broken_requests(database)["bills"] == 0

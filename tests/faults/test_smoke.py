"""Short runs of the faults in every run of the suite; the long ones are in docs/reference/faults.md."""

import pytest

from tests.faults import runs
from tests.faults.hammer import hammer


@pytest.fixture
def database(request):
    return request.config.getoption("--database")


def test_G08_no_interleaving_and_no_kill_overspends_loses_or_doubles(database):
    assert hammer(database, seconds=8, clients=6, kill="web")["settled"] > 5


def test_G15_the_same_message_ten_times_at_once(database):
    assert runs.repeated(database, messages=3)["bills"] == 3


def test_G16_messages_out_of_order(database):
    assert runs.out_of_order(database)["live bills"] == 1


def test_the_clock_goes_back_and_forward(database):
    assert runs.clock_moved(database)["bills"] == 5

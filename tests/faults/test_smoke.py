"""Short runs of every fault in every run of the suite, on the database that the suite runs on; the long ones: docs/reference/faults.md.

Here every law of the books must hold; that most kills met a transaction is asked of the long runs only (``proves``).
"""

import pytest

from tests.faults import disk, messages
from tests.faults.families import families
from tests.faults.hammer import hammer
from tests.faults.imports import imports_killed
from tests.faults.power import power_lost
from tests.faults.rotation import rotation_killed


@pytest.fixture
def database(request):
    return request.config.getoption("--database")


def test_G08_no_interleaving_overspends_loses_or_doubles(database):
    assert hammer(database, seconds=4, clients=6)["settled"] > 0


def test_G08_members_of_two_households_at_once_spend_no_cap_twice(database):
    assert families(database)["settle"] > 50


@pytest.mark.parametrize("kill", ["web", "worker", "database"])
def test_G08_no_kill_inside_a_transaction_loses_or_doubles(database, kill):
    assert hammer(database, clients=6, kill=kill, kills=2, proves=False)["kill -9"] == 2


@pytest.mark.parametrize("kill", ["worker", "database"])
def test_TH_4_3_1_a_roster_that_is_killed_is_there_whole_or_not_at_all(database, kill):
    assert imports_killed(database, people=1500, kills=1, kill=kill, proves=False)["steps done once each"] == 5


def test_a_change_of_keys_that_is_killed_is_taken_up_and_nothing_is_lost(database):
    assert rotation_killed(database, people=60, kills=1, proves=False)["sealed anew, each once"] == 60


def test_G15_the_same_message_ten_times_at_once(database):
    assert messages.repeated(database, messages=3)["settlements, each once"] == 3


def test_G16_messages_out_of_order(database):
    assert messages.out_of_order(database)["live bills"] == 1


def test_the_clock_goes_back_and_forward(database):
    assert messages.clock_moved(database)["bills"] == 5


def test_broken_requests_settle_nothing_and_are_told_why(database):
    assert messages.broken_requests(database)["bills"] == 0


@pytest.mark.skipif(not disk.can_mount(), reason="a small disk can not be mounted here")
def test_a_full_disk_loses_nothing(database):
    assert disk.disk_full(database, refused=5, rounds=1)["settled in the end, each once"] > 5


def test_what_was_answered_is_on_the_disk_when_the_power_fails(database):
    assert power_lost(database, copies=2, clients=4, proves=False)["copies"] == 2

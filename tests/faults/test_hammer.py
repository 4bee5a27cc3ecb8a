"""A short hammering on every run of the suite; the long ones are run by hand (docs/reference/faults.md)."""

from tests.faults.hammer import hammer


def test_G08_no_interleaving_overspends_loses_or_doubles(request):
    report = hammer(request.config.getoption("--database"), seconds=8, clients=6, kill=True)
    assert report["settled"] > 5

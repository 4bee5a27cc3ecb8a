"""Histories folded again by the service: one person whose identity reaches back, and everybody at night."""

from __future__ import annotations

from collections.abc import Iterable

from tests.benchmarks import table
from tests.benchmarks.service.place import NAMES, place
from tests.benchmarks.table import Row

RETROACTIVE = 0.1
YEAR = 40


def refolds(database: str, *, people: int, rounds: int, judged: bool) -> Iterable[Row]:
    """Measure an identity that reaches back over forty settlements, and the check of all books beside the fold alone."""
    name = NAMES[database]
    with place(database) as held:
        held.migrate()
        back = held.inside("retroactive", settlements=YEAR, rounds=rounds)
        yield Row(
            f"an identity reaching back over {YEAR} settlements of one person, {name}", table.duration(back["seconds"]),
            f"{back['entries']} entries written, {back['statements']} statements", "", f"under {table.duration(RETROACTIVE)}",
            back["seconds"] < RETROACTIVE if judged else None,
        )  # fmt: skip
        night = held.inside("night", people=people, rounds=rounds)
        bills = night["bills"]
        yield Row(
            f"every history folded again and compared with its entries, {night['people']:,} people, {bills:,} settlements, {name}",
            table.rate(bills, night["seconds"]), f"the core's fold alone, the same values in memory: {table.rate(bills, night['fold'])}",
            f"{night['seconds'] / night['fold']:.1f} times as long",
        )  # fmt: skip

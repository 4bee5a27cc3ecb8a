"""Lists, searches and worklists over the books of a city: the first page, and how many queries it takes."""

from __future__ import annotations

from collections.abc import Iterable

from tests.benchmarks import table
from tests.benchmarks.service.place import NAMES, place
from tests.benchmarks.table import Row

FIRST_PAGE = 0.2
#: What is asked as whom: the auditor sees the whole city, the clerk one county of ten, the hospital a hundredth.
ASKED = {
    "auditor": {
        "settlements of the last year, the whole city": "/settlements/",
        "settlements of all years": "/settlements/?state=",
        "settlements refused": "/settlements/?state=refused",
        "settlements changed afterwards": "/settlements/?state=changed",
        "settlements cancelled, of which there are none": "/settlements/?state=cancelled",
        "settlements by amount": "/settlements/?state=&order=-paid",
        "a day's settlements, counted and added up": "/settlements/?first={day}&last={day}",
        "the hundredth page": "/settlements/?state=&page=100",
        "the trail": "/trail/",
        "the trail of one settlement": "/trail/?subject_id=B10000777",
        "the start page": "/",
    },
    "chen": {
        "settlements of the last year, one county": "/settlements/",
        "settlements refused, one county": "/settlements/?state=refused",
        "one settlement with its steps": "/settlements/10000010/",
    },
    "zhao": {"settlements of the last year, one hospital": "/settlements/"},
}  # fmt: skip


def pages(database: str, *, settlements: int, rounds: int, judged: bool) -> Iterable[Row]:
    """Measure first pages over so many settlements, and that it takes no more queries than over a hundredth of them."""
    name = NAMES[database]
    asked = {who: list(addresses.values()) for who, addresses in ASKED.items()}
    with place(database) as few:
        few.migrate()
        few.inside("fill", count=max(settlements // 100, 1_000))
        expected = few.inside("pages", asked=asked, rounds=1)
    with place(database) as held:
        held.migrate()
        held.inside("fill", count=settlements)
        found = held.inside("pages", asked=asked, rounds=rounds)
    for who, addresses in ASKED.items():
        for what, address in addresses.items():
            seconds, queries = found[f"{who} {address}"]
            same = expected[f"{who} {address}"][1]
            yield Row(
                f"{table.size(settlements)} settlements, {name}: {what}", table.duration(seconds), f"{queries} queries, {same} over a hundredth of them", "",
                f"under {table.duration(FIRST_PAGE)}, no more queries", seconds < FIRST_PAGE and queries <= same if judged else None,
            )  # fmt: skip

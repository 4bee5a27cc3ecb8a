"""People found among those of a city: by number, name and initials, a page at a time, seen by the city and by one county of ten."""

from __future__ import annotations

from collections.abc import Iterable

from tests.benchmarks import table
from tests.benchmarks.service.place import NAMES, place
from tests.benchmarks.table import Row

FIRST_PAGE = 0.2
#: What is typed, by what it is. Every name of the county begins with one of forty surnames: a surname is a fortieth of all.
TYPED = {
    "an identity number": {"text": "{certno}"},
    "a person number": {"text": "N10000777"},
    "a name": {"text": "{name}"},
    "a surname, which one in forty has": {"text": "{surname}"},
    "the same, the tenth page": {"text": "{surname}", "offset": "450"},
    "three initials": {"text": "{initials}"},
    "one initial": {"text": "w"},
    "a name that nobody has": {"text": "欧阳修远"},
}
#: Beside the search: lists of everybody.
LISTS = {
    "registrar": {"records that may be one person": "/duplicates/"},
}
WHO = {"auditor": "the whole city", "chen": "one county of ten"}


def search(database: str, *, people: int, rounds: int, judged: bool) -> Iterable[Row]:
    """Measure the first page of what is found among so many people, and that it takes no more queries than among a tenth."""
    name = NAMES[database]
    with place(database) as few:
        few.migrate()
        expected = few.inside("search", people=max(people // 10, 1_000), typed=TYPED, who=list(WHO), lists={}, rounds=1)
    with place(database) as held:
        held.migrate()
        addresses = {who: list(asked.values()) for who, asked in LISTS.items()}
        found = held.inside("search", people=people, typed=TYPED, who=list(WHO), lists=addresses, rounds=rounds)
    yield Row(f"{table.size(people)} people with their search words made, {name}", table.duration(found["made"][0]))
    for what in TYPED:
        for who, seen in WHO.items():
            seconds, queries, hits = found[f"{who} {what}"]
            same = expected[f"{who} {what}"][1]
            yield Row(
                f"{table.size(people)} people, {name}: {what}, {seen}", table.duration(seconds),
                f"{hits} shown, {queries} queries, {same} among a tenth of them", "",
                f"under {table.duration(FIRST_PAGE)}, no more queries", seconds < FIRST_PAGE and queries <= same if judged else None,
            )  # fmt: skip
    for who, asked in LISTS.items():
        for what, address in asked.items():
            seconds, queries, _ = found[f"{who} {address}"]
            yield Row(
                f"{table.size(people)} people, {name}: {what}", table.duration(seconds), f"{queries} queries", "",
                f"under {table.duration(FIRST_PAGE)}", seconds < FIRST_PAGE if judged else None,
            )  # fmt: skip

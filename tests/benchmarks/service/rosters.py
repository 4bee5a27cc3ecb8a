"""A department's roster taken in: read, held against the registry, weighed, applied and undone, as the background does it."""

from __future__ import annotations

from collections.abc import Iterable

from tests.benchmarks import table
from tests.benchmarks.service.place import NAMES, place
from tests.benchmarks.table import Row

READING = 10


def rosters(database: str, *, rows: int, rounds: int, judged: bool) -> Iterable[Row]:
    """Measure reading beside what only parses the same file, and each step of an import."""
    name = NAMES[database]
    with place(database) as held:
        held.migrate()
        found = held.inside("roster", rows=rows, rounds=rounds)
    for form, parser in (("CSV", "Polars"), ("xlsx", "calamine")):
        seconds, beside, ratio, bad = found[form]
        yield Row(
            f"roster of {table.size(rows)} rows read, {form}", f"{table.duration(seconds)}, {bad} bad rows told",
            f"{parser} alone: {table.duration(beside)}", f"{ratio:.1f} times as long", f"at most {READING} times",
            ratio <= READING if judged else None,
        )  # fmt: skip
    steps = ", ".join(
        f"{step} {table.duration(found[step])}" for step in ("compared", "weighed", "kept", "applied", "undone")
    )
    yield Row(
        f"the same roster in the background, {found['with_bills']:,} people with settlements, {name}", steps,
        f"{found['statements']} statements to weigh it", "",
    )  # fmt: skip
    yield Row(
        f"the longest transaction of it, {name}",
        ", ".join(f"{step} {table.duration(found[f'{step} at most'])} of {found[f'{step} in parts']} parts" for step in ("applied", "undone")),
        f"its preview kept {table.duration(found['kept at most'])}", "", "under 500 ms",
        max(found[f"{step} at most"] for step in ("kept", "applied", "undone")) < 0.5 if judged else None,
    )  # fmt: skip
    yield Row(
        f"a page of its preview, {name}",
        table.duration(found["page"]),
        "",
        "",
        "under 200 ms",
        found["page"] < 0.2 if judged else None,
    )

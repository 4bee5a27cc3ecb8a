"""The table of ``docs/reference/bench.md``: every figure a ratio against something run beside it, in the same run.

``python -m tests.benchmarks --size 1000000 --files 1000000,10000000 --write docs/reference/bench.md``; ``--only`` chooses among the
contests; ``--smoke`` runs everything small and judges nothing.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from tests.benchmarks import machine, table
from tests.benchmarks.table import Row

PAGE = """# Speed and memory

Made by `make bench` (`python -m tests.benchmarks`): do not edit. Every figure is a ratio against something run beside it in the same run,
in turns (A, B, A, B …); times are medians, ratios medians of neighbours. Machines differ and are noisy: read the ratios. Tests run the
same contests small and assert results, never times.

{machine}

{table}

{notes}
"""
NOTES = """What is run:

- *Five layers* is `tests/benchmarks/five_layers.yaml`: deductible, rate and cap by category; bands; second assistance; chronic outpatient
  care; a burden brought down. *One layer* is its first. Both are invented.
- The fold in memory is the kernel that the batch runs. The loop beside it reads and writes the same columns and computes nothing.
- The decimal loop (`decimal_loop.py`) is written from the policy alone; its results are compared row by row.
- Window functions add up a person's year in closed form, which is right until a category changes within the year.
- Files are a synthetic county's (`tuodi synth`), kept in `bench-data`. Each run is a process of its own; libraries are loaded before the
  clock starts. Reading and writing without computing uses the batch's compression and sizes of row groups.
- Start-up is the whole process, `python -c pass` taken off.
- Settle calls are 2304 of the national interface, over HTTP to granian with two processes, each signed, by 600 people with a history.
  The statements of one call with their values are sent again by pgbench with other ids and people: what the database alone takes.
  openIMIS's figure is quoted from its own benchmark (1,116 statements, 748 ms for a bill of twenty lines).
- Books of 10^6 settlements are copies of one settlement that the service made, of 200,000 people in ten counties over three years,
  one in fifty refused, one in twenty changed afterwards, an audit row each. Lists count up to a bound and say when there are more."""


@dataclass(frozen=True)
class Sizes:
    """How much is run: rows in memory, rows of the decimal loop, rows of files, rounds, calls of one settlement; of the service settle
    calls a round, people with a history, settlements in the books, databases."""

    memory: int
    decimals: int
    files: list[int]
    csv: int
    large: int
    rounds: int
    calls: int
    judged: bool
    settles: int
    waiting: int
    books: int
    databases: tuple[str, ...]


FULL = Sizes(
    memory=1_000_000, decimals=100_000, files=[1_000_000], csv=1_000_000, large=0, rounds=5, calls=2_000, judged=True,
    settles=200, waiting=600, books=1_000_000, databases=("postgres", "sqlite"),
)  # fmt: skip
SMOKE = Sizes(
    memory=20_000, decimals=2_000, files=[2_000, 6_000], csv=2_000, large=50_000, rounds=1, calls=20, judged=False,
    settles=16, waiting=20, books=1_000, databases=("sqlite",),
)  # fmt: skip


def contests(sizes: Sizes, home: Path) -> dict[str, Callable[[], Iterable[Row]]]:
    """Return what can be run, by name."""
    from tests.benchmarks import files, fold_columns, single, windows
    from tests.benchmarks.service import calls, folds, pages, rosters, search

    def each_database(run: Callable[..., Iterable[Row]], **how: object) -> list[Row]:
        return [row for database in sizes.databases for row in run(database, **how)]

    rounds, judged = sizes.rounds, sizes.judged
    part = fold_columns.CHUNK if judged else 10_000
    few = max(rounds // 2, 1)
    return {
        "stream": lambda: fold_columns.against_stream(sizes.memory, rounds=2 * rounds + 1, judged=judged),
        "decimals": lambda: [fold_columns.against_decimals(sizes.decimals, rounds=few, judged=judged)],
        "windows": lambda: windows.against_windows(sizes.memory, rounds=rounds, judged=judged),
        "yearly": lambda: windows.against_yearly(sizes.memory, rounds=rounds, judged=judged),
        "large": lambda: (
            [fold_columns.in_chunks(fold_columns.fitting(sizes.large), judged=judged, part=part)] if sizes.large else []
        ),
        "parquet": lambda: files.parquet(sizes.files, rounds=few, judged=judged, home=home),
        "pack": lambda: [files.real_pack(min(sizes.files), "610900-ankang", rounds=few, home=home)],
        "csv": lambda: [files.csv(sizes.csv, rounds=few, judged=judged, home=home)],
        "single": lambda: single.one_settlement(times=sizes.calls, rounds=rounds, judged=judged),
        "start": lambda: single.start_up(rounds=rounds, judged=judged, home=home),
        "settle": lambda: each_database(
            calls.settle_calls, calls=sizes.settles, rounds=few, people=sizes.waiting, judged=judged
        ),
        "refolds": lambda: each_database(folds.refolds, people=sizes.waiting, rounds=few, judged=judged),
        "pages": lambda: each_database(pages.pages, settlements=sizes.books, rounds=rounds, judged=judged),
        "search": lambda: each_database(search.search, people=sizes.books, rounds=rounds, judged=judged),
        "imports": lambda: each_database(
            rosters.rosters, rows=max(sizes.books // 10, 1_000), rounds=rounds, judged=judged
        ),
    }


#: Contests of the service: ``--only service``.
SERVICE = ("settle", "refolds", "pages", "search", "imports")


def measured(sizes: Sizes, home: Path, only: list[str]) -> list[Row]:
    """Run the contests one after another, saying which."""
    rows: list[Row] = []
    for name, run in contests(sizes, home).items():
        if not only or name in only or ("service" in only and name in SERVICE):
            print(f"{name} …", file=sys.stderr, flush=True)
            rows += run()
    return rows


def main(arguments: list[str] | None = None) -> int:
    """Print the table, and write the page if asked."""
    from tests.benchmarks.files import HOME

    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--size", type=int, default=FULL.memory, help="settlements in memory")
    parser.add_argument("--files", default="1000000", help="settlements of the Parquet files, with commas between")
    parser.add_argument(
        "--hundred-million", action="store_true", help="fold 10^8 settlements in memory (half if memory is short)"
    )
    parser.add_argument("--rounds", type=int, default=FULL.rounds)
    parser.add_argument("--only", default="", help="names of contests, with commas between")
    parser.add_argument("--smoke", action="store_true", help="everything small, nothing judged")
    parser.add_argument("--write", type=Path, help="the page to write")
    parser.add_argument("--home", type=Path, default=HOME, help="where synthetic files are kept")
    args = parser.parse_args(arguments)
    os.environ.setdefault("TUODI_CACHE", str(args.home / "cache"))
    args.home.mkdir(parents=True, exist_ok=True)
    sizes = SMOKE if args.smoke else replace(
        FULL, memory=args.size, rounds=args.rounds, files=[int(count) for count in args.files.split(",")],
        csv=min(args.size, FULL.csv), large=100_000_000 if args.hundred_million else 0,
    )  # fmt: skip
    before = os.getloadavg()[0]
    text = table.text_of(measured(sizes, args.home, [name for name in args.only.split(",") if name]))
    described = "\n".join(
        f"- {line}" for line in (*machine.described(), f"Load of the last minute when it began: {before:.1f}")
    )
    print(f"{described}\n\n{text}")
    if args.write:
        args.write.write_text(PAGE.format(machine=described, table=text, notes=NOTES), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

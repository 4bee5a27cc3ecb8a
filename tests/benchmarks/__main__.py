"""``make bench``: every figure a ratio against something run beside it in the same run, in one table with the machine's name."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.benchmarks import files, fold_columns, windows
from tests.benchmarks.machine import described, version_of
from tests.benchmarks.table import Row, skipped, text_of


def rows_of(given: argparse.Namespace) -> Iterator[Row]:
    """Yield the rows, one measurement after another."""
    judged, rounds, size = not given.smoke, 2 if given.smoke else 5, given.size
    yield from fold_columns.against_stream(size, rounds=rounds, judged=judged)
    yield fold_columns.against_decimals(min(size, 100_000), rounds=min(rounds, 3), judged=judged)
    for what, needs, work in (
        ("window functions", "duckdb", lambda: windows.against_windows(size, rounds=min(rounds, 3), judged=judged)),
        ("openfisca-core", "openfisca-core", lambda: windows.against_yearly(min(size, 1_000_000), rounds=min(rounds, 3), judged=judged)),
    ):
        yield from _if_there(what, needs, work)
    if given.hundred_million:
        yield fold_columns.in_chunks(fold_columns.fitting(100_000_000), judged=judged)
    for count in given.files:
        yield files.file_to_file(count, "parquet", times=3, rounds=min(rounds, 3), judged=judged)
    yield files.file_to_file(min(given.files), "csv", times=6, rounds=min(rounds, 3), judged=judged)
    yield from files.one_settlement(judged=judged)
    yield from files.start_up(rounds=rounds, judged=judged)


def _if_there(what: str, package: str, work: Callable[[], list[Row]]) -> list[Row]:
    return work() if version_of(package) else [skipped(what, f"{package} is not installed")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1_000_000, help="settlements in memory")
    parser.add_argument("--files", type=lambda text: [int(n) for n in text.split(",")], default=[1_000_000, 10_000_000])
    parser.add_argument("--hundred-million", action="store_true", help="also fold 10^8 settlements, streamed in chunks")
    parser.add_argument("--smoke", action="store_true", help="small sizes, nothing judged")
    parser.add_argument("--write", type=Path, help="write the table to a file too")
    given = parser.parse_args()
    if given.smoke:
        given.size, given.files = 20_000, [5_000]
    rows = []
    for row in rows_of(given):
        rows.append(row)
        print(" | ".join(cell for cell in row.cells if cell), flush=True)
    page = "\n".join(["# Benchmarks", "", f"`make bench` (`python -m tests.benchmarks --size {given.size}`)", "", *described(), "", text_of(rows), ""])
    print("\n" + page)
    if given.write:
        given.write.write_text(page, "utf-8")


if __name__ == "__main__":
    main()

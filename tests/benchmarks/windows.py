"""A one-layer policy (deductible, rate, yearly cap) in window functions, DuckDB and Polars, and as yearly variables of OpenFisca.

Window functions add up over a person's year in closed form: right while the category of the year stays the same, silently wrong
after it changes. Yearly variables know one category for the whole year. Wrong rows are counted against the fold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from operator import add
from typing import Any

import numpy as np
import polars as pl

from tests.benchmarks import table
from tests.benchmarks.decimal_loop import INSURERS
from tests.benchmarks.facts import Array, Facts, amount, choice_of, columns, facts, pays, policy
from tests.benchmarks.machine import version_of
from tests.benchmarks.table import Row, skipped
from tests.benchmarks.timing import Times, ratio, side_by_side
from tuodi.batch.kernel import compile_kernel, run_kernel

TIMES_WINDOWS = TIMES_YEARLY = 20
#: Deductible (fen), rate (basis points) and yearly cap (fen) by category; ``one_layer.yaml`` says the same.
FIGURES = ((0, 0, 0), (0, 9_000, 6_000_000), (200_000, 7_000, 4_000_000), (500_000, 5_000, 3_000_000))


def frame_of(found: Facts) -> pl.DataFrame:
    """Return the settlements as a frame: what the window functions read."""
    held = {"n": np.arange(len(found)), "person": found.person, "year": found.year, "category": found.category}
    names = ("inscp_scp_amt", *INSURERS)
    return pl.DataFrame(held | {name: amount(found, name) for name in names})


def fold_of(found: Facts) -> tuple[Callable[[], object], Array]:
    """Return the fold as something to time, and what it pays for each settlement."""
    plan = policy("one_layer")
    held, kernel = columns(plan, found), compile_kernel(plan, pays(plan))
    out = [np.zeros(len(found), np.int64)]
    run_kernel(kernel, held, out=out)
    return lambda: run_kernel(kernel, held, threads=2, out=out), out[0].copy()


def figure(which: int) -> pl.Expr:
    """Return a figure of each row's category."""
    out = pl.lit(FIGURES[0][which])
    for number, figures in enumerate(FIGURES[1:], start=1):
        out = pl.when(pl.col("category") == number).then(figures[which]).otherwise(out)
    return out


def in_polars(frame: pl.DataFrame) -> Array:
    """Return what each settlement is paid, by cumulative sums over (person, year)."""
    year = ["person", "year"]
    payers = reduce(add, map(pl.col, INSURERS))
    base = pl.max_horizontal(pl.lit(0), pl.col("inscp_scp_amt") - payers)
    counted = pl.max_horizontal(pl.lit(0), base.cum_sum().over(year) - figure(0))
    whole = pl.min_horizontal((figure(1) * counted + 5_000) // 10_000, figure(2))
    paid = frame.lazy().with_columns(whole.alias("whole"))
    paid = paid.select((pl.col("whole") - pl.col("whole").shift(1).fill_null(0).over(year)).alias("pay"))
    return paid.collect()["pay"].to_numpy()


def in_duckdb(frame: pl.DataFrame) -> Callable[[], Array]:
    """Return the same as SQL over a table of DuckDB's own, two threads."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    connection.register("given", frame.to_arrow())
    connection.execute("CREATE TABLE settlements AS SELECT * FROM given")
    deductible, rate, cap = (
        "CASE category " + " ".join(f"WHEN {n} THEN {FIGURES[n][i]}" for n in range(4)) + " END" for i in range(3)
    )
    query = f"""
        WITH burdens AS (
            SELECT *, greatest(0, inscp_scp_amt - ({" + ".join(INSURERS)})) AS base FROM settlements
        ), sums AS (
            SELECT *, CAST(sum(base) OVER (PARTITION BY person, year ORDER BY n) AS BIGINT) AS total FROM burdens
        ), wholes AS (
            SELECT *, least({cap}, ({rate} * greatest(0, total - {deductible}) + 5000) // 10000) AS whole FROM sums
        )
        SELECT n, whole - lag(whole, 1, 0) OVER (PARTITION BY person, year ORDER BY n) AS pay FROM wholes
    """

    def run() -> Array:
        found: dict[str, Any] = connection.execute(query).fetchnumpy()
        out = np.empty(len(found["n"]), np.int64)
        out[found["n"]] = found["pay"]
        return out

    return run


def against_windows(count: int, *, rounds: int, judged: bool) -> list[Row]:
    """Measure both with and without identities that change in mid-year."""
    rows = []
    for changes in (False, True):
        found = facts(count, seed=3, changes=changes)
        fold, paid = fold_of(found)
        frame = frame_of(found)
        contestants: dict[str, Callable[[], Array]] = {f"Polars {pl.__version__}": lambda f=frame: in_polars(f)}
        if version_of("duckdb"):
            contestants[f"DuckDB {version_of('duckdb')}"] = in_duckdb(frame)
        else:
            rows.append(skipped(_what(count, "DuckDB", changes=changes), "duckdb is not installed (make bench)"))
        spoilt = changed_years(found)
        for name, work in contestants.items():
            differs = work() != paid
            ours, theirs = side_by_side(fold, work, rounds=rounds)
            what = _what(count, name, changes=changes)
            note = f"their wrong rows {int(differs.sum()):,}, of them in a year without change {int((differs & ~spoilt).sum()):,}"
            rows.append(_row(what, ours, theirs, count=count, least=TIMES_WINDOWS, judged=judged, note=note))
    return rows


def changed_years(found: Facts) -> Array:
    """Say of each settlement whether its person's year holds more than one category."""
    key = found.person * 10_000 + found.year
    begins = np.flatnonzero(np.append(True, key[1:] != key[:-1]))
    lowest = np.minimum.reduceat(found.category, begins)
    highest = np.maximum.reduceat(found.category, begins)
    return np.repeat(lowest != highest, np.diff(np.append(begins, len(key))))


def _what(count: int, name: str, *, changes: bool) -> str:
    held = "identities change in mid-year" if changes else "no identity changes"
    return f"one layer, {table.size(count)} settlements, {held}, {name.split()[0]} window functions"


def _row(what: str, ours: Times, theirs: Times, *, count: int, least: int, judged: bool, note: str) -> Row:
    times = ratio(theirs, ours)
    return Row(
        what, table.rate(count, ours.median), f"{table.rate(count, theirs.median)}; {note}", f"{times:.0f} times as fast",
        f"at least {least}, no wrong row of ours", times >= least if judged else None,
    )  # fmt: skip


def against_yearly(count: int, *, rounds: int, judged: bool) -> list[Row]:
    """Measure OpenFisca's yearly variables, from columns to amounts on both sides, and its calculation alone."""
    what = f"one layer, {table.size(count)} settlements, identities change, from columns to amounts, OpenFisca"
    if not version_of("openfisca-core"):
        return [skipped(what, "openfisca-core is not installed (make bench)", reach=f"at least {TIMES_YEARLY}")]
    from tests.benchmarks.yearly import Yearly

    plan, found = policy("one_layer"), facts(count, seed=3, changes=True)
    kernel, out = compile_kernel(plan, pays(plan)), [np.zeros(count, np.int64)]
    yearly = Yearly(found)
    run_kernel(kernel, columns(plan, found), out=out)
    differs = yearly.run() != yearly.by_year(found, out[0])
    changed = yearly.by_year(found, changed_years(found).astype(np.int64)) > 0
    years = int((yearly.by_year(found, np.ones(count, np.int64)) > 0).sum())
    held = columns(plan, found)
    ours, theirs, fold, alone = side_by_side(
        lambda: run_kernel(kernel, replace(held, choice=choice_of(found)), threads=2, out=out), lambda: Yearly(found).run(),
        lambda: run_kernel(kernel, held, threads=2, out=out), yearly.run, rounds=rounds,
    )  # fmt: skip
    note = f"their wrong person-years {int(differs.sum()):,} of {years:,}, of them without change {int((differs & ~changed).sum()):,}"
    first = _row(what, ours, theirs, count=count, least=TIMES_YEARLY, judged=judged, note=note)
    second = "the same, built before: the fold and OpenFisca's arithmetic alone"
    return [
        first,
        Row(
            second,
            table.rate(count, fold.median),
            table.rate(count, alone.median),
            f"{ratio(alone, fold):.1f} times as fast",
        ),
    ]

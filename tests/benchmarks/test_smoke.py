"""The benchmarks run, small: every row is there and the contestants agree on every result. Nothing here asserts a time."""

import numpy as np
import pytest

from tests.benchmarks import table
from tests.benchmarks.__main__ import SMOKE, contests, main
from tests.benchmarks.decimal_loop import pay_all
from tests.benchmarks.facts import columns, facts, pays, policy
from tests.benchmarks.machine import version_of
from tests.benchmarks.service.calls import settle_calls
from tests.benchmarks.service.replayed import pgbench
from tests.benchmarks.windows import changed_years, fold_of, frame_of, in_duckdb, in_polars
from tuodi.batch.kernel import compile_kernel, run_kernel

COUNT = 3_000


def test_all_rows_are_there(tmp_path, capsys):
    page = tmp_path / "bench.md"
    assert main(["--smoke", "--home", str(tmp_path), "--write", str(page)]) == 0
    out = capsys.readouterr().out
    assert out.split("\n\n", 1)[1].strip() in page.read_text("utf-8")
    rows = [line for line in out.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == (74 if version_of("openfisca-core") else 73)
    for words in (
        "streaming",
        "decimal",
        "Polars window",
        "DuckDB window",
        "OpenFisca",
        "in memory, chunks",
        "pyarrow",
        "CSV",
        "auditor",
        "--version",
        "settle call",
        "lost or doubled",
        "reaching back",
        "settlements refused",
        "three initials",
        "roster of",
    ):
        assert any(words in row for row in rows), words
    judged = [row for row in rows if "| yes" in row or "**no**" in row]
    assert ["lost or doubled" in row and "| yes" in row for row in judged] == [True]


def test_every_contest_can_be_run_alone(tmp_path):
    assert list(contests(SMOKE, tmp_path)) == [
        "stream", "decimals", "windows", "yearly", "large", "parquet", "pack", "csv", "single", "start",
        "settle", "refolds", "pages", "search", "imports",
    ]  # fmt: skip


def test_a_settle_call_is_sent_again_through_pgbench(request):
    if request.config.getoption("--database") != "postgres" or not pgbench():
        pytest.skip("needs --database postgres and pgbench")
    rows = list(settle_calls("postgres", calls=16, rounds=1, people=20, judged=False))
    assert len(rows) == 6
    assert "pgbench, 16 clients" in rows[3].beside


def test_without_pgbench_the_row_says_so(monkeypatch):
    monkeypatch.setattr("tests.benchmarks.service.replayed.pgbench", lambda: "")
    [row] = settle_calls("postgres", calls=1, rounds=1, people=2, judged=True)
    assert "pgbench is not installed" in row.cells[1]
    assert row.reached is None


@pytest.mark.parametrize("changes", [False, True])
def test_fold_and_decimal_loop_pay_the_same(changes):
    plan, found = policy("five_layers"), facts(COUNT, seed=5, changes=changes)
    kernel = compile_kernel(plan, pays(plan))
    for narrow in (False, True):
        paid = np.stack(list(run_kernel(kernel, columns(plan, found, narrow=narrow)).values()), axis=1)
        assert paid.tolist() == [list(row) for row in pay_all(found)]


@pytest.mark.parametrize("changes", [False, True])
def test_window_functions_are_wrong_only_where_a_category_changes(changes):
    found = facts(COUNT, seed=5, changes=changes)
    _, paid = fold_of(found)
    contestants = [in_polars(frame_of(found))]
    if version_of("duckdb"):
        contestants.append(in_duckdb(frame_of(found))())
    for theirs in contestants:
        differs = theirs != paid
        assert not (differs & ~changed_years(found)).any()
        assert differs.any() == changes


def test_quantities_are_said_in_units_that_suit_them():
    assert [table.duration(s) for s in (1.5e-6, 0.0123, 61.2)] == ["1.5 us", "12.3 ms", "61.2 s"]
    assert [table.rate(n, 1) for n in (1_500, 2_000_000)] == ["1.5 k/s", "2 M/s"]
    assert [table.size(n) for n in (1_000_000, 123_456)] == ["10^6", "123,456"]

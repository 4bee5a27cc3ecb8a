"""One settlement, one person's year, and the first answer of the command line."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.benchmarks import table
from tests.benchmarks.facts import policy
from tests.benchmarks.files import ROOT, folder_of
from tests.benchmarks.table import Row, skipped
from tests.benchmarks.timing import each, ratio, side_by_side
from tuodi.core.engine.fold import fold, trace
from tuodi.core.identities import IdentityRecord
from tuodi.core.settlements import Settlement

FIGURES, TRACED, WORDED, YEAR = 20e-6, 50e-6, 1e-3, 5e-3
VERSION, EXPLAIN = 0.3, 1.0
PACK = "610900-ankang"


def bill(number: int) -> Settlement:
    """Return a stay of the year, with what insurers paid."""
    day = date(2025, 1, 3) + timedelta(days=8 * number)
    inside = 1_234_567 + 31 * number
    return Settlement(
        setl_id=f"S{number:03d}", psn_no="P1", fixmedins_code="H1", med_type="21", begndate=day, enddate=day + timedelta(days=5),
        setl_time=datetime(day.year, day.month, day.day, 10) + timedelta(days=5), diag_code="I63.900", inscp_scp_amt=inside,
        preselfpay_amt=98_765, fulamt_ownpay_amt=12_345, overlmt_selfpay=0, medfee_sumamt=inside + 98_765 + 12_345,
        hifp_pay=inside * 6 // 10, hifmi_pay=inside // 20,
    )  # fmt: skip


def one_settlement(*, times: int, rounds: int, judged: bool) -> list[Row]:
    """Measure one settlement: figures, trace, words; and a year of 40 folded again and worded."""
    plan = policy("five_layers")
    records = [IdentityRecord("P1", "dibao", date(2020, 1, 1), None, None, None, "")]
    history = [bill(n) for n in range(40)]
    one = history[:1]
    result = fold(plan, one, records)[0]
    operands = result.operands
    figures = [plan.tables[i][row] for i, row in enumerate(operands.rows)]

    def measured(what: str, work: Callable[[], object], most: float | None, *, among: int = times) -> Row:
        seconds = each(work, times=among, rounds=rounds)
        reach = f"under {table.duration(most)}" if most else ""
        return Row(what, table.duration(seconds), "", "", reach, seconds < most if judged and most else None)

    rows = [
        measured(
            "one settlement, figures only: the generated function",
            lambda: plan.scalar(operands.facts, figures, operands.before),
            FIGURES,
        ),
        measured("one settlement, figures only: folded with its identity", lambda: fold(plan, one, records), FIGURES),
        measured("one settlement, folded and traced", lambda: trace(plan, fold(plan, one, records)[0]), TRACED),
    ]
    try:
        from tuodi.core.engine.words import explain
    except ImportError:
        return [*rows, skipped("one settlement, worded", "tuodi.core.engine.words is not there yet")]

    def worded(settlements: list[Settlement]) -> list[str]:
        return [explain(plan, found, records=records).patient for found in fold(plan, settlements, records)]

    def audited(settlements: list[Settlement]) -> list[str]:
        return [explain(plan, found, records=records).auditor for found in fold(plan, settlements, records)]

    few = max(times // 50, 1)
    return [
        *rows,
        measured("one settlement, folded and worded for the patient", lambda: worded(one), WORDED, among=few),
        measured(
            "one settlement, folded and every step worded for the auditor", lambda: audited(one), WORDED, among=few
        ),
        measured(
            "a person's year of 40 settlements folded again", lambda: fold(plan, history, records), None, among=few
        ),
        measured(
            "a person's year of 40 settlements folded again and worded for the patient",
            lambda: worded(history),
            YEAR,
            among=few,
        ),
    ]


def start_up(*, rounds: int, judged: bool, home: Path) -> list[Row]:
    """Measure the command line's first answers against Python doing nothing."""
    words = ("tuodi --version", "tuodi explain, one settlement out of a county's files")
    if not (ROOT / "src" / "tuodi" / "cli" / "main.py").exists():
        return [skipped(what, "the command line is not there yet") for what in words]
    folder = folder_of(10_000, "csv", home=home)
    with tempfile.TemporaryDirectory() as scratch:
        few = few_files(folder, Path(scratch))
        version = ["--version"]
        explain = [
            "explain",
            few["setl_id"],
            "--pack",
            PACK,
            "--sample-values",
            "--settlements",
            few["settlements"],
            "--identities",
            few["identities"],
        ]
        return [
            _first_answer(words[0], version, most=VERSION, rounds=rounds, judged=judged),
            _first_answer(words[1], explain, most=EXPLAIN, rounds=rounds, judged=judged),
        ]


def few_files(folder: Path, scratch: Path) -> dict[str, str]:
    """Return small files with one person's settlements and identities, and one settlement's number."""
    import polars as pl

    settlements = pl.read_csv(folder / "settlements.csv", infer_schema=False)
    identities = pl.read_csv(folder / "identities.csv", infer_schema=False)
    known = settlements.filter(
        pl.col("psn_no").is_in(identities["psn_no"].implode()) & (pl.col("refd_setl_flag") == "0")
    )
    person = known["psn_no"][0]
    settlements.filter(pl.col("psn_no") == person).write_csv(scratch / "settlements.csv")
    identities.filter(pl.col("psn_no") == person).write_csv(scratch / "identities.csv")
    kept = settlements.filter((pl.col("psn_no") == person) & (pl.col("refd_setl_flag") == "0"))
    return {
        "setl_id": kept["setl_id"][0], "settlements": str(scratch / "settlements.csv"),
        "identities": str(scratch / "identities.csv"),
    }  # fmt: skip


def _first_answer(what: str, arguments: list[str], *, most: float, rounds: int, judged: bool) -> Row:
    command = [sys.executable, "-m", "tuodi.cli", *arguments]

    def answer() -> Any:
        return subprocess.run(command, check=True, capture_output=True, cwd=ROOT)

    def nothing() -> Any:
        return subprocess.run([sys.executable, "-c", "pass"], check=True, capture_output=True)

    try:
        ours, python = side_by_side(answer, nothing, rounds=rounds)
    except subprocess.CalledProcessError as error:
        return skipped(what, f"it answers {error.stderr.decode()[-200:].strip()!r}", reach=f"at most {most} s more")
    more = ours.median - python.median
    return Row(
        what, table.duration(ours.median), f"python -c pass: {table.duration(python.median)}",
        f"{more:.2f} s more, {ratio(ours, python):.1f} times", f"at most {most} s more", more <= most if judged else None,
    )  # fmt: skip

"""File to file, one settlement, start-up: each beside something plain run in turns with it."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

from tests.benchmarks import table
from tests.benchmarks.table import Row
from tests.benchmarks.timing import Times, each, ratio, side_by_side

ROOT = Path(__file__).parents[2]
DATA = ROOT / "bench-data"
PACK = "610900-ankang"
SETTLEMENTS_A_PERSON = 6.3
PLAIN = {
    "parquet": "import sys, polars as pl\npl.read_parquet(sys.argv[1]).write_parquet(sys.argv[2], compression='zstd')",
    "csv": "import sys, polars as pl\npl.read_csv(sys.argv[1], infer_schema=False)",
}
PEAK = "import resource, json, time\nb = time.perf_counter()\n{body}\nprint(json.dumps([time.perf_counter() - b, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024]))"
BATCH = """import sys
from pathlib import Path
from tuodi.batch.packs import entered_values, pack_of
from tuodi.batch.pipeline import Job, adjudicate
from tuodi.core.engine.plan import make_plan
folder, suffix, sample = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
pack = pack_of(sys.argv[4])
adjudicate(Job(make_plan(pack, entered_values(sample, pack)), folder / f"settlements.{suffix}", folder / f"identities.{suffix}", folder / f"entries.{suffix}"))
"""


def county_of(settlements: int, suffix: str) -> Path:
    """Return a folder with about so many settlements, made once."""
    from tuodi.batch.packs import pack_of
    from tuodi.batch.synth import county

    folder = DATA / f"{suffix}-{settlements}"
    if not (folder / f"settlements.{suffix}").exists():
        pack = pack_of(PACK)
        identities = sorted({i for c in pack.categories for i in c.identities})
        people = max(100, int(settlements / SETTLEMENTS_A_PERSON))
        county(out_dir=folder, people=people, seed=1, identities=identities, first=date(2023, 1, 4), last=date(2025, 6, 30), format=suffix, area=pack.area)
    return folder


def measured(body: str, *arguments: str) -> tuple[float, int]:
    """Return seconds (without starting Python and importing) and peak bytes of a body run in a process of its own."""
    done = subprocess.run([sys.executable, "-c", PEAK.format(body=body), *arguments], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-2000:]
    seconds, peak = json.loads(done.stdout.splitlines()[-1])
    return seconds, peak


def file_to_file(count: int, suffix: str, *, times: int, rounds: int, judged: bool) -> Row:
    """Measure a batch against reading (and for Parquet writing) the same file; peak memory of each."""
    folder = county_of(count, suffix)
    source = str(folder / f"settlements.{suffix}")
    sample = str(ROOT / "tests" / "data" / "delegated-sample.yaml")
    measured(BATCH, str(folder), suffix, sample, PACK)
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(measured(BATCH, str(folder), suffix, sample, PACK))
        theirs.append(measured(PLAIN[suffix], source, str(folder / "plain.out")))
    a, b = Times([s for s, _ in ours]), Times([s for s, _ in theirs])
    found = ratio(a, b)
    plain = "reading and writing" if suffix == "parquet" else "parsing"
    return Row(
        f"{suffix} of about {table.size(count)} settlements to entries", f"{table.duration(a.median)}, peak {table.gib(max(p for _, p in ours))}",
        f"{plain} the same with Polars: {table.duration(b.median)}, peak {table.gib(max(p for _, p in theirs))}", f"{found:.2f} times",
        f"at most {times} times", found <= times if judged else None,
    )  # fmt: skip


def one_settlement(*, judged: bool) -> list[Row]:
    """Measure one settlement in process: figures only, with trace, worded; and a year of 40."""
    from tests.benchmarks.year import year_of
    from tuodi.core.engine.fold import fold, trace
    from tuodi.core.engine.words import explain

    plan, settlements, records = year_of(40)
    result = fold(plan, settlements[:1], records)[0]

    def worded_year() -> None:
        for found in fold(plan, settlements, records):
            _ = explain(plan, found, records=records).patient

    works = (
        ("one settlement, figures only (fold of a history of one)", lambda: fold(plan, settlements[:1], records), 20e-6),
        ("one settlement of a year of 40, figures only", lambda: fold(plan, settlements, records), 40 * 20e-6),
        ("one settlement with trace", lambda: trace(plan, fold(plan, settlements[:1], records)[0]), 50e-6),
        ("one settlement worded for a patient", lambda: explain(plan, result, records=records).patient, 1e-3),
        ("a person's year of 40 refolded and worded", worded_year, 5e-3),
    )
    rows = []
    for what, work, limit in works:
        seconds = each(work, times=200 if limit < 1e-3 else 20, rounds=7)
        rows.append(Row(what, table.duration(seconds), reach=f"under {table.duration(limit)}", reached=seconds < limit if judged else None))
    return rows


def start_up(*, rounds: int, judged: bool) -> list[Row]:
    """Measure the first answers of the command line against an empty Python."""
    folder = county_of(1000, "csv")
    first = (folder / "settlements.csv").read_text("utf-8").splitlines()
    setl_id = first[1].split(",")[first[0].split(",").index("setl_id")]
    files = ["--settlements", str(folder / "settlements.csv"), "--identities", str(folder / "identities.csv")]
    sample = ["--delegated", str(ROOT / "tests" / "data" / "delegated-sample.yaml")]
    asked = {
        "tuodi --version": (["--version"], 0.3), "tuodi explain, one settlement": (["explain", "--pack", PACK, *files, *sample, setl_id], 1.0),
    }  # fmt: skip

    def runs(*command: str) -> None:
        subprocess.run([sys.executable, *command], check=True, capture_output=True, cwd=ROOT)

    rows = []
    for what, (arguments, more) in asked.items():
        ours, empty = side_by_side(lambda a=arguments: runs("-m", "tuodi.cli", *a), lambda: runs("-c", "pass"), rounds=rounds)
        extra = ours.median - empty.median
        rows.append(Row(what, table.duration(ours.median), f"python -c pass: {table.duration(empty.median)}", f"{extra:.2f} s more", f"at most {more} s more", extra <= more if judged else None))
    return rows

"""File to file: settlements and identities in, entries out, against the same file read and written (or parsed) without computing."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from statistics import median

from tests.benchmarks import table
from tests.benchmarks.table import Row
from tests.benchmarks.timing import Times, ratio
from tuodi.batch.synth import county

ROOT = Path(__file__).parents[2]
HOME = ROOT / "bench-data"
TIMES_PARQUET, TIMES_CSV = 3, 6
#: A tenfold file may need this much more memory at most.
MEMORY_GROWTH = 1.25
#: The synthetic county has this many settlements for a person in its two years.
SETTLEMENTS_PER_PERSON = 5
IDENTITIES = ("extreme_poverty", "orphan", "dibao", "dibao_edge", "illness_poverty", "low_income")


@dataclass
class Runs:
    """What the runs of one contestant said."""

    found: list[dict[str, float]] = field(default_factory=list)

    def times(self, key: str = "seconds") -> Times:
        return Times([run[key] for run in self.found])

    @property
    def peak(self) -> int:
        return int(median(run["peak"] for run in self.found))

    def last(self, key: str) -> int:
        return int(self.found[-1].get(key, 0))


def folder_of(count: int, kind: str, *, home: Path = HOME) -> Path:
    """Return a county of about that many settlements, made once."""
    folder = home / f"county-{count}-{kind}"
    if not (folder / "README.txt").exists():
        county(
            out_dir=folder, people=max(count // SETTLEMENTS_PER_PERSON, 1), seed=7, identities=IDENTITIES,
            first=date(2024, 1, 1), last=date(2025, 12, 31), format=kind,
        )  # fmt: skip
    return folder


def contest(works: list[str], folder: Path, kind: str, *, rounds: int, policy: str = "five_layers") -> list[Runs]:
    """Return the runs of all contestants, taken in turns, each in a process of its own; each has run once before."""
    runs = [Runs() for _ in works]
    with tempfile.TemporaryDirectory(dir=folder.parent) as out:
        for turn in range(rounds + 1):
            for held, work in zip(runs, works, strict=True):
                said = run(work, folder, kind, Path(out) / f"{work}.{kind}", policy)
                if turn:
                    held.found.append(said)
    return runs


def run(work: str, folder: Path, kind: str, out: Path, policy: str) -> dict[str, float]:
    """Return what one run of a contestant said."""
    command = [sys.executable, "-m", "tests.benchmarks.worker", work, str(folder), kind, str(out), policy]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    said: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return said


def parquet(counts: list[int], *, rounds: int, judged: bool, home: Path = HOME) -> list[Row]:
    """Measure Parquet to entries for each size, and whether memory grows with the file."""
    rows: list[Row] = []
    peaks: list[int] = []
    for count in counts:
        folder = folder_of(count, "parquet", home=home)
        ours, arrow, polars = contest(["batch", "arrow", "polars"], folder, "parquet", rounds=rounds)
        times = ratio(ours.times(), arrow.times())
        what = f"Parquet to entries, {table.size(count)} settlements, five layers, identities joined"
        beside = f"reading and writing the same Parquet with pyarrow: {table.duration(arrow.times().median)}, {table.gib(arrow.peak)}"
        rows.append(_row(what, ours, beside, times, TIMES_PARQUET, judged=judged))
        beside = f"the same through Polars' streaming engine: {table.duration(polars.times().median)}, {table.gib(polars.peak)}"
        rows.append(Row("the same", "", beside, f"{ratio(ours.times(), polars.times()):.2f} times as long"))
        peaks.append(ours.peak)
    growth = peaks[-1] / peaks[0]
    sizes = " and ".join(table.size(count) for count in counts)
    rows.append(Row(
        f"its peak memory at {sizes}", " and ".join(map(table.gib, peaks)), "", f"{growth:.2f} times",
        f"does not grow with the file (at most {MEMORY_GROWTH})", growth <= MEMORY_GROWTH if judged and len(counts) > 1 else None,
    ))  # fmt: skip
    return rows


def csv(count: int, *, rounds: int, judged: bool, home: Path = HOME) -> Row:
    """Measure CSV to entries."""
    folder = folder_of(count, "csv", home=home)
    ours, parse = contest(["batch", "parse"], folder, "csv", rounds=rounds)
    what = f"CSV to entries, {table.size(count)} settlements, five layers, identities joined"
    beside = f"parsing the same CSV with Polars: {table.duration(parse.times().median)}"
    return _row(what, ours, beside, ratio(ours.times(), parse.times()), TIMES_CSV, judged=judged)


def real_pack(count: int, pack: str, *, rounds: int, home: Path = HOME) -> Row:
    """Measure a pack of the shelf on the same file: nearly every settlement becomes an entry, most of them refusals."""
    folder = folder_of(count, "parquet", home=home)
    ours, arrow = contest(["batch", "arrow"], folder, "parquet", rounds=rounds, policy=pack)
    beside = f"reading and writing the same Parquet with pyarrow: {table.duration(arrow.times().median)}"
    what = f"Parquet to entries, {table.size(count)} settlements, the pack {pack}"
    return _row(what, ours, beside, ratio(ours.times(), arrow.times()), None, judged=False)


def _row(what: str, ours: Runs, beside: str, times: float, most: int | None, *, judged: bool) -> Row:
    seconds = ours.times().median
    measured = f"{table.duration(seconds)}, {table.rate(ours.last('rows'), seconds)}, {table.gib(ours.peak)}; {ours.last('entries'):,} entries"
    reach = f"at most {most} times" if most else ""
    return Row(what, measured, beside, f"{times:.2f} times as long", reach, times <= most if judged and most else None)

"""One contestant of the file contests in a process of its own, so that its peak memory is its own.

``python -m tests.benchmarks.worker WORK FOLDER FORMAT OUT [POLICY]`` prints JSON: seconds (libraries are loaded and the policy is read
before the clock starts), processor seconds, peak bytes, rows. WORK is ``batch`` (settlements to entries), ``arrow`` or ``polars`` (the
same file read and written again), ``parse`` (the CSV parsed).
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.machine import peak_bytes

Counts = dict[str, int]


def batch(folder: Path, kind: str, out: Path, policy: str) -> Callable[[], Counts]:
    """Adjudicate with identities joined; the policy is a pack's id or a file beside this module."""
    from tests.benchmarks.facts import plan_of
    from tuodi.batch.pipeline import Job, adjudicate

    plan = plan_of(policy)
    job = Job(plan, folder / f"settlements.{kind}", folder / f"identities.{kind}", out)

    def run() -> Counts:
        report = adjudicate(job)
        return {"rows": report.settlements, "entries": report.entries, "paid_fen": report.paid_fen}

    return run


def arrow(folder: Path, kind: str, out: Path, policy: str) -> Callable[[], Counts]:
    """Read the settlements batch by batch and write them again, with the compression and row groups of the batch."""
    import pyarrow.parquet as pq

    def run() -> Counts:
        file = pq.ParquetFile(folder / f"settlements.{kind}")
        rows = 0
        with pq.ParquetWriter(out, file.schema_arrow, compression="zstd") as writer:
            for group in file.iter_batches(batch_size=1 << 17):
                writer.write_batch(group)
                rows += group.num_rows
        return {"rows": rows}

    return run


def polars(folder: Path, kind: str, out: Path, policy: str) -> Callable[[], Counts]:
    """Let Polars stream the file into another, on all its threads."""
    import polars as pl

    def run() -> Counts:
        pl.scan_parquet(folder / f"settlements.{kind}").sink_parquet(out, compression="zstd")
        return {}

    return run


def parse(folder: Path, kind: str, out: Path, policy: str) -> Callable[[], Counts]:
    """Let Polars parse the CSV into columns of text: identifiers keep their zeros, amounts stay exact."""
    import polars as pl

    def run() -> Counts:
        return {"rows": pl.read_csv(folder / f"settlements.{kind}", infer_schema=False).height}

    return run


WORKS = {"batch": batch, "arrow": arrow, "polars": polars, "parse": parse}


def main() -> None:
    work, folder, kind, out, *policy = sys.argv[1:]
    run = WORKS[work](Path(folder), kind, Path(out), policy[0] if policy else "five_layers")
    before = resource.getrusage(resource.RUSAGE_SELF)
    began = time.perf_counter()
    counts = run()
    seconds = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_SELF)
    busy = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"seconds": seconds, "busy": busy, "peak": peak_bytes(), **counts}))


if __name__ == "__main__":
    main()

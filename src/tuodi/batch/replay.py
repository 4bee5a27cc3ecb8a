"""The same history under two plans: who gains and who loses, by clause, in sums, and where the largest differences are.

Both sides run through the batch into files aside; entries are compared by settlement and layer. A side may be moved by whole years,
so that a history lies in another policy's life. Nothing is decided here; differences are what two computations say.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from tuodi.batch.columns import SETTLEMENTS, Schema
from tuodi.batch.disk import written_to
from tuodi.batch.examine import Files, faults_of
from tuodi.batch.pipeline import Job, Progress, Report, adjudicate
from tuodi.batch.reading import open_table
from tuodi.batch.writing import yuan_text
from tuodi.core.engine.plan import Plan
from tuodi.core.errors import InputErrors

KEY = ["psn_no", "setl_id", "layer"]


@dataclass(frozen=True)
class Side:
    """One of the two: a plan, and by how many years the history is moved before it is computed."""

    plan: Plan
    years: int = 0


@dataclass(frozen=True)
class Clause:
    """What one clause (the first of a layer's) pays on either side, in fen; ``settlements`` are those for which it changes."""

    clause: str
    layer: str
    before: int
    after: int
    settlements: int

    @property
    def change(self) -> int:
        """After less before."""
        return self.after - self.before


@dataclass(frozen=True)
class PersonChange:
    """One person's sums, in fen, and the settlement that changes most."""

    psn_no: str
    before: int
    after: int
    settlements: int
    largest_setl_id: str
    largest_change: int

    @property
    def change(self) -> int:
        """After less before."""
        return self.after - self.before


@dataclass(frozen=True)
class Replay:
    """What changes from the first side to the second; amounts in fen. ``refusals`` count settlements refused by clause on either side."""

    before: Report
    after: Report
    people: int
    gaining: int
    losing: int
    gained: int
    lost: int
    changed_settlements: int
    by_clause: list[Clause]
    refusals: list[tuple[str, str, int, int]]
    largest: list[PersonChange]

    @property
    def change(self) -> int:
        """What the second side pays more (or less) in all."""
        return self.after.paid_fen - self.before.paid_fen


def replay(
    before: Side, after: Side, files: Files, *, top: int = 20, out: Path | None = None, progress: Progress | None = None
) -> Replay:
    """Return what changes; ``out`` takes every difference of a settlement and layer (CSV or Parquet by its name)."""
    with tempfile.TemporaryDirectory(prefix="tuodi-replay-", dir=out.parent if out else None) as name:
        folder = Path(name)
        sides = []
        for number, side in enumerate((before, after), start=1):
            moved = _moved(files, side.years, folder / f"moved{number}")
            sides.append(_computed(side.plan, moved, folder / f"entries{number}.parquet", number, progress))
    (old, old_report), (new, new_report) = sides
    moved_rows = _differences(old, new)
    if out is not None:
        _write(moved_rows, out)
    people = moved_rows.group_by("psn_no").agg(pl.col("change").sum())
    gain, loss = people.filter(pl.col("change") > 0), people.filter(pl.col("change") < 0)
    return Replay(
        before=old_report, after=new_report,
        people=len(pl.concat([old.select("psn_no"), new.select("psn_no")]).unique()),
        gaining=len(gain), losing=len(loss), gained=int(gain["change"].sum()), lost=-int(loss["change"].sum()),
        changed_settlements=moved_rows["setl_id"].n_unique(), by_clause=_by_clause(old, new, moved_rows),
        refusals=_refusals(old_report, new_report), largest=_largest(old, new, moved_rows, top),
    )  # fmt: skip


def _computed(
    plan: Plan, files: Files, out: Path, number: int, progress: Progress | None
) -> tuple[pl.DataFrame, Report]:
    """Return what one side pays, by settlement and layer, in fen."""
    asked = files.applications if any(layer.due == "application" for layer in plan.layers) else None
    job = Job(plan, files.settlements, files.identities, out, applications=asked, institutions=files.institutions)
    report = adjudicate(job, progress=_staged(progress, number))
    entries = pl.read_parquet(out, columns=[*KEY, "clauses", "pay"]).filter(pl.col("pay") != 0)
    return entries.with_columns((pl.col("pay") * 100).cast(pl.Int64)), report


def _staged(progress: Progress | None, number: int) -> Callable[[str, int, int | None], None] | None:
    if progress is None:
        return None
    told = progress
    return lambda stage, done, total: told(f"{'第一份' if number == 1 else '第二份'}{stage}", done, total)


def _differences(old: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """Return every settlement and layer that is paid differently."""
    both = old.join(new, on=KEY, how="full", coalesce=True, suffix="_after").rename(
        {"pay": "before", "pay_after": "after"}
    )
    return (
        both.with_columns(pl.col("before", "after").fill_null(0))
        .with_columns(change=pl.col("after") - pl.col("before"))
        .filter(pl.col("change") != 0)
        .sort("psn_no", "setl_id", "layer")
    )


def _first_clause() -> pl.Expr:
    return pl.col("clauses").str.split(";").list.first().alias("clause")


def _by_clause(old: pl.DataFrame, new: pl.DataFrame, moved: pl.DataFrame) -> list[Clause]:
    """Return sums by the first clause of each layer, largest change first."""
    sums = [frame.group_by(_first_clause(), "layer").agg(pl.col("pay").sum()) for frame in (old, new)]
    changed = moved.with_columns(clauses=pl.coalesce("clauses_after", "clauses")).group_by(_first_clause(), "layer")
    counts = changed.agg(pl.col("setl_id").n_unique().alias("n"))
    both = sums[0].join(sums[1], on=["clause", "layer"], how="full", coalesce=True, suffix="_after")
    both = both.join(counts, on=["clause", "layer"], how="left").fill_null(0)
    rows = [Clause(clause, layer, before, after, n) for clause, layer, before, after, n in both.iter_rows()]
    return sorted(rows, key=lambda row: (-abs(row.change), row.clause, row.layer))


def _refusals(old: Report, new: Report) -> list[tuple[str, str, int, int]]:
    """Return the refusals whose number changes: clause, what it says, before, after."""
    keys = sorted({*old.refusals, *new.refusals})
    rows = [
        (clause, says, old.refusals.get((clause, says), 0), new.refusals.get((clause, says), 0))
        for clause, says in keys
    ]
    return [row for row in rows if row[2] != row[3]]


def _largest(old: pl.DataFrame, new: pl.DataFrame, moved: pl.DataFrame, top: int) -> list[PersonChange]:
    """Return the people whose sum changes most."""
    settlements = moved.group_by("psn_no", "setl_id").agg(pl.col("change").sum()).filter(pl.col("change") != 0)
    settlements = settlements.with_columns(size=pl.col("change").abs()).sort(
        "size", "setl_id", descending=[True, False]
    )
    people = settlements.group_by("psn_no", maintain_order=True).agg(
        pl.len().alias("n"), pl.col("setl_id").first(), pl.col("change").first().alias("most"), pl.col("change").sum()
    )
    chosen = people.with_columns(size=pl.col("change").abs()).sort("size", "psn_no", descending=[True, False]).head(top)
    for name, frame in (("before", old), ("after", new)):
        chosen = chosen.join(
            frame.group_by("psn_no").agg(pl.col("pay").sum().alias(name)),
            on="psn_no",
            how="left",
            maintain_order="left",
        )
    rows = chosen.with_columns(pl.col("before", "after").fill_null(0)).iter_rows(named=True)
    return [PersonChange(r["psn_no"], r["before"], r["after"], r["n"], r["setl_id"], r["most"]) for r in rows]


def _write(moved: pl.DataFrame, out: Path) -> None:
    """Write every difference, whole or not at all; amounts in yuan."""
    draft = out.with_name(f".{out.name}.part")
    rows = moved.select(
        *KEY,
        pl.col("clauses").fill_null("").alias("clauses_before"),
        pl.col("clauses_after").fill_null(""),
        "before",
        "after",
        "change",
    )
    try:
        with written_to(out):
            if out.suffix == ".parquet":
                rows.rename({name: f"{name}_fen" for name in ("before", "after", "change")}).write_parquet(draft)
            else:
                rows.with_columns(*(yuan_text(name) for name in ("before", "after", "change"))).write_csv(draft)
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)


def _moved(files: Files, years: int, folder: Path) -> Files:
    """Return the history with every day moved by whole years (29 February to the 28th where there is none)."""
    if not years:
        return files
    wrong = faults_of(files)  # here, where faults have the places of the files that people know
    if wrong:
        raise InputErrors(wrong)
    folder.mkdir()
    small = [
        None if path is None else _moved_file(path, schema, folder / f"{schema.name}.parquet", years)
        for path, schema in files.small()
    ]
    settlements = _moved_file(files.settlements, SETTLEMENTS, folder / f"{SETTLEMENTS.name}.parquet", years)
    identities, applications, institutions = small
    assert identities is not None
    return Files(settlements, identities, applications, institutions)


def _moved_file(path: Path, schema: Schema, target: Path, years: int) -> Path:
    days = [column.name for column in schema.columns if column.kind in ("day", "instant") and column.name != "brdy"]
    amounts = {column.name: f"{column.name}_fen" for column in schema.columns if column.kind == "amount"}
    writer: pq.ParquetWriter | None = None
    try:
        for chunk in open_table(path, schema):
            shifted = [pl.col(name).dt.offset_by(f"{years}y").alias(name) for name in days]
            table = (
                chunk.frame.drop("row")
                .with_columns(shifted)
                .rename(amounts)
                .to_arrow(compat_level=pl.CompatLevel.oldest())
            )
            with written_to(target):
                if writer is None:
                    writer = pq.ParquetWriter(target, table.schema)
                writer.write_table(table)
    finally:
        if writer is not None:
            writer.close()
    return target


def moved_day(day: date, years: int) -> date:
    """Return a day moved by whole years, as the files are.

    >>> moved_day(date(2024, 2, 29), 1)
    datetime.date(2025, 2, 28)
    """
    return pl.Series([day]).dt.offset_by(f"{years}y")[0]

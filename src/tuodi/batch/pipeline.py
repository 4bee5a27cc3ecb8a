"""A batch: settlement and identity files in, entries out, every fen as the fold would give it.

Settlements are read in chunks and laid out by person (:mod:`.spill`), identities joined, profiles decided (:mod:`.events`),
the kernel run, entries written (:mod:`.entries`, :mod:`.writing`). Memory holds one part at a time. Nothing is written
when a row is bad, unless the job says to keep going; nothing is ever half written.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from tuodi.batch.bad_rows import BadRows
from tuodi.batch.columns import SETTLEMENTS
from tuodi.batch.entries import SCHEMA, entries_of, entries_of_fold
from tuodi.batch.events import columns_read, decide, household_of
from tuodi.batch.examine import Files, UnknownInstitutions, by_layer, faults_of, unknown_layers
from tuodi.batch.ids import IdGuard
from tuodi.batch.kernel import Kernel, compile_kernel, run_kernel, unit_of
from tuodi.batch.objects import applications_of, identities_of, settlements_of
from tuodi.batch.parts import NOTHING_CANCELLED, slices, standing
from tuodi.batch.reading import Reader, listed, open_table, read_all
from tuodi.batch.spill import Spill
from tuodi.batch.writing import EntryWriter
from tuodi.core.engine.fold import Application, EventResult, fold
from tuodi.core.engine.heights import amounts_measured, too_high
from tuodi.core.engine.plan import Plan
from tuodi.core.engine.prove import RUNNING
from tuodi.core.engine.versions import Period, fold_periods
from tuodi.core.errors import Fault, InputErrors, MissingValues
from tuodi.core.identities import IdentityRecord
from tuodi.core.settlements import Settlement

#: What a slice yields of which nothing can be paid.
NO_ENTRIES = pl.DataFrame(schema=SCHEMA)
Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class Job:
    """One batch. ``bad_rows`` is where a job that keeps going writes the rows to correct.

    ``periods`` are the plans that were in force one after the other, ``plan`` the last of them; without, ``plan`` answers for all.
    """

    plan: Plan
    settlements: Path
    identities: Path
    out: Path
    applications: Path | None = None
    institutions: Path | None = None
    bad_rows: Path | None = None
    keep_going: bool = False
    threads: int = 2
    part_rows: int = 1_000_000
    periods: tuple[Period, ...] = ()

    @property
    def unit(self) -> str:
        """Whose totals are kept: a person's, a household's, or both kinds."""
        units = {unit_of(plan.program) for plan in (self.plan, *(period.plan for period in self.periods))}
        return units.pop() if len(units) == 1 else "mixed"

    @property
    def is_for_kernel(self) -> bool:
        """Say whether one plan answers for everything, with totals of one kind."""
        return not self.periods and self.unit != "mixed"

    @property
    def files(self) -> Files:
        """The files that are read."""
        return Files(self.settlements, self.identities, self.applications, self.institutions)


@dataclass
class Report:
    """What a batch did; amounts in fen."""

    settlements: int = 0
    cancelled: int = 0
    entries: int = 0
    paid_fen: int = 0
    cut_fen: int = 0
    by_layer: dict[str, tuple[int, int]] = field(default_factory=dict)
    by_category: dict[str, tuple[int, int]] = field(default_factory=dict)
    by_month: dict[str, tuple[int, int]] = field(default_factory=dict)
    refusals: dict[tuple[str, str], int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    fault_count: int = 0
    bad_rows: int = 0
    seconds: dict[str, float] = field(default_factory=dict)  # tidy: seconds are not money


class Stops:
    """What keeps a job from being written: faults of its files, and values nobody has entered, each told once for a rule."""

    def __init__(self, faults: list[Fault]) -> None:
        self._faults = faults
        self._missing: dict[tuple[str, str], Fault] = {}

    @property
    def is_certain(self) -> bool:
        """Say whether nothing will be written, so that only what else is wrong remains to be found."""
        return bool(self._faults or self._missing)

    def refuse(self, found: list[Fault]) -> None:
        """Keep faults that came to light while computing."""
        self._faults.extend(found)

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Keep the values found missing inside, and totals found too high."""
        try:
            yield
        except MissingValues as missing:
            for one in missing.faults:
                fields = dict(one.fields)
                self._missing.setdefault((fields["rule"], fields["param"]), one)
        except InputErrors as errors:
            self.refuse(list(errors.faults))

    def tell(self) -> None:
        """Raise everything, if there is anything."""
        if self._faults:
            raise InputErrors([*self._faults, *self._missing.values()])
        if self._missing:
            raise MissingValues(self._missing.values())


@dataclass
class _Tables:
    """The small files of a job."""

    identities: pl.DataFrame
    applications: pl.DataFrame | None
    institutions: pl.DataFrame | None
    cancels: list[pl.DataFrame] = field(default_factory=list)


def person_of(frame: pl.DataFrame) -> pl.Series:
    """Return the person of each row."""
    return frame["psn_no"]


def adjudicate(job: Job, *, progress: Progress | None = None) -> Report:
    """Run a batch and return what it did; ``InputErrors`` with all faults and nothing written unless it keeps going."""
    report = Report()
    began = time.perf_counter()
    with BadRows(job.out, named={job.settlements: job.bad_rows}) as bad:
        _run(job, bad, report, began, progress)
    _summarise(report)
    report.seconds["total"] = time.perf_counter() - began
    return report


def _run(job: Job, bad: BadRows, report: Report, began: float, progress: Progress | None) -> None:
    """Read, compute and write; ``bad`` keeps the rows to correct."""
    try:
        tables = _small_files(job, bad, report)
        reader = open_table(job.settlements, SETTLEMENTS)
    except InputErrors:  # a file cannot even be read: what is wrong with the others is told with it
        raise InputErrors(faults_of(job.files, job.plan)) from None
    kernel = compile_kernel(job.plan) if job.is_for_kernel else None
    if kernel:
        threading.Thread(target=kernel.warm, name="tuodi-kernel", daemon=True).start()  # while the file is read
    by = person_of if job.unit == "person" else household_of
    parts = None if kernel or by is person_of else 10**15
    with Spill(
        rows_hint=0 if parts else reader.rows_hint, by=by, directory=job.out.parent, part_rows=job.part_rows
    ) as spill:
        late = _read(job, bad, reader, spill, tables, report, progress)
        report.seconds["read"] = time.perf_counter() - began
        stops = Stops([] if job.keep_going else report.faults)
        with EntryWriter(job.out) as writer, ThreadPoolExecutor(job.threads) as pool:
            done = 0
            for part in spill.parts():
                own = (
                    replace(tables, identities=spill.beside(tables.identities, by="psn_no"))
                    if by is person_of
                    else tables
                )
                for frame in _entries(job, kernel, part, late, own, report, pool, stops):
                    writer.write(frame)
                    _count(report, frame)
                done += len(part)
                if progress:
                    progress("计算", done, spill.rows)
            stops.tell()


def _small_files(job: Job, bad: BadRows, report: Report) -> _Tables:
    """Read identities, applications and institutions, collecting faults of all of them."""
    frames: list[pl.DataFrame | None] = []
    for path, schema in job.files.small():
        if path is None:
            frames.append(None)
            continue
        frame, found, wrong = read_all(path, schema, keep_going=True)
        _add(report, found, len(found))
        report.bad_rows += len(wrong)
        if len(wrong) and job.keep_going:
            bad.add(path, wrong)
        frames.append(frame)
    identities, applications, institutions = frames
    assert identities is not None
    if applications is not None:
        applications = by_layer(job.plan, applications)
        unknown = unknown_layers(job.plan, applications, str(job.applications))
        _add(report, unknown, len(unknown))
    return _Tables(identities, applications, institutions)


def _add(report: Report, found: list[Fault], count: int) -> None:
    report.faults += found
    report.fault_count += count


def _read(
    job: Job, bad: BadRows, reader: Reader, spill: Spill, tables: _Tables, report: Report, progress: Progress | None
) -> pl.Series:
    """Lay out the settlements; return the lines that only the whole file shows to be wrong."""
    found: list[Fault] = []
    unknown = UnknownInstitutions(tables.institutions)
    wanted = columns_read(job.plan) if job.is_for_kernel else None
    with IdGuard(str(job.settlements), directory=job.out.parent) as guard:
        for chunk in reader:
            guard.feed(chunk)
            found += chunk.faults
            report.bad_rows += len(chunk.bad)
            if len(chunk.bad) and job.keep_going:
                bad.add(job.settlements, chunk.bad)
            rows = unknown.known_rows(chunk)
            if spill.by is household_of:
                # A cancelling row need not name the household, so it would miss the part of what it cancels.
                tables.cancels.append(rows.filter("refd_setl_flag").select("setl_id", "psn_no"))
                rows = rows.filter(~pl.col("refd_setl_flag"))
            spill.feed(rows.select(wanted) if wanted else rows)
            if progress:
                progress("读取", reader.row_count, reader.rows_hint)
        late = guard.finish()
        lines = guard.lines
    nowhere = unknown.faults(str(job.settlements))
    count = reader.fault_count + guard.fault_count + len(nowhere)
    _add(report, listed([*found, *late, *nowhere], count=count, file=str(job.settlements)), count)
    if len(lines) and job.keep_going:
        for rows in reader.late_bad_rows(late, lines):
            bad.add(job.settlements, rows)
            report.bad_rows += len(rows)
    report.settlements = reader.row_count
    return lines


def _entries(
    job: Job,
    kernel: Kernel | None,
    part: pl.DataFrame,
    late: pl.Series,
    tables: _Tables,
    report: Report,
    pool: Executor,
    stops: Stops,
) -> Iterator[pl.DataFrame]:
    """Yield the entries of one part, slice by slice in folding order; slices are computed side by side."""
    by = "psn_no"
    if job.unit == "household":
        part, by = part.with_columns(household_of(part)), "household"
    places, cancelled = standing(part, late=late, cancels=pl.concat([NOTHING_CANCELLED, *tables.cancels]))
    report.cancelled += cancelled
    if kernel is None:
        yield entries_of_fold(list(_folded(job, part[places], tables, stops)))
        return

    def computed(frame: pl.DataFrame) -> pl.DataFrame:
        stops.refuse(_too_high(job.plan, frame, by=by))
        with stops.gathered():
            events = decide(job.plan, frame, tables.identities, tables.applications)
            if not stops.is_certain:
                return entries_of(job.plan, events, run_kernel(kernel, events.columns, threads=1))
        return NO_ENTRIES

    waiting: deque[Future[pl.DataFrame]] = deque()
    for frame in slices(part, places, by=by):
        waiting.append(pool.submit(computed, frame))
        if len(waiting) > job.threads:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _too_high(plan: Plan, frame: pl.DataFrame, *, by: str) -> list[Fault]:
    """Return what is said of the units of a slice whose amounts together leave the proven range; whole units are in a slice."""
    worth = frame.select(by, fen=pl.sum_horizontal(amounts_measured([plan])))
    if worth["fen"].sum() <= RUNNING:
        return []
    sums = worth.group_by(by, maintain_order=True).agg(pl.col("fen").sum()).filter(pl.col("fen") > RUNNING)
    alone = by == "psn_no"
    return too_high(
        (unit.strip(), "", fen) if alone or unit.startswith(" ") else ("", unit, fen) for unit, fen in sums.iter_rows()
    )


def _folded(job: Job, kept: pl.DataFrame, tables: _Tables, stops: Stops) -> Iterator[EventResult]:
    """Yield what the fold gives, where the kernel does not run: person by person, unless totals are a household's."""
    settlements, identities = settlements_of(kept), identities_of(tables.identities)
    applications = applications_of(tables.applications)
    if not job.periods:
        with stops.gathered():
            yield from fold(job.plan, settlements, identities, applications)
        return
    if job.unit != "person":
        with stops.gathered():
            yield from fold_periods(job.periods, settlements, identities, applications)
        return
    held: dict[str, tuple[list[Settlement], list[IdentityRecord], list[Application]]] = {}
    for s in settlements:
        held.setdefault(s.psn_no, ([], [], []))[0].append(s)
    for record in identities:
        if record.psn_no in held:
            held[record.psn_no][1].append(record)
    for application in applications:
        if application.psn_no in held:
            held[application.psn_no][2].append(application)
    for own in held.values():
        with stops.gathered():
            yield from fold_periods(job.periods, *own)


def _count(report: Report, frame: pl.DataFrame) -> None:
    """Add a part's entries to the report's raw counts."""
    report.entries += len(frame)
    report.paid_fen += int(frame["pay"].sum())
    report.cut_fen += int(frame["cut"].sum())
    paid = frame.filter(pl.col("pay") != 0)
    month = pl.col("setl_time").dt.strftime("%Y-%m")
    for name, key in (("by_layer", pl.col("layer")), ("by_category", pl.col("category")), ("by_month", month)):
        held: dict[str, tuple[int, int]] = getattr(report, name)
        for value, count, fen in _sums(paid, key):
            before = held.get(value, (0, 0))
            held[value] = (before[0] + count, before[1] + fen)
    refused = Counter(report.refusals)
    for clause, says, count in (
        frame.filter(pl.col("refusal") != "").group_by("clauses", "refusal").agg(pl.len()).iter_rows()
    ):
        refused[(clause, says)] += count
    report.refusals = dict(refused)


def _sums(paid: pl.DataFrame, key: pl.Expr) -> Iterator[tuple[str, int, int]]:
    grouped = paid.group_by(key.alias("key")).agg(pl.len().alias("n"), pl.col("pay").sum())
    yield from grouped.iter_rows()


def _summarise(report: Report) -> None:
    for name in ("by_layer", "by_category", "by_month"):
        setattr(report, name, dict(sorted(getattr(report, name).items())))
    report.refusals = dict(sorted(report.refusals.items(), key=lambda item: -item[1]))

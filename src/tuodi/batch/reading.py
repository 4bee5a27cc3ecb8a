"""The reading side of exchange files: open one, take it chunk by chunk, or whole when it is small.

``open_table`` refuses a file whose form is wrong (:class:`~tuodi.core.errors.InputErrors` with every reason); rows
that are wrong come back with their chunk, all of them. Memory depends on the size of a chunk, not of the file. What
only the whole file can tell is in :mod:`tuodi.batch.ids` and :mod:`tuodi.batch.whole_file`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import polars as pl

from tuodi.batch import faults
from tuodi.batch.ahead import ahead
from tuodi.batch.checks import Checker, Chunk, Tally, error_text
from tuodi.batch.columns import ERROR_COLUMN, Schema
from tuodi.batch.csv_source import CsvSource
from tuodi.batch.disk import written_to
from tuodi.batch.ids import IdGuard
from tuodi.batch.parquet_source import ParquetSource
from tuodi.batch.sources import PARQUET_MAGIC, Batch, Source, foreign_kind, head_of
from tuodi.batch.values import normalised_types
from tuodi.batch.whole_file import WHOLE_FILE_CHECKS, Late
from tuodi.core.errors import Fault, InputErrors, fault

__all__ = ["Chunk", "IdGuard", "Reader", "empty_frame", "listed", "open_table", "read_all", "write_bad"]

CHUNK_ROWS = 500_000
PARQUET_SUFFIX = ".parquet"


class Reader:
    """A file that has been opened: iterate it for its chunks, again for another pass.

    After a pass ``row_count`` is how many rows were good, ``bad_count`` how many were not, ``fault_count`` how many
    faults there were, of which chunks carry the first ``MAX_FAULTS``.
    """

    def __init__(self, path: Path, source: Source, schema: Schema, *, chunk_rows: int) -> None:
        self.path, self.schema, self.chunk_rows = path, schema, chunk_rows
        self.row_count = self.bad_count = self.fault_count = 0
        self._source = source
        self._checker = Checker(source, schema, file=str(path))

    @property
    def rows_hint(self) -> int | None:
        """About how many rows the file has, for a progress bar."""
        return self._source.rows_hint

    def __iter__(self) -> Iterator[Chunk]:
        return (chunk for chunk, _ in self.checked())

    def checked(self) -> Iterator[tuple[Chunk, Batch]]:
        """Yield every chunk together with the raw rows it came from."""
        tally = Tally()
        self.row_count = self.bad_count = self.fault_count = 0
        for batch in ahead(self._source.batches()):
            for part in batch.slices(self.chunk_rows):
                chunk = self._checker.check(part, tally)
                self.row_count += chunk.frame.height
                self.bad_count += chunk.bad.height
                self.fault_count = tally.count
                yield chunk, part

    def late_bad_rows(self, found: Iterable[Fault], lines: pl.Series) -> Iterator[pl.DataFrame]:
        """Yield, from a second pass, the good rows on ``lines`` as bad rows, for faults found at the end of the first.

        Rows that were bad already are left out: their chunk has handed them out. Counts are not touched.
        """
        errors: dict[int, list[Fault]] = {}
        for one in found:
            errors.setdefault(one.line, []).append(one)
        for batch in self._source.batches():
            here = batch.lines.is_in(lines.implode())
            if here.any():
                part = Batch(batch.frame.filter(here), batch.lines.filter(here), (), batch.is_damaged)
                rows = self.as_written(part, self._checker.check(part, Tally()).frame["row"])
                told = [error_text(errors.get(line, [])) for line in rows["row"]]
                yield rows.drop("row").insert_column(0, pl.Series(ERROR_COLUMN, told, dtype=pl.String))

    def no_bad_rows(self) -> pl.DataFrame:
        """Return the bad rows of a file that has none."""
        return self._checker.no_bad_rows()

    def as_written(self, batch: Batch, lines: pl.Series) -> pl.DataFrame:
        """Return the rows of a batch that stand on these lines as a CSV file would have them, with their ``row``."""
        return self._checker.as_written(batch, batch.lines.is_in(lines.implode()))


def open_table(path: str | Path, schema: Schema, *, chunk_rows: int = CHUNK_ROWS) -> Reader:
    """Return a reader of a CSV or Parquet file, told apart by content; chunks have at most ``chunk_rows`` rows.

    Raises ``InputErrors`` with all faults of the file's form: not there, empty, another kind of file, unreadable
    encoding, columns missing, unknown, repeated or of a type that cannot be read exactly.
    """
    assert chunk_rows > 0, chunk_rows
    path = Path(path)
    head = head_of(path, size=4096)
    source: Source
    if head.startswith(PARQUET_MAGIC):
        source = ParquetSource(path, schema, chunk_rows=chunk_rows)
    elif path.suffix.lower() == PARQUET_SUFFIX:
        kind = foreign_kind(head) or "别种文件（开头没有 Parquet 的标记）"
        raise InputErrors([fault(faults.FILE_KIND, file=str(path), kind=kind, wanted="Parquet")])
    else:
        source = CsvSource(path, schema)
    return Reader(path, source, schema, chunk_rows=chunk_rows)


def empty_frame(schema: Schema) -> pl.DataFrame:
    """Return a frame as chunks have it, without rows."""
    return pl.DataFrame(schema=normalised_types(schema))


def read_all(
    path: str | Path, schema: Schema, *, keep_going: bool = False
) -> tuple[pl.DataFrame, list[Fault], pl.DataFrame]:
    """Return a whole file that fits in memory: its good rows, its faults, and its bad rows as written.

    Includes what only the whole file can tell (overlapping identities, repeated ids). Unless told to ``keep_going``
    any fault raises ``InputErrors`` with all of them. At most ``MAX_FAULTS`` are listed; one more then counts the rest.
    """
    reader = open_table(path, schema)
    parts = list(reader.checked())
    chunks = [chunk for chunk, _ in parts]
    frame = pl.concat([empty_frame(schema), *(chunk.frame for chunk in chunks)])
    check = WHOLE_FILE_CHECKS.get(schema.name)
    late = list(check(frame, chunks, str(path))) if check else []
    found = sorted([one for chunk in chunks for one in chunk.faults] + [one.fault for one in late], key=_by_line)
    found = listed(found, count=reader.fault_count + len(late), file=str(path))
    if found and not keep_going:
        raise InputErrors(found)
    bad = _bad_rows(reader, parts, late)
    spoilt = pl.Series([line for one in late for line in one.lines], dtype=pl.Int64)
    return frame.filter(~pl.col("row").is_in(spoilt.implode())), found, bad


def _by_line(one: Fault) -> int:
    return one.line


def listed(found: list[Fault], *, count: int, file: str) -> list[Fault]:
    """Return the faults that are listed, and one that counts those that are not."""
    kept = found[: faults.MAX_FAULTS]
    if count > len(kept):
        kept.append(fault(faults.FAULTS_MORE, file=file, count=count - len(kept), kept=len(kept)))
    return kept


def _bad_rows(reader: Reader, parts: list[tuple[Chunk, Batch]], late: list[Late]) -> pl.DataFrame:
    """Return all bad rows as written, those found late among them, in the order of the file."""
    errors: dict[int, list[Fault]] = {}
    for one in late:
        for line in one.lines:
            errors.setdefault(line, []).append(one.fault)
    told = pl.DataFrame(
        {"row": list(errors), "late": [error_text(row) for row in errors.values()]},
        schema={"row": pl.Int64(), "late": pl.String()},
    )
    early = pl.concat([reader.no_bad_rows(), *(chunk.bad for chunk in (c for c, _ in parts))])
    lines = pl.concat([pl.Series(dtype=pl.Int64), *(chunk.bad_lines for chunk, _ in parts)])
    early = early.with_columns(lines.alias("row"))
    if not errors:
        return early.drop("row")
    wanted = told["row"].filter(~told["row"].is_in(lines.implode()))
    rows = [reader.as_written(batch, wanted) for _, batch in parts]
    both = pl.concat([early, *rows], how="diagonal").join(told, on="row", how="left").sort("row")
    error = pl.concat_str(ERROR_COLUMN, "late", separator="；", ignore_nulls=True).alias(ERROR_COLUMN)
    return both.with_columns(error).drop("row", "late")


def write_bad(path: str | Path, bad: pl.DataFrame, *, append: bool = False) -> None:
    """Write bad rows so that a spreadsheet opens them and, corrected, they can be read again.

    With ``append`` the rows go behind those already there, for chunk after chunk of one file.
    """
    with written_to(path), Path(path).open("ab" if append else "wb") as file:
        bad.write_csv(file, include_bom=not append, include_header=not append)

"""Settlement ids over a whole file: settled once, cancelled once at most, cancelled only if there and of that person.

Fed chunk after chunk, memory stays bounded: past ``memory_rows`` the ids go to bucket files by their 64-bit hash, so
that equal ids meet in one bucket. A hash only selects suspects; what is reported is equal letter by letter. Rows that
are bad for another reason count too: their correction will bring the same id back.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

import polars as pl
import pyarrow as pa
from pyarrow import ipc

from tuodi.batch import faults
from tuodi.batch.checks import Chunk, Tally
from tuodi.batch.diagnosis import shown
from tuodi.batch.disk import written_to
from tuodi.batch.faults import MAX_FAULTS
from tuodi.core.errors import Fault, fault

MEMORY_ROWS = 2_000_000
BUCKETS = 128

_COLUMN = "setl_id"
_FLAG = "refd_setl_flag"
_ROWS = {_COLUMN: pl.String(), "cancels": pl.Boolean(), "person": pl.UInt64(), "row": pl.Int64()}
_PERSON = pl.col("psn_no").hash().alias("person")


class IdGuard:
    """Feed it every chunk of a settlements file, then ask :meth:`finish`; a context manager, for its bucket files.

    After :meth:`finish`, ``fault_count`` is how many faults there are and ``lines`` on which lines they stand.
    """

    def __init__(
        self,
        file: str = "",
        *,
        memory_rows: int = MEMORY_ROWS,
        directory: Path | None = None,
        limit: int = MAX_FAULTS,
    ) -> None:
        self.lines = pl.Series("row", dtype=pl.Int64)
        self._file = file
        self._memory_rows = memory_rows
        self._parent = directory
        self._tally = Tally(limit)
        self._held: list[pl.DataFrame] = []
        self._held_rows = 0
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._buckets: dict[int, ipc.RecordBatchStreamWriter] = {}

    def __enter__(self) -> IdGuard:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def fault_count(self) -> int:
        """How many faults were found, kept or not."""
        return self._tally.count

    def feed(self, chunk: Chunk) -> None:
        """Take the ids of a chunk, of its bad rows too."""
        self._hold(chunk.frame.select(_COLUMN, pl.col(_FLAG).alias("cancels"), _PERSON, "row"))
        if chunk.bad.height:
            flag = pl.col(_FLAG) if _FLAG in chunk.bad.columns else pl.lit("0")
            nobody = pl.lit(None, dtype=pl.UInt64).alias("person")  # whoever it is may be what is wrong
            bad = chunk.bad.select(_COLUMN, flag.alias("cancels"), nobody, chunk.bad_lines.alias("row"))
            bad = bad.filter((pl.col(_COLUMN) != "") & pl.col("cancels").is_in(["", "0", "1"]))
            self._hold(bad.with_columns(pl.col("cancels") == "1"))

    def finish(self) -> list[Fault]:
        """Return the faults in the order of their lines (of the first ``limit`` found), and forget the ids."""
        found: list[Fault] = []
        lines = [self.lines]
        for rows in self._by_bucket():
            wrong = _wrong(rows)
            lines.append(wrong["row"])
            kept = wrong.head(self._tally.room)
            self._tally.count += wrong.height
            found += [self._fault(row) for row in kept.iter_rows(named=True)]
        self.lines = pl.concat(lines).unique().sort()
        self.close()
        return sorted(found, key=lambda one: one.line)

    def close(self) -> None:
        """Remove the bucket files."""
        for writer in self._buckets.values():
            writer.close()
        self._buckets, self._held, self._held_rows = {}, [], 0
        if self._directory is not None:
            self._directory.cleanup()
            self._directory = None

    def _hold(self, rows: pl.DataFrame) -> None:
        if rows.height:
            self._held.append(rows)
            self._held_rows += rows.height
        if self._held_rows > self._memory_rows:
            self._spill()

    def _spill(self) -> None:
        """Move the rows in memory to their bucket files."""
        if self._directory is None:
            self._directory = tempfile.TemporaryDirectory(prefix="tuodi-ids-", dir=self._parent)
        rows = pl.concat(self._held)
        self._held, self._held_rows = [], 0
        rows = rows.with_columns((_hashes(rows[_COLUMN]) % BUCKETS).alias("bucket"))
        for (bucket,), part in rows.partition_by("bucket", as_dict=True, include_key=False).items():
            table = part.to_arrow(compat_level=pl.CompatLevel.oldest())
            with written_to(self._path(bucket)):
                if bucket not in self._buckets:
                    options = ipc.IpcWriteOptions(compression="lz4")
                    self._buckets[bucket] = ipc.new_stream(str(self._path(bucket)), table.schema, options=options)
                self._buckets[bucket].write_table(table)

    def _path(self, bucket: int) -> Path:
        assert self._directory is not None
        return Path(self._directory.name) / f"{bucket:03d}.arrows"

    def _by_bucket(self) -> list[pl.DataFrame] | map[pl.DataFrame]:
        """Return all rows, those of equal id together; one bucket is in memory at a time."""
        if not self._buckets:
            return [pl.concat(self._held) if self._held else pl.DataFrame(schema=_ROWS)]
        if self._held:
            self._spill()
        for writer in self._buckets.values():
            writer.close()
        return map(self._load, sorted(self._buckets))

    def _load(self, bucket: int) -> pl.DataFrame:
        with pa.OSFile(str(self._path(bucket))) as file, ipc.open_stream(file) as stream:
            return pl.DataFrame(pl.from_arrow(stream.read_all()))

    def _fault(self, row: dict[str, Any]) -> Fault:
        words = {"setl_id": shown(None, row[_COLUMN]), "first": row["first"]}
        if row["code"] == faults.SETL_CANCEL_UNKNOWN:
            del words["first"]
        is_whose = row["code"] == faults.SETL_CANCEL_PERSON
        column, value = ("psn_no", "") if is_whose else (_COLUMN, words["setl_id"])
        return fault(row["code"], file=self._file, line=row["row"], column=column, value=value, **words)


def _hashes(ids: pl.Series) -> pl.Series:
    return ids.hash()


def _wrong(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that break a rule of ids, each with the code of its fault and the row it collides with."""
    suspects = rows.filter(_hashes(rows[_COLUMN]).is_duplicated() | rows["cancels"]).sort("row")
    settled = ~pl.col("cancels")
    suspects = suspects.with_columns(
        pl.col("row").first().over(_COLUMN, "cancels").alias("first"),
        pl.col("row").filter(settled).first().over(_COLUMN).alias("settled"),
        pl.col("person").filter(settled).first().over(_COLUMN).alias("settled_person"),
    )
    repeated, cancels = pl.col("row") != pl.col("first"), pl.col("cancels")
    wrong = [
        suspects.filter(repeated & settled).with_columns(code=pl.lit(faults.SETL_REPEATED)),
        suspects.filter(repeated & cancels).with_columns(code=pl.lit(faults.SETL_CANCEL_REPEATED)),
        suspects.filter(pl.col("settled").is_null()).with_columns(code=pl.lit(faults.SETL_CANCEL_UNKNOWN)),
        suspects.filter(cancels & (pl.col("person") != pl.col("settled_person"))).with_columns(
            code=pl.lit(faults.SETL_CANCEL_PERSON), first=pl.col("settled")
        ),
    ]
    return pl.concat(wrong).sort("row", maintain_order=True)

"""Settlements laid out by person: in memory while they are few, else in part files that each hold whole persons."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa
from pyarrow import ipc

from tuodi.batch.disk import written_to

#: Rows of one part: what is sorted and computed at a time.
PART_ROWS = 1_000_000
MAX_PARTS = 256


class Spill:
    """Feed it chunks; then take the parts one by one. A context manager, for its part files."""

    def __init__(
        self,
        *,
        rows_hint: int | None,
        by: Callable[[pl.DataFrame], pl.Series],
        directory: Path | None = None,
        part_rows: int = PART_ROWS,
    ) -> None:
        self.by = by
        self.rows = 0
        expected = rows_hint if rows_hint is not None else 64 * part_rows
        self.part = 0
        self.count = 1 if expected <= 2 * part_rows else min(MAX_PARTS, -(-expected // part_rows))
        self._held: list[pl.DataFrame] = []
        self._folder = tempfile.TemporaryDirectory(prefix="tuodi-parts-", dir=directory) if self.count > 1 else None
        self._writers: dict[int, ipc.RecordBatchStreamWriter] = {}

    def __enter__(self) -> Spill:
        return self

    def __exit__(self, *_: object) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers = {}
        if self._folder:
            self._folder.cleanup()

    def feed(self, frame: pl.DataFrame) -> None:
        """Take a chunk."""
        self.rows += len(frame)
        if self.count == 1:
            self._held.append(frame)
            return
        parts = frame.with_columns(part=self._parts_of(self.by(frame))).partition_by(
            "part", as_dict=True, include_key=False
        )
        for (part,), rows in parts.items():
            table = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
            with written_to(self._path(part)):
                if part not in self._writers:
                    self._writers[part] = ipc.new_stream(str(self._path(part)), table.schema)
                self._writers[part].write_table(table)

    def parts(self) -> Iterator[pl.DataFrame]:
        """Yield every part that has rows; only one is in memory at a time."""
        if self.count == 1:
            if self._held:
                yield pl.concat(self._held)
            self._held = []
            return
        for writer in self._writers.values():
            writer.close()
        for part in sorted(self._writers):
            self.part, path = part, self._path(part)
            with pa.memory_map(str(path)) as file, ipc.open_stream(file) as stream:
                yield pl.DataFrame(pl.from_arrow(stream.read_all()))
            path.unlink()
        self._writers = {}

    def beside(self, records: pl.DataFrame, *, by: str) -> pl.DataFrame:
        """Return the records of the persons (or households) whose part was yielded last."""
        return records if self.count == 1 else records.filter(self._parts_of(records[by]) == self.part)

    def _parts_of(self, unit: pl.Series) -> pl.Series:
        return unit.hash(seed=7) % self.count

    def _path(self, part: int) -> Path:
        assert self._folder is not None
        return Path(self._folder.name) / f"{part:04d}.arrows"

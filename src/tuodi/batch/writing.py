"""Entries to a file: CSV or Parquet by its name, exact, and only whole (written aside, then renamed)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from tuodi.batch.disk import written_to
from tuodi.batch.entries import AMOUNTS, SCHEMA

MONEY = pa.decimal128(18, 2)


def decimals(fen: pl.Series) -> pa.Array:
    """Return fen as decimal128(18, 2) yuan, bit by bit: nothing is divided."""
    values = fen.to_numpy()
    wide = np.empty((len(values), 2), np.int64)
    wide[:, 0] = values
    wide[:, 1] = values >> 63
    return pa.Array.from_buffers(MONEY, len(values), [None, pa.py_buffer(wide)])


def yuan_text(name: str) -> pl.Expr:
    """Return a column of fen as yuan text with two decimals."""
    fen = pl.col(name)
    size = fen.abs()
    sign = pl.when(fen < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    cents = (size % 100).cast(pl.String).str.zfill(2)
    return pl.concat_str(sign, (size // 100).cast(pl.String), pl.lit("."), cents).alias(name)


class EntryWriter:
    """Writes frames of entries one after another; the file appears when all is well and not before."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._draft = self.path.with_name(f".{self.path.name}.{os.getpid()}.part")
        self._parquet: Any = None
        self._csv: Any = None

    def __enter__(self) -> EntryWriter:
        with self._unless_it_fails(), written_to(self.path):
            if self.path.suffix == ".parquet":
                fields = [pa.field(name, _arrow_type(name)) for name in SCHEMA]
                self._parquet = pq.ParquetWriter(self._draft, pa.schema(fields), compression="zstd")
            else:
                self._csv = self._draft.open("wb")
                pl.DataFrame(schema=SCHEMA).write_csv(self._csv)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._unless_it_fails():
            with written_to(self.path):
                for file in (self._parquet, self._csv):
                    if file is not None:
                        file.close()
            if kind is None:
                self._draft.replace(self.path)
        self._draft.unlink(missing_ok=True)

    @contextmanager
    def _unless_it_fails(self) -> Iterator[None]:
        """Leave no draft when what is inside fails."""
        try:
            yield
        except BaseException:
            if self._csv is not None:
                with suppress(OSError):
                    self._csv.close()
            self._draft.unlink(missing_ok=True)
            raise

    def write(self, frame: pl.DataFrame) -> None:
        """Add entries."""
        with written_to(self.path):
            self._write(frame)

    def _write(self, frame: pl.DataFrame) -> None:
        if self._parquet is not None:
            arrays = [
                decimals(frame[name]) if name in AMOUNTS else frame[name].to_arrow().cast(_arrow_type(name))
                for name in SCHEMA
            ]
            self._parquet.write_table(pa.table(arrays, names=list(SCHEMA)))
            return
        texts = frame.with_columns(
            *(yuan_text(name) for name in AMOUNTS), pl.col("setl_time").dt.strftime("%Y-%m-%d %H:%M:%S")
        )
        texts.write_csv(self._csv, include_header=False)


def _arrow_type(name: str) -> pa.DataType:
    if name in AMOUNTS:
        return MONEY
    return {"setl_time": pa.timestamp("us"), "due_on": pa.date32()}.get(name, pa.string())

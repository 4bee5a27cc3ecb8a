"""Parquet files: types admitted column by column, row groups read batch by batch.

Amounts are decimals, or whole fen where the name ends in ``_fen``; binary floating point is refused for the column,
since no cell of it can be trusted. Identifiers and codes must be text: a number has lost its leading zeros.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa
from pyarrow import parquet

from tuodi.batch import faults
from tuodi.batch.columns import OWN_PREFIX, Column, Schema
from tuodi.batch.sources import Batch, header_faults
from tuodi.core.errors import Fault, InputErrors, fault

FEN_SUFFIX = "_fen"
#: Rows taken at a time, whatever the size of row groups.
BATCH_ROWS = 1 << 17
#: The header of a Thrift field that follows the one before it and holds a 32-bit number.
_NEXT_I32 = 0x15
_WANTED = {
    "amount": "decimal128(18,2)，或列名以 _fen 结尾的 int64",
    "day": "date32、不带时区的 timestamp 或字符串",
    "instant": "不带时区的 timestamp 或字符串",
    "flag": "布尔、整数 0/1 或字符串",
}


class ParquetSource:
    """One Parquet file; its columns and their types are checked when it is opened."""

    encoding = "UTF-8"

    def __init__(self, path: Path, schema: Schema, *, chunk_rows: int) -> None:
        self._path, self._file, self._batch_rows = path, str(path), min(chunk_rows, BATCH_ROWS)
        with self._open() as file:
            arrow = file.schema_arrow
            self.rows_hint = file.metadata.num_rows
            sizes = [file.metadata.row_group(i).num_rows for i in range(file.metadata.num_row_groups)]
            is_checked = has_checksums(path, file.metadata)
        amounts = {column.name + FEN_SUFFIX: column.name for column in schema.columns if column.kind == "amount"}
        names = [amounts.get(name, name) for name in arrow.names]
        found = header_faults(names, schema, file=self._file, line=0)
        self._read: dict[str, str] = {}
        for field, name in zip(arrow, names, strict=True):
            if name in schema.names:
                self._read[field.name] = name
                found += self._type_faults(field, schema.column(name))
            elif name.startswith(OWN_PREFIX) and _is_text(field.type):
                self._read[field.name] = name
        if found:
            raise InputErrors(found)
        empty = pl.DataFrame(pl.from_arrow(pa.schema([arrow.field(name) for name in self._read]).empty_table()))
        self.types = dict(zip(self._read.values(), empty.dtypes, strict=True))
        self._scan = pl.scan_parquet(path, glob=False, hive_partitioning=False).select(
            pl.col(list(self._read)).name.map(self._read.get)
        )
        self._stretches = self._for_polars(sizes, is_checked=is_checked)

    def _for_polars(self, sizes: list[int], *, is_checked: bool) -> list[int]:
        """Return how many rows Polars is to take at a time, whole row groups; nothing if Arrow is to read the file."""
        if is_checked or max(sizes, default=0) > 2 * self._batch_rows:
            return []
        try:
            types = self._scan.collect_schema()
        except pl.exceptions.PolarsError:
            return []
        if dict(types) != self.types:
            return []
        taken: list[int] = []
        for size in sizes:
            if taken and taken[-1] + size <= self._batch_rows:
                taken[-1] += size
            elif size:
                taken.append(size)
        return taken

    def batches(self) -> Iterator[Batch]:
        """Yield the rows from the beginning.

        Polars decodes several times as fast as Arrow, but checks no page's checksum and tells less of what is wrong with a file.
        So Arrow reads files with checksums, and whatever Polars cannot.
        """
        first = 1
        for rows in self._stretches:
            try:
                frame = self._scan.slice(first - 1, rows).collect()
            except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError):
                break
            if frame.height != rows:
                break
            yield Batch(frame, pl.int_range(first, first + frame.height, eager=True))
            first += rows
        if first <= self.rows_hint:
            yield from self._by_arrow(first)

    def _by_arrow(self, wanted: int) -> Iterator[Batch]:
        """Yield the rows from a place on."""
        first = 1
        with self._open() as file:
            batches = file.iter_batches(batch_size=self._batch_rows, columns=list(self._read))
            while (batch := self._next(batches, first)) is not None:
                size = batch.num_rows
                if first + size > wanted:
                    batch = batch.slice(max(wanted - first, 0))
                    frame = pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch]))).rename(self._read)
                    yield Batch(frame, pl.int_range(first + size - frame.height, first + size, eager=True))
                first += size

    def _open(self) -> parquet.ParquetFile:
        try:
            # Without buffering ahead: what Arrow buffers it keeps until the file is closed.
            return parquet.ParquetFile(self._path, page_checksum_verification=True, pre_buffer=False)
        except (pa.ArrowException, OSError) as error:
            raise self._broken(error, 0) from error

    def _next(self, batches: Iterator[pa.RecordBatch], first: int) -> pa.RecordBatch | None:
        """Return the next batch with its text proven to be text; Polars relies on it."""
        try:
            batch = next(batches, None)
            if batch is not None:
                batch.validate(full=True)
        except (pa.ArrowException, OSError) as error:
            raise self._broken(error, first) from error
        return batch

    def _broken(self, error: Exception, line: int) -> InputErrors:
        reason = str(error).splitlines()[0]
        if "magic bytes" in reason:
            reason = "结尾没有 Parquet 的标记，多半是没有传完"
        return InputErrors([fault(faults.PARQUET_BROKEN, file=self._file, line=line, reason=reason)])

    def _type_faults(self, field: pa.Field, column: Column) -> list[Fault]:
        words = {"title": column.title, "found": str(field.type)}
        if column.kind == "amount" and pa.types.is_floating(field.type):
            words["name"] = column.name
            return [fault(faults.PARQUET_FLOAT, file=self._file, column=field.name, **words)]
        if _is_admitted(field, column):
            return []
        words["wanted"] = _WANTED.get(column.kind, "字符串")
        return [fault(faults.PARQUET_TYPE, file=self._file, column=field.name, **words)]


def has_checksums(path: Path, metadata: parquet.FileMetaData) -> bool:
    """Say whether pages of the file carry checksums, judged by the first page of every column chunk; in doubt they do."""
    with path.open("rb") as file:
        for group in range(metadata.num_row_groups):
            for number in range(metadata.num_columns):
                column = metadata.row_group(group).column(number)
                file.seek(column.dictionary_page_offset if column.has_dictionary_page else column.data_page_offset)
                if _page_has_checksum(file.read(32)):
                    return True
    return False


def _page_has_checksum(header: bytes) -> bool:
    """Say whether a page header (Thrift, compact) has its fourth field; the three numbers before it must be there."""
    at = 0
    for _ in range(3):
        if at >= len(header) or header[at] != _NEXT_I32:
            return True
        at += 1
        while at < len(header) and header[at] & 0x80:
            at += 1
        at += 1
    return at >= len(header) or header[at] == _NEXT_I32


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return any(
        test(kind) for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_null)
    )


def _is_admitted(field: pa.Field, column: Column) -> bool:
    """Say whether cells of that type can be read as that column without guessing."""
    kind = field.type
    is_fen = field.name == column.name + FEN_SUFFIX
    if _is_text(kind):
        return not is_fen
    is_local_timestamp = pa.types.is_timestamp(kind) and kind.tz is None
    match column.kind:
        case "amount":
            return pa.types.is_integer(kind) if is_fen else pa.types.is_decimal(kind) and kind.bit_width <= 128
        case "day":
            return pa.types.is_date(kind) or is_local_timestamp
        case "instant":
            return is_local_timestamp
        case "flag":
            return pa.types.is_boolean(kind) or pa.types.is_integer(kind)
    return False

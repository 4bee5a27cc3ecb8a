"""CSV files: encoding, first row, and blocks parsed into columns of text with the line of every row.

The encoding is settled by the first block that is not plain ASCII: GB 18030 if it reads better that way, else UTF-8.
From then on bytes that do not fit are marked in their cell and the row is reported, so that a file that breaks late
is answered with all its broken lines. Cutting cells is left to Arrow's parser, in parallel; only blocks with a row of
the wrong length or a newline inside quotes are looked at a second time, in order, for their line numbers.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
from pyarrow import csv as arrow_csv

from tuodi.batch import faults
from tuodi.batch.columns import Schema
from tuodi.batch.csv_blocks import BLOCK_BYTES, Block, blocks
from tuodi.batch.diagnosis import DAMAGE
from tuodi.batch.sources import Batch, BrokenRow, foreign_kind, head_of, header_faults
from tuodi.core.errors import Fault, InputErrors, fault

HEAD_BYTES = 1 << 20
#: What one thread of the parser takes at a time.
PARSER_BYTES = 1 << 20
UTF_8, GB_18030 = "UTF-8", "GB 18030"

_CODEC = {UTF_8: "utf-8", GB_18030: "gb18030"}
_MARK = b"\xef\xbb\xbf"
_MIXED = "未知的（也可能是几种编码混在一起）"
_WIDE_MARKS = ((b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"), (b"\0\0\xfe\xff", "UTF-32"))
_OTHER_DELIMITERS = {"\t": "制表符", ";": "分号", "，": "全角逗号", "|": "竖线"}


def encoding_of(data: bytes) -> str:
    """Return the encoding in which bytes make the most sense, "" for plain ASCII, or "?" for neither.

    >>> encoding_of("低保".encode("gb18030")), encoding_of("低保".encode()), encoding_of(b"dibao")
    ('GB 18030', 'UTF-8', '')
    """
    if data.isascii():
        return ""
    for name in (UTF_8, GB_18030):
        read, unread = _readable(data, _CODEC[name])
        if unread == 0 or (name == UTF_8 and read >= unread) or read > 50 * unread:
            return name
    return "?"


def _readable(data: bytes, codec: str) -> tuple[int, int]:
    """Return how many characters beyond ASCII can be read, and how many marks stand for bytes that cannot."""
    text = codecs.getincrementaldecoder(codec)("replace").decode(data)  # the last character may be cut in two
    unread = text.count(DAMAGE)
    return len(text) - len(text.encode("ascii", "ignore")) - unread, unread


class CsvSource:
    """One CSV file; its header is checked when it is opened."""

    def __init__(self, path: Path, schema: Schema, *, block_bytes: int = BLOCK_BYTES) -> None:
        head = head_of(path, size=HEAD_BYTES)
        self._file = str(path)
        self._path = path
        self._block_bytes = block_bytes
        self.encoding = self._sniff(head)
        self._offset, names = self._header(head)
        self._refuse_header(names, schema)
        self.types = dict.fromkeys(names, pl.String())
        size = path.stat().st_size
        self.rows_hint = (head.count(b"\n", self._offset) * (size - self._offset)) // max(len(head) - self._offset, 1)

    def batches(self) -> Iterator[Batch]:
        """Yield the rows from the beginning."""
        for block in blocks(self._path, offset=self._offset, line=2, block_bytes=self._block_bytes):
            if block.is_unclosed:
                yield self._unclosed(block)
            else:
                yield self._parse(block)

    def _refuse(self, code: str, *, line: int = 0, **words: object) -> InputErrors:
        return InputErrors([fault(code, file=self._file, line=line, **words)])

    def _sniff(self, head: bytes) -> str:
        """Return the encoding if the head tells it; refuse what is not a CSV file at all."""
        kind = foreign_kind(head)
        if kind:
            raise self._refuse(faults.FILE_KIND, kind=kind, wanted="CSV")
        for mark, found in _WIDE_MARKS:
            if head.startswith(mark):
                raise self._refuse(faults.FILE_ENCODING, found=f" {found}")
        if b"\0" in head[:4096]:
            raise self._refuse(faults.FILE_ENCODING, found=" UTF-16 或二进制数据")
        if head.startswith(_MARK):
            return UTF_8
        encoding = encoding_of(head)
        if encoding == "?":
            raise self._refuse(faults.FILE_ENCODING, found=_MIXED)
        return encoding

    def _header(self, head: bytes) -> tuple[int, list[str]]:
        """Return where the rows begin and what the columns are called."""
        start = len(_MARK) if head.startswith(_MARK) else 0
        end = head.find(b"\n") + 1 or len(head)
        line = head[start:end].decode(_CODEC[self.encoding or UTF_8], "replace").rstrip("\r\n")
        if not line.strip() and len(head) <= end:
            raise self._refuse(faults.FILE_EMPTY)
        if "\r" in line or (not head.endswith(b"\n") and end == len(head) == HEAD_BYTES):
            raise self._refuse(faults.FILE_NEWLINES, line=1, megabytes=1)
        if line.count('"') % 2:
            raise self._refuse(faults.CSV_QUOTE, line=1, first=1, last=2)
        return end, [name.strip() for name in _cells(line)]

    def _refuse_header(self, names: list[str], schema: Schema) -> None:
        if len(names) == 1:
            for delimiter, found in _OTHER_DELIMITERS.items():
                if names[0].count(delimiter) >= len(schema.required) - 1:
                    raise self._refuse(faults.CSV_DELIMITER, line=1, found=found)
        found = header_faults(names, schema, file=self._file, line=1)
        if found:
            raise InputErrors(found)

    def _readable_text(self, block: Block) -> tuple[memoryview | bytes, bool]:
        """Return a block as UTF-8, unreadable bytes marked, and whether there are any."""
        if np.frombuffer(block.data, dtype=np.uint8).max() < 128:
            return block.data, False
        if not self.encoding:
            self.encoding = encoding_of(bytes(block.data))
            if self.encoding == "?":
                raise self._refuse(faults.FILE_ENCODING, line=_first_line_beyond_ascii(block), found=_MIXED)
        codec = _CODEC[self.encoding]
        try:
            text = str(block.data, codec)
        except UnicodeDecodeError:
            return str(block.data, codec, "replace").encode(), True
        return (text.encode() if self.encoding == GB_18030 else block.data), DAMAGE in text

    def _unclosed(self, block: Block) -> Batch:
        """Return the one line whose double quote is never closed, as a broken row."""
        text = str(self._readable_text(block)[0], "utf-8").rstrip("\r\n")
        broken = self._joined(tuple(text.split(",")), block.line, lines=1)
        return Batch(pl.DataFrame(schema=self.types), pl.Series(dtype=pl.Int64), (broken,))

    def _parse(self, block: Block) -> Batch:
        data, is_damaged = self._readable_text(block)
        table, refused = self._table(data, block.line, in_order=False)
        if not refused and table.num_rows == block.lines:
            places = pl.int_range(block.line, block.line + block.lines, eager=True)
            return Batch(pl.DataFrame(pl.from_arrow(table)), places, (), is_damaged)
        return self._parse_in_order(data, block.line, is_damaged=is_damaged)

    def _parse_in_order(self, data: memoryview | bytes, first_line: int, *, is_damaged: bool) -> Batch:
        """Parse a block whose rows are not its lines: some are blank, broken, or have newlines inside."""
        table, refused = self._table(data, first_line, in_order=True)
        frame = pl.DataFrame(pl.from_arrow(table))
        places, starts = _places(frame, refused, first_line=first_line)
        broken = [self._broken(row, line) for row, line in zip(refused, starts, strict=True)]
        drawn_in = frame.select(pl.any_horizontal(_holds_rows(name, len(self.types)) for name in self.types))
        is_whole = ~drawn_in.to_series()
        for cells, line in zip(frame.filter(~is_whole).iter_rows(), places.filter(~is_whole), strict=True):
            broken.append(self._joined(cells, line, lines=sum(cell.count("\n") for cell in cells)))
        in_order = sorted((row for row in broken if row), key=lambda row: row.line)
        return Batch(frame.filter(is_whole), places.filter(is_whole), tuple(in_order), is_damaged)

    def _table(
        self, data: memoryview | bytes, line: int, *, in_order: bool
    ) -> tuple[pa.Table, list[arrow_csv.InvalidRow]]:
        """Cut a block into cells; rows of another length are returned apart, numbered when read ``in_order``."""
        refused: list[arrow_csv.InvalidRow] = []

        def refuse(row: arrow_csv.InvalidRow) -> str:
            refused.append(row)
            return "skip"

        names = list(self.types)
        block_size = len(data) + 1 if in_order else PARSER_BYTES
        try:
            table = arrow_csv.read_csv(
                pa.BufferReader(pa.py_buffer(data)),
                read_options=arrow_csv.ReadOptions(column_names=names, use_threads=not in_order, block_size=block_size),
                parse_options=arrow_csv.ParseOptions(
                    newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=refuse
                ),
                convert_options=arrow_csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()),
                    strings_can_be_null=False,
                    check_utf8=False,
                ),
            )
        except pa.ArrowInvalid as error:
            if in_order:
                raise self._refuse(faults.CSV_BROKEN, line=line, reason=str(error)) from error
            return self._table(data, line, in_order=True)  # a record longer than the parser's window
        return table, refused

    def _broken(self, row: arrow_csv.InvalidRow, line: int) -> BrokenRow | None:
        """Return a row of the wrong length with its fault; None if it is blank."""
        text = row.text.rstrip("\r\n")
        cells = tuple(_cells(text))
        if not any(cell.strip() for cell in cells):
            return None
        if "\n" in text:
            return self._joined(cells, line, lines=text.count("\n"))
        words = {"found": row.actual_columns, "wanted": row.expected_columns}
        return BrokenRow(line, cells, self._fault(faults.CSV_FIELDS, line=line, **words))

    def _joined(self, cells: tuple[str, ...], line: int, *, lines: int) -> BrokenRow:
        """Return a row into which a double quote has drawn the lines after it."""
        words = {"first": line, "last": line + lines}
        return BrokenRow(line, cells, self._fault(faults.CSV_QUOTE, line=line, **words))

    def _fault(self, code: str, *, line: int, **words: object) -> Fault:
        return fault(code, file=self._file, line=line, **words)


def _first_line_beyond_ascii(block: Block) -> int:
    data = bytes(block.data)
    return block.line + data.count(b"\n", 0, len(data) - len(data.lstrip(bytes(range(128)))))


def _places(
    frame: pl.DataFrame, refused: list[arrow_csv.InvalidRow], *, first_line: int
) -> tuple[pl.Series, list[int]]:
    """Return the first line of every row that was cut, and of every row that was refused."""
    rows = frame.height + len(refused)
    refused_at = np.fromiter((row.number - 1 for row in refused), dtype=np.int64, count=len(refused))
    is_refused = np.zeros(rows, dtype=bool)
    is_refused[refused_at] = True
    newlines = np.zeros(rows, dtype=np.int64)
    newlines[refused_at] = [row.text.rstrip("\r\n").count("\n") for row in refused]
    inside = frame.select(pl.sum_horizontal(pl.all().str.count_matches("\n", literal=True)))
    newlines[~is_refused] = inside.to_series().to_numpy()
    starts = first_line + np.arange(rows) + np.cumsum(newlines) - newlines
    return pl.Series(starts[~is_refused], dtype=pl.Int64), starts[refused_at].tolist()


def _holds_rows(name: str, columns: int) -> pl.Expr:
    """Return where a cell holds the end of one row and the beginning of another: as many commas as a row has."""
    cell = pl.col(name)
    return cell.str.contains("\n", literal=True) & (cell.str.count_matches(",", literal=True) >= columns - 1)


def _cells(line: str) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(line, newline="")), [""])
    except csv.Error:
        return line.split(",")

"""What CSV and Parquet have in common: batches of raw columns, the first row's names, and files that are neither.

A source knows its file's form and nothing of what cells mean. It hands out :class:`Batch` after :class:`Batch`, each
with the place of every row; a row that could not be cut into cells comes as a :class:`BrokenRow` with its fault.
What makes the rest of a file unreadable is raised as :class:`~tuodi.core.errors.InputErrors`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import polars as pl

from tuodi.batch import faults
from tuodi.batch.columns import OWN_PREFIX, Schema
from tuodi.core.errors import Fault, InputErrors, fault

PARQUET_MAGIC = b"PAR1"
_MAGIC = (
    (b"\xd0\xcf\x11\xe0", "旧版 Excel 工作簿（xls）"),
    (b"\x1f\x8b", "gzip 压缩文件"),
    (b"\x28\xb5\x2f\xfd", "zstd 压缩文件"),
    (b"Rar!", "rar 压缩包"),
    (b"7z\xbc\xaf", "7z 压缩包"),
    (b"%PDF", "PDF 文件"),
    (b"ARROW1", "Arrow（Feather）文件"),
    (b"SQLite format 3", "SQLite 数据库"),
)


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row that could not be cut into as many cells as there are columns."""

    line: int
    cells: tuple[str, ...]
    fault: Fault


@dataclass(frozen=True, slots=True)
class Batch:
    """Raw rows under the schema's column names, with their places; ``is_damaged`` when some cell has unreadable bytes."""

    frame: pl.DataFrame
    lines: pl.Series
    broken: tuple[BrokenRow, ...] = ()
    is_damaged: bool = False

    def slices(self, rows: int) -> Iterator[Batch]:
        """Cut into batches of at most that many rows, broken rows staying in their place."""
        if self.frame.height <= rows:
            yield self
            return
        broken = list(self.broken)
        for first in range(0, self.frame.height, rows):
            lines = self.lines.slice(first, rows)
            is_last = first + rows >= self.frame.height
            here = [row for row in broken if is_last or row.line <= lines[-1]]
            broken = broken[len(here) :]
            yield Batch(self.frame.slice(first, rows), lines, tuple(here), self.is_damaged)


class Source(Protocol):
    """A file of rows that can be read again from its beginning."""

    #: The columns the file has, the schema's and the writer's own, with the type each is read as.
    types: Mapping[str, pl.DataType]
    #: An estimate of the rows, or None.
    rows_hint: int | None
    #: The encoding as people call it, for faults.
    encoding: str

    def batches(self) -> Iterator[Batch]:
        """Yield the rows from the beginning."""
        ...


def head_of(path: Path, *, size: int) -> bytes:
    """Return the first bytes of a file; raise ``InputErrors`` if it cannot be read or is empty."""
    try:
        with path.open("rb") as file:
            head = file.read(size)
    except OSError as error:
        reason = {
            FileNotFoundError: "没有这个文件",
            IsADirectoryError: "这是一个文件夹",
            PermissionError: "没有读取权限",
        }
        words = reason.get(type(error), error.strerror or "系统拒绝读取")
        raise InputErrors([fault(faults.FILE_MISSING, file=str(path), reason=words)]) from error
    if not head:
        raise InputErrors([fault(faults.FILE_EMPTY, file=str(path))])
    return head


def foreign_kind(head: bytes) -> str:
    """Return what a file that is neither CSV nor Parquet seems to be, or nothing."""
    if head.startswith(b"PK\x03\x04"):
        return "Excel 工作簿（xlsx）" if b"xl/" in head or b"[Content_Types]" in head else "zip 压缩包"
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    return "网页或 XML 文件" if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<") else ""


def header_faults(names: Sequence[str], schema: Schema, *, file: str, line: int) -> list[Fault]:
    """Return what is wrong with the names of a file's columns: repeated, unnamed, unknown, missing."""
    found = []
    for name in dict.fromkeys(names):
        places = [str(place) for place, other in enumerate(names, 1) if other == name]
        if name == "":
            found.append(fault(faults.COLUMN_UNNAMED, file=file, line=line, places="、".join(places)))
        elif len(places) > 1:
            words = {"name": name, "places": "、".join(places)}
            found.append(fault(faults.COLUMN_REPEATED, file=file, line=line, column=name, **words))
        if name and not schema.is_open and name not in schema.names and not name.startswith(OWN_PREFIX):
            words = {"title": schema.title, "name": name, "hint": _nearest(name, schema)}
            found.append(fault(faults.COLUMN_UNKNOWN, file=file, line=line, column=name, **words))
    missing = [f"{name}（{schema.column(name).title}）" for name in schema.required if name not in names]
    if missing:
        words = {"title": schema.title, "names": "、".join(missing)}
        found.append(fault(faults.COLUMN_MISSING, file=file, line=line, **words))
    return found


def _nearest(name: str, schema: Schema) -> str:
    """Return a hint at the column that was probably meant."""
    titles = {column.title: column.name for column in schema.columns}
    near = difflib.get_close_matches(name.strip().lower(), schema.names, n=1, cutoff=0.75)
    meant = titles.get(name) or (near[0] if near else "")
    return f"，是不是“{meant}”" if meant else ""

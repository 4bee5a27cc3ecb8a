"""Workbooks that strangers send, read where they can do no harm: in a process of its own with little memory and no keys.

A file of a kilobyte can name a cell in the last row and column, and a parser that makes room for everything before it takes the
whole worker with it when memory is out; cells may also repeat one long text a million times, or a parser have a fault nobody
knows yet. So the file goes to a child over a pipe, the cells come back as plain values, and a child that dies is a file that is
refused. The child has none of the county's environment, writes no files and leaves no image of its memory.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from typing import Any

#: Address space of the child, seconds it may take, cells and bytes that it may answer with.
MAX_MEMORY, MAX_SECONDS, MAX_CELLS, MAX_ANSWER = 2 * 1024**3, 60, 10_000_000, 256 * 1024**2
READ, UNREADABLE, TOO_LARGE = 0, 2, 3
#: The answer is blocks of so many rows, each a line of JSON; dates are told as their kind and text.
BLOCK_ROWS = 1000

Rows = list[list[Any]]


class UnreadableError(Exception):
    """The file is no workbook, or its first sheet cannot be read."""


class TooLargeError(Exception):
    """Reading the workbook would take more memory or time than any roster needs."""


def rows_of(content: bytes) -> Rows:
    """Return the cells of a workbook's first sheet, from the first row and column on; empty cells are ``""``."""
    command = [sys.executable, "-I", "-m", __name__]
    try:
        done = subprocess.run(  # noqa: S603  the command is fixed; what strangers send is its input only
            command, input=content, capture_output=True, timeout=MAX_SECONDS, check=False, env={}
        )
    except subprocess.TimeoutExpired:
        raise TooLargeError from None
    if done.returncode == UNREADABLE:
        raise UnreadableError
    if done.returncode != READ:
        raise TooLargeError
    rows: Rows = []
    for block in done.stdout.splitlines():
        rows += json.loads(block)
    for row in rows:
        if list in map(type, row):
            row[:] = map(_value, row)
    return rows


def _value(cell: Any) -> Any:
    if not isinstance(cell, list):
        return cell
    kind, text = cell
    return {"datetime": datetime, "date": date, "time": time}[kind].fromisoformat(text)


def _told(cell: datetime | date | time | timedelta) -> Any:
    """Return a cell that JSON has no form for as its kind and text; a span of time is text to whoever reads rosters."""
    return str(cell) if isinstance(cell, timedelta) else [type(cell).__name__, cell.isoformat()]


def _limit() -> None:
    """Give the process little memory, no files and no core; where the system knows no limits the pipe alone protects."""
    with suppress(ImportError):
        import resource

        for what, most in ((resource.RLIMIT_AS, MAX_MEMORY), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0)):
            resource.setrlimit(what, (most, most))


def _child() -> int:
    content = sys.stdin.buffer.read()
    _limit()
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
    except (CalamineError, OSError, ValueError, IndexError):
        return UNREADABLE
    if sheet.total_height * sheet.total_width > MAX_CELLS:
        return TOO_LARGE
    rows, told = sheet.to_python(skip_empty_area=False), 0
    for at in range(0, len(rows), BLOCK_ROWS):
        said = json.dumps(rows[at : at + BLOCK_ROWS], ensure_ascii=False, default=_told).encode()
        told += len(said)
        if told > MAX_ANSWER:
            return TOO_LARGE
        sys.stdout.buffer.write(said + b"\n")
    return READ


if __name__ == "__main__":
    sys.exit(_child())

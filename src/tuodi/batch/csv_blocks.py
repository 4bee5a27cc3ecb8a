"""A CSV file as blocks of whole records: bytes in, bytes out, nothing decoded.

A record ends at a newline outside double quotes. In UTF-8 and in GB 18030 no other character contains the bytes of a
comma, a double quote or a newline, so a block can be cut before its encoding is known. A double quote that is never
closed would swallow the rest of the file; past ``RECORD_BYTES`` its line is cut off and handed out alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tuodi.batch import faults
from tuodi.core.errors import InputErrors, fault

BLOCK_BYTES = 16 << 20
#: No record is longer; a quoted cell that is has lost its closing quote.
RECORD_BYTES = 1 << 20
#: A file that goes on so long without a newline is not a table.
LINE_BYTES = 16 << 20

#: A quote that opens a cell; one inside an unquoted cell is only a character.
_OPENING_QUOTE = re.compile(rb'(?:^|,)\s*"')


@dataclass(frozen=True, slots=True)
class Block:
    """Whole records, the line on which the first begins, and how many lines they are.

    ``data`` is a window on a buffer and good until the next block is asked for. ``is_unclosed`` is a single line
    whose double quote opens a cell and is never closed.
    """

    data: memoryview
    line: int
    lines: int
    is_unclosed: bool = False


def blocks(path: Path, *, offset: int, line: int, block_bytes: int = BLOCK_BYTES) -> Iterator[Block]:
    """Yield the records of a file from a byte offset on, which is where ``line`` begins."""
    # One byte more than a small file has: its end is met without making room for more.
    size = min(block_bytes, path.stat().st_size - offset + 1)
    buffer, filled, is_read = bytearray(max(size, 1)), 0, False
    with path.open("rb", buffering=0) as file:
        file.seek(offset)
        while not is_read:
            got = file.readinto(memoryview(buffer)[filled:])
            is_read = not got
            filled += got or 0
            first = 0
            while block := _first_block(buffer, first, filled, line, is_read=is_read):
                yield block
                line += block.lines
                first += len(block.data)
            if filled - first > LINE_BYTES and buffer.find(b"\n", first, filled) < 0:
                words = {"megabytes": LINE_BYTES >> 20}
                raise InputErrors([fault(faults.FILE_NEWLINES, file=str(path), line=line, **words)])
            buffer, filled = _with_room(buffer, first, filled), filled - first


def _with_room(buffer: bytearray, first: int, filled: int) -> bytearray:
    """Return a buffer that begins with what is left and can take more."""
    if first == 0 and filled == len(buffer):
        return buffer + bytes(len(buffer))
    buffer[: filled - first] = buffer[first:filled]
    return buffer


def _first_block(buffer: bytearray, first: int, filled: int, line: int, *, is_read: bool) -> Block | None:
    """Return the first whole records of what is in a buffer; None when more has to be read first."""
    if first == filled:
        return None
    window = memoryview(buffer).toreadonly()
    end = record_end(buffer, first, filled)
    if end > first:
        return Block(window[first:end], line, count(window[first:end], b"\n"))
    if is_read and count(window[first:filled], b'"') % 2 == 0:
        return Block(window[first:filled], line, count(window[first:filled], b"\n") + 1)
    newline = buffer.find(b"\n", first, filled) + 1
    if is_read or (newline and filled - first > RECORD_BYTES):
        data = window[first : newline or filled]
        return Block(data, line, 1, is_unclosed=_OPENING_QUOTE.search(data) is not None)
    return None


def record_end(buffer: bytes | bytearray, first: int, filled: int) -> int:
    """Return where the last whole record between two places ends; the first of them if there is none.

    >>> record_end(b'a,b\n"c,\nd', 0, 9), record_end(b'a,"b\n', 0, 6)
    (4, 0)
    """
    end = buffer.rfind(b"\n", first, filled)
    if end < 0:
        return first
    quotes = count(memoryview(buffer)[first:end], b'"')
    while quotes % 2:
        before = buffer.rfind(b"\n", first, end)
        if before < 0:
            return first
        quotes -= buffer.count(b'"', before, end)
        end = before
    return end + 1


def count(data: memoryview, byte: bytes) -> int:
    """Return how often a byte occurs; many times faster than ``bytes.count`` where it occurs often."""
    return int(np.count_nonzero(np.frombuffer(data, dtype=np.uint8) == ord(byte)))

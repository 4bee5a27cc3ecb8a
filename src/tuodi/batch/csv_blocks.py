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

    ``is_unclosed`` is a single line whose double quote opens a cell and is never closed.
    """

    data: bytes
    line: int
    lines: int
    is_unclosed: bool = False


def blocks(path: Path, *, offset: int, line: int, block_bytes: int = BLOCK_BYTES) -> Iterator[Block]:
    """Yield the records of a file from a byte offset on, which is where ``line`` begins."""
    with path.open("rb", buffering=0) as file:
        file.seek(offset)
        carry = b""
        is_read = False
        while not is_read:
            data = file.read(block_bytes)
            is_read = not data
            carry = carry + data if carry else data
            while block := _first_block(carry, line, is_read=is_read):
                yield block
                line += block.lines
                carry = carry[len(block.data) :]
            if len(carry) > LINE_BYTES and b"\n" not in carry:
                words = {"megabytes": LINE_BYTES >> 20}
                raise InputErrors([fault(faults.FILE_NEWLINES, file=str(path), line=line, **words)])


def _first_block(buffer: bytes, line: int, *, is_read: bool) -> Block | None:
    """Return the first whole records of a buffer; None when more has to be read first."""
    if not buffer:
        return None
    end = record_end(buffer)
    if end:
        data = buffer[:end]
        return Block(data, line, data.count(b"\n"))
    if is_read and buffer.count(b'"') % 2 == 0:
        return Block(buffer, line, buffer.count(b"\n") + 1)
    newline = buffer.find(b"\n") + 1
    if is_read or (newline and len(buffer) > RECORD_BYTES):
        data = buffer[:newline] if newline else buffer
        return Block(data, line, 1, is_unclosed=_OPENING_QUOTE.search(data) is not None)
    return None


def record_end(buffer: bytes) -> int:
    """Return where the last whole record of a buffer ends, 0 if there is none.

    >>> record_end(b'a,b\\n"c,\\nd'), record_end(b'a,"b\\n')
    (4, 0)
    """
    end = buffer.rfind(b"\n")
    if end < 0:
        return 0
    quotes = buffer.count(b'"', 0, end)
    while quotes % 2:
        before = buffer.rfind(b"\n", 0, end)
        if before < 0:
            return 0
        quotes -= buffer.count(b'"', before, end)
        end = before
    return end + 1

"""What the command line prints: tables aligned for double-width characters, amounts, JSON, errors with their places."""

from __future__ import annotations

import json
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from tuodi.core.errors import Fault

NARROW = 80


def width_of(text: str) -> int:
    """Return how many columns a text takes in a terminal.

    >>> width_of("起付线 3,000.00 元")
    18
    """
    return len(text) if text.isascii() else sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def columns() -> int:
    """Return how wide the terminal is, 80 if nobody looks."""
    return shutil.get_terminal_size((NARROW, 24)).columns if sys.stdout.isatty() else NARROW


def filled(text: str, wide: int, *, right: bool = False) -> str:
    """Return a text filled with blanks to a width."""
    blank = " " * (wide - width_of(text))
    return blank + text if right else text + blank


def shortened(text: str, wide: int) -> str:
    """Return a text cut to a width, with dots where it was cut.

    >>> shortened("医疗费用救助", 8)
    '医疗费…'
    """
    if width_of(text) <= wide:
        return text
    while text and width_of(text) > wide - 1:
        text = text[:-1]
    return text + "…"


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[int] = (), indent: int = 2) -> str:
    """Return a table whose columns are as wide as their content; ``right`` are columns of figures.

    Where it does not fit, the widest column of words is shortened.
    """
    lines = [list(headers), *(list(row) for row in rows)]
    figures = set(right)
    wide = [max(width_of(line[i]) for line in lines) for i in range(len(headers))]
    words = [i for i in range(len(headers)) if i not in figures]
    while (
        words and indent + sum(wide) + 2 * (len(wide) - 1) > max(columns(), NARROW) and max(wide[i] for i in words) > 10
    ):
        widest = max(words, key=lambda i: wide[i])
        wide[widest] -= 1
    out = []
    for line in lines:
        cells = [filled(shortened(cell, wide[i]), wide[i], right=i in figures) for i, cell in enumerate(line)]
        out.append((" " * indent + "  ".join(cells)).rstrip())
    out.insert(1, " " * indent + "-" * (sum(wide) + 2 * (len(wide) - 1)))
    return "\n".join(out)


def amount(fen: int) -> str:
    """Return fen as yuan with thousands separators, for a column of amounts.

    >>> amount(123456789), amount(-50)
    ('1,234,567.89', '-0.50')
    """
    sign, fen = ("-", -fen) if fen < 0 else ("", fen)
    return f"{sign}{fen // 100:,}.{fen % 100:02d}"


def signed(fen: int) -> str:
    """Return a difference with its sign.

    >>> signed(50), signed(0), signed(-50)
    ('+0.50', '0.00', '-0.50')
    """
    return f"+{amount(fen)}" if fen > 0 else amount(fen)


def print_json(data: Any, *, file: TextIO | None = None) -> None:
    """Print plain data as JSON, Chinese as it is."""
    print(json.dumps(data, ensure_ascii=False, indent=2), file=file or sys.stdout)


def fault_data(fault: Fault) -> dict[str, Any]:
    """Return a fault as plain data."""
    return {
        "code": fault.code, "message": fault.message, "file": fault.file, "line": fault.line or None, "column": fault.column,
        "value": fault.value, "fields": dict(fault.fields),
    }  # fmt: skip


def print_faults(faults: Iterable[Fault], *, as_json: bool) -> None:
    """Print faults: as data to the output, or as lines to the error output."""
    if as_json:
        print_json({"errors": [fault_data(fault) for fault in faults]})
        return
    for fault in faults:
        print(fault, file=sys.stderr)


def say(text: str) -> None:
    """Print a note that is no result: to the error output."""
    print(text, file=sys.stderr)

"""The rows of the table, and the table as text."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

HEADER = ("what", "measured", "beside it", "ratio", "reach", "reached")


@dataclass(frozen=True)
class Row:
    """One line. ``reached`` None: not judged (no target, a smoke run, or something is missing: see ``note``)."""

    what: str
    measured: str = ""
    beside: str = ""
    ratio: str = ""
    reach: str = ""
    reached: bool | None = None
    note: str = ""

    @property
    def cells(self) -> tuple[str, ...]:
        answer = {True: "yes", False: "**no**", None: "–"}[self.reached]
        measured = f"{self.measured}{'; ' if self.measured and self.note else ''}{self.note}"
        return (self.what, measured, self.beside, self.ratio, self.reach, answer)


def skipped(what: str, why: str, *, reach: str = "") -> Row:
    """Return the row of something that could not be run here."""
    return Row(what, reach=reach, note=f"skipped: {why}")


def text_of(rows: Sequence[Row]) -> str:
    """Return the table in Markdown, its columns aligned."""
    lines = [HEADER, *(row.cells for row in rows)]
    widths = [max(_width(line[i]) for line in lines) for i in range(len(HEADER))]
    out = [_line(lines[0], widths), "|" + "|".join("-" * (width + 2) for width in widths) + "|"]
    return "\n".join([*out, *(_line(line, widths) for line in lines[1:])])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return (
        "| " + " | ".join(cell + " " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=True)) + " |"
    )


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "FW" else 1 for c in text)


def rate(count: int, seconds: float) -> str:
    """Return a throughput as people read it."""
    per_second = count / seconds
    return f"{per_second / 1e6:.3g} M/s" if per_second >= 1e6 else f"{per_second / 1e3:.3g} k/s"


def duration(seconds: float) -> str:
    """Return a duration in the unit that suits it."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.3g} us"
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def size(count: int) -> str:
    """Return a number of rows as people read it."""
    exponent = len(str(count)) - 1
    return f"10^{exponent}" if count == 10**exponent else f"{count:,}"


def gib(size_bytes: int) -> str:
    """Return an amount of memory."""
    return f"{size_bytes / 2**30:.2f} GiB"

"""The registers that come with the program: every operative sentence of the documents by id, every ambiguous one by its reading.

They are Markdown tables under ``tuodi/registers``; ``docs/`` holds the same texts for readers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

FOLDER = Path(str(resources.files("tuodi") / "registers"))
CLAUSE_ID = re.compile(r"[A-Z]{2,4}-[0-9A-Za-z.]+")
#: What the letters of a clause ask for.
KINDS = {"R": "计算", "W": "流程", "F": "资金", "D": "数据", "V": "监督", "P": "公示"}


@dataclass(frozen=True, slots=True)
class ClauseRow:
    """One clause: where it stands in its document, of what kinds it is, what it asks."""

    id: str
    section: str
    kinds: tuple[str, ...]
    asks: str

    @property
    def prefix(self) -> str:
        """The letters that all clauses of a document share."""
        return self.id.partition("-")[0]


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """One ambiguous sentence: the clauses, the question, the default and the other readings."""

    id: str
    clauses: str
    question: str
    default: str
    others: str


def _rows(name: str, columns: int) -> Iterator[list[str]]:
    for line in (FOLDER / name).read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(cells) == columns and not set(cells[0]) <= {"-", " "} and cells[0] != "id":
            yield cells


def clauses() -> list[ClauseRow]:
    """Return every clause of the register, in its order."""
    return [
        ClauseRow(row[0], row[1], tuple(row[2].split()), row[3])
        for row in _rows("clauses.md", 4)
        if CLAUSE_ID.fullmatch(row[0])
    ]


def interpretations() -> list[ReadingRow]:
    """Return every reading of the register, in its order."""
    return [ReadingRow(*row) for row in _rows("interpretations.md", 5) if row[0].startswith("I-")]

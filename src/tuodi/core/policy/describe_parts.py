"""What a description is made of: sections of sentences and tables, each sentence with its clauses and readings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence; ``level`` 0 stands by itself, 1 is an item of a list."""

    text: str
    clauses: tuple[str, ...] = ()
    readings: tuple[str, ...] = ()
    level: int = 1


@dataclass(frozen=True, slots=True)
class Table:
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A titled part; ``level`` 1 is a chapter, 2 a part of one."""

    id: str
    title: str
    blocks: tuple[Sentence | Table, ...]
    clauses: tuple[str, ...] = ()
    level: int = 1


@dataclass(frozen=True, slots=True)
class Description:
    """A pack in words."""

    pack: str
    title: str
    sections: tuple[Section, ...]


def sentence(text: str, *clauses: str | None, readings: Sequence[str] = (), level: int = 1) -> Sentence:
    """Return a sentence with the clauses that are given, each once."""
    cited = tuple(dict.fromkeys(clause for clause in clauses if clause))
    return Sentence(text, cited, tuple(dict.fromkeys(readings)), level)


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Return a table without the columns that are empty in every row."""
    kept = [i for i in range(len(headers)) if any(row[i] for row in rows)]
    return Table(tuple(headers[i] for i in kept), tuple(tuple(row[i] for i in kept) for row in rows))

"""A description written out: for a terminal (columns aligned for double-width characters), as Markdown, as plain data."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

from tuodi.core.policy.describe_parts import Description, Section, Sentence, Table

#: No column of a terminal table is made wider than this.
WIDEST = 44
#: Marks that do not end a line, and marks that do not begin one.
OPENING, CLOSING = "（〔“《", "，。；：、）”〕》%"


def width_of(text: str) -> int:
    """Return how many columns a text takes in a terminal.

    >>> width_of("起付线"), width_of("70%")
    (6, 3)
    """
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def wrapped(text: str, width: int) -> list[str]:
    """Return a text in lines of at most ``width`` columns; numbers and words are broken only if they are wider than a line.

    >>> wrapped("住院救助 5,000 元。", 10)
    ['住院救助', '5,000 元。']
    """
    lines, line = [], ""
    for unit in _units(text):
        while width_of(unit) > width and unit[0].isascii():
            room = width - width_of(line)
            lines.append(line + unit[:room])
            line, unit = "", unit[room:]
        if line and width_of((line + unit).rstrip()) > width:
            lines.append(line.rstrip())
            line = unit.lstrip()
        else:
            line += unit
    return [*lines, line.rstrip()] if line.strip() or not lines else lines


def _units(text: str) -> list[str]:
    """Return what must not be torn apart: words with the closing marks behind them."""
    units: list[str] = []
    for word in _words(text):
        if units and word[0] in CLOSING and units[-1] != " ":
            units[-1] += word
        else:
            units.append(word)
    return units


def _words(text: str) -> Iterator[str]:
    """Yield what must stay together: single wide characters, runs of others, an opening mark and what follows it."""
    run = ""
    for c in text:
        if c in OPENING:
            if run.strip(OPENING):
                yield run
                run = ""
            run += c
        elif width_of(c) == 2 or c == " ":
            if run.strip(OPENING) or c == " ":
                yield from (part for part in (run, c) if part)
            else:
                yield run + c
            run = ""
        else:
            run += c
    if run:
        yield run


def cited(clauses: Sequence[str], readings: Sequence[str] = ()) -> str:
    """Return clauses and readings in brackets, or nothing."""
    names = [*clauses, *readings]
    return f"〔{' '.join(names)}〕" if names else ""


def to_text(description: Description, *, width: int = 100) -> str:
    """Return a description for a terminal."""
    lines = [description.title, "=" * min(width, width_of(description.title))]
    for section in description.sections:
        title = f"{section.title}{cited(section.clauses) if section.level > 1 else ''}"
        lines += ["", f"■ {title}" if section.level == 1 else f"□ {title}"]
        for block in section.blocks:
            lines += _sentence(block, width) if isinstance(block, Sentence) else _table(block, width)
    return "\n".join(lines) + "\n"


def _sentence(sentence: Sentence, width: int) -> list[str]:
    mark = "  · " if sentence.level else "  "
    text = sentence.text + cited(sentence.clauses, sentence.readings)
    first, *rest = wrapped(text, width - len(mark))
    return [mark + first, *(" " * len(mark) + line for line in rest)]


def _table(table: Table, width: int) -> list[str]:
    """Return a table with columns as wide as their content, narrowed to fit."""
    columns = [[header, *(row[i] for row in table.rows)] for i, header in enumerate(table.headers)]
    wide = [min(WIDEST, max(width_of(cell) for cell in column)) for column in columns]
    while sum(wide) + 2 * len(wide) + 2 > width and max(wide) > 8:
        wide[wide.index(max(wide))] -= 1
    out = [*_row(table.headers, wide), "  " + "-" * min(width - 2, sum(wide) + 2 * len(wide))]
    for row in table.rows:
        out += _row(row, wide)
    return out


def _row(cells: Sequence[str], wide: Sequence[int]) -> list[str]:
    columns = [wrapped(cell, width) for cell, width in zip(cells, wide, strict=True)]
    out = []
    for i in range(max(len(column) for column in columns)):
        parts = [column[i] if i < len(column) else "" for column in columns]
        out.append(
            "  " + "  ".join(part + " " * (w - width_of(part)) for part, w in zip(parts, wide, strict=True)).rstrip()
        )
    return out


def to_markdown(description: Description) -> str:
    """Return a description as Markdown."""
    lines = [f"# {description.title}", ""]
    for section in description.sections:
        lines += [f"{'#' * (section.level + 1)} {section.title} {cited(section.clauses)}".rstrip(), ""]
        for block in section.blocks:
            if isinstance(block, Sentence):
                text = f"{block.text} {cited(block.clauses, block.readings)}".rstrip()
                lines += [f"- {text}"] if block.level else [text, ""]
            else:
                lines += ["", *_markdown_table(block), ""]
        lines.append("")
    return "\n".join(_without_double_gaps(lines)) + "\n"


def _markdown_table(table: Table) -> list[str]:
    def row(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    return [row(table.headers), "|" + "---|" * len(table.headers), *(row(cells) for cells in table.rows)]


def _without_double_gaps(lines: list[str]) -> list[str]:
    out: list[str] = []
    for line in lines:
        if line or (out and out[-1]):
            out.append(line)
    return out[:-1] if out and not out[-1] else out


def to_data(description: Description) -> dict[str, Any]:
    """Return a description as plain data (JSON)."""
    return {
        "pack": description.pack,
        "title": description.title,
        "sections": [_section(s) for s in description.sections],
    }


def _section(section: Section) -> dict[str, Any]:
    return {
        "id": section.id, "title": section.title, "level": section.level, "clauses": list(section.clauses),
        "blocks": [
            {"text": b.text, "clauses": list(b.clauses), "readings": list(b.readings), "level": b.level}
            if isinstance(b, Sentence)
            else {"headers": list(b.headers), "rows": [list(row) for row in b.rows]}
            for b in section.blocks
        ],
    }  # fmt: skip

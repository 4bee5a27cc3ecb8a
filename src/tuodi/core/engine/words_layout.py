"""How lines of Chinese text are laid out for people: widths where a Chinese character is two columns wide, wrapping, columns."""

from __future__ import annotations

from codecs import getincrementaldecoder
from datetime import date
from functools import lru_cache

from tuodi.core.dates import FOREVER, LONG_AGO

WIDTH = 78
#: What may not begin a line, what may not end one, and what makes a word or number that is not torn.
NO_START, NO_END = frozenset("，。；：、）》”？！%×=,.;:)}〕】元"), frozenset("（《“(〔【{")
#: Reads as many characters as there are whole ones.
DECODER = getincrementaldecoder("gb18030")
WORD = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_.,:+/-%[]")


def width(text: str) -> int:
    """Return how many columns a text takes; a Chinese character takes two.

    >>> width("起付线 3,000.00 元")
    18
    """
    return len(text) if text.isascii() else len(text.encode("gb18030"))


def padded(text: str, columns: int) -> str:
    """Return a text filled up to a width."""
    return text + " " * (columns - width(text))


def amount_line(label: str, amount: str, *, columns: int = 60, indent: int = 4) -> str:
    """Return a label and an amount whose last character stands in a fixed column.

    >>> amount_line("医疗费总额", "5,000.00 元", columns=40)
    '    医疗费总额               5,000.00 元'
    """
    head, room = _label(label, columns, indent)
    return head + amount.rjust(room - 1) if len(amount) + 1 < room else f"{head} {amount}"


@lru_cache(maxsize=4096)
def _label(label: str, columns: int, indent: int) -> tuple[str, int]:
    return " " * indent + label, columns - indent - width(label)


def wrapped(text: str, *, indent: int = 4, hanging: int | None = None, columns: int = WIDTH) -> list[str]:
    """Return a text cut into lines no wider than ``columns``, the first indented, the others as ``hanging`` says.

    >>> wrapped("起付线三千元，这次扣五百元。", indent=2, columns=20)
    ['  起付线三千元，这次', '  扣五百元。']
    """
    if indent + 2 * len(text) <= columns or indent + width(text) <= columns:
        return [" " * indent + text]
    hanging = indent if hanging is None else hanging
    lines, start = [], indent
    while text:
        at = fitting(text, columns - start)
        lines.append(" " * start + text[:at].rstrip())
        text, start = text[at:].lstrip(), hanging
    return lines


def fitting(text: str, room: int) -> int:
    """Return how many characters of a text fit into ``room`` columns, cut where a line may be cut.

    >>> fitting("还剩 3,000.00 元，这次", 14), fitting("超过限额的部分（不付）", 14)
    (3, 7)
    """
    size, at = len(text), max(len(DECODER().decode(text[:room].encode("gb18030")[:room])), 1)
    if at >= size:
        return size
    cut = at
    while cut > 0 and is_torn(text[cut - 1], text[cut]):
        cut -= 1
    return cut or at


def is_torn(before: str, after: str) -> bool:
    """Say whether a line may not be cut between two characters: inside a number or word, before a comma, after a bracket."""
    return after in NO_START or before in NO_END or (before in WORD and (after in WORD or after in " 元%"))


def day(value: date | None) -> str:
    """Return a day as people read it; open ends as words."""
    if value is None or value >= FOREVER:
        return "长期"
    return "—" if value <= LONG_AGO else value.isoformat()


def span(first: date, last: date | None) -> str:
    """Return a period as people read it."""
    return f"{day(first)} 至 {day(last)}" if first != last else day(first)

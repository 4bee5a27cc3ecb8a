"""Figures: text with a unit, a delegated value, a share or multiple of another, dated; resolved for one day.

Amounts come out as fen, rates as basis points, days as dates. A delegated value that nobody has entered comes out as
:class:`Missing`, never as a default (style D4).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from tuodi.core.money import basis_points, fen_from_yuan, half_up
from tuodi.core.policy.model import DatedFigure, Figure, FigureSpec

AMOUNT = re.compile(r"([0-9][0-9,]*(?:\.[0-9]+)?) ?(元|万元)")
#: Larger than any burden; stands for "no cap" so that every evaluator needs one rule only.
UNLIMITED = 10**15


@dataclass(frozen=True, slots=True)
class EnteredValue:
    """A delegated value entered by an administrator: in force from ``first`` (None: always), with its source."""

    param: str
    value: str
    source: str = ""
    first: date | None = None

    @property
    def is_sample(self) -> bool:
        """Samples are shown as such everywhere until replaced."""
        return self.source.startswith("示例")


class Missing(Exception):
    """A figure needs delegated values that nobody has entered for that day."""

    def __init__(self, params: tuple[str, ...]) -> None:
        self.params = params
        super().__init__(", ".join(params))


class Entered:
    """All entered values, by parameter and day."""

    def __init__(self, values: list[EnteredValue] | None = None) -> None:
        self.by_param: dict[str, list[EnteredValue]] = {}
        for value in values or []:
            self.by_param.setdefault(value.param, []).append(value)
        for held in self.by_param.values():
            held.sort(key=lambda v: v.first or date.min)

    def on(self, param: str, day: date) -> str:
        """Return the value in force on a day; ``Missing`` if none is."""
        found = self.entry(param, day)
        if found is None:
            raise Missing((param,))
        return found.value

    def entry(self, param: str, day: date) -> EnteredValue | None:
        """Return the entry in force on a day."""
        held = [v for v in self.by_param.get(param, []) if (v.first or date.min) <= day]
        return held[-1] if held else None

    def days(self) -> Iterator[date]:
        """Yield every day on which a value changes."""
        for held in self.by_param.values():
            yield from (v.first for v in held if v.first)


def parse_amount(text: str) -> int:
    """Return fen of an amount with its unit; entered values may be bare yuan ("660.00").

    >>> parse_amount("3000 元"), parse_amount("1.5 万元"), parse_amount("3,000.50 元"), parse_amount("660.00")
    (300000, 1500000, 300050, 66000)
    """
    match = AMOUNT.fullmatch(text)
    if match is None:
        return fen_from_yuan(text)
    number, unit = match.groups()
    number = number.replace(",", "")
    if unit == "元":
        return fen_from_yuan(number)
    whole, _, part = number.partition(".")
    if len(part) > 6:
        raise ValueError(text)
    return int(whole) * 1_000_000 + int(part.ljust(6, "0") or "0")


class Resolver:
    """Resolves figures for one day against entered values; remembers which delegated values it used."""

    def __init__(self, entered: Mapping[str, object] | Entered, day: date) -> None:
        self.entered = entered if isinstance(entered, Entered) else Entered()
        self.day = day
        self.used: set[str] = set()

    def text(self, param: str) -> str:
        self.used.add(param)
        return self.entered.on(param, self.day)

    def at_least(self, spec: Figure, read: Callable[[str], int]) -> int:
        """Return an entered value; where the text states a minimum, no less, and the minimum if nothing is entered (I-09)."""
        assert spec.delegated is not None
        if spec.at_least is None:
            return read(self.text(spec.delegated))
        minimum = read(spec.at_least)
        if self.entered.entry(spec.delegated, self.day) is None:
            return minimum
        return max(minimum, read(self.text(spec.delegated)))

    def amount(self, spec: FigureSpec) -> int:
        """Return fen."""
        if isinstance(spec, list):
            return self.amount(self.dated(spec))
        if isinstance(spec, str):
            return parse_amount(spec)
        if spec.delegated is not None:
            return self.at_least(spec, parse_amount)
        assert spec.of is not None
        inner = self.amount(spec.of)
        if spec.times is not None:
            return inner * spec.times
        if spec.plus is not None:
            return inner + parse_amount(spec.plus)
        assert spec.share is not None
        return half_up(inner * basis_points(spec.share), 10_000)

    def rate(self, spec: FigureSpec) -> int:
        """Return basis points."""
        if isinstance(spec, list):
            return self.rate(self.dated(spec))
        if isinstance(spec, str):
            return basis_points(spec)
        if spec.delegated is not None:
            return self.at_least(spec, basis_points)
        assert spec.of is not None
        inner = self.rate(spec.of)
        if spec.plus is not None:
            return inner + basis_points(spec.plus)
        assert spec.share is not None
        return half_up(inner * basis_points(spec.share), 10_000)

    def dated(self, spec: list[DatedFigure]) -> str | Figure:
        """Return the figure in force on the day; before the first one, the first (a layer's life is the pack's)."""
        held = [item for item in spec if item.first <= self.day]
        chosen = max(held, key=lambda item: item.first) if held else min(spec, key=lambda item: item.first)
        return chosen.value

    def day_of(self, spec: date | Figure) -> date:
        """Return a day; ``plus`` says how many days after another."""
        if isinstance(spec, date):
            return spec
        if spec.plus is not None:
            assert isinstance(spec.of, Figure)
            return self.day_of(spec.of) + timedelta(days=int(spec.plus.removesuffix("天")))
        assert spec.delegated is not None
        return date.fromisoformat(self.text(spec.delegated))


def delegated_in(spec: object) -> Iterator[str]:
    """Yield the delegated parameters that a figure reads."""
    if isinstance(spec, list):
        for item in spec:
            yield from delegated_in(item)
    elif isinstance(spec, DatedFigure):
        yield from delegated_in(spec.value)
    elif isinstance(spec, Figure):
        if spec.delegated is not None:
            yield spec.delegated
        yield from delegated_in(spec.of)

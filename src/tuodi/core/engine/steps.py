"""Steps: the closed language in which every benefit is written.

An expression is whole numbers (fen, basis points, flags 0/1) under ``+ - *``, ``min``, ``max``, comparisons, ``and`` /
``or``, a conditional and ``half_up``. Nothing else exists, so that a reader can learn it in a minute, the range proof can
cover it and four evaluators can run it. A :class:`Step` names a value, says it in Chinese and cites its clause; the list of
steps, in order, *is* the rule and, with values, the explanation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

OPERATORS = ("+", "-", "*", "min", "max", "<", "<=", "==", "and", "or", "if", "half_up")


@dataclass(frozen=True, slots=True)
class Expr:
    """An expression; build with operators on names and constants."""

    def __add__(self, other: Expr | int) -> Expr:
        other = lift(other)
        return self if other == ZERO else other if self == ZERO else Op("+", (self, other))

    def __sub__(self, other: Expr | int) -> Expr:
        other = lift(other)
        return self if other == ZERO else Op("-", (self, other))

    def __mul__(self, other: Expr | int) -> Expr:
        return Op("*", (self, lift(other)))

    def lt(self, other: Expr | int) -> Expr:
        return Op("<", (self, lift(other)))

    def le(self, other: Expr | int) -> Expr:
        return Op("<=", (self, lift(other)))

    def eq(self, other: Expr | int) -> Expr:
        return Op("==", (self, lift(other)))


@dataclass(frozen=True, slots=True)
class Const(Expr):
    value: int


@dataclass(frozen=True, slots=True)
class Name(Expr):
    """A fact, a figure, a remembered total or an earlier step."""

    name: str


@dataclass(frozen=True, slots=True)
class Op(Expr):
    operator: str
    operands: tuple[Expr, ...]

    def __post_init__(self) -> None:
        assert self.operator in OPERATORS, self.operator


ZERO = Const(0)


def lift(value: Expr | int) -> Expr:
    """Return an expression as it is and a whole number as a constant."""
    return value if isinstance(value, Expr) else Const(value)


def least(*values: Expr | int) -> Expr:
    """Return the smallest of the values."""
    first, *rest = [lift(v) for v in values]
    for other in rest:
        first = Op("min", (first, other))
    return first


def greatest(*values: Expr | int) -> Expr:
    """Return the greatest of the values."""
    first, *rest = [lift(v) for v in values]
    for other in rest:
        first = Op("max", (first, other))
    return first


def both(*values: Expr) -> Expr:
    """Return 1 if all flags are 1."""
    first, *rest = values
    for other in rest:
        first = Op("and", (first, other))
    return first


def either(*values: Expr) -> Expr:
    """Return 1 if any flag is 1."""
    first, *rest = values
    for other in rest:
        first = Op("or", (first, other))
    return first


def choose(condition: Expr, then: Expr | int, otherwise: Expr | int) -> Expr:
    """Return ``then`` where the flag is 1, else ``otherwise``; both are always defined, neither has effects."""
    return Op("if", (condition, lift(then), lift(otherwise)))


def rounded(numerator: Expr, denominator: Expr | int) -> Expr:
    """Return the quotient rounded half up; the range proof checks that the numerator cannot be negative."""
    return Op("half_up", (numerator, lift(denominator)))


def total(values: list[Expr]) -> Expr:
    """Return the sum."""
    out: Expr = ZERO
    for value in values:
        out = out + value
    return out


def names_in(expr: Expr) -> Iterator[str]:
    """Yield every name that an expression reads, left to right."""
    if isinstance(expr, Name):
        yield expr.name
    elif isinstance(expr, Op):
        for operand in expr.operands:
            yield from names_in(operand)


@dataclass(frozen=True, slots=True)
class Step:
    """One named value of the computation.

    ``label`` is what people read; ``unit`` says how: ``fen``, ``fen*bp`` (exact entitlement), ``bp``, ``flag`` or ``count``.
    """

    name: str
    expr: Expr
    label: str
    layer: str = ""
    clauses: tuple[str, ...] = ()
    readings: tuple[str, ...] = ()
    unit: str = "fen"


@dataclass(frozen=True, slots=True)
class Slot:
    """A remembered total of the fold: zero when its period's key changes, kept by person or household."""

    name: str
    bucket: str


@dataclass(frozen=True, slots=True)
class Bucket:
    """Slots that live and end together.

    ``period`` names the event's key column; ``unit`` is ``person`` or ``household``; ``layers`` are the layers any of which,
    when it covers an event, makes the event write the slots.
    """

    name: str
    period: str
    unit: str
    layers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """The compiled rule: facts and figures in, steps in order, remembered totals out.

    ``figures[layer]`` names the layer's figure columns; ``writes`` maps a slot to the step whose value it takes.
    """

    facts: tuple[str, ...]
    figures: dict[str, tuple[str, ...]]
    steps: tuple[Step, ...]
    buckets: tuple[Bucket, ...]
    slots: tuple[Slot, ...]
    writes: dict[str, str]
    layers: tuple[str, ...]
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)

    def check(self) -> None:
        """Assert that every name is defined before it is used and written once."""
        known = {*self.facts, *(slot.name for slot in self.slots)}
        known.update(f"p.{layer}.{name}" for layer, names in self.figures.items() for name in names)
        for step in self.steps:
            for name in names_in(step.expr):
                assert name in known, (step.name, name)
            assert step.name not in known, step.name
            known.add(step.name)
        for slot, name in self.writes.items():
            assert slot in known, slot
            assert name in known, name

"""The range proof: no step of a program can leave int64, no negative number is rounded, nothing is divided by zero or less.

Interval analysis over declared bounds. What comes in is bounded by declaration (one amount of a bill, a running total, an exact
entitlement, a share, a figure by its kind); what is computed is bounded by arithmetic. Where plain intervals are too coarse,
:meth:`_Ranges.at_most` proves an order between two expressions from their shape (``min(a, b) <= a``), from the orders that
every row of figures keeps (bracket edges ascend, a target is not above its trigger) and from the condition under which a branch
is taken. Remembered totals are shown to stay non-negative by induction: bounded before, so never negative after.

:func:`row_faults` holds a row of figures against the bounds that the proof assumes. What is *not* here: whether a policy makes
sense (:mod:`tuodi.core.policy.check`), and that totals of many bills keep to the bounds (:mod:`.heights`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tuodi.core.engine.steps import ZERO, Const, Expr, Name, Op, Program, Step
from tuodi.core.policy.figures import UNLIMITED

INT64 = 2**63 - 1
#: One amount of a bill, in fen: a billion yuan.
AMOUNT = 10**11
#: A running total of a period, in fen.
RUNNING = 10**13
#: An exact entitlement, in fen x 10 000.
EXACT_RUNNING = 10**17
#: A rate or share, in basis points.
SHARE = 10**4
#: The number of a category.
COUNT = 10**4
#: A limit of one bracket, in fen; it is multiplied by 10 000.
LIMIT = 10**14

Range = tuple[int, int]
FLAG: Range = (0, 1)
UNITS: dict[str, Range] = {
    "fen": (0, RUNNING), "fen*bp": (0, EXACT_RUNNING), "bp": (0, SHARE), "flag": FLAG, "count": (0, COUNT),
}  # fmt: skip
#: How deep an order between two expressions is looked for: inside an expression, and for what must not be negative.
NEAR, FAR = 2, 12


@dataclass(frozen=True, slots=True)
class Unproven:
    """A step whose safety the proof cannot show: why, and the range that it found."""

    step: str
    label: str
    why: str
    low: int
    high: int


def figure_range(name: str) -> Range:
    """Return the declared bounds of a figure column by its name (``compile.figure_names``)."""
    if name.startswith(("rate", "penalty", "top_up_to")):
        return 0, SHARE
    if name.startswith("limit"):
        return 0, LIMIT
    if name.startswith("lump") and not name.startswith("lump_from"):
        return 0, RUNNING
    return 0, UNLIMITED


def orders_of(names: Sequence[str]) -> list[tuple[str, str]]:
    """Return the pairs of a layer's figure columns of which the first is never above the second."""
    edges = [name for name in names if name.startswith("from")]
    orders = list(pairwise(edges))
    return [*orders, ("target", "trigger")] if "target" in names else orders


def row_faults(names: Sequence[str], numbers: Sequence[int]) -> list[str]:
    """Return the columns of one row of figures that break what the proof assumes of them.

    >>> row_faults(("from0", "rate0", "from1", "rate1"), (0, 7000, 2000000, 12000))
    ['rate1']
    """
    row = dict(zip(names, numbers, strict=True))
    wide = [name for name, number in row.items() if not figure_range(name)[0] <= number <= figure_range(name)[1]]
    return wide + [second for first, second in orders_of(names) if row[first] > row[second]]


def prove(program: Program) -> list[Unproven]:
    """Return every step that is not proven safe; none means that the program is.

    Safe: every intermediate value of every evaluator fits int64, numerators of ``half_up`` are not negative and denominators
    positive, remembered totals and what a layer shows people (but for base and counted, which an earlier layer may push below
    0) are not negative.
    """
    ranges = _Ranges(program)
    for step in program.steps:
        ranges.add(step)
    steps = {step.name: step for step in program.steps}
    for name in _not_negative(program):
        if name in steps and not ranges.at_most(ZERO, Name(name), ranges.orders, FAR):
            low, high = ranges.known[name]
            ranges.unproven.append(Unproven(name, steps[name].label, "可能为负", low, high))
    return ranges.unproven


def _not_negative(program: Program) -> list[str]:
    """Return the steps that must not be negative: what is remembered, and what people are told and paid."""
    told = [names[key] for names in program.outputs.values() for key in ("deductible", "entitled", "cut", "pay")]
    return list(dict.fromkeys([*program.writes.values(), *told]))


class _Ranges:
    """Ranges of everything named so far, and the orders that hold."""

    def __init__(self, program: Program) -> None:
        self.known: dict[str, Range] = {fact: _fact_range(fact) for fact in program.facts}
        self.defined: dict[str, Expr] = {}
        self.orders: list[tuple[Expr, Expr]] = []
        self.unproven: list[Unproven] = []
        for layer, names in program.figures.items():
            self.known.update({f"p.{layer}.{name}": figure_range(name) for name in names})
            self.orders += [(Name(f"p.{layer}.{a}"), Name(f"p.{layer}.{b}")) for a, b in orders_of(names)]
        units = {step.name: step.unit for step in program.steps}
        for slot in program.slots:
            self.known[slot.name] = UNITS[units.get(program.writes.get(slot.name, ""), "fen")]

    def add(self, step: Step) -> None:
        """Bound a step, first by intervals alone, then by orders too where those do not do."""
        faults: list[tuple[str, Range]] = []
        found = self.range(step.expr, faults, [])
        if faults:
            faults = []
            found = self.range(step.expr, faults, self.orders)
        self.unproven += [Unproven(step.name, step.label, why, low, high) for why, (low, high) in faults]
        self.known[step.name] = found
        self.defined[step.name] = step.expr

    def range(self, expr: Expr, faults: list[tuple[str, Range]], orders: list[tuple[Expr, Expr]]) -> Range:
        """Return the range of an expression; every value on the way that is not safe is added to ``faults``."""
        if isinstance(expr, Name):
            return self.known[expr.name]
        if isinstance(expr, Const):
            return expr.value, expr.value
        assert isinstance(expr, Op)
        if expr.operator == "if":
            condition, then, otherwise = expr.operands
            self.range(condition, faults, orders)
            held = [*orders, *_held(condition)] if orders else orders
            return _union(self.range(then, faults, held), self.range(otherwise, faults, orders))
        parts = [self.range(operand, faults, orders) for operand in expr.operands]
        found = _arithmetic(expr.operator, parts, faults)
        if (
            expr.operator == "-"
            and found[0] < 0
            and orders
            and self.at_most(expr.operands[1], expr.operands[0], orders, NEAR)
        ):
            found = 0, max(0, found[1])
        if found[0] < -INT64 or found[1] > INT64:
            faults.append(("可能超出 64 位整数", found))
            return max(found[0], -INT64), min(found[1], INT64)
        return found

    def at_most(self, small: Expr, great: Expr, held: list[tuple[Expr, Expr]], depth: int) -> bool:
        """Return whether ``small <= great`` is proven where the given orders hold."""
        if small == great or self.range(small, [], [])[1] <= self.range(great, [], [])[0]:
            return True
        if depth == 0:
            return False

        def less(a: Expr, b: Expr) -> bool:
            return self.at_most(a, b, held, depth - 1)

        if any(a == small and (b == great or less(b, great)) for a, b in held):
            return True
        if isinstance(small, Op) and self._by_small(small, great, less):
            return True
        if isinstance(great, Op) and self._by_great(small, great, less):
            return True
        if isinstance(small, Name) and small.name in self.defined and less(self.defined[small.name], great):
            return True
        return isinstance(great, Name) and great.name in self.defined and less(small, self.defined[great.name])

    def _by_small(self, small: Op, great: Expr, less: Callable[[Expr, Expr], bool]) -> bool:
        """Return whether the shape of the smaller side shows the order."""
        parts = small.operands
        match small.operator:
            case "min":
                return less(parts[0], great) or less(parts[1], great)
            case "max":
                return less(parts[0], great) and less(parts[1], great)
            case "if":
                return less(parts[1], great) and less(parts[2], great)
            case "-":
                return self.range(parts[1], [], [])[0] >= 0 and less(parts[0], great)
            case "half_up":
                same = isinstance(great, Op) and great.operator == "half_up" and great.operands[1] == parts[1]
                return same and isinstance(great, Op) and less(parts[0], great.operands[0])
        return False

    def _by_great(self, small: Expr, great: Op, less: Callable[[Expr, Expr], bool]) -> bool:
        """Return whether the shape of the greater side shows the order."""
        parts = great.operands
        match great.operator:
            case "max":
                return less(small, parts[0]) or less(small, parts[1])
            case "min":
                return less(small, parts[0]) and less(small, parts[1])
            case "if":
                return less(small, parts[1]) and less(small, parts[2])
            case "+":
                return any(self.range(parts[1 - i], [], [])[0] >= 0 and less(small, parts[i]) for i in (0, 1))
            case "-":
                return small == ZERO and less(parts[1], parts[0])
        return False


def _fact_range(fact: str) -> Range:
    if fact.startswith(("a.", "c.", "last.")):
        return FLAG
    if fact.startswith("share."):
        return 0, SHARE
    return (0, COUNT) if fact == "category" else (0, AMOUNT)


def _held(condition: Expr) -> list[tuple[Expr, Expr]]:
    """Return the orders that hold where a condition does."""
    if not isinstance(condition, Op):
        return []
    if condition.operator in ("<", "<="):
        return [(condition.operands[0], condition.operands[1])]
    if condition.operator == "and":
        return [*_held(condition.operands[0]), *_held(condition.operands[1])]
    return []


def _union(a: Range, b: Range) -> Range:
    return min(a[0], b[0]), max(a[1], b[1])


def _arithmetic(operator: str, parts: list[Range], faults: list[tuple[str, Range]]) -> Range:
    """Return the range of an operation from the ranges of its operands."""
    (a, b), (c, d) = parts
    match operator:
        case "+":
            return a + c, b + d
        case "-":
            return a - d, b - c
        case "*":
            corners = (a * c, a * d, b * c, b * d)
            return min(corners), max(corners)
        case "min":
            return min(a, c), min(b, d)
        case "max":
            return max(a, c), max(b, d)
        case "half_up":
            return _half_up((a, b), (c, d), faults)
    return FLAG


def _half_up(numerator: Range, denominator: Range, faults: list[tuple[str, Range]]) -> Range:
    """Return the range of a rounded quotient; the evaluators compute ``(2 n + d) // (2 d)``."""
    if numerator[0] < 0:
        faults.append(("可能对负数四舍五入", numerator))
    if denominator[0] <= 0:
        faults.append(("除数可能不是正数", denominator))
    if 2 * numerator[1] + denominator[1] > INT64:
        faults.append(("可能超出 64 位整数", (2 * numerator[0], 2 * numerator[1] + denominator[1])))
    least, most = max(1, denominator[0]), max(1, denominator[1])
    low, high = max(0, numerator[0]), max(0, numerator[1])
    return (2 * low + most) // (2 * most), (2 * high + least) // (2 * least)

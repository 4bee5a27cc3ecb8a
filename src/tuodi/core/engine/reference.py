"""The reference evaluator: slow, obvious, one step at a time, exact rationals. The others are held against it."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from tuodi.core.engine.steps import Const, Expr, Name, Op, Program


def value_of(expr: Expr, known: Mapping[str, Fraction]) -> Fraction:
    """Return the value of an expression, every name in it being known."""
    if isinstance(expr, Const):
        return Fraction(expr.value)
    if isinstance(expr, Name):
        return known[expr.name]
    assert isinstance(expr, Op)
    values = [value_of(operand, known) for operand in expr.operands]
    match expr.operator:
        case "+":
            return values[0] + values[1]
        case "-":
            return values[0] - values[1]
        case "*":
            return values[0] * values[1]
        case "min":
            return min(values)
        case "max":
            return max(values)
        case "<":
            return Fraction(values[0] < values[1])
        case "<=":
            return Fraction(values[0] <= values[1])
        case "==":
            return Fraction(values[0] == values[1])
        case "and":
            return Fraction(all(values))
        case "or":
            return Fraction(any(values))
        case "if":
            return values[1] if values[0] else values[2]
        case "half_up":
            return nearest_half_up(values[0] / values[1])
    raise AssertionError(expr.operator)


def nearest_half_up(value: Fraction) -> Fraction:
    """Return the nearest whole number, a half going up; never asked of a negative."""
    assert value >= 0, value
    whole = value.numerator // value.denominator
    return Fraction(whole + (value - whole >= Fraction(1, 2)))


def evaluate(program: Program, known: Mapping[str, int]) -> dict[str, int]:
    """Return every step's value, given facts (``name``), figures (``p.layer.name``) and remembered totals (slot names).

    All results are whole; anything else is our mistake.
    """
    values = {name: Fraction(value) for name, value in known.items()}
    for step in program.steps:
        values[step.name] = value_of(step.expr, values)
    out = {}
    for step in program.steps:
        value = values[step.name]
        assert value.denominator == 1, (step.name, value)
        out[step.name] = int(value)
    return out

"""From steps to source: the scalar function, the trace and the kernel are the same program written out three times.

The generated text is plain Python; :mod:`tuodi.batch.kernel` hands the kernel's text to Numba. Names become ``v0``,
``v1`` … in order of appearance, so nothing from a pack can ever be executed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

from tuodi.core.engine.steps import Const, Expr, Name, Op, Program

INFIX = {"+": "+", "-": "-", "*": "*", "<": "<", "<=": "<=", "==": "==", "and": "and", "or": "or"}


def source_of(expr: Expr, names: dict[str, str], places: Iterator[int] | None = None) -> str:
    """Return an expression as Python source over the given local names; ``x0``, ``x1`` … hold what is compared and then given.

    The smaller and greater of two values are written out: a call costs more than all the rest of a step.
    """
    if isinstance(expr, Const):
        return str(expr.value)
    if isinstance(expr, Name):
        return names[expr.name]
    assert isinstance(expr, Op)
    places = count() if places is None else places
    parts = [source_of(operand, names, places) for operand in expr.operands]
    if expr.operator in INFIX:
        return f"({parts[0]} {INFIX[expr.operator]} {parts[1]})"
    if expr.operator == "if":
        return f"({parts[1]} if {parts[0]} else {parts[2]})"
    if expr.operator == "half_up":
        return f"((2 * {parts[0]} + {parts[1]}) // (2 * {parts[1]}))"
    (one, one_again), (other, other_again) = (_held(part, places) for part in parts)
    return f"({one_again} if {one} {'<' if expr.operator == 'min' else '>'} {other} else {other_again})"


def _held(text: str, places: Iterator[int]) -> tuple[str, str]:
    """Return source that gives a value the first time, and the second; anything but a name or number is kept for that."""
    if text.isalnum():
        return text, text
    name = f"x{next(places)}"
    return f"({name} := {text})", name


def local_names(program: Program) -> dict[str, str]:
    """Return a local variable for every fact, figure, slot and step."""
    names: dict[str, str] = {}
    for name in program.facts:
        names[name] = f"f{len(names)}"
    for layer in program.layers:
        for figure in program.figures[layer]:
            names[f"p.{layer}.{figure}"] = f"p{len(names)}"
    for slot in program.slots:
        names[slot.name] = f"s{len(names)}"
    for step in program.steps:
        names[step.name] = f"v{len(names)}"
    return names


def tuple_of(parts: Sequence[str]) -> str:
    """Return source of a tuple, also of one or none."""
    return "(" + "".join(f"{part}, " for part in parts) + ")"


def event_source(program: Program, returned: Sequence[str]) -> str:
    """Return source of ``event(f, p, s)``: facts, figures by layer, slots in; ``returned`` steps and new slots out."""
    names = local_names(program)
    lines = ["def event(f, p, s):"]
    if program.facts:
        lines.append(f"    {tuple_of([names[n] for n in program.facts])} = f")
    for i, layer in enumerate(program.layers):
        figures = [names[f"p.{layer}.{figure}"] for figure in program.figures[layer]]
        if figures:
            lines.append(f"    {tuple_of(figures)} = p[{i}]")
    if program.slots:
        lines.append(f"    {tuple_of([names[slot.name] for slot in program.slots])} = s")
    for step in program.steps:
        lines.append(f"    {names[step.name]} = {source_of(step.expr, names)}")
    values = tuple_of([names[name] for name in returned])
    slots = tuple_of([names[program.writes.get(slot.name, slot.name)] for slot in program.slots])
    lines.append(f"    return {values}, {slots}")
    return "\n".join(lines) + "\n"


Event = Callable[[Sequence[int], Sequence[Sequence[int]], Sequence[int]], tuple[tuple[int, ...], tuple[int, ...]]]


def compile_event(program: Program, returned: Sequence[str]) -> Event:
    """Return the function of :func:`event_source`; flags among the results are Python bools or ints, equal as numbers."""
    scope: dict[str, Any] = {"__builtins__": {}}
    exec(compile(event_source(program, returned), "<steps>", "exec"), scope)  # noqa: S102  our own text of steps, without builtins
    made: Event = scope["event"]
    return made


def compile_scalar(program: Program) -> Event:
    """Return the function that gives each layer's outputs only, layer by layer in the order of ``program.outputs``."""
    return compile_event(program, scalar_outputs(program))


def scalar_outputs(program: Program) -> list[str]:
    """Return the steps that the scalar function gives, flat."""
    return [name for layer in program.layers for name in program.outputs[layer].values()]


def compile_trace(program: Program) -> Event:
    """Return the function that gives every step's value, in the order of the steps."""
    return compile_event(program, [step.name for step in program.steps])

"""The kernel: the steps of a plan as one branch-free loop over person-sorted columns, compiled by Numba.

The text of the loop is generated from the same :class:`Program` as the scalar function and the trace. One call runs a
stretch of rows that begins and ends between two units (persons, or households where totals are a household's); stretches run
on threads, the interpreter lock released. A compiled kernel is kept on disk under the digest of its text, so that a plan is
compiled once per machine.

The loop remembers the latest period of each bucket only. Where an earlier one comes back (a late bill under a year of
discharge, a stay settled twice with other care between), the unit's rows are computed again with all its periods remembered.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from tuodi.core.engine.codegen import compile_event, local_names
from tuodi.core.engine.plan import Plan, share_of
from tuodi.core.engine.steps import Bucket, Const, Expr, Name, Op, Program

INFIX = {"+": "+", "-": "-", "*": "*", "<": "<", "<=": "<=", "==": "==", "and": "&", "or": "|"}
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Columns:
    """Person-sorted events: amounts in fen, figure rows by layer, period keys, flags."""

    unit: Array
    amounts: dict[str, Array]
    category: Array
    rows: list[Array]
    keys: dict[str, Array]
    declined: Array
    last: dict[str, Array]

    def __len__(self) -> int:
        return len(self.unit)


@dataclass(frozen=True)
class Kernel:
    """A compiled loop and the order of its arguments."""

    run: Callable[..., None]
    plan: Plan
    outputs: tuple[str, ...]
    amounts: tuple[str, ...]
    keys: tuple[str, ...]
    last: tuple[str, ...]


def _source(expr: Expr, names: dict[str, str]) -> str:
    if isinstance(expr, Const):
        return str(expr.value)
    if isinstance(expr, Name):
        return names[expr.name]
    assert isinstance(expr, Op)
    parts = [_source(operand, names) for operand in expr.operands]
    if expr.operator in INFIX:
        return f"({parts[0]} {INFIX[expr.operator]} {parts[1]})"
    if expr.operator == "if":
        return f"({parts[1]} if {parts[0]} else {parts[2]})"
    if expr.operator == "half_up":
        return f"((2 * {parts[0]} + {parts[1]}) // (2 * {parts[1]}))"
    return f"{expr.operator}({parts[0]}, {parts[1]})"


def unit_of(program: Program) -> str:
    """Return whose totals the kernel keeps: ``person``, ``household``, or ``mixed`` (which it does not run)."""
    units = {bucket.unit for bucket in program.buckets}
    return "mixed" if len(units) > 1 else next(iter(units), "person")


def amount_facts(program: Program) -> tuple[str, ...]:
    """Return the facts that are amounts of the bill."""
    return tuple(f for f in program.facts if "." not in f and f != "category")


def kernel_source(plan: Plan, outputs: Sequence[str]) -> str:
    """Return the text of the loop: ``run(start, stop, unit, category, declined, rows…, tables…, covered…, keys…, …)``."""
    program, names = plan.program, local_names(plan.program)
    last = [fact for fact in program.facts if fact.startswith("last.")]
    keys = key_names(program)
    arguments = ["start", "stop", "unit", "category", "declined"]
    arguments += [f"A{i}" for i in range(len(amount_facts(program)))]
    for i in range(len(plan.layers)):
        arguments += [f"R{i}", f"T{i}", f"C{i}"]
    arguments += [f"K{i}" for i in range(len(keys))] + [f"L{i}" for i in range(len(last))]
    arguments += [f"O{i}" for i in range(len(outputs))]
    lines = [
        "import numba", "", "", "@numba.njit(nogil=True, cache=True, error_model='numpy', boundscheck=False)",
        f"def run({', '.join(arguments)}):", "    previous = -1",
    ]  # fmt: skip
    slots = {slot.name: f"m{i}" for i, slot in enumerate(program.slots)}
    lines += [f"    {slot} = 0" for slot in slots.values()]
    lines += [f"    b{i} = -1" for i in range(len(program.buckets))]
    lines += ["    for i in range(start, stop):", "        fresh = unit[i] != previous", "        previous = unit[i]"]
    lines += _loads(plan, names, keys, last)
    for step in program.steps:
        lines.append(f"        {names[step.name]} = {_source(step.expr, names)}")
    for i, name in enumerate(outputs):
        lines.append(f"        O{i}[i] = {names[name]}")
    lines += _stores(program, names, slots)
    return "\n".join(lines) + "\n"


def key_names(program: Program) -> tuple[str, ...]:
    """Return the period keys that the buckets read, ``once`` apart."""
    return tuple(dict.fromkeys(bucket.period for bucket in program.buckets if bucket.period != "once"))


def _loads(plan: Plan, names: dict[str, str], keys: tuple[str, ...], last: list[str]) -> list[str]:
    program = plan.program
    lines = [f"{names[fact]} = A{i}[i]" for i, fact in enumerate(amount_facts(program))]
    if "category" in program.facts:
        lines.append(f"{names['category']} = category[i]")
    for i, layer in enumerate(plan.layers):
        lines.append(f"r{i} = R{i}[i]")
        if f"a.{layer.id}" in program.facts:
            lines.append(f"{names[f'a.{layer.id}']} = r{i} > 0")
        if f"c.{layer.id}" in program.facts:
            lines.append(f"{names[f'c.{layer.id}']} = C{i}[r{i}] > 0")
        for column, figure in enumerate(program.figures[layer.id]):
            lines.append(f"{names[f'p.{layer.id}.{figure}']} = T{i}[r{i}, {column}]")
        if f"share.{layer.id}" in program.facts:
            share = share_of(layer, declined=True)
            lines.append(f"{names[f'share.{layer.id}']} = ({share} if declined[i] else 10000)")
    lines += [f"{names[fact]} = L{i}[i] > 0" for i, fact in enumerate(last)]
    for i, bucket in enumerate(program.buckets):
        key = "1" if bucket.period == "once" else f"K{keys.index(bucket.period)}[i]"
        own = [slot.name for slot in program.slots if slot.bucket == bucket.name]
        lines += [f"k{i} = {key}", f"h{i} = (k{i} == b{i}) & (not fresh)"]
        lines += [f"{names[slot]} = (m{_index(program, slot)} if h{i} else 0)" for slot in own]
    return [f"        {line}" for line in lines]


def _index(program: Program, slot: str) -> int:
    return [s.name for s in program.slots].index(slot)


def _stores(program: Program, names: dict[str, str], slots: dict[str, str]) -> list[str]:
    lines = []
    order = list(program.layers)
    for i, bucket in enumerate(program.buckets):
        mask = " | ".join(f"(r{order.index(layer)} > 0)" for layer in bucket.layers)
        lines += [f"w{i} = {mask}", f"b{i} = k{i} if w{i} else (-1 if fresh else b{i})"]
        for slot in program.slots:
            if slot.bucket == bucket.name:
                new = names[program.writes.get(slot.name, slot.name)]
                lines.append(f"{slots[slot.name]} = ({new} if w{i} else {slots[slot.name]})")
    return [f"        {line}" for line in lines]


def cache_folder() -> Path:
    """Return where compiled kernels are kept: ``TUODI_CACHE``, else the user's cache folder."""
    named = os.environ.get("TUODI_CACHE")
    root = Path(named) if named else Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tuodi"
    return root / "kernels"


def compile_kernel(plan: Plan, outputs: Sequence[str] | None = None) -> Kernel:
    """Return the compiled loop; ``outputs`` default to every layer's six amounts."""
    program = plan.program
    assert unit_of(program) != "mixed"
    wanted = tuple(outputs or [name for layer in program.layers for name in program.outputs[layer].values()])
    text = kernel_source(plan, wanted)
    name = f"kernel_{hashlib.sha256(text.encode()).hexdigest()[:24]}"
    module = sys.modules.get(name) or _import(text, name)
    last = tuple(fact for fact in program.facts if fact.startswith("last."))
    return Kernel(module.run, plan, wanted, amount_facts(program), key_names(program), last)


def _import(text: str, name: str) -> Any:
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.py"
    if not path.exists():
        draft = folder / f".{name}.{os.getpid()}"
        draft.write_text(text, "utf-8")
        draft.replace(path)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def stretches(unit: Array, count: int) -> list[tuple[int, int]]:
    """Return ``count`` row ranges of about equal size that never cut a unit in two."""
    edges = [0]
    for part in range(1, count):
        at = len(unit) * part // count
        while 0 < at < len(unit) and unit[at] == unit[at - 1]:
            at += 1
        edges.append(max(at, edges[-1]))
    edges.append(len(unit))
    return [(a, b) for a, b in pairwise(edges) if a < b]


def run_kernel(kernel: Kernel, columns: Columns, *, threads: int = 2, out: list[Array] | None = None) -> dict[str, Array]:
    """Return each output step as a column of fen."""
    size = len(columns)
    results = out or [np.empty(size, np.int64) for _ in kernel.outputs]
    arguments = [columns.unit, columns.category, columns.declined]
    arguments += [columns.amounts[name] for name in kernel.amounts]
    for rows, (table, covered) in zip(columns.rows, tables(kernel.plan), strict=True):
        arguments += [rows, table, covered]
    arguments += [columns.keys[name] for name in kernel.keys]
    arguments += [columns.last[name] for name in kernel.last]
    parts = stretches(columns.unit, threads)
    if len(parts) == 1:
        kernel.run(*parts[0], *arguments, *results)
    elif parts:
        with ThreadPoolExecutor(len(parts)) as pool:
            for done in [pool.submit(kernel.run, a, b, *arguments, *results) for a, b in parts]:
                done.result()
    found = dict(zip(kernel.outputs, results, strict=True))
    _remember_all(kernel, columns, found)
    return found


def _may_return(plan: Plan, bucket: Bucket) -> bool:
    """Say whether a period of a bucket can come back after another: years of settlement, for one, only ascend."""
    if bucket.period == "year" or (bucket.period.startswith("application:") and bucket.unit == "person"):
        return plan.pack.year_of != "settlement"
    return bucket.period != "once"


def _returning(plan: Plan, columns: Columns) -> Array:
    """Return the units in which a period that was written before is written again after another."""
    found = [np.empty(0, columns.unit.dtype)]
    order = list(plan.program.layers)
    for bucket in plan.program.buckets:
        if not _may_return(plan, bucket):
            continue
        at = np.flatnonzero(np.any([columns.rows[order.index(layer)] > 0 for layer in bucket.layers], axis=0))
        unit, key = columns.unit[at], columns.keys[bucket.period][at]
        begins = np.append(True, (unit[1:] != unit[:-1]) | (key[1:] != key[:-1]))[: len(at)]
        unit, key = unit[begins], key[begins]
        by_key = np.lexsort((key, unit))
        unit, key = unit[by_key], key[by_key]
        found.append(unit[1:][(unit[1:] == unit[:-1]) & (key[1:] == key[:-1])])
    return np.unique(np.concatenate(found))


def _remember_all(kernel: Kernel, columns: Columns, results: dict[str, Array]) -> None:
    """Compute the units of :func:`_returning` again, event by event, with every period remembered (``fold``)."""
    units = _returning(kernel.plan, columns)
    if not len(units):
        return
    plan, program = kernel.plan, kernel.plan.program
    event, held = compile_event(program, kernel.outputs), tables(plan)
    remembered: dict[tuple[str, int, int], dict[str, int]] = {}
    for i in np.flatnonzero(np.isin(columns.unit, units)):
        rows = [int(column[i]) for column in columns.rows]
        known = {name: int(column[i]) for name, column in (*columns.amounts.items(), *columns.last.items())}
        known["category"] = int(columns.category[i])
        for layer, row, (_, covered) in zip(plan.layers, rows, held, strict=True):
            known |= {f"a.{layer.id}": int(row > 0), f"c.{layer.id}": int(covered[row])}
            if f"share.{layer.id}" in program.facts:
                known[f"share.{layer.id}"] = share_of(layer, declined=bool(columns.declined[i]))
        state = {slot.name: 0 for slot in program.slots}
        keys = {b.name: (b.name, int(columns.unit[i]), 1 if b.period == "once" else int(columns.keys[b.period][i])) for b in program.buckets}
        for key in keys.values():
            state |= remembered.get(key, {})
        figures = [plan.tables[n][row] for n, row in enumerate(rows)]
        values, slots = event([known[name] for name in program.facts], figures, list(state.values()))
        after = dict(zip(state, slots, strict=True))
        for bucket in program.buckets:
            if any(row for layer, row in zip(program.layers, rows, strict=True) if layer in bucket.layers):
                remembered[keys[bucket.name]] = {s.name: after[s.name] for s in program.slots if s.bucket == bucket.name}
        for name, value in zip(kernel.outputs, values, strict=True):
            results[name][i] = value


def tables(plan: Plan) -> list[tuple[Array, Array]]:
    """Return each layer's figure table and which of its rows belong to covered settlements."""
    out = []
    for i, rows in enumerate(plan.tables):
        width = len(plan.program.figures[plan.layers[i].id])
        table = np.array(rows, np.int64).reshape(len(rows), width)
        covered = np.ones(len(rows), np.int64)
        covered[0] = 0
        for key, row in plan.row_index[i].items():
            if key[0] == "silent":
                covered[row] = 0
        out.append((np.ascontiguousarray(table), covered))
    return out

"""The kernel: the steps of a plan as one branch-free loop over person-sorted columns, compiled by Numba.

The text of the loop comes from the same :class:`Program` as the scalar function and the trace (:mod:`.kernel_text`). One call runs a
stretch of rows that begins and ends between two units (persons, or households where totals are a household's); stretches run
on threads, the interpreter lock released. A compiled kernel is kept on disk under the digest of its text, so that a plan is
compiled once per machine.

The loop remembers the latest period of each bucket only. Where an earlier one comes back (a late bill under a year of
discharge, a stay settled twice with other care between), the unit's rows are computed again with all its periods remembered.
"""

from __future__ import annotations

import errno
import hashlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from tuodi.batch.kernel_text import KernelText, amount_facts, key_names, last_facts
from tuodi.core.engine.codegen import compile_event
from tuodi.core.engine.decide import share_of
from tuodi.core.engine.plan import Plan
from tuodi.core.engine.steps import Bucket, Program

__all__ = [
    "Choice", "Columns", "Kernel", "amount_facts", "compile_kernel", "kernel_source", "key_names", "run_kernel", "unit_of",
]  # fmt: skip

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Choice:
    """What an event's decision comes to for the steps: each layer's row of figures (0: it does not look), category, declined."""

    rows: tuple[int, ...]
    category: int
    declined: bool = False


@dataclass(frozen=True)
class Columns:
    """Person-sorted events: amounts in fen, which of ``choices`` each has, period keys, flags of last events."""

    unit: Array
    amounts: dict[str, Array]
    choice: Array
    choices: list[Choice]
    keys: dict[str, Array]
    last: dict[str, Array] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.unit)

    def of_choice(self, values: Sequence[int] | Sequence[bool], dtype: Any) -> Array:
        """Return a value given for each choice as a column."""
        return np.array(values, dtype)[self.choice]


@dataclass(frozen=True)
class Kernel:
    """A compiled loop and the order of its arguments."""

    run: Callable[..., None]
    plan: Plan
    outputs: tuple[str, ...]
    amounts: tuple[str, ...]
    keys: tuple[str, ...]
    last: tuple[str, ...]

    @cached_property
    def text(self) -> KernelText:
        """What the loop was written from."""
        return KernelText(self.plan.program, self.outputs)

    def warm(self) -> None:
        """Compile the loop, or load it, before the first events are there."""
        none = np.zeros(0, np.int64)
        keys = {name: none.astype(np.int16 if name == "year" else np.int64) for name in self.keys}
        last = {name: none.astype(np.int8) for name in self.last}
        columns = Columns(none, dict.fromkeys(self.amounts, none), none.astype(np.uint32), [], keys, last)
        table = choice_table(self, [])
        self.run(none, columns.choice, table, *arguments_of(self, columns), *(none for _ in self.outputs))


def unit_of(program: Program) -> str:
    """Return whose totals the kernel keeps: ``person``, ``household``, or ``mixed`` (which it does not run)."""
    units = {bucket.unit for bucket in program.buckets}
    return "mixed" if len(units) > 1 else next(iter(units), "person")


def kernel_source(plan: Plan, outputs: Sequence[str]) -> str:
    """Return the text of the loop."""
    return KernelText(plan.program, tuple(outputs)).source


def cache_folder() -> Path:
    """Return where compiled kernels are kept: ``TUODI_CACHE``, else the user's cache folder, if that takes files."""
    named = os.environ.get("TUODI_CACHE")
    root = Path(named) if named else Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tuodi"
    return root / "kernels"


def compile_kernel(plan: Plan, outputs: Sequence[str] | None = None) -> Kernel:
    """Return the compiled loop; ``outputs`` default to every layer's six amounts."""
    program = plan.program
    assert unit_of(program) != "mixed"
    wanted = tuple(
        dict.fromkeys(outputs or [name for layer in program.layers for name in program.outputs[layer].values()])
    )
    text = kernel_source(plan, wanted)
    name = f"kernel_{hashlib.sha256(text.encode()).hexdigest()[:24]}"
    module = sys.modules.get(name) or _import(text, name)
    return Kernel(module.run, plan, wanted, amount_facts(program), key_names(program), last_facts(program))


@cache
def passing_folder() -> tempfile.TemporaryDirectory[str]:
    """Return a folder for the kernels of this process alone, for whoever has no place to keep them; gone at its end."""
    return tempfile.TemporaryDirectory(prefix="tuodi-kernels-")


def _kept(text: str, name: str, folder: Path) -> Path:
    """Return the file of a loop in a folder, written if it is not there yet; ``OSError`` if the folder takes no files."""
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK | os.X_OK):  # what is compiled is kept beside the text
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
    path = folder / f"{name}.py"
    if not path.exists():
        draft = folder / f".{name}.{os.getpid()}"
        draft.write_text(text, "utf-8")
        draft.replace(path)
    return path


def _import(text: str, name: str) -> Any:
    try:
        path = _kept(text, name, cache_folder())
    except (OSError, RuntimeError):  # RuntimeError: the user has no home at all
        if os.environ.get("TUODI_CACHE"):  # who names a folder wants to know that it is of no use
            raise
        path = _kept(text, name, Path(passing_folder().name))
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


def run_kernel(
    kernel: Kernel, columns: Columns, *, threads: int = 2, out: list[Array] | None = None
) -> dict[str, Array]:
    """Return each output step as a column of fen; ``out`` are columns to write to, as many as the kernel has outputs."""
    results = out or [np.empty(len(columns), np.int64) for _ in kernel.outputs]
    table = choice_table(kernel, columns.choices)
    read = arguments_of(kernel, columns)

    def work(a: int, b: int) -> None:
        kernel.run(columns.unit[a:b], columns.choice[a:b], table, *(column[a:b] for column in (*read, *results)))

    parts = stretches(columns.unit, threads)
    if len(parts) == 1:
        work(*parts[0])
    elif parts:
        with ThreadPoolExecutor(len(parts)) as pool:
            for done in [pool.submit(work, a, b) for a, b in parts]:
                done.result()
    found = dict(zip(kernel.outputs, results, strict=True))
    _remember_all(kernel, columns, found)
    return found


def arguments_of(kernel: Kernel, columns: Columns) -> list[Array]:
    """Return the columns that the loop reads beside units and choices, in its order."""
    read = [columns.amounts[name] for name in kernel.amounts]
    read += [columns.keys[name] for name in kernel.keys]
    return read + [columns.last[name] for name in kernel.last]


def choice_table(kernel: Kernel, choices: Sequence[Choice]) -> Array:
    """Return what the loop reads of each choice, a row each."""
    rows = [kernel.text.row(known_of(kernel.plan, choice)) for choice in choices]
    return np.array(rows, np.int64).reshape(len(choices), len(kernel.text.columns))


def known_of(plan: Plan, choice: Choice) -> dict[str, int]:
    """Return the facts and figures of a choice by name, flags as 0 and 1."""
    known = {"category": choice.category}
    for i, (layer, row) in enumerate(zip(plan.layers, choice.rows, strict=True)):
        known |= {f"a.{layer.id}": int(row > 0), f"c.{layer.id}": int(row > 0 and row not in silent_rows(plan, i))}
        if f"share.{layer.id}" in plan.program.facts:
            known[f"share.{layer.id}"] = share_of(layer, declined=choice.declined)
        figures = zip(plan.program.figures[layer.id], plan.tables[i][row], strict=True)
        known |= {f"p.{layer.id}.{name}": number for name, number in figures}
    return known


def silent_rows(plan: Plan, i: int) -> set[int]:
    """Return a layer's rows that count an event and pay nothing: it is not covered."""
    return {row for key, row in list(plan.row_index[i].items()) if key[0] == "silent"}


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
        writes = [any(choice.rows[order.index(layer)] for layer in bucket.layers) for choice in columns.choices]
        at = np.flatnonzero(columns.of_choice(writes, bool))
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
    event, known_by_choice = (
        compile_event(program, kernel.outputs),
        [known_of(plan, choice) for choice in columns.choices],
    )
    remembered: dict[tuple[str, int, int], dict[str, int]] = {}
    for i in np.flatnonzero(np.isin(columns.unit, units)):
        rows = columns.choices[columns.choice[i]].rows
        known = {name: int(column[i]) for name, column in (*columns.amounts.items(), *columns.last.items())}
        known |= known_by_choice[columns.choice[i]]
        state = {slot.name: 0 for slot in program.slots}
        keys = {
            b.name: (b.name, int(columns.unit[i]), 1 if b.period == "once" else int(columns.keys[b.period][i]))
            for b in program.buckets
        }
        for key in keys.values():
            state |= remembered.get(key, {})
        figures = [plan.tables[n][row] for n, row in enumerate(rows)]
        values, slots = event([known[name] for name in program.facts], figures, list(state.values()))
        after = dict(zip(state, slots, strict=True))
        for bucket in program.buckets:
            if any(row for layer, row in zip(program.layers, rows, strict=True) if layer in bucket.layers):
                remembered[keys[bucket.name]] = {
                    s.name: after[s.name] for s in program.slots if s.bucket == bucket.name
                }
        for name, value in zip(kernel.outputs, values, strict=True):
            results[name][i] = value

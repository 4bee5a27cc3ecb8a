"""The five-layer fold over columns: against a loop that only streams them, against decimals, and a hundred million in chunks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numba
import numpy as np

from tests.benchmarks import table
from tests.benchmarks.decimal_loop import pay_all
from tests.benchmarks.facts import Array, Facts, arrays_of, columns, facts, pays, policy
from tests.benchmarks.machine import free_bytes, peak_bytes
from tests.benchmarks.table import Row
from tests.benchmarks.timing import ratio, seconds_of, side_by_side
from tuodi.batch.kernel import Columns, Kernel, compile_kernel, run_kernel, stretches

SHARE_OF_STREAM, TIMES_DECIMAL = 0.25, 50
BEYOND_COLUMNS = 2 * 2**30
CHUNK = 1_000_000


@cache
def stream_loop(inputs: int, outputs: int) -> Callable[..., None]:
    """Return a compiled loop that reads every input and writes every output, and does nothing else."""
    read = " + ".join(f"x{i}[i]" for i in range(inputs))
    names = ", ".join([*(f"x{i}" for i in range(inputs)), *(f"o{i}" for i in range(outputs))])
    lines = [f"def stream({names}):", "    for i in range(len(x0)):", f"        t = {read}"]
    lines += [f"        o{i}[i] = t + {i}" for i in range(outputs)]
    scope: dict[str, Callable[..., None]] = {}
    exec("\n".join(lines), scope)
    compiled: Callable[..., None] = numba.njit(nogil=True, boundscheck=False)(scope["stream"])
    return compiled


def stream(held: Columns, out: Sequence[Array], *, threads: int) -> None:
    """Stream the columns that the kernel reads and writes, on so many threads."""
    arrays = [*arrays_of(held), *out]
    run = stream_loop(len(arrays) - len(out), len(out))
    parts = stretches(held.unit, threads)
    with ThreadPoolExecutor(len(parts)) as pool:
        for done in [pool.submit(run, *(array[a:b] for array in arrays)) for a, b in parts]:
            done.result()


def against_stream(count: int, *, rounds: int, judged: bool) -> list[Row]:
    """Measure the fold with two threads and one, writing all amounts of every layer or only what is paid."""
    plan = policy("five_layers")
    held = columns(plan, facts(count, seed=1, changes=True))
    rows = []
    for outputs, words in ((None, "all amounts of each layer"), (pays(plan), "what each layer pays")):
        kernel = compile_kernel(plan, outputs)
        out = [np.zeros(count, np.int64) for _ in kernel.outputs]
        for threads in (2, 1):
            fold, loop = side_by_side(
                lambda k=kernel, o=out, t=threads: run_kernel(k, held, threads=t, out=o),
                lambda o=out, t=threads: stream(held, o, threads=t),
                rounds=rounds,
            )
            share = ratio(loop, fold)
            reached = share >= SHARE_OF_STREAM if judged and threads == 2 else None
            what = f"fold, five layers, {table.size(count)} settlements, {words}, {threads} thread{'s' * (threads > 1)}"
            reach = f"at least {SHARE_OF_STREAM}" if threads == 2 else ""
            beside = f"streaming the same {len(list(arrays_of(held)))} + {len(out)} columns: {table.rate(count, loop.median)}"
            rows.append(Row(what, table.rate(count, fold.median), beside, f"{share:.2f} of it", reach, reached))
    return rows


def against_decimals(count: int, *, rounds: int, judged: bool) -> Row:
    """Measure the fold against the decimal loop on the same rows; their results must be equal."""
    plan = policy("five_layers")
    found = facts(count, seed=2, changes=True)
    held, kernel = columns(plan, found), compile_kernel(plan, pays(plan))
    expected = np.array(pay_all(found), np.int64).reshape(count, -1)
    paid = np.stack(list(run_kernel(kernel, held).values()), axis=1)
    wrong = int((paid != expected).any(axis=1).sum())
    fold, loop = side_by_side(lambda: run_kernel(kernel, held, threads=2), lambda: pay_all(found), rounds=rounds)
    times = ratio(loop, fold)
    reached = times >= TIMES_DECIMAL and not wrong if judged else None
    what = f"the same, {table.size(count)} settlements, exact decimals in one process"
    beside = f"decimal loop: {table.rate(count, loop.median)}"
    return Row(
        what, table.rate(count, fold.median), beside, f"{times:.0f} times as fast", f"at least {TIMES_DECIMAL}", reached,
        note=f"{wrong} rows differ",
    )  # fmt: skip


def in_chunks(count: int, *, judged: bool, part: int = CHUNK) -> Row:
    """Fold that many settlements, held in narrow columns, chunk by chunk; count them and what is paid."""
    plan = policy("five_layers")
    held = [
        columns(plan, facts(min(part, count - at), seed=at, changes=True), narrow=True) for at in range(0, count, part)
    ]
    kernel = compile_kernel(plan)
    run_kernel(kernel, held[0])
    before = peak_bytes()
    counted: list[int] = [0, 0]
    seconds = seconds_of(lambda: count_all(kernel, held, counted))
    beyond = peak_bytes() - before
    size = sum(array.nbytes for one in held for array in arrays_of(one))
    reached = counted[0] == count and beyond < BEYOND_COLUMNS if judged else None
    beside = f"columns {table.gib(size)}; beyond them {table.gib(max(beyond, 0))}"
    return Row(
        f"{table.size(count)} five-layer settlements in memory, chunks of {table.size(part)}",
        f"{table.duration(seconds)}, {table.rate(count, seconds)}", beside, "", "counted, under 2 GiB beyond", reached,
        note=f"{counted[0]:,} settled, {counted[1] / 100:,.2f} yuan paid",
    )  # fmt: skip


def count_all(kernel: Kernel, held: Sequence[Columns], counted: list[int]) -> None:
    """Fold every chunk into the same output columns; add up settlements and what is paid."""
    paying = {names["pay"] for names in kernel.plan.program.outputs.values()}
    out = [np.zeros(max(map(len, held)), np.int64) for _ in kernel.outputs]
    counted[:] = [0, 0]
    for one in held:
        results = run_kernel(kernel, one, threads=2, out=[column[: len(one)] for column in out])
        counted[0] += len(one)
        counted[1] += sum(int(results[name].sum()) for name in paying)


def fitting(count: int, *, bytes_each: int = 80) -> int:
    """Return the count, halved if the memory that is free now would get short."""
    return count if not free_bytes() or free_bytes() > count * bytes_each + 6 * 2**30 else count // 2


__all__ = ["Facts", "against_decimals", "against_stream", "fitting", "in_chunks", "stream"]

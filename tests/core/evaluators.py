"""One history through every evaluator: what each of them says for every step of every event, side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import polars as pl
from strategies import History

from tuodi.batch.columns import APPLICATIONS, IDENTITIES, SETTLEMENTS
from tuodi.batch.events import decide, household_of
from tuodi.batch.kernel import (
    Kernel,
    amount_facts,
    kernel_source,
    key_names,
    run_kernel,
    unit_of,
)
from tuodi.batch.values import normalised_types
from tuodi.core.engine.fold import EventResult, fold, trace
from tuodi.core.engine.plan import Plan
from tuodi.core.engine.reference import evaluate
from tuodi.core.identities import IdentityRecord
from tuodi.core.settlements import Settlement

FIELDS = {"brdy": "birth"}
RECORD_FIELDS = {"begin": "first", "end": "last"}
OWN = {"designated": pl.Boolean(), "assistance_designated": pl.Boolean(), "diag_others": pl.String()}


def frame_of(settlements: Sequence[Settlement]) -> pl.DataFrame:
    """Return settlements as the reader hands them out, with what the institutions file adds."""
    types = {**normalised_types(SETTLEMENTS), **OWN}
    given = {
        "refd_setl_flag": [False] * len(settlements),
        "certno": [""] * len(settlements),
        "row": range(len(settlements)),
    }
    return pl.DataFrame(
        {
            name: pl.Series(
                given[name] if name in given else [getattr(s, FIELDS.get(name, name)) for s in settlements],
                dtype=dtype,
            )
            for name, dtype in types.items()
        }
    )


def identity_frame(records: Sequence[IdentityRecord]) -> pl.DataFrame:
    """Return identity records as the reader hands them out."""
    types = normalised_types(IDENTITIES)
    given = {**dict.fromkeys(("certno", "recorded_under"), [""] * len(records)), "row": range(len(records))}
    return pl.DataFrame(
        {
            name: pl.Series(
                given[name] if name in given else [getattr(r, RECORD_FIELDS.get(name, name)) for r in records],
                dtype=dtype,
            )
            for name, dtype in types.items()
        }
    )


def application_frame(history: History) -> pl.DataFrame:
    """Return applications as the reader hands them out."""
    types = {name: dtype for name, dtype in normalised_types(APPLICATIONS).items() if name != "row"}
    return pl.DataFrame([{name: getattr(a, name) for name in types} for a in history.applications], schema=types)


def folded(plan: Plan, history: History, *, reference: bool = False) -> list[EventResult]:
    """Return the fold of a history."""
    return fold(plan, history.settlements, history.identities, history.applications, reference=reference)


def known_of(plan: Plan, result: EventResult) -> dict[str, int]:
    """Return what the steps of a computed event start from: facts, figures and remembered totals."""
    known = {**result.facts, **result.before}
    for i, (layer, choice) in enumerate(zip(plan.layers, result.decision.layers, strict=True)):
        row = choice.row if any(found.layer == layer.id for found in result.layers) else 0
        known |= {
            f"p.{layer.id}.{name}": n
            for name, n in zip(plan.program.figures[layer.id], plan.tables[i][row], strict=True)
        }
    return known


def by_reference(plan: Plan, results: list[EventResult]) -> dict[str, dict[str, int]]:
    """Return every step's value by the slow evaluator, for each settlement."""
    return {r.settlement.setl_id: evaluate(plan.program, known_of(plan, r)) for r in results}


def by_trace(plan: Plan, results: list[EventResult]) -> dict[str, dict[str, int]]:
    """Return every step's value by the trace, for each settlement."""
    return {r.settlement.setl_id: trace(plan, r) for r in results}


def plain_kernel(plan: Plan, outputs: Sequence[str]) -> Kernel:
    """Return the kernel's own text run as plain Python: slow, but there is nothing to compile for a policy used once."""
    text = kernel_source(plan, outputs)
    lines = [line for line in text.splitlines() if not line.startswith(("import numba", "from numba", "@numba"))]
    scope: dict[str, Any] = {"int64": int, "uint64": int}
    exec(compile("\n".join(lines), "<kernel>", "exec"), scope)
    last = tuple(fact for fact in plan.program.facts if fact.startswith("last."))
    return Kernel(scope["run"], plan, tuple(outputs), amount_facts(plan.program), key_names(plan.program), last)


def by_kernel(
    plan: Plan,
    history: History,
    make: Callable[[Plan, Sequence[str]], Kernel],
    outputs: Sequence[str] = (),
    *,
    threads: int = 2,
) -> dict[str, dict[str, int]]:
    """Return the values of steps (all by default) by a kernel, for each settlement."""
    order = ["household" if unit_of(plan.program) == "household" else "psn_no", "setl_time", "setl_id"]
    frame = frame_of(history.settlements)
    if order[0] == "household":
        frame = frame.with_columns(household_of(frame))
    events = decide(plan, frame.sort(order), identity_frame(history.identities), application_frame(history))
    steps = outputs or [step.name for step in plan.program.steps]
    columns = run_kernel(make(plan, steps), events.columns, threads=threads)
    return {
        setl_id: {name: int(columns[name][i]) for name in steps}
        for i, setl_id in enumerate(events.frame["setl_id"].to_list())
    }

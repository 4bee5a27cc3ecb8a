"""From the kernel's columns to entries: one row for each event and layer that paid, refused or was cut."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from tuodi.batch.events import Events
from tuodi.batch.windows import NONE
from tuodi.core.engine.fold import EventResult, clauses_of, due_windows, readings_of
from tuodi.core.engine.plan import Plan
from tuodi.core.policy.model import Layer

Array = np.ndarray[Any, Any]
AMOUNTS = ("base", "deductible", "counted", "entitled", "cut", "pay")
SCHEMA = {
    "psn_no": pl.String, "setl_id": pl.String, "setl_time": pl.Datetime("us"), "layer": pl.String, "category": pl.String,
    "identity": pl.String, **dict.fromkeys(AMOUNTS, pl.Int64), "due_on": pl.Date, "fund": pl.String, "clauses": pl.String,
    "readings": pl.String, "refusal": pl.String,
}  # fmt: skip


def entries_of(plan: Plan, events: Events, results: dict[str, Array]) -> pl.DataFrame:
    """Return the entries of a chunk in folding order, layers in the pack's order; amounts in fen."""
    parts = [_refusals(plan, events)]
    for i, layer in enumerate(plan.layers):
        if layer.pays == "maf_pay":
            parts.append(_layer(plan, events, results, i, layer))
    return pl.concat(parts).sort("n", "layer_number").drop("n", "layer_number")


def _layer(plan: Plan, events: Events, results: dict[str, Array], i: int, layer: Layer) -> pl.DataFrame:
    names = plan.program.outputs[layer.id]
    pay, cut = results[names["pay"]], results[names["cut"]]
    at = np.flatnonzero((pay != 0) | (cut != 0))
    decision = events.decision[at]
    state = 2 * (cut[at] != 0) + (events.declined[at] != 0)
    kinds, kind = np.unique(decision * 4 + state, return_inverse=True)
    texts = [
        _texts(plan, events, i, layer, int(k) // 4, cut=bool(int(k) % 4 // 2), declined=bool(int(k) % 2)) for k in kinds
    ]
    frame = _frame(events, at, layer_number=i + 1)
    amounts = {name: results[names[name]][at] for name in AMOUNTS}
    waived = amounts["counted"] + amounts["deductible"] > amounts["base"]
    clauses, readings = (pl.Series([t[n] for t in texts], dtype=pl.String) for n in (0, 1))
    return frame.with_columns(
        layer=pl.lit(layer.id),
        **{name: pl.Series(values) for name, values in amounts.items()},
        due_on=pl.Series(_due(plan, events, i, layer, at, waived=waived).astype(np.int32)).cast(pl.Date),
        fund=pl.lit(layer.fund),
        clauses=clauses.gather(kind) if len(kind) else pl.Series([], dtype=pl.String),
        readings=readings.gather(kind) if len(kind) else pl.Series([], dtype=pl.String),
        refusal=pl.lit(""),
    ).select("n", "layer_number", *SCHEMA)


def _texts(
    plan: Plan, events: Events, i: int, layer: Layer, decision: int, *, cut: bool, declined: bool
) -> tuple[str, str]:
    row = events.decisions[decision].layers[i].figures
    clauses = clauses_of(layer, row, cut=cut, declined=declined)
    return ";".join(clauses), ";".join(readings_of(layer, declined=declined))


def _frame(events: Events, at: Array, *, layer_number: int) -> pl.DataFrame:
    """Return the identifying columns of some events."""
    held = events.frame.select("psn_no", "setl_id", "setl_time")[at]
    return held.with_columns(
        n=pl.Series(at), layer_number=pl.lit(layer_number),
        category=_of_decisions(events, at, "category"), identity=_of_decisions(events, at, "identity"),
    )  # fmt: skip


def _of_decisions(events: Events, at: Array, what: str) -> pl.Series:
    return pl.Series(events.names[what], dtype=pl.String).gather(events.decision[at])


def _refusals(plan: Plan, events: Events) -> pl.DataFrame:
    refused = np.array([bool(d.refusal) for d in events.decisions])
    at = np.flatnonzero(refused[events.decision])
    says = pl.Series([d.says for d in events.decisions], dtype=pl.String).gather(events.decision[at])
    clause = pl.Series([d.clause for d in events.decisions], dtype=pl.String).gather(events.decision[at])
    zero = pl.lit(0, dtype=pl.Int64)
    return _frame(events, at, layer_number=0).with_columns(
        layer=pl.lit(""), **dict.fromkeys(AMOUNTS, zero), due_on=pl.lit(None, dtype=pl.Date), fund=pl.lit(""),
        clauses=clause, readings=pl.lit(""), refusal=says,
    ).select("n", "layer_number", *SCHEMA)  # fmt: skip


def _due(plan: Plan, events: Events, i: int, layer: Layer, at: Array, *, waived: Array) -> Array:
    """Return the first day on which each event's payment may be made (``fold.due_day``)."""
    own = np.array([(d.layers[i].figures.due if d.layers[i].figures else None) or layer.due for d in events.decisions])
    due = np.where(waived, "year_end", own[events.decision[at]])
    day = np.maximum(events.settled[at], events.certified[at])
    by_category = events.columns.of_choice([c.category for c in events.columns.choices], np.int8)[at] > 0
    running = due_windows(layer, covered_by_category=True)
    for window in due_windows(layer, covered_by_category=False):
        opened = events.window_days[window][at]
        waits = (opened != NONE) & (~by_category | (window in running))
        day = np.where(waits, np.maximum(day, opened), day)
    years = events.judged[at].astype("datetime64[D]").astype("datetime64[Y]")
    next_year = (years + 1).astype("datetime64[D]").astype(np.int64)
    day = np.where(due == "year_end", np.maximum(day, next_year), day)
    day = np.where(due == "december", np.maximum(day, next_year - 1), day)
    if layer.id in events.applied:
        day = np.where(due == "application", events.applied[layer.id][at], day)
    return day


def entries_of_fold(results: list[EventResult]) -> pl.DataFrame:
    """Return the same entries from the fold's results (plans that the kernel does not run)."""
    rows = []
    for result in results:
        s, d = result.settlement, result.decision
        head = {
            "psn_no": s.psn_no,
            "setl_id": s.setl_id,
            "setl_time": s.setl_time,
            "category": result.category,
            "identity": result.identity,
        }
        if d.refusal:
            none = {**dict.fromkeys(AMOUNTS, 0), "due_on": None, "fund": "", "readings": ""}
            rows.append({**head, "layer": "", **none, "clauses": d.clause, "refusal": d.says})
        for layer in result.layers:
            if layer.pays == "maf_pay" and (layer.pay or layer.cut):
                amounts = {name: getattr(layer, name) for name in AMOUNTS}
                texts = {"clauses": ";".join(layer.clauses), "readings": ";".join(layer.readings), "refusal": ""}
                rows.append(
                    {**head, "layer": layer.layer, **amounts, "due_on": layer.due_on, "fund": layer.fund, **texts}
                )
    return pl.DataFrame(rows, schema=SCHEMA)

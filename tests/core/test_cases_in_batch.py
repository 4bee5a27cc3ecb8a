"""Every worked history, under its readings, gives the same entries by columns as by the fold: amounts, due days, reasons."""

from functools import cache
from pathlib import Path

import pytest
from evaluators import application_frame, frame_of, identity_frame, plain_kernel
from strategies import History

from tuodi.batch.entries import AMOUNTS, SCHEMA, entries_of, entries_of_fold
from tuodi.batch.events import decide, household_of
from tuodi.batch.kernel import run_kernel, unit_of
from tuodi.batch.packs import cases_of, entered_values, pack_of, shelf, source_of
from tuodi.core.engine.fold import fold, live
from tuodi.core.engine.plan import make_plan
from tuodi.core.errors import MissingValues
from tuodi.core.policy.cases import history_of
from tuodi.core.policy.figures import EnteredValue
from tuodi.core.policy.load import load_pack

SAMPLE = Path(__file__).parent.parent / "data" / "delegated-sample.yaml"
CASES = [
    (pack, case)
    for pack in shelf()
    for case in cases_of(pack)
    if case.data.get("kind", "history") == "history" and not case.data.get("simulate")
]


@cache
def sample_of(pack):
    return source_of(pack), entered_values(SAMPLE, pack_of(pack))


@cache
def plan_of(pack, readings, values):
    return make_plan(load_pack(sample_of(pack)[0], readings=dict(readings)), list(values))


def values_of(pack, case):
    own = [EnteredValue(str(p), str(v), "案例") for p, v in (case.data.get("delegated") or {}).items()]
    named = {value.param for value in own}
    sample = sample_of(pack)[1]
    return [v for v in sample if v.param not in named] + [v for v in own if v.value != "None"]


@pytest.mark.parametrize(("pack", "case"), CASES, ids=[f"{p}:{c.line}:{c.name}" for p, c in CASES])
def test_columns_and_fold_write_the_same_entries(pack, case):
    bills, records, asked = history_of(case)
    kept = live(bills, [str(setl_id) for setl_id in case.data.get("cancelled") or []])
    history = History(kept, records, asked)
    try:
        plan = plan_of(pack, tuple(sorted(case.readings.items())), tuple(values_of(pack, case)))
        by_fold = entries_of_fold(fold(plan, kept, records, asked))
    except MissingValues:
        return
    kernel = plain_kernel(plan, [name for layer in plan.program.outputs.values() for name in layer.values()])
    frame, order = frame_of(kept), ["psn_no", "setl_time", "setl_id"]
    if unit_of(plan.program) == "household":
        frame, order[0] = frame.with_columns(household_of(frame)), "household"
    events = decide(plan, frame.sort(order), identity_frame(records), application_frame(history))
    by_columns = entries_of(plan, events, run_kernel(kernel, events.columns))
    key = ["psn_no", "setl_time", "setl_id", "layer"]
    columns = [name for name in SCHEMA if name not in ("setl_time", *AMOUNTS)] + list(AMOUNTS)
    assert by_columns.sort(key).select(columns).to_dicts() == by_fold.sort(key).select(columns).to_dicts()

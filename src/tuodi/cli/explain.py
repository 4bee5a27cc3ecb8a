"""``tuodi explain``: one settlement in words, as data, as a picture."""

from __future__ import annotations

from typing import Any

from tuodi.batch.history import history_of
from tuodi.cli import DONE
from tuodi.cli.inputs import plan_of, sample_note, samples_of
from tuodi.cli.output import say_json
from tuodi.core.engine.fold import fold
from tuodi.core.engine.picture import picture
from tuodi.core.engine.words import explain


def run(given: Any) -> int:
    """Explain one settlement of a file."""
    plan = plan_of(given.pack, given.delegated, given.reading)
    history = history_of(
        given.setl_id, settlements=given.settlements, identities=given.identities, applications=given.applications,
        institutions=given.institutions, by_household=any(layer.of == "household" for layer in plan.layers), plan=plan,
    )  # fmt: skip
    results = fold(plan, history.settlements, history.identities, history.applications)
    result = next(r for r in results if r.settlement.setl_id == given.setl_id)
    own = [record for record in history.identities if record.psn_no == result.settlement.psn_no]
    said = explain(plan, result, records=own)
    if given.svg:
        given.svg.write_text(picture(plan, result), "utf-8")
    if given.json:
        say_json(said.data)
        return DONE
    print(said.auditor if given.reader == "auditor" else said.patient)
    if samples_of(plan) and given.reader != "auditor":
        print(f"\n{sample_note(plan)}")
    if given.svg:
        print(f"\n瀑布图已写到 {given.svg}。")
    return DONE

"""``tuodi explain``: one settlement out of files, worded and drawn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuodi.batch.history import history_of, person_of
from tuodi.cli import exits
from tuodi.cli.files import write_text
from tuodi.cli.output import print_json, say
from tuodi.cli.plans import file_of, plan_for
from tuodi.cli.policies import policies_of
from tuodi.core.engine.versions import answering, fold_periods
from tuodi.core.engine.words import Explanation, explain

if TYPE_CHECKING:
    from tuodi.core.engine.fold import EventResult
    from tuodi.core.engine.plan import Plan


def run(args: Any) -> int:
    """Explain a settlement for the patient, the auditor or a program."""
    periods = plan_for(args, policies_of)
    history = history_of(
        [period.plan for period in periods], args.setl_id, settlements=Path(args.settlements), identities=Path(args.identities),
        applications=file_of(args.applications), institutions=file_of(args.institutions),
    )  # fmt: skip
    results = fold_periods(periods, history.settlements, history.identities, history.applications)
    result = next(found for found in results if found.settlement.setl_id == args.setl_id)
    plan = periods[answering(periods, result.settlement)].plan
    explanation = explain(plan, result, records=person_of(history.identities, result.settlement.psn_no))
    show(args, plan, result, explanation)
    return exits.DONE


def show(args: Any, plan: Plan, result: EventResult, explanation: Explanation) -> None:
    """Print an explanation as asked for, and draw the picture if it was."""
    if args.svg:
        from tuodi.core.engine.picture import picture

        write_text(Path(args.svg), picture(plan, result))
    if args.json:
        print_json(explanation.data)
        return
    pages = {
        "patient": [explanation.patient],
        "auditor": [explanation.auditor],
        "both": [explanation.patient, explanation.auditor],
    }
    print("\n".join(pages[args.reader]), end="")
    if args.svg:
        say(f"瀑布图写到 {args.svg}")

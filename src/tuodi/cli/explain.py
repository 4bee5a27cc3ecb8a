"""``tuodi explain``: one settlement out of files, worded and drawn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuodi.batch.history import history_of, person_of
from tuodi.cli import exits
from tuodi.cli.files import write_text
from tuodi.cli.output import print_json, say
from tuodi.cli.plans import chosen, file_of, plan_for
from tuodi.core.engine.fold import fold
from tuodi.core.engine.words import Explanation, explain

if TYPE_CHECKING:
    from tuodi.core.engine.fold import EventResult
    from tuodi.core.engine.plan import Plan


def run(args: Any) -> int:
    """Explain a settlement for the patient, the auditor or a program."""
    plan = plan_for(args, lambda given: chosen(given).plan())
    history = history_of(
        plan, args.setl_id, settlements=Path(args.settlements), identities=Path(args.identities),
        applications=file_of(args.applications), institutions=file_of(args.institutions),
    )  # fmt: skip
    results = fold(plan, history.settlements, history.identities, history.applications)
    result = next(found for found in results if found.settlement.setl_id == args.setl_id)
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

"""What happens by itself: a hospital's 3202 is kept as its report of each day, and every night the day before is compared."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from tuodi.apps.reconciliation.actions import KeepReport, Reconcile
from tuodi.apps.reconciliation.comparing import Line
from tuodi.apps.reconciliation.models import Run
from tuodi.apps.reconciliation.queries import lines_of, overview, report_of
from tuodi.apps.reconciliation.reading import read_statement
from tuodi.apps.settlement.models import StatementFile
from tuodi.apps.settlement.queries import statement_rows
from tuodi.base import clock
from tuodi.base.system import system_user

#: A statement of more days than a month with its ends is a look back, not a day's report.
MOST_DAYS = timedelta(days=35)


def keep_statement(data: dict[str, Any]) -> None:
    """Subscriber of ``statement:compared``: keep a hospital's file as its report of each of its days, and compare them.

    A line belongs to the day on which its settlement stands here; one that is unknown here to the last day of the statement. The
    interface asks for each kind of clearing in a file of its own: what was reported of other kinds stays.
    """
    file = StatementFile.objects.get(number=data["number"])
    first, last = date.fromisoformat(data["first"]), min(date.fromisoformat(data["last"]), clock.today())
    if not first <= last <= first + MOST_DAYS:
        return
    kind = data.get("clr_type", "")
    rows = statement_rows(file.fixmedins_code, first=first, last=last, clr_type=kind)
    stands = {row.setl_id: clock.local(row.setl_time).date() for row in rows}
    taken_back = {row.cancels.setl_id: stands[row.setl_id] for row in rows if row.is_cancellation}
    by_day: dict[date, list[Line]] = {day: [] for day in stands.values()}
    for line in read_statement(bytes(file.content)):
        told = replace(line, bill={"clr_type": kind}) if kind else line
        stood = {**stands, **taken_back} if (line.medfee or 0) < 0 else stands
        by_day.setdefault(stood.get(line.setl_id, last), []).append(told)
    for day, lines in sorted(by_day.items()):
        others = _of_other_kinds(file.fixmedins_code, day, kind)
        KeepReport(
            actor=system_user(), code=file.fixmedins_code, day=day, side="hospital", filename=file.filename,
            lines=[*others, *lines],
        ).run()  # fmt: skip
        Reconcile(actor=system_user(), code=file.fixmedins_code, day=day).run()


def _of_other_kinds(code: str, day: date, kind: str) -> list[Line]:
    """Return the lines of a day that were reported of other kinds of clearing."""
    held = lines_of(report_of(code, day, "hospital")) or []
    return [line for line in held if kind and (line.bill or {}).get("clr_type", kind) != kind]


def reconcile_day(day: date, *, actor: Any = None) -> list[Run]:
    """Compare every institution that settled or reported on a day."""
    actor = actor or system_user()
    return [Reconcile(actor=actor, code=one.institution.code, day=day).run() for one in overview(actor, day)]

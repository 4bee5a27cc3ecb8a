"""What happens by itself: a hospital's 3202 is kept as its report of the day, and every night the day before is compared."""

from __future__ import annotations

from datetime import date
from typing import Any

from tuodi.apps.reconciliation.actions import KeepReport, Reconcile
from tuodi.apps.reconciliation.models import Run
from tuodi.apps.reconciliation.queries import overview
from tuodi.apps.reconciliation.reading import read_statement
from tuodi.apps.settlement.models import StatementFile
from tuodi.base.system import system_user


def keep_statement(data: dict[str, Any]) -> None:
    """Subscriber of ``statement:compared``: keep a file of one day and compare; of several days nobody knows which line is whose."""
    if data["first"] != data["last"]:
        return
    file = StatementFile.objects.get(number=data["number"])
    day, actor = date.fromisoformat(data["first"]), system_user()
    lines = read_statement(bytes(file.content))
    KeepReport(
        actor=actor, code=file.fixmedins_code, day=day, side="hospital", filename=file.filename, lines=lines
    ).run()
    Reconcile(actor=actor, code=file.fixmedins_code, day=day).run()


def reconcile_day(day: date, *, actor: Any = None) -> list[Run]:
    """Compare every institution that settled or reported on a day."""
    actor = actor or system_user()
    return [Reconcile(actor=actor, code=one.institution.code, day=day).run() for one in overview(actor, day)]

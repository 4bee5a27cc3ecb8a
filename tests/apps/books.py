"""What the books hold, what the batch makes of them written out, and a fen that nobody earned."""

import csv
from collections import Counter
from pathlib import Path

from django.db.models import Sum

from tuodi.apps.settlement.models import Entry
from tuodi.base import clock
from tuodi.cli.main import main
from tuodi.site.exporting import Exported


def booked() -> dict[str, int]:
    """Return what has been entered for each bill, in fen."""
    rows = Entry.objects.values("bill__setl_id").annotate(fen=Sum("pay"))
    return {row["bill__setl_id"]: row["fen"] for row in rows if row["fen"]}


def adjudicated(told: Exported, folder: Path) -> dict[str, int]:
    """Return what ``tuodi adjudicate`` pays for each bill of what was exported, in fen."""
    assert main([*told.command[1:], "--quiet"]) == 0
    paid: Counter[str] = Counter()
    with (folder / "entries.csv").open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            if row["layer"]:
                paid[row["setl_id"]] += int(row["pay"].replace(".", ""))
    return {setl_id: fen for setl_id, fen in paid.items() if fen}


def one_fen_more(entry: Entry) -> None:
    """Enter a fen beside an entry that no history earns."""
    Entry.objects.create(
        refold=entry.refold, bill=entry.bill, layer=entry.layer, fund=entry.fund, fund_area=entry.fund_area, pay=1, total=0,
        at=clock.now(),
    )  # fmt: skip

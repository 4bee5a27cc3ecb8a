"""What a county holds after a fault, told by its tables: runs inside the site's environment, changes nothing."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.db.models import Sum

from tuodi.apps.institutions.models import Institution
from tuodi.apps.registry.models import Identity, Person
from tuodi.apps.settlement import history
from tuodi.apps.settlement.models import Bill, Encounter, Entry, Exchange, Notice
from tuodi.base.models import Announcement, AuditEvent
from tuodi.core.money import yuan
from tuodi.core.settlements import AMOUNT_FIELDS

LIVE = {"is_cancellation": False, "cancelled_by__isnull": True, "is_reversed": False}
CODES = (
    "setl_id",
    "psn_no",
    "fixmedins_code",
    "med_type",
    "diag_code",
    "disease_class",
    "refer_stas",
    "cause",
    "hosp_lv",
)


def told(home: Path) -> dict[str, Any]:
    """Write the exchange files of what is held to ``home`` and return what the tables say."""
    live = list(Bill.objects.filter(**LIVE).order_by("pk"))
    people = {person.psn_no: person for person in Person.objects.all()}
    write(home / "settlements.csv", [row_of(bill, people[bill.psn_no]) for bill in live])
    write(home / "identities.csv", map(identity_of, Identity.objects.filter(withdrawn_at__isnull=True).order_by("pk")))
    write(
        home / "institutions.csv",
        [{"fixmedins_code": one.code, "hosp_lv": one.level, "admdvs": one.area_code} for one in Institution.objects.all()],
    )  # fmt: skip
    sums = Entry.objects.filter(layer__gt="").values_list("bill__setl_id", "layer", "fund").annotate(fen=Sum("pay"))
    years: Counter[str] = Counter()
    for psn_no, year, pay in Entry.objects.values_list("bill__psn_no", "bill__setl_time__year", "pay"):
        years[f"{psn_no} {year}"] += pay
    return {
        "live": sorted(bill.setl_id for bill in live),
        "bills": list(Bill.objects.filter(is_cancellation=False).order_by("setl_id").values_list("setl_id", flat=True)),
        "entered": {f"{setl_id} {layer} {fund}": fen for setl_id, layer, fund, fen in sums.order_by() if fen},
        "exchanges": sorted(Exchange.objects.values_list("fixmedins_code", "msgid", "infno", "state")),
        "years": years, "torn": list(torn()), "waiting": Announcement.objects.filter(delivered_at__isnull=True).count(),
        "told": Announcement.objects.filter(delivered_at__isnull=False).count(),
    }  # fmt: skip


def torn() -> Iterable[str]:
    """Yield what only half a transaction would leave, or the same transaction twice."""
    bills = Counter(Bill.objects.filter(is_cancellation=False).values_list("setl_id", flat=True))
    settled = Counter(AuditEvent.objects.filter(verb="settlement:settle").values_list("subject_id", flat=True))
    if bills != settled:
        yield f"settlements and their audit rows: {sorted((bills - settled) + (settled - bills))[:5]}"
    messages = Counter(Bill.objects.filter(is_cancellation=False).values_list("msgid", flat=True))
    kept = Counter(
        Exchange.objects.filter(infno__in=["2207", "2304"]).exclude(subject="").values_list("msgid", flat=True)
    )
    if messages != kept:
        yield f"settlements and the messages that asked for them: {sorted((messages - kept) + (kept - messages))[:5]}"
    gone = Bill.objects.filter(is_reversed=True) | Bill.objects.filter(cancelled_by__isnull=False)
    for setl_id, fen in gone.annotate(fen=Sum("entries__pay")).values_list("setl_id", "fen"):
        if fen:
            yield f"{setl_id} is cancelled and keeps {fen} fen"
    stays = Counter(Encounter.objects.values_list("ipt_otp_no", "fixmedins_code"))
    yield from (f"stay {key} is there {times} times" for key, times in stays.items() if key[0] and times > 1)
    notices = Counter(Notice.objects.values_list("encounter_id", "told"))
    yield from (f"notice {key} is there {times} times" for key, times in notices.items() if times > 1)


def row_of(bill: Bill, person: Person) -> dict[str, str]:
    """Return a bill as a row of the exchange files."""
    value = history.settlement_of(bill, person=person)
    return {
        **{name: getattr(value, name) for name in CODES}, **{name: yuan(getattr(value, name)) for name in AMOUNT_FIELDS},
        "begndate": value.begndate.isoformat(), "enddate": value.enddate.isoformat(),
        "setl_time": f"{value.setl_time:%Y-%m-%d %H:%M:%S}", "out_prov": "1" if value.out_prov else "0",
        "brdy": value.birth.isoformat() if value.birth else "", "standard_area": value.standard_area,
    }  # fmt: skip


def identity_of(row: Identity) -> dict[str, str]:
    """Return a certification as a row of the exchange files."""
    days = {"begin": row.first, "end": row.last, "certified_on": row.certified_on, "applied_on": row.applied_on}
    return {
        "psn_no": row.person.psn_no, "identity": row.identity, "issuer": row.issuer,
        **{name: day.isoformat() if day else "" for name, day in days.items()},
    }  # fmt: skip


def write(path: Path, rows: Iterable[dict[str, str]]) -> None:
    """Write rows as CSV; nothing if there are none."""
    held = list(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        if held:
            out = csv.DictWriter(file, list(held[0]))
            out.writeheader()
            out.writerows(held)

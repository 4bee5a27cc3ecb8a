"""What a county holds after a fault, told by its tables: runs inside the site's environment, changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.db.models import Sum

from tuodi.apps.settlement.models import Bill, Encounter, Entry, Exchange, Notice
from tuodi.base.models import Announcement, AuditEvent

LIVE = {"is_cancellation": False, "cancelled_by__isnull": True, "is_reversed": False}


def told() -> dict[str, Any]:
    """Return what the tables say."""
    sums = Entry.objects.filter(layer__gt="").values_list("bill__setl_id", "layer", "fund").annotate(fen=Sum("pay"))
    years: Counter[str] = Counter()
    for psn_no, year, pay in Entry.objects.values_list("bill__psn_no", "bill__setl_time__year", "pay"):
        years[f"{psn_no} {year}"] += pay
    return {
        "live": list(Bill.objects.filter(**LIVE).order_by("setl_id").values_list("setl_id", flat=True)),
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
    messages = Counter(Bill.objects.filter(is_cancellation=False, msgid__gt="").values_list("msgid", flat=True))
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

"""Settlements as lists and one by one: what a user may see, filtered; differences over time; the code on a printed statement."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import BigIntegerField, Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils.crypto import constant_time_compare, salted_hmac

from tuodi.apps.institutions.models import Institution
from tuodi.apps.policies.queries import layer_names
from tuodi.apps.registry import queries as registry
from tuodi.apps.registry.insured import area_on
from tuodi.apps.registry.models import Person
from tuodi.apps.settlement import permissions
from tuodi.apps.settlement.models import Bill, Entry
from tuodi.apps.settlement.queries import day_bounds
from tuodi.base import access, clock
from tuodi.base.audit import record
from tuodi.base.doors import safe_cell
from tuodi.base.models import AuditEvent
from tuodi.core.money import yuan
from tuodi.core.settlements import MED_TYPES

STATES = {"settled": "已结算", "cancelled": "已撤销", "refused": "不予救助", "changed": "后来有变动"}
#: What a list may be ordered by: column -> fields.
ORDERS = {"setl_time": "setl_time", "medfee": "medfee_sumamt", "paid": "paid"}
EXPORT_ROWS = 20_000
PAGE = 25
#: Settlements that a list counts, adds up and orders by amount; of more only the latest or earliest are shown, so that no page grows
#: with the county. Fewer where each row is told from the others by its entries.
COUNTED, COUNTED_BY_ENTRIES = 3_000, 500


def settlements_for(user: Any) -> QuerySet[Bill]:
    """Return the settlements that a user may see, with what each is paid in all, the person's and the institution's name."""
    access.demand(user, permissions.VIEW)
    own = Entry.objects.filter(bill=OuterRef("pk")).order_by()
    paid = own.values("bill").annotate(total=Sum("pay")).values("total")
    names = Person.objects.filter(psn_no=OuterRef("psn_no")).values("name")[:1]
    places = Institution.objects.filter(code=OuterRef("fixmedins_code")).values("name")[:1]
    return (
        access.visible(user, Bill)
        .filter(is_cancellation=False)
        .annotate(
            paid=Coalesce(Subquery(paid, output_field=BigIntegerField()), 0), person_name=Subquery(names), place=Subquery(places),
            is_refused=Exists(own.exclude(refusal="")), is_changed=Exists(own.exclude(refold__cause_id=F("bill__setl_id"))),
        )
    )  # fmt: skip


def person_of_settlements(user: Any, number: str) -> Person | None:
    """Return the person with a number, if the user sees any settlement of theirs: nothing else is told of anybody."""
    person = registry.person_by_certno(number) or Person.objects.filter(psn_no=number).first()
    person = person and (person.merged_into or person)
    if person is None or not access.visible(user, Bill).filter(psn_no=person.psn_no).exists():
        return None
    return person


def narrowed(
    rows: QuerySet[Bill], *, first: date | None, last: date | None, state: str, setl_id: str, psn_no: str
) -> QuerySet[Bill]:
    """Return the rows of some days and of one state, of one settlement or of one person."""
    if first:
        rows = rows.filter(setl_time__gte=day_bounds(first, first)[0])
    if last:
        rows = rows.filter(setl_time__lt=day_bounds(last, last)[1])
    if setl_id:
        rows = rows.filter(setl_id=setl_id)
    if psn_no:
        rows = rows.filter(psn_no=psn_no)
    gone = Q(cancelled_by__isnull=False) | Q(is_reversed=True)
    if state == "cancelled":
        rows = rows.filter(gone)
    elif state == "refused":
        rows = rows.filter(is_refused=True).exclude(gone)
    elif state == "changed":
        rows = rows.filter(is_changed=True).exclude(gone)
    elif state == "settled":
        rows = rows.exclude(gone)
    return rows


def ordered(rows: QuerySet[Bill], order: str) -> QuerySet[Bill]:
    """Return the rows by a column, descending with a minus before; the id decides among equals."""
    field = ORDERS.get(order.lstrip("-"), "setl_time")
    sign = "-" if order.startswith("-") or order.lstrip("-") not in ORDERS else ""
    return rows.order_by(f"{sign}{field}", f"{sign}pk")


def state_of(bill: Any) -> str:
    """Return the state of a listed settlement."""
    if bill.cancelled_by_id or bill.is_reversed:
        return "cancelled"
    return "refused" if bill.is_refused else "changed" if bill.is_changed else "settled"


def totals(rows: QuerySet[Bill]) -> dict[str, int]:
    """Return how many, and the sums of charges and grants; what is cancelled counts nothing."""
    # As a condition of the rows it would part an index's few from themselves: SQLite then reads everybody's settlements.
    live = Q(cancelled_by__isnull=True, is_reversed=False)
    said = rows.aggregate(count=Count("pk", filter=live), medfee=Sum("medfee_sumamt", filter=live))
    paid = Entry.objects.filter(bill__in=rows.values("pk")).aggregate(total=Sum("pay"))["total"]
    return {"count": said["count"], "medfee": said["medfee"] or 0, "paid": paid or 0}


@dataclass(frozen=True)
class Listed:
    """A page of a list; without ``totals`` there are more than ``count``, and they stand in the order of their time."""

    rows: list[Any]
    order: str
    number: int
    pages: int
    count: int
    totals: dict[str, int] | None


def listed(rows: QuerySet[Bill], *, state: str, order: str, page: str) -> Listed:
    """Return the page asked for, the nearest if there is none such."""
    most = COUNTED_BY_ENTRIES if state in ("refused", "changed") else COUNTED
    count = rows.values("pk")[: most + 1].count()
    is_whole, count = count <= most, min(count, most)
    if not is_whole and order.lstrip("-") != "setl_time":
        order = "-setl_time"
    pages = max(1, -(-count // PAGE))
    number = min(max(int(page), 1), pages) if page.isascii() and page.isdigit() and len(page) < 9 else 1
    shown = list(ordered(rows, order)[(number - 1) * PAGE : number * PAGE])
    return Listed(shown, order, number, pages, count, totals(rows) if is_whole else None)


HEAD = (
    "结算ID",
    "结算时间",
    "定点医药机构",
    "人员编号",
    "医疗类别",
    "医疗费总额",
    "政策范围内费用",
    "医疗救助",
    "状态",
)


def export(user: Any, rows: QuerySet[Bill]) -> Iterator[str]:
    """Yield the rows as CSV that spreadsheets open with the right characters; recorded, as it takes data out."""
    count = min(rows.count(), EXPORT_ROWS)
    record(actor=user, verb="settlement:exported", subject="settlement", data={"rows": count})
    return _lines(rows[:EXPORT_ROWS])


def _lines(rows: Iterable[Any]) -> Iterator[str]:
    yield "\ufeff" + _line(HEAD)
    for row in rows:
        yield _line(
            (
                row.setl_id, clock.local(row.setl_time).strftime("%Y-%m-%d %H:%M:%S"), row.place or row.fixmedins_code, row.psn_no,
                MED_TYPES.get(row.med_type[:2], row.med_type), yuan(row.medfee_sumamt), yuan(row.inscp_scp_amt), yuan(row.paid),
                STATES[state_of(row)],
            ),
            money=(5, 6, 7),
        )  # fmt: skip


def _line(cells: Iterable[object], *, money: tuple[int, ...] = ()) -> str:
    held = io.StringIO()
    csv.writer(held).writerow(cell if n in money else safe_cell(cell) for n, cell in enumerate(cells))
    return held.getvalue()


@dataclass(frozen=True)
class Change:
    """One difference of a settlement, with its cause and what it was computed from."""

    entry: Entry
    cause: str
    layer: str
    is_first: bool


def layer_names_of(bill: Bill) -> dict[str, str]:
    """Return what the layers are called where the person was insured when the stay ended, for a settlement that counts no more."""
    person = Person.objects.filter(psn_no=bill.psn_no).first()
    return layer_names(area_on(person, bill.enddate)) if person else {}


def changes_of(bill: Bill, names: dict[str, str]) -> list[Change]:
    """Return the differences of a settlement in the order in which they came."""
    rows = Entry.objects.filter(bill=bill).select_related("refold").order_by("pk")
    return [
        Change(row, row.refold.get_cause_display(), names.get(row.layer, row.layer), row.refold.cause_id == bill.setl_id and row.refold.cause == "settle")  # type: ignore[attr-defined]
        for row in rows
    ]  # fmt: skip


def trail_of(bill: Bill) -> list[AuditEvent]:
    """Return who did what with a settlement."""
    rows = AuditEvent.objects.filter(subject="settlement", subject_id=bill.setl_id).select_related("actor")
    return list(rows.order_by("pk"))


# The code on a printed statement.

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SEAL_LENGTH = 10


def code_for(bill: Bill) -> str:
    """Return the code of a statement as it is printed now: which settlement, which state of it, and a seal."""
    last = Entry.objects.filter(bill=bill).order_by("-pk").values_list("pk", flat=True).first() or 0
    return f"{_spelled(bill.pk)}-{_spelled(last)}-{_seal(bill, last, _paid_until(bill, last))}"


@dataclass(frozen=True)
class Confirmed:
    """What a code confirms, nothing personal: where, when, how much, and whether it still holds."""

    place: str
    settled_at: datetime
    medfee: int
    paid: int
    is_cancelled: bool
    paid_now: int

    @property
    def holds(self) -> bool:
        return not self.is_cancelled and self.paid == self.paid_now


def confirm(code: str) -> Confirmed | None:
    """Return what a code confirms; None if no statement ever carried it."""
    parts = code.strip().upper().replace(" ", "").replace("O", "0").replace("I", "1").replace("L", "1").split("-")
    if len(parts) != 3 or not all(part and len(part) <= 13 and set(part) <= set(ALPHABET) for part in parts):
        return None
    number, last = _read(parts[0]), _read(parts[1])
    bill = Bill.objects.filter(pk=number, is_cancellation=False).first() if number < 2**63 else None
    if bill is None or last >= 2**63:
        return None
    paid = _paid_until(bill, last)
    if not constant_time_compare(_seal(bill, last, paid), parts[2]):
        return None
    place = (
        Institution.objects.filter(code=bill.fixmedins_code).values_list("name", flat=True).first()
        or bill.fixmedins_code
    )
    now = Entry.objects.filter(bill=bill).aggregate(total=Sum("pay"))["total"] or 0
    return Confirmed(
        place, bill.setl_time, bill.medfee_sumamt, paid, bool(bill.cancelled_by_id or bill.is_reversed), now
    )


def _paid_until(bill: Bill, last: int) -> int:
    return int(Entry.objects.filter(bill=bill, pk__lte=last).aggregate(total=Sum("pay"))["total"] or 0)


def _seal(bill: Bill, last: int, paid: int) -> str:
    said = f"{bill.pk}|{bill.setl_id}|{last}|{bill.medfee_sumamt}|{paid}"
    made = salted_hmac("tuodi.statement", said, algorithm="sha256").digest()
    return "".join(ALPHABET[byte % 32] for byte in made[:SEAL_LENGTH])


def _spelled(number: int) -> str:
    digits = ""
    while number or not digits:
        number, digit = divmod(number, 32)
        digits = ALPHABET[digit] + digits
    return digits


def _read(text: str) -> int:
    number = 0
    for letter in text:
        number = number * 32 + ALPHABET.index(letter)
    return number

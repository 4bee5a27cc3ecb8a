"""What settlement adds to a person's file: stays, settlements, and what was paid or claimed back later, each with its source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.urls import reverse

from tuodi.apps.institutions.models import Institution
from tuodi.apps.registry.models import Person
from tuodi.apps.registry.queries import numbers_of
from tuodi.apps.registry.timeline import Moment
from tuodi.apps.settlement import permissions
from tuodi.apps.settlement.models import Bill, Encounter, Entry, Refold
from tuodi.base import access, clock
from tuodi.core.settlements import MED_TYPES

CAUSES = dict(Refold.CAUSES)


def moments_of(user: Any, person: Person) -> Iterable[Moment]:
    """Yield the moments of a person that the user may see."""
    numbers = numbers_of(person.psn_no)
    stays = list(access.visible(user, Encounter).filter(psn_no__in=numbers))
    bills = list(access.visible(user, Bill).filter(psn_no__in=numbers, is_cancellation=False))
    codes = {row.fixmedins_code for row in [*stays, *bills]}
    names = dict(Institution.objects.filter(code__in=codes).values_list("code", "name"))
    for stay in stays:
        yield Moment(
            clock.local(stay.admitted).date(), "stay", MED_TYPES.get(stay.med_type[:2], stay.med_type),
            names.get(stay.fixmedins_code, stay.fixmedins_code), stay.recorded_at,
            last=clock.local(stay.discharged).date() if stay.discharged else None, subject_id=stay.mdtrt_id,
            is_withdrawn=stay.cancelled_at is not None,
        )  # fmt: skip
    is_shown = access.may(user, permissions.VIEW)
    for bill in bills:
        yield Moment(
            clock.local(bill.setl_time).date(), "settlement", MED_TYPES.get(bill.med_type[:2], bill.med_type),
            names.get(bill.fixmedins_code, bill.fixmedins_code), bill.recorded_at, subject_id=bill.setl_id,
            amount_fen=bill.medfee_sumamt, is_withdrawn=bill.is_reversed or bill.cancelled_by_id is not None,
            url=reverse("settlement", args=[bill.pk]) if is_shown else "",
        )  # fmt: skip
    yield from _payments(bills)


def _payments(bills: list[Bill]) -> Iterable[Moment]:
    """Yield what each refold granted or took back, one moment for each settlement that it changed."""
    sums: dict[tuple[int, int], int] = defaultdict(int)
    refolds: dict[int, Refold] = {}
    for entry in Entry.objects.filter(bill__in=[bill.pk for bill in bills]).select_related("refold").order_by("pk"):
        sums[(entry.refold_id, entry.bill_id)] += entry.pay
        refolds[entry.refold_id] = entry.refold
    numbers = {bill.pk: bill.setl_id for bill in bills}
    for (refold, bill), fen in sums.items():
        if fen:
            held = refolds[refold]
            text = ("救助" if fen > 0 else "追回") + f"（{CAUSES[held.cause]}）"
            yield Moment(
                clock.local(held.at).date(),
                "payment",
                text,
                f"结算 {numbers[bill]}",
                held.at,
                subject_id=f"{refold}-{bill}",
                amount_fen=fen,
            )


def settled(psn_nos: list[str]) -> dict[str, str]:
    """Return which of these people have settlements: a registration that they stand on is not undone."""
    return dict.fromkeys(Bill.objects.filter(psn_no__in=psn_nos).values_list("psn_no", flat=True), "已有结算")

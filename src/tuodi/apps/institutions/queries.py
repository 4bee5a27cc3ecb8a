"""What an institution is on a day: known, designated, suspended, at which level."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import Exists, OuterRef, Q

from tuodi.apps.institutions.models import Agreement, Institution, Suspension


@dataclass(frozen=True)
class Standing:
    """An institution on a day. ``suspension`` is the reason, empty when it may settle."""

    institution: Institution
    designated: bool
    assistance: bool
    suspension: str


def standing(code: str, day: date) -> Standing | None:
    """Return what an institution is on a day, in one statement; None if it is not known."""
    held = Q(institution=OuterRef("pk"), first__lte=day, ended_at__isnull=True) & (Q(last__isnull=True) | Q(last__gte=day))
    suspended = Suspension.objects.filter(
        Q(institution=OuterRef("pk"), first__lte=day, lifted_at__isnull=True) & (Q(last__isnull=True) | Q(last__gte=day))
    )
    row = (
        Institution.objects.filter(code=code)
        .annotate(
            is_designated=Exists(Agreement.objects.filter(held, kind="insurance")),
            is_assistance=Exists(Agreement.objects.filter(held, kind="assistance")),
            suspended_for=suspended.values("reason")[:1],
        )
        .first()
    )
    if row is None:
        return None
    reason = row.suspended_for or ""
    return Standing(row, bool(row.is_designated) and not reason, bool(row.is_assistance), reason)

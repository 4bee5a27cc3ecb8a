"""Whether care was referred; with no filing it is local (AK-6.2.1).

Whether care was out of area without filing only the hospital or insurer can say (``refer_stas`` in the message).
"""

from __future__ import annotations

from datetime import date

from django.db.models import OuterRef, Q, QuerySet

from tuodi.apps.registry.models import Person
from tuodi.apps.settlement.models import Filing


def referrals(person: int | OuterRef, *, institution: str, day: date) -> QuerySet[Filing]:
    """Return the filings of a person, by the key of the record kept, of a referral to an institution that cover a day.

    A filing keeps the number it was made under: it counts under every number of the person, and after a parting goes with its own.
    """
    within = Q(first__lte=day) & (Q(last__isnull=True) | Q(last__gte=day))
    numbers = Person.objects.filter(Q(pk=person) | Q(merged_into=person)).values("psn_no")
    return Filing.objects.filter(
        within, psn_no__in=numbers, kind="referral", target=institution, cancelled_at__isnull=True
    )

"""Whether care was referred; with no filing it is local (AK-6.2.1).

Whether care was out of area without filing only the hospital or insurer can say (``refer_stas`` in the message).
"""

from __future__ import annotations

from datetime import date

from django.db.models import Q, QuerySet

from tuodi.apps.settlement.models import Filing


def referrals(psn_no: str, *, institution: str, day: date) -> QuerySet[Filing]:
    """Return the referral filings to an institution that cover a day."""
    within = Q(first__lte=day) & (Q(last__isnull=True) | Q(last__gte=day))
    return Filing.objects.filter(within, psn_no=psn_no, kind="referral", target=institution, cancelled_at__isnull=True)

"""Who may do what with institutions, and which of them a user sees."""

from __future__ import annotations

from django.db.models import Q

from tuodi.apps.institutions.models import Agreement, ApiKey, Institution, LevelChange, Suspension
from tuodi.base.access import allow, in_area, scope

VIEW = allow(
    "institution:view", "administrator", "county_clerk", "county_approver", "finance", "auditor", "hospital", "system"
)
CHANGE = allow("institution:change", "county_clerk")
SUSPEND = allow("institution:suspend", "county_approver")
LIFT = allow("institution:lift_suspension", "county_approver")
ISSUE_KEY = allow("institution:issue_key", "administrator")
REVOKE_KEY = allow("institution:revoke_key", "administrator")


def _own(user: object) -> Q:
    """A counter sees its own institution; an office those of its area, and those out of the province, which are nobody's own."""
    if getattr(user, "role", "") == "hospital":
        return Q(code=str(getattr(user, "institution_code", "")) or "-")
    return in_area(user, "area_code") | Q(is_out_of_province=True)


def _below(user: object) -> Q:
    return Q(institution__in=Institution.objects.filter(_own(user)).values("pk"))


scope(Institution, _own)
scope(Agreement, _below)
scope(Suspension, _below)
scope(ApiKey, _below)
scope(LevelChange, _below)

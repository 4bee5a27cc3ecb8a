"""Who may do what with policies, and what of them a user sees."""

from __future__ import annotations

from django.db.models import Q

from tuodi.apps.policies.models import DelegatedValue, Installation, Measurement
from tuodi.base.access import allow, in_area, may, scope

VIEW = allow(
    "policy:view", "administrator", "policy_officer", "policy_approver", "county_clerk", "county_approver", "town_clerk",
    "village_clerk", "registry_clerk", "finance", "auditor", "hospital", "system",
)  # fmt: skip
PROPOSE = allow("policy:propose", "policy_officer")
MEASURE = allow("policy:measure", "policy_officer", "policy_approver", "system")
APPROVE = allow("policy:approve", "policy_approver")
REFUSE = allow("policy:refuse", "policy_approver")
PROPOSE_VALUE = allow("policy_value:propose", "policy_officer")
APPROVE_VALUE = allow("policy_value:approve", "policy_approver")
REFUSE_VALUE = allow("policy_value:refuse", "policy_approver")
WITHDRAW_VALUE = allow("policy_value:withdraw", "policy_officer")
APPROVE_WITHDRAWAL = allow("policy_value:approve_withdrawal", "policy_approver")


def knows_codes(user: object) -> bool:
    """Return whether somebody works with packs, or reads the trail, where parameters, choices and warnings bear the names of packs."""
    return any(may(user, verb) for verb in (PROPOSE, APPROVE, "audit:view"))


def _own_or_above(user: object) -> Q:
    """A policy is seen by everybody inside the area it answers for, and by those above it."""
    code = str(getattr(user, "area_code", ""))
    above = [code, code[:6], f"{code[:4]}00", f"{code[:2]}0000"]
    return in_area(user, "area_code") | Q(area_code__in=above)


scope(Installation, _own_or_above)
scope(DelegatedValue, _own_or_above)
scope(Measurement, lambda user: in_area(user, "area_code"))

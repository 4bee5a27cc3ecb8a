"""Who may read the audit trail, and which rows of it: what was done in one's area."""

from __future__ import annotations

from django.db.models import Q

from tuodi.base.access import allow, in_area, scope
from tuodi.base.models import AuditEvent

VIEW = allow("audit:view", "auditor")
EXPORT = allow("audit:export", "auditor")
VERIFY = allow("audit:verify", "auditor", "system")


def _own(user: object) -> Q:
    if getattr(user, "role", "") not in ("auditor", "administrator") or not getattr(user, "area_code", ""):
        return Q(pk__in=[])
    return in_area(user, "area_code")


scope(AuditEvent, _own)

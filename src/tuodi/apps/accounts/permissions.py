"""Who may do what with accounts, and whose accounts a user sees: those of the area and below, never the system's own."""

from __future__ import annotations

from django.db.models import Q

from tuodi.base.access import allow, in_area, scope
from tuodi.base.models import Area, User

_OFFICE = ("administrator", "system")
VIEW = allow("account:view", "administrator", "auditor", "system")
ADD = allow("account:add", *_OFFICE)
DEACTIVATE = allow("account:deactivate", *_OFFICE)
REACTIVATE = allow("account:reactivate", *_OFFICE)
RESET_PASSWORD = allow("account:reset_password", *_OFFICE)
RESET_SECOND_FACTOR = allow("account:reset_second_factor", *_OFFICE)
UNLOCK = allow("account:unlock", *_OFFICE)
NAME_AREA = allow("area:name", "administrator")


def _own(user: object) -> Q:
    if getattr(user, "role", "") not in ("administrator", "auditor", "system") or not getattr(user, "area_code", ""):
        return Q(pk__in=[])
    return in_area(user, "area_code") & ~Q(role="system")


scope(User, _own)
scope(Area, lambda user: in_area(user, "code"))

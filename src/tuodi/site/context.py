"""What every page knows: the version, whether this is a demonstration, the doors of the user's job, sample values in force."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

import tuodi
from tuodi.apps.policies import permissions
from tuodi.apps.policies.queries import samples_seen
from tuodi.base import access
from tuodi.core.policy.local_values import plain_param
from tuodi.site.web import tasks_for

#: Addresses that belong to a door of another name.
BEHIND = dict.fromkeys(("/households/", "/memberships/", "/identities/", "/death-corrections/"), "/people/") | {
    "/areas/": "/users/"
}


def _here(path: str, doors: list[str]) -> str:
    """Return the door behind which an address lies: the longest that it begins with."""
    at = next((door for begin, door in BEHIND.items() if path.startswith(begin)), path)
    return max((door for door in doors if at.startswith(door)), key=len, default="")


def every_page(request: HttpRequest) -> dict[str, Any]:
    """Return what the base template shows."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"version": tuodi.__version__, "demonstration": settings.TUODI_DEMONSTRATION, "doors": [], "samples": []}
    doors = tasks_for(user)
    return {
        "version": tuodi.__version__, "demonstration": settings.TUODI_DEMONSTRATION, "doors": doors,
        "here": _here(request.path, [door.url for door in doors]),
        "samples": sorted({plain_param(value.param) for value in samples_seen(user)}),
        "may_see_policies": access.may(user, permissions.VIEW),
    }  # fmt: skip

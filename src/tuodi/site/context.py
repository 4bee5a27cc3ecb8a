"""What every page knows: the version, whether this is a demonstration, the doors that the user's job opens."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

import tuodi
from tuodi.site.web import tasks_for


def every_page(request: HttpRequest) -> dict[str, Any]:
    """Return what the base template shows."""
    user = getattr(request, "user", None)
    tasks = tasks_for(user) if user is not None and user.is_authenticated else []
    return {"version": tuodi.__version__, "demonstration": settings.TUODI_DEMONSTRATION, "doors": tasks}

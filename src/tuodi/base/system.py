"""The account under which scheduled runs and the command line of the server act. Nobody can sign in with it."""

from __future__ import annotations

from django.db import transaction

from tuodi.base.models import User

SYSTEM = "tuodi-system"


def system_user() -> User:
    """Return the system's own account, made when first needed."""
    with transaction.atomic():
        found, _ = User.objects.get_or_create(
            username=SYSTEM, defaults={"name": "系统任务", "role": "system", "area_code": "000000", "password": "!"}
        )
    return found

"""Keys of institutions' systems: made once, shown once, kept sealed."""

from __future__ import annotations

import secrets as random
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Q

from tuodi.apps.institutions import permissions
from tuodi.apps.institutions.models import ApiKey, Institution
from tuodi.base import access, clock, secrets
from tuodi.base.action import Action
from tuodi.base.models import User


@dataclass(frozen=True)
class Key:
    """A usable key: its token and the account it acts as."""

    token: str
    user: User


def token_of(name: str, day: date) -> Key | None:
    """Return a key that is valid on a day."""
    held = (
        ApiKey.objects.filter(
            Q(last__isnull=True) | Q(last__gte=day),
            name=name,
            first__lte=day,
            revoked_at__isnull=True,
            user__is_active=True,
        )
        .select_related("user")
        .first()
    )
    if held is None:
        return None
    return Key(secrets.decrypt(bytes(held.token_sealed), bound_to=f"institutions.apikey:{name}"), held.user)


class IssueKey(Action):
    """Make a key for an institution's system; returns the token, which is never shown again."""

    verb = permissions.ISSUE_KEY

    def __init__(
        self, *, actor: Any, institution: Institution, name: str, user: User, last: date | None = None
    ) -> None:
        super().__init__(actor=actor)
        self.institution, self.name, self.user, self.last = institution, name, user, last

    def check(self) -> None:
        access.get(self.actor, Institution, self.institution.pk, self.verb)
        assert self.user.institution_code == self.institution.code

    def write(self) -> str:
        token = random.token_hex(32)
        sealed = secrets.encrypt(token, bound_to=f"institutions.apikey:{self.name}")
        ApiKey.objects.create(
            institution=self.institution, name=self.name, token_sealed=sealed, user=self.user, first=clock.today(), last=self.last,
            recorded_at=clock.now(),
        )  # fmt: skip
        return token

    def audited(self, done: str) -> dict[str, Any]:
        return {"subject": "api_key", "subject_id": self.name, "area_code": self.institution.area_code}

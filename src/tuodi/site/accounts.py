"""How people get in: accounts made by the administrator, a second factor kept sealed, every step in the audit trail.

The login, second factor and password pages are the library's; here is what it is told: nobody signs up, secrets are encrypted
with the field key, and what happens to an account is recorded.
"""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset
from django.http import HttpRequest, HttpResponse

from tuodi.base import audit, secrets
from tuodi.base.limits import client_address

__all__ = ["Adapter", "SecondFactorAdapter", "client_address", "locked_out", "watch_second_factors"]

#: What a sealed secret of a second factor is bound to.
BOUND_TO = "site.second-factor"


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Closes sign-up, records who came in and who changed a password."""

    def is_open_for_signup(self, request: Any) -> bool:
        return False

    def login(self, request: HttpRequest, user: Any) -> None:
        super().login(request, user)
        audit.record(actor=user, verb="account:logged_in", subject="account", subject_id=user.pk)

    def logout(self, request: HttpRequest) -> None:
        user: Any = request.user
        super().logout(request)
        if user.is_authenticated:
            audit.record(actor=user, verb="account:logged_out", subject="account", subject_id=user.pk)

    def set_password(self, user: Any, password: str) -> None:
        user.set_password(password)
        user.must_change_password = False
        user.save(update_fields=["password", "must_change_password"])
        audit.record(actor=user, verb="account:changed_password", subject="account", subject_id=user.pk)

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """There is no mail: accounts have no address."""


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Keeps the secrets of second factors encrypted."""

    def encrypt(self, text: str) -> str:
        return secrets.encrypt(text, bound_to=BOUND_TO).hex()

    def decrypt(self, encrypted_text: str) -> str:
        return secrets.decrypt(bytes.fromhex(encrypted_text), bound_to=BOUND_TO)

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """There is no mail: accounts have no address."""


def locked_out(request: HttpRequest, response: HttpResponse | None = None, credentials: Any = None) -> HttpResponse:
    """Answer a locked account."""
    from django.shortcuts import render

    return render(request, "locked.html", status=429)


def watch_second_factors() -> None:
    """Have changes of second factors recorded; the library tells of them by signal only."""
    for signal, verb in (
        (authenticator_added, "account:added_second_factor"), (authenticator_reset, "account:renewed_recovery_codes"),
        (authenticator_removed, "account:removed_second_factor"),
    ):  # fmt: skip
        signal.connect(_recorder(verb), weak=False, dispatch_uid=verb)


def _recorder(verb: str) -> Any:
    def write(*, user: Any, authenticator: Any, **_: Any) -> None:
        audit.record(
            actor=user, verb=verb, subject="account", subject_id=user.pk, data={"type": str(authenticator.type)}
        )

    return write

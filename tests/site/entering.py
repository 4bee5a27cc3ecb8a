"""How tests get in: with a password and, from the secret, the code that a phone would show."""

from __future__ import annotations

import re
import time
from contextlib import contextmanager

from allauth.core.context import request_context
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.test import RequestFactory

from tests.apps.cast import PASSWORD
from tuodi.base.models import User


def phone(secret: str, *, at: float | None = None) -> str:
    """Return the code that an authenticator shows."""
    return format_hotp_value(hotp_value(secret, int(at or time.time()) // 30))


def give_password(user: User, password: str = PASSWORD) -> None:
    user.set_password(password)
    user.save(update_fields=["password"])


def log_in(client, user: User, *, password: str = PASSWORD):
    """Send the login form; return the answer."""
    return client.post("/accounts/login/", {"login": user.username, "password": password})


def set_up_second_factor(client) -> str:
    """Do what the set-up page asks; return the secret."""
    page = client.get("/accounts/2fa/totp/activate/")
    if page.status_code == 302 and "reauthenticate" in page["Location"]:
        page = client.post(
            page["Location"], {"password": PASSWORD, "next": "/accounts/2fa/totp/activate/"}, follow=True
        )
    assert page.status_code == 200, page["Location"]
    found = re.search(r'class="secret">([A-Z2-7]+)<', page.content.decode())
    assert found, page.content.decode()[:2000]
    answer = client.post("/accounts/2fa/totp/activate/", {"code": phone(found[1])})
    assert answer.status_code == 302, answer.content.decode()
    return found[1]


@contextmanager
def acting(user: User):
    """Be in a request of an account: secrets of second factors are bound to it."""
    request = RequestFactory().get("/")
    request.user = user
    with request_context(request):
        yield


def enter(client, user: User) -> None:
    """Log in wholly, without the pages: for tests of other pages."""
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

    if not user.authenticator_set.exists():
        with acting(user):
            TOTP.activate(user, generate_totp_secret())
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")

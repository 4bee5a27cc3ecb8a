"""How people get in: accounts made by the administrator, a second factor kept sealed, every step in the audit trail.

The login, second factor and password pages are the library's; here is what it is told: nobody signs up, secrets are encrypted
with the field key, and what happens to an account is recorded.
"""

from __future__ import annotations

import logging
import unicodedata
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.stagekit import unstash_login
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset
from cryptography.exceptions import InvalidTag
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from tuodi.base import audit, secrets
from tuodi.base.limits import client_address

logger = logging.getLogger(__name__)

__all__ = ["Adapter", "SecondFactorAdapter", "client_address", "locked_out", "watch_second_factors"]


def bound(account: int) -> str:
    """Return what a sealed secret of a second factor is bound to: the account whose it is."""
    return f"site.second-factor:{account}"


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Closes sign-up, records who came in and who changed a password."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "too_many_login_attempts": "输错的次数过多，暂时不能再试。请等 5 分钟；忘了密码、丢了手机的，请系统管理员重设。",
    }

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

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Count wrong passwords by account and address: nobody elsewhere can lock a person out (docs/decisions/0014)."""
        name = unicodedata.normalize("NFKC", str(credentials.get("username", ""))).strip().casefold()
        return f"{name}|{client_address(request)}"

    def set_password(self, user: Any, password: str) -> None:
        user.set_password(password)
        user.must_change_password = False
        user.save(update_fields=["password", "must_change_password"])
        audit.record(actor=user, verb="account:changed_password", subject="account", subject_id=user.pk)

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """There is no mail: accounts have no address."""


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Keeps the secrets of second factors encrypted, each bound to its account: another's row is no use to anybody."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "验证码不对，或已经用过、过了时。请输入手机上现在显示的六位数字；总是不对的，把手机时间设为自动校准。",
    }

    def encrypt(self, text: str) -> str:
        return secrets.encrypt(text, bound_to=bound(self._account())).hex()

    def decrypt(self, encrypted_text: str) -> str:
        account = self._account()
        try:
            return secrets.decrypt(bytes.fromhex(encrypted_text), bound_to=bound(account))
        except InvalidTag:
            logger.error("the second factor of account %s is not its own", account)
            raise PermissionDenied("第二重验证的密钥不属于这个账号，请系统管理员重设") from None

    def _account(self) -> int:
        """Return whose second factor is at work: of who is signed in, else of who has given the password and not yet the code."""
        user: Any = self.request.user
        if not user.is_authenticated:
            login = unstash_login(self.request, peek=True)
            if login is None:
                raise PermissionDenied("请重新登录")
            user = login.user
        return int(user.pk)

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

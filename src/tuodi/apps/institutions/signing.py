"""Who an institution's system is: four signed headers, the same at every interface; and how often it may call.

The secret never travels, and a signature is worth nothing five minutes later. It does not cover the body: HTTPS
does, and a nonce is good for one body only (:mod:`.nonces`).
"""

from __future__ import annotations

import hashlib
import re

from django.conf import settings
from django.http import HttpRequest

from tuodi.apps.institutions import nonces
from tuodi.apps.institutions.keys import NAME, token_of
from tuodi.base import clock, limits, secrets
from tuodi.base.models import User
from tuodi.core.errors import InputErrors, declare, fault

E_KEY = declare("E-SIGN-KEY", "接入密钥不存在、未生效或已停用", "请核对 x-tif-paasid")
E_TIME = declare("E-SIGN-TIME", "x-tif-timestamp 与服务器时间相差超过 5 分钟，或不是以秒计的时间戳", "请校准时钟后重发")
E_WRONG = declare("E-SIGN-WRONG", "签名不符", "请核对密钥和签名算法：SHA-256(timestamp + token + nonce + timestamp)")
E_NONCE = declare("E-SIGN-NONCE", "x-tif-nonce 已用于另一份报文", "请每次请求使用新的随机数重新签名")
E_OFTEN = declare(
    "E-CALL-LIMIT", "调用太频繁：每分钟最多 {limit} 次", "请稍候一分钟再原样重发，并检查是否有程序在循环调用"
)

#: Seconds by which a request's clock may be off.
CLOCK_TOLERANCE = 300
SECONDS = re.compile(r"[0-9]{1,12}")
#: Calls drawn at once from the count that all workers share.
BLOCK = 20


class NotAdmitted(InputErrors):
    """A call that is not let in: by an unknown key or a wrong signature, or too many of them."""

    def __init__(self, code: str, **fields: object) -> None:
        super().__init__([fault(code, **fields)])
        self.is_too_often = code == E_OFTEN


def admit(request: HttpRequest) -> User:
    """Return the account as which a signed request acts; ``NotAdmitted`` if it is not let in."""
    name = request.headers.get("x-tif-paasid", "")
    key = token_of(name, clock.today()) if NAME.fullmatch(name) else None
    wrong = _signature_fault(request, key.token if key else None)
    if wrong:
        allowed: int = settings.TUODI_UNSIGNED_CALLS
        address = limits.client_address(request) or ""
        if not limits.take("unsigned", address, per_minute=allowed):
            raise NotAdmitted(E_OFTEN, limit=allowed)
        raise NotAdmitted(wrong)
    assert key is not None
    allowed = settings.TUODI_CALLS
    if not limits.take("interface", name, per_minute=allowed, block=min(BLOCK, allowed)):
        raise NotAdmitted(E_OFTEN, limit=allowed)
    if not nonces.belongs_to(request, key_name=name, nonce=request.headers["x-tif-nonce"]):
        raise NotAdmitted(E_NONCE)
    return key.user


def _signature_fault(request: HttpRequest, token: str | None) -> str:
    """Return the code of what is wrong with the signature headers; empty if nothing is.

    ``x-tif-signature`` is the lower-hex SHA-256 of timestamp + token + nonce + timestamp, the timestamp in unix seconds.
    """
    stamp, nonce = request.headers.get("x-tif-timestamp", ""), request.headers.get("x-tif-nonce", "")
    given = request.headers.get("x-tif-signature", "")
    if token is None:
        return E_KEY
    if not SECONDS.fullmatch(stamp) or abs(int(stamp) - int(clock.now().timestamp())) > CLOCK_TOLERANCE:
        return E_TIME
    expected = hashlib.sha256(f"{stamp}{token}{nonce}{stamp}".encode()).hexdigest()
    if not 0 < len(nonce) <= nonces.LONGEST or not secrets.same(expected.encode(), given.encode()):
        return E_WRONG
    return ""

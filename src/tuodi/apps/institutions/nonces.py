"""A nonce belongs to one message: signed headers that were overheard are worth nothing with another body.

The national formula signs timestamp, token and nonce, not the body. So the digest of the body is kept with the nonce: the same
message may come again (it gets the same answer), another one may not borrow its signature (docs/decisions/0011).
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

from django.db import connection, transaction
from django.http import HttpRequest

from tuodi.apps.institutions.models import UsedNonce
from tuodi.base import clock, secrets

LONGEST = 64
#: A day, not five minutes: a server clock that is put back an hour must not make old signatures good again.
KEPT = timedelta(days=1)
_INSERT = "INSERT INTO institutions_usednonce (key_name, nonce, digest, at)"
_HELD = "ON CONFLICT (key_name, nonce) DO UPDATE SET digest = institutions_usednonce.digest RETURNING digest"
#: One statement: kept if new, and what is held. Nothing is paid on the strength of this row alone, so it need not wait for the disk.
KEEP = {
    "sqlite": f"{_INSERT} VALUES (%s, %s, %s, %s) {_HELD}",
    "postgresql": "WITH quick AS (SELECT set_config('synchronous_commit', 'off', true)) "  # noqa: S608  put together of constants
    f"{_INSERT} SELECT %s, %s, %s, %s::timestamptz FROM quick {_HELD}",
}


def belongs_to(request: HttpRequest, *, key_name: str, nonce: str) -> bool:
    """Say whether a nonce is new or came with this very request before (address and body); from now on it belongs to it."""
    asked = f"{request.method} {request.get_full_path()}\n".encode() + request.body
    digest = hashlib.sha256(asked).digest()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(KEEP[connection.vendor], [key_name, nonce, digest, clock.now()])
        held = cursor.fetchone()[0]
    return secrets.same(held, digest)


def forget_old() -> int:
    """Delete what no signature can need any more; return how many."""
    return UsedNonce.objects.filter(at__lt=clock.now() - KEPT).delete()[0]

"""Identity numbers at rest: SM4-GCM with the row bound in, and a keyed index (HMAC-SM3) to find one without reading it.

Keys come from settings, one for encryption and another for the index: a plain hash of an 18-digit number could be guessed. While
keys are being changed the former ones stand beside them (``*_OLD``): what they sealed and indexed is still read and found, and
everything is written with the new ones (:mod:`tuodi.site.rotation`). What is *not* here: masking, which is a matter of who looks
(:func:`masked` is only the form).
"""

from __future__ import annotations

import hmac
import os
import unicodedata

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hmac import HMAC
from django.conf import settings

#: The form of what is sealed: SM4-GCM as below.
VERSION = b"\x01"
IV_BYTES, TAG_BYTES, INDEX_BYTES = 12, 16, 16


def encrypt(text: str, *, bound_to: str) -> bytes:
    """Return version, IV, cipher text and tag; only readable again with the same ``bound_to``."""
    iv = os.urandom(IV_BYTES)
    made = Cipher(algorithms.SM4(settings.TUODI_FIELD_KEY), modes.GCM(iv)).encryptor()
    made.authenticate_additional_data(bound_to.encode())
    sealed = made.update(text.encode()) + made.finalize()
    return VERSION + iv + sealed + made.tag


def decrypt(sealed: bytes, *, bound_to: str) -> str:
    """Return the text; ``InvalidTag`` if it was changed or moved to another row."""
    try:
        return _opened(sealed, settings.TUODI_FIELD_KEY, bound_to)
    except InvalidTag:
        if not settings.TUODI_FIELD_KEY_OLD:
            raise
    return _opened(sealed, settings.TUODI_FIELD_KEY_OLD, bound_to)


def is_current(sealed: bytes, *, bound_to: str) -> bool:
    """Say whether a text is sealed under the key of now, not under the former one."""
    try:
        _opened(sealed, settings.TUODI_FIELD_KEY, bound_to)
    except InvalidTag:
        return False
    return True


def _opened(sealed: bytes, key: bytes, bound_to: str) -> str:
    sealed = bytes(sealed)
    assert sealed[:1] == VERSION, "unknown form of a sealed text"
    iv, body, tag = sealed[1 : 1 + IV_BYTES], sealed[1 + IV_BYTES : -TAG_BYTES], sealed[-TAG_BYTES:]
    made = Cipher(algorithms.SM4(key), modes.GCM(iv, tag)).decryptor()
    made.authenticate_additional_data(bound_to.encode())
    return (made.update(body) + made.finalize()).decode()


def search_index(text: str) -> bytes:
    """Return the keyed index of an identity number as people may type it (full-width digits, small x, spaces)."""
    return _indexed(text, settings.TUODI_INDEX_KEY)


def search_indexes(text: str) -> list[bytes]:
    """Return every index under which a number may stand: that of now, and while keys are being changed the former one."""
    return [_indexed(text, key) for key in (settings.TUODI_INDEX_KEY, settings.TUODI_INDEX_KEY_OLD) if key]


def _indexed(text: str, key: bytes) -> bytes:
    plain = unicodedata.normalize("NFKC", text).strip().upper()
    made = HMAC(key, hashes.SM3())
    made.update(plain.encode())
    return made.finalize()[:INDEX_BYTES]


def masked(text: str) -> str:
    """Return an identity number as others may see it.

    >>> masked("320902199001011234")
    '3209**********1234'
    """
    return text[:4] + "*" * max(0, len(text) - 8) + text[-4:] if len(text) > 8 else "*" * len(text)


def masked_name(name: str) -> str:
    """Return a name as a public board may show it: the first character, the rest starred.

    >>> masked_name("王小明")
    '王**'
    """
    return name[:1] + "*" * (len(name) - 1)


def same(a: bytes, b: bytes) -> bool:
    """Compare without telling by time."""
    return hmac.compare_digest(bytes(a), bytes(b))

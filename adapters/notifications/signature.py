"""Signatures of Standard Webhooks 1.0 with a shared secret (HMAC-SHA256, ``v1``)."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

SECRET_PREFIX: Final = "whsec_"  # noqa: S105  the prefix, not a secret
_SECRET_BYTES: Final = range(24, 65)


def parse_secrets(text: str) -> tuple[bytes, ...]:
    """The signing keys from one or more secrets ``whsec_<base64>``, separated by spaces.

    With two secrets, a receiver may use either, so that a secret can be rotated without a pause.

    Raises:
        ValueError: there is no secret, or one is not in this form or not 24 to 64 bytes long; the
            message shows no secret.
    """
    keys = tuple(_key(part) for part in text.split())
    if not keys:
        raise ValueError("must hold a secret")
    return keys


def _key(secret: str) -> bytes:
    if not secret.startswith(SECRET_PREFIX):
        raise ValueError(f"must begin with {SECRET_PREFIX}")
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError(f"must be base64 after {SECRET_PREFIX}") from None
    if len(key) not in _SECRET_BYTES:
        raise ValueError("must hold 24 to 64 bytes")
    return key


def signature(keys: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> str:
    """The value of the header ``webhook-signature``: one signature per key, separated by spaces."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    digests = (hmac.new(key, signed, hashlib.sha256).digest() for key in keys)
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)

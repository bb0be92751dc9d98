"""Sealing a value with a data key: AES-256-GCM, bound to the place where the value stands.

The sealed form is a JSON object with one entry, ``{"$sealed": "1:<key id>:<base64>"}``. What it is
bound to is authenticated but not stored, so a sealed value opens in its own place only.
"""

import base64
import binascii
import json
import os
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from cryptography.exceptions import InvalidTag

from adapters.personal_data.errors import Tampered
from adapters.personal_data.fields import Path
from adapters.personal_data.keys import NONCE_BYTES, DataKey
from domain.values import Redaction

MARK: Final = "$sealed"
_FORM: Final = "1"
_encode: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def is_sealed(value: object) -> bool:
    """Whether a value is the sealed form of another one."""
    return isinstance(value, Mapping) and MARK in value


def redacted(why: Redaction) -> dict[str, str]:
    """What stands for a value that is not shown; decodes to `domain.values.Redacted`."""
    return {"redacted": why.value}


def seal(value: Any, key: DataKey, place: bytes) -> dict[str, str]:
    """The sealed form of a JSON value."""
    nonce = os.urandom(NONCE_BYTES)
    sealed = nonce + key.cipher.encrypt(nonce, _encode(value).encode(), place)
    return {MARK: f"{_FORM}:{key.key_id.hex}:{base64.b64encode(sealed).decode()}"}


def key_id_of(sealed: Mapping[str, Any], where: str) -> UUID:
    """Which key opens a sealed value.

    Raises:
        Tampered: it is no sealed value as `seal` makes them.
    """
    return _parts(sealed, where)[0]


def unseal(sealed: Mapping[str, Any], key: DataKey, place: bytes, where: str) -> Any:
    """The JSON value that was sealed.

    Args:
        sealed: what `seal` made.
        key: the key that it names.
        place: the place it was sealed for.
        where: names it in an error.

    Raises:
        Tampered: it was changed, or stands in another place.
    """
    _, content = _parts(sealed, where)
    try:
        plain = key.cipher.decrypt(content[:NONCE_BYTES], content[NONCE_BYTES:], place)
    except (InvalidTag, ValueError):
        raise Tampered(where) from None
    return json.loads(plain)


def place_of_field(stream: str, event_id: UUID, event_type: str, path: Path) -> bytes:
    """What a field of an event is bound to."""
    return "\n".join(("field", stream, str(event_id), event_type, *path)).encode()


def _parts(sealed: Mapping[str, Any], where: str) -> tuple[UUID, bytes]:
    try:
        form, key_id, content = sealed[MARK].split(":")
        if form != _FORM:
            raise Tampered(where)
        return UUID(hex=key_id), base64.b64decode(content, validate=True)
    except (AttributeError, ValueError, binascii.Error):
        raise Tampered(where) from None

"""Seal values with a data key: AES-256-GCM, bound to the place of the value.

The sealed form is a JSON object with one entry, ``{"$sealed": "1:<key id>:<base64>"}``. The place
is authenticated but not stored, so a sealed value can be opened only in its own place.
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
    """Whether a value is sealed."""
    return isinstance(value, Mapping) and MARK in value


def redacted(why: Redaction) -> dict[str, str]:
    """The replacement for a value that must not be shown; decodes to `domain.values.Redacted`."""
    return {"redacted": why.value}


def seal(value: Any, key: DataKey, place: bytes) -> dict[str, str]:
    """The sealed form of a JSON value."""
    nonce = os.urandom(NONCE_BYTES)
    sealed = nonce + key.cipher.encrypt(nonce, _encode(value).encode(), place)
    return {MARK: f"{_FORM}:{key.key_id.hex}:{base64.b64encode(sealed).decode()}"}


def key_id_of(sealed: Mapping[str, Any], where: str) -> UUID:
    """The id of the key that opens a sealed value.

    Raises:
        Tampered: it is not a value that `seal` made.
    """
    return _parts(sealed, where)[0]


def unseal(sealed: Mapping[str, Any], key: DataKey, place: bytes, where: str) -> Any:
    """The JSON value that was sealed.

    Args:
        sealed: what `seal` made.
        key: the key with the id in the sealed value.
        place: the place it was sealed for.
        where: describes the value in errors.

    Raises:
        Tampered: it was changed, or moved to another place.
    """
    _, content = _parts(sealed, where)
    try:
        plain = key.cipher.decrypt(content[:NONCE_BYTES], content[NONCE_BYTES:], place)
    except (InvalidTag, ValueError):
        raise Tampered(where) from None
    return json.loads(plain)


def place_of_field(stream: str, event_id: UUID, event_type: str, path: Path) -> bytes:
    """The place that a sealed field of an event is bound to."""
    return "\n".join(("field", stream, str(event_id), event_type, *path)).encode()


def _parts(sealed: Mapping[str, Any], where: str) -> tuple[UUID, bytes]:
    try:
        form, key_id, content = sealed[MARK].split(":")
        if form != _FORM:
            raise Tampered(where)
        return UUID(hex=key_id), base64.b64decode(content, validate=True)
    except (AttributeError, ValueError, binascii.Error):
        raise Tampered(where) from None

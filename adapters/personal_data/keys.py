"""Keys: one data key per person, wrapped by a master key that the database never sees."""

import base64
import hashlib
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Protocol
from uuid import UUID, uuid4

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.personal_data.errors import MasterKeyMissing, Tampered

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12


@dataclass(frozen=True)
class DataKey:
    """The key of one person; `subject` says whose it is."""

    key_id: UUID
    subject: str
    secret: bytes = field(repr=False)

    @cached_property
    def cipher(self) -> AESGCM:
        """AES-256-GCM with this key."""
        return AESGCM(self.secret)


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A data key as it may be stored: useless without the master key it names."""

    key_id: UUID
    subject: str
    master_key_id: str
    wrapped: bytes


class KeyVault(Protocol):
    """Keeps data keys, and forgets them on request."""

    async def keys_for(self, subjects: Collection[str]) -> Mapping[str, DataKey]:
        """The present key of each subject; whoever has none gets one.

        Raises:
            StoreUnavailable: the vault cannot be reached.
            PersonalDataError: a key cannot be opened.
        """
        ...

    async def find(self, key_ids: Collection[UUID]) -> Mapping[UUID, DataKey]:
        """Those of the keys that were not destroyed; raises as `keys_for`."""
        ...


class MasterKeys:
    """Wraps data keys with the present master key and opens those of older ones too.

    Args:
        current: 32 random bytes.
        older: master keys of before a change, for reading only.
    """

    def __init__(self, current: bytes, older: Sequence[bytes] = ()) -> None:
        self.current_id = master_key_id(current)
        self._ciphers = {master_key_id(key): AESGCM(key) for key in (*older, current)}

    def make(self, subject: str) -> WrappedKey:
        """A new data key."""
        return self.wrap(DataKey(uuid4(), subject, AESGCM.generate_key(8 * KEY_BYTES)))

    def wrap(self, key: DataKey) -> WrappedKey:
        """The stored form of a data key."""
        nonce = os.urandom(NONCE_BYTES)
        bound = _bound_to(key.key_id, key.subject)
        wrapped = nonce + self._ciphers[self.current_id].encrypt(nonce, key.secret, bound)
        return WrappedKey(key.key_id, key.subject, self.current_id, wrapped)

    def open(self, stored: WrappedKey) -> DataKey:
        """The data key.

        Raises:
            MasterKeyMissing: its master key was not given.
            Tampered: it was changed, or belongs to another row.
        """
        cipher = self._ciphers.get(stored.master_key_id)
        if cipher is None:
            raise MasterKeyMissing(stored.master_key_id)
        nonce, sealed = stored.wrapped[:NONCE_BYTES], stored.wrapped[NONCE_BYTES:]
        try:
            secret = cipher.decrypt(nonce, sealed, _bound_to(stored.key_id, stored.subject))
        except (InvalidTag, ValueError):
            raise Tampered(f"data key {stored.key_id}") from None
        return DataKey(stored.key_id, stored.subject, secret)


def parse_master_key(text: str) -> bytes:
    """A master key from its base64 text.

    Raises:
        ValueError: it is no base64 of 32 bytes; the message does not show it.
    """
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError(f"must be the base64 text of {KEY_BYTES} random bytes")
    return key


def new_master_key() -> str:
    """A random master key as base64 text."""
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()


def master_key_id(key: bytes) -> str:
    """The name of a master key: tells two apart and reveals neither."""
    return hashlib.sha256(b"ordersaga master key\n" + key).hexdigest()[:16]


def _bound_to(key_id: UUID, subject: str) -> bytes:
    return f"data key\n{key_id}\n{subject}".encode()

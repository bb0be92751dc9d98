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
    """The key of one person, `subject`."""

    key_id: UUID
    subject: str
    secret: bytes = field(repr=False)

    @cached_property
    def cipher(self) -> AESGCM:
        """AES-256-GCM with this key."""
        return AESGCM(self.secret)


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A data key in its stored form: useless without the master key it names."""

    key_id: UUID
    subject: str
    master_key_id: str
    wrapped: bytes


class KeyVault(Protocol):
    """Stores data keys, and destroys them on request."""

    async def keys_for(self, subjects: Collection[str]) -> Mapping[str, DataKey]:
        """The current key of each subject; a subject without one gets a new one.

        Raises:
            StoreUnavailable: the vault cannot be reached.
            PersonalDataError: a key cannot be opened.
        """
        ...

    async def find(self, key_ids: Collection[UUID]) -> Mapping[UUID, DataKey]:
        """The keys that were not destroyed; raises like `keys_for`."""
        ...


class MasterKeys:
    """Wraps data keys with the current master key; also opens those of previous ones.

    Args:
        current: 32 random bytes.
        previous: earlier master keys, used only to decrypt.

    Attributes:
        current_id: the id of the current one.
        ids: the ids of all.
    """

    def __init__(self, current: bytes, previous: Sequence[bytes] = ()) -> None:
        self.current_id = master_key_id(current)
        self._ciphers = {master_key_id(key): AESGCM(key) for key in (*previous, current)}
        self.ids = frozenset(self._ciphers)

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
            MasterKeyMissing: this process does not have its master key.
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
        ValueError: it is not the base64 text of 32 bytes; the message does not show it.
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
    """The id of a master key, which does not reveal the key."""
    return hashlib.sha256(b"ordersaga master key\n" + key).hexdigest()[:16]


def _bound_to(key_id: UUID, subject: str) -> bytes:
    return f"data key\n{key_id}\n{subject}".encode()

"""Key vaults: one in memory, and a short-lived cache over another one."""

import time
from collections.abc import Callable, Collection, Mapping
from typing import Final
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.personal_data.keys import KEY_BYTES, DataKey, KeyVault
from adapters.personal_data.recent import Recent

LIFETIME_S: Final = 3.0
"""How long a process may use a key after it was destroyed."""

CACHE_SIZE: Final = 10_000


class InMemoryKeyVault:
    """Keeps keys in this process, for tests and examples."""

    def __init__(self) -> None:
        self._keys: dict[UUID, DataKey] = {}
        self._current: dict[str, DataKey] = {}

    async def keys_for(self, subjects: Collection[str]) -> Mapping[str, DataKey]:
        """See `KeyVault.keys_for`."""
        for subject in subjects:
            if subject not in self._current:
                key = DataKey(uuid4(), subject, AESGCM.generate_key(8 * KEY_BYTES))
                self._current[subject] = self._keys[key.key_id] = key
        return {subject: self._current[subject] for subject in subjects}

    async def find(self, key_ids: Collection[UUID]) -> Mapping[UUID, DataKey]:
        """See `KeyVault.find`."""
        return {key_id: self._keys[key_id] for key_id in key_ids if key_id in self._keys}

    def destroy(self, subject: str) -> None:
        """Destroy all keys of a subject."""
        self._current.pop(subject, None)
        for key in [key for key in self._keys.values() if key.subject == subject]:
            del self._keys[key.key_id]


class CachingVault:
    """Caches the keys of another vault for `lifetime_s` seconds.

    The lifetime starts before the request to the other vault, so a key is never used for longer.

    Args:
        vault: the other vault.
        lifetime_s: the lifetime of an entry.
        size: the number of keys in the cache.
        clock: monotonic time in seconds.

    Attributes:
        requests: the number of requests to the other vault.
    """

    def __init__(
        self,
        vault: KeyVault,
        *,
        lifetime_s: float = LIFETIME_S,
        size: int = CACHE_SIZE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._vault = vault
        self._lifetime_s = lifetime_s
        self._clock = clock
        self._by_subject: Recent[str, tuple[float, DataKey]] = Recent(size)
        self._by_id: Recent[UUID, tuple[float, DataKey | None]] = Recent(size)
        self.requests = 0

    async def keys_for(self, subjects: Collection[str]) -> Mapping[str, DataKey]:
        """See `KeyVault.keys_for`."""
        now = self._clock()
        cached = ((one, self._by_subject.get(one)) for one in subjects)
        keys = {one: entry[1] for one, entry in cached if entry and entry[0] > now}
        missing = [one for one in subjects if one not in keys]
        if missing:
            self.requests += 1
            answer = await self._vault.keys_for(missing)
            for subject, key in answer.items():
                self._by_subject.put(subject, (now + self._lifetime_s, key))
                self._by_id.put(key.key_id, (now + self._lifetime_s, key))
            keys |= answer
        return keys

    def forget(self) -> None:
        """Use none of the cached keys: the other vault may have lost some."""
        self._by_subject.clear()
        self._by_id.clear()

    async def find(self, key_ids: Collection[UUID]) -> Mapping[UUID, DataKey]:
        """See `KeyVault.find`."""
        now = self._clock()
        cached = ((one, self._by_id.get(one)) for one in key_ids)
        keys = {one: entry[1] for one, entry in cached if entry and entry[0] > now}
        missing = [one for one in key_ids if one not in keys]
        if missing:
            self.requests += 1
            answer = await self._vault.find(missing)
            for one in missing:
                self._by_id.put(one, (now + self._lifetime_s, answer.get(one)))
            keys |= answer
        return {key_id: key for key_id, key in keys.items() if key is not None}

"""Vaults: one in memory, and one that remembers for a moment what another one said."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.personal_data.keys import KEY_BYTES, DataKey, KeyVault
from adapters.personal_data.recent import Recent

LIFETIME_S: Final = 3.0
"""So long a process may go on with a key after it was destroyed."""

REMEMBERED: Final = 10_000


class InMemoryKeyVault:
    """Keeps keys in this process: for tests and examples."""

    def __init__(self) -> None:
        self._keys: dict[UUID, DataKey] = {}
        self._present: dict[str, DataKey] = {}

    async def keys_for(self, subjects: Collection[str]) -> Mapping[str, DataKey]:
        """See `KeyVault.keys_for`."""
        for subject in subjects:
            if subject not in self._present:
                key = DataKey(uuid4(), subject, AESGCM.generate_key(8 * KEY_BYTES))
                self._present[subject] = self._keys[key.key_id] = key
        return {subject: self._present[subject] for subject in subjects}

    async def find(self, key_ids: Collection[UUID]) -> Mapping[UUID, DataKey]:
        """See `KeyVault.find`."""
        return {key_id: self._keys[key_id] for key_id in key_ids if key_id in self._keys}

    def destroy(self, subject: str) -> None:
        """Forget every key of a subject."""
        self._present.pop(subject, None)
        for key in [key for key in self._keys.values() if key.subject == subject]:
            del self._keys[key.key_id]


class CachingVault:
    """Asks another vault, and not again for the same key within `lifetime_s` seconds.

    An entry's time counts from before the question, so no answer is older than that.

    Args:
        vault: who is asked.
        lifetime_s: how old an answer may be.
        room: how many keys are remembered.
        clock: seconds that only grow.

    Attributes:
        asked: how many questions went to the other vault.
    """

    def __init__(
        self,
        vault: KeyVault,
        *,
        lifetime_s: float = LIFETIME_S,
        room: int = REMEMBERED,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._vault = vault
        self._lifetime_s = lifetime_s
        self._clock = clock
        self._by_subject: Recent[str, tuple[float, DataKey]] = Recent(room)
        self._by_id: Recent[UUID, tuple[float, DataKey | None]] = Recent(room)
        self.asked = 0

    async def keys_for(self, subjects: Collection[str]) -> Mapping[str, DataKey]:
        """See `KeyVault.keys_for`."""
        now = self._clock()
        fresh = ((one, self._by_subject.get(one)) for one in subjects)
        found = {one: entry[1] for one, entry in fresh if entry and entry[0] > now}
        missing = [one for one in subjects if one not in found]
        if missing:
            self.asked += 1
            answer = await self._vault.keys_for(missing)
            for subject, key in answer.items():
                self._by_subject.put(subject, (now + self._lifetime_s, key))
                self._by_id.put(key.key_id, (now + self._lifetime_s, key))
            found |= answer
        return found

    async def find(self, key_ids: Collection[UUID]) -> Mapping[UUID, DataKey]:
        """See `KeyVault.find`."""
        now = self._clock()
        known: dict[UUID, DataKey | None] = {}
        for key_id in key_ids:
            entry = self._by_id.get(key_id)
            if entry and entry[0] > now:
                known[key_id] = entry[1]
        missing = [key_id for key_id in key_ids if key_id not in known]
        if missing:
            self.asked += 1
            answer = await self._vault.find(missing)
            self._remember(missing, answer, now + self._lifetime_s)
            known |= answer
        return {key_id: key for key_id, key in known.items() if key is not None}

    def _remember(
        self, asked: Iterable[UUID], answer: Mapping[UUID, DataKey], until: float
    ) -> None:
        for key_id in asked:
            self._by_id.put(key_id, (until, answer.get(key_id)))

"""The key vault in PostgreSQL: data keys in their own schema, encrypted with the master key."""

from collections.abc import Collection, Mapping, Sequence
from importlib.resources import files
from typing import Any, Final
from uuid import UUID

import asyncpg

from adapters.personal_data.errors import MasterKeyMissing
from adapters.personal_data.keys import DataKey, MasterKeys, WrappedKey
from eventstore.errors import StoreUnavailable
from eventstore.postgres.connection import maintenance, survey
from eventstore.postgres.errors import translated
from eventstore.postgres.migrator import Schema

KEY_VAULT: Final = Schema("personal_data", "ordersaga.personal_data")

_CLAIMS: Final = 5
_REWRAPPED_AT_ONCE: Final = 1000


def _statement(name: str) -> str:
    return files("ordersaga.personal_data.sql").joinpath(f"{name}.sql").read_text()


_CLAIM: Final = _statement("claim_keys")
_FIND: Final = _statement("find_keys")


class PostgresKeyVault:
    """A `KeyVault` in the schema `personal_data` of a migrated database.

    Args:
        pool: connections to the database of the events; the caller closes it.
        master: encrypts and decrypts the data keys.
    """

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", master: MasterKeys) -> None:
        self._pool = pool
        self._master = master

    async def keys_for(self, subjects: Collection[str]) -> Mapping[str, DataKey]:
        """See `KeyVault.keys_for`."""
        keys: dict[str, DataKey] = {}
        for _ in range(_CLAIMS):
            missing = [subject for subject in subjects if subject not in keys]
            if not missing:
                return keys
            keys |= {key.subject: key for key in await self._claim(missing)}
        used = await KeyRing(self._pool).master_keys()
        if used and self._master.ids.isdisjoint(used):
            raise MasterKeyMissing(used[0])
        raise StoreUnavailable("no data key could be made: other processes keep retiring it")

    async def _claim(self, subjects: Sequence[str]) -> list[DataKey]:
        offered = [self._master.make(subject) for subject in subjects]
        return await self._keys(
            _CLAIM,
            list(subjects),
            [key.key_id for key in offered],
            self._master.current_id,
            [key.wrapped for key in offered],
            list(self._master.ids),
        )

    async def find(self, key_ids: Collection[UUID]) -> Mapping[UUID, DataKey]:
        """See `KeyVault.find`."""
        return {key.key_id: key for key in await self._keys(_FIND, list(key_ids))}

    async def _keys(self, query: str, *arguments: Any) -> list[DataKey]:
        with translated():
            rows = await self._pool.fetch(query, *arguments)
        return [self._master.open(WrappedKey(*row)) for row in rows]


class KeyRing:
    """The stored keys, for erasures and for changes of the master key; needs no master key."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    async def destroyed(self, subject: str) -> tuple[UUID, ...]:
        """The destroyed keys of a subject."""
        rows = await self._fetch("keys_of", subject)
        return tuple(row["key_id"] for row in rows if row["destroyed_at"] is not None)

    async def knows(self, subject: str) -> bool:
        """Whether a subject ever had a key."""
        return bool(await self._fetch("keys_of", subject))

    async def undestroyed(self, subject: str) -> bool:
        """Whether a subject has a key that can still decrypt."""
        return any(row["destroyed_at"] is None for row in await self._fetch("keys_of", subject))

    async def has_present(self, subject: str) -> bool:
        """Whether a subject has a key that may encrypt."""
        return any(row["retired_at"] is None for row in await self._fetch("keys_of", subject))

    async def retire(self, subject: str) -> tuple[UUID, ...]:
        """Retire the keys of a subject: they encrypt nothing more. Returns those retired now."""
        return tuple(row["key_id"] for row in await self._fetch("retire_keys", subject))

    async def restore(self, key_ids: Collection[UUID]) -> None:
        """Undo a retirement."""
        await self._fetch("restore_keys", list(key_ids))

    async def destroy(self, subject: str) -> tuple[UUID, ...]:
        """Destroy the retired keys of a subject; returns those destroyed now."""
        destroyed = tuple(row["key_id"] for row in await self._fetch("destroy_keys", subject))
        if destroyed:
            with maintenance():
                await self._fetch("vacuum")
        return destroyed

    async def master_keys(self) -> tuple[str, ...]:
        """The ids of the master keys that encrypt at least one key; empty for an empty vault."""
        return tuple(row["master_key_id"] for row in await self._fetch("master_keys"))

    async def rewrap(self, master: MasterKeys) -> int:
        """Encrypt every key with the current master key; returns how many had another one.

        Raises:
            MasterKeyMissing: a previous master key is not set.
        """
        rewrapped = 0
        while True:
            with survey():
                rows = await self._fetch(
                    "keys_under_other_master", master.current_id, _REWRAPPED_AT_ONCE
                )
            if not rows:
                return rewrapped
            fresh = [master.wrap(master.open(WrappedKey(*row))) for row in rows]
            ids = [key.key_id for key in fresh]
            wrapped = [key.wrapped for key in fresh]
            await self._fetch("rewrap_keys", master.current_id, ids, wrapped)
            rewrapped += len(rows)

    async def _fetch(self, name: str, *arguments: Any) -> "list[asyncpg.Record]":
        with translated():
            return await self._pool.fetch(_statement(name), *arguments)

"""Random transactions against live readers: nothing missed, doubled or out of stream order."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from random import Random

import asyncpg
import pytest

from eventstore.model import Expected
from eventstore.postgres.store import PostgresEventStore
from ordersaga.embedded.postgres import EmbeddedPostgres
from tests.support.stores.event_store import migrated_database, opened_store
from tests.support.stores.raw_appends import (
    NaiveReader,
    PagesReader,
    StoreReader,
    append_in,
    stored_positions,
)

WRITERS = 8
TRANSACTIONS = 40
READERS = 3
STREAMS = 12


@pytest.fixture(params=["one table", "partitioned"])
async def database(
    request: pytest.FixtureRequest, postgres_server: EmbeddedPostgres
) -> AsyncIterator[str]:
    partitioned = request.param == "partitioned"
    async with migrated_database(postgres_server, partitioned=partitioned) as url:
        yield url


class Writer:
    """Runs random transactions, one after the other."""

    def __init__(self, database: str, seed: int) -> None:
        self._database = database
        self._random = Random(seed)

    async def run(self) -> None:
        connection = await asyncpg.connect(self._database)
        for _ in range(TRANSACTIONS):
            if connection.is_closed():
                connection = await asyncpg.connect(self._database)
            with suppress(asyncpg.PostgresConnectionError, asyncpg.AdminShutdownError):
                await self._transaction(connection)
        await connection.close()

    async def _transaction(self, connection: asyncpg.Connection) -> None:
        await connection.execute("BEGIN")
        await self._append(connection, "a")
        await self._pause()
        if self._random.random() < 0.4:
            await self._savepoint(connection)
        end = self._random.choice(["COMMIT"] * 7 + ["ROLLBACK"] * 2 + ["KILL"])
        if end == "KILL":
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        await connection.execute(end)

    async def _savepoint(self, connection: asyncpg.Connection) -> None:
        # Other streams than before, later in the order of locking: no deadlocks by construction.
        await connection.execute("SAVEPOINT middle")
        await self._append(connection, "b")
        await self._pause()
        if self._random.random() < 0.5:
            await connection.execute("ROLLBACK TO SAVEPOINT middle")
            await self._append(connection, "c")

    async def _append(self, connection: asyncpg.Connection, category: str) -> None:
        way = self._random.choice(["new streams", "fast", "slow", "slow"])
        if way == "new streams":
            counts = {name: self._random.randint(1, 3) for name in self._new_names(category)}
            await append_in(connection, counts, expected=Expected.NO_STREAM)
        else:
            await append_in(connection, self._counts(category), fast=way == "fast")

    def _new_names(self, category: str) -> list[str]:
        return [f"{category}-{self._random.getrandbits(64)}" for _ in range(2)]

    def _counts(self, category: str) -> dict[str, int]:
        numbers = self._random.sample(range(STREAMS), self._random.randint(1, 4))
        return {f"{category}-{number}": self._random.randint(1, 3) for number in numbers}

    async def _pause(self) -> None:
        await asyncio.sleep(self._random.choice([0, 0, 0.001, 0.004]))


async def follow(reader: StoreReader | NaiveReader, done: asyncio.Event, seed: int) -> None:
    """Read pages of random size until all writers are done and nothing is left."""
    random = Random(seed)
    while True:
        finished = done.is_set()
        if await reader.read(random.choice([1, 3, 10, 100])) == 0 and finished:
            return
        await asyncio.sleep(random.choice([0, 0.001]))


async def late_commit(pool: asyncpg.Pool, naive: NaiveReader) -> None:
    """Draw positions and commit only when the naive reader has gone past them."""
    async with pool.acquire() as connection, connection.transaction():
        await append_in(connection, {"late-1": 2})
        drawn = await pool.fetchval("SELECT last_value FROM eventstore.positions")
        while naive.after <= drawn:  # noqa: ASYNC110  the reader knows nothing of events
            await asyncio.sleep(0.001)


async def test_random_transactions_lose_nothing_for_our_readers_but_for_a_naive_one(
    database: str, pool: asyncpg.Pool
) -> None:
    seed = int(os.environ.get("ORDERSAGA_TEST_SEED", "20240517"))
    async with opened_store(database) as shared, opened_store(database) as other:
        stores: list[PostgresEventStore] = [shared, shared, other]
        readers = [StoreReader(store) for store in stores[:READERS]]
        readers += [PagesReader(store) for store in stores[:READERS]]
        naive = NaiveReader(pool)
        done = asyncio.Event()
        async with asyncio.TaskGroup() as following:
            for number, reader in enumerate([*readers, naive]):
                following.create_task(follow(reader, done, seed + number))
            async with asyncio.TaskGroup() as writing:
                writing.create_task(late_commit(pool, naive))
                for number in range(WRITERS):
                    writing.create_task(Writer(database, seed + number).run())
            done.set()

    stored = await stored_positions(pool)
    assert len(stored) > WRITERS * TRANSACTIONS
    for reader in readers:
        assert reader.seen == stored, f"seed {seed}"
        for stream, versions in reader.order.items():
            assert versions == list(range(1, len(versions) + 1)), f"{stream}, seed {seed}"
    assert set(naive.seen) < set(stored), "the control must miss events"

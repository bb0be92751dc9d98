"""The probe fails exactly where an append would fail."""

import asyncio

import asyncpg
import pytest

from eventstore.errors import StoreUnavailable
from eventstore.postgres.store import PostgresEventStore
from tests.support.stack.stack import until
from tests.support.stores.event_store import new_stream


async def test_a_probe_succeeds_and_leaves_no_event(store: PostgresEventStore) -> None:
    await asyncio.gather(*(store.probe() for _ in range(20)))
    assert await store.head() == 0


async def test_a_probe_writes_a_file_beside_the_events_so_that_a_full_disk_shows(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    files = "SELECT temp_files FROM pg_stat_database WHERE datname = current_database()"

    async def written() -> bool:
        await store.probe()
        return bool(await pool.fetchval(files))

    assert await pool.fetchval(files) == 0
    await until(written)


@pytest.mark.parametrize("table", ["streams", "events", "event_ids"])
async def test_a_probe_fails_while_a_table_of_an_append_is_locked(
    store: PostgresEventStore, pool: asyncpg.Pool, database: str, table: str
) -> None:
    owner = await asyncpg.connect(database)
    try:
        async with owner.transaction():
            await owner.execute(f"LOCK TABLE eventstore.{table} IN SHARE MODE")
            with pytest.raises(StoreUnavailable):
                await store.probe()
        await store.probe()
    finally:
        await owner.close()


async def test_a_probe_does_not_wait_for_a_stream_that_somebody_locked(
    store: PostgresEventStore, database: str
) -> None:
    await store.append(new_stream("cart-1"))
    owner = await asyncpg.connect(database)
    try:
        async with owner.transaction():
            await owner.execute("SELECT FROM eventstore.streams FOR UPDATE")
            await store.probe()
    finally:
        await owner.close()


async def test_a_probe_fails_where_writing_is_refused(
    store: PostgresEventStore, database: str
) -> None:
    owner = await asyncpg.connect(database)
    name = await owner.fetchval("SELECT current_database()")
    try:
        await store.probe()
        await owner.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        await owner.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                await store.probe()
        await owner.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        await store.probe()
    finally:
        await owner.close()

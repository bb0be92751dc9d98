"""Append-only is the database's promise, not the program's."""

import asyncpg
import pytest

from eventstore.errors import AppendOnlyViolation
from eventstore.postgres.errors import translated
from eventstore.postgres.store import PostgresEventStore
from tests.support.stores.event_store import new_stream

COPY_OF_A_ROW = """
INSERT INTO eventstore.events
SELECT position + 100, recorded_at, version + 100, tx, append_size, schema_version, bucket,
    gen_random_uuid(), stream, category, event_type, data, metadata
FROM eventstore.events LIMIT 1
"""

FORBIDDEN = [
    "UPDATE eventstore.events SET data = '{}'",
    "UPDATE eventstore.events SET data = '{}' WHERE false",
    "DELETE FROM eventstore.events",
    "TRUNCATE eventstore.events",
    "TRUNCATE eventstore.events CASCADE",
    "WITH gone AS (DELETE FROM eventstore.events RETURNING 1) SELECT count(*) FROM gone",
    "MERGE INTO eventstore.events USING (SELECT 1) AS s ON true WHEN MATCHED THEN DELETE",
    COPY_OF_A_ROW,
]


@pytest.mark.parametrize("statement", FORBIDDEN)
async def test_the_database_refuses_to_change_stored_events(
    store: PostgresEventStore, pool: asyncpg.Pool, statement: str
) -> None:
    await store.append(new_stream("cart-1", 2))
    before = await store.read_stream("cart-1")
    with pytest.raises(AppendOnlyViolation), translated():
        await pool.execute(statement)
    assert await store.read_stream("cart-1") == before


@pytest.mark.parametrize("statement", FORBIDDEN)
async def test_a_replication_session_is_refused_too(
    store: PostgresEventStore, pool: asyncpg.Pool, statement: str
) -> None:
    await store.append(new_stream("cart-1", 2))
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        with pytest.raises(AppendOnlyViolation), translated():
            await connection.execute(statement)


async def test_copy_cannot_bypass_the_append_function(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    await store.append(new_stream("cart-1"))
    row = await pool.fetchrow("SELECT * FROM eventstore.events")
    with pytest.raises(AppendOnlyViolation), translated():
        await pool.copy_records_to_table("events", schema_name="eventstore", records=[tuple(row)])


async def test_an_append_earlier_in_the_transaction_opens_no_door(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    await store.append(new_stream("cart-1"))
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "SELECT eventstore.append_events('{b-1}', '{1}', '{1}', '{1}', '{0}', '{1}', '{1}',"
            " '{1}', '{b-1}', ARRAY[gen_random_uuid()], '{T}', '{1}', ARRAY['{}'::json],"
            " ARRAY['{}'::json], false)"
        )
        with pytest.raises(AppendOnlyViolation), translated():
            await connection.execute(COPY_OF_A_ROW)


async def test_the_same_statements_work_once_the_guard_is_gone(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    """The control: it is the triggers that refuse, not a mistake in the statements."""
    await store.append(new_stream("cart-1", 2))
    await pool.execute("ALTER TABLE eventstore.events DISABLE TRIGGER USER")
    await pool.execute(COPY_OF_A_ROW)
    await pool.execute("DELETE FROM eventstore.events")
    assert await store.read_stream("cart-1") == []

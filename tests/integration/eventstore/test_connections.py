"""Connections that the store keeps out of the pool."""

import asyncio

import asyncpg
import pytest

from eventstore.deadline import within
from eventstore.errors import StoreUnavailable
from eventstore.model import StreamAppend
from eventstore.postgres.connection import MAINTENANCE_S, connect, maintenance, survey
from eventstore.postgres.pool import OwnedConnections
from tests.support.stores.event_store import events, new_stream, opened_pool, opened_store

BACKEND = "SELECT pg_backend_pid()"


async def backend(connections: OwnedConnections) -> int:
    ((pid,),) = await connections.fetch(BACKEND)
    return int(pid)


async def test_statements_in_succession_share_a_connection_that_stays_out_of_the_pool(
    pool: asyncpg.Pool,
) -> None:
    connections = OwnedConnections(pool, 2)
    first = await backend(connections)
    assert pool.get_idle_size() == pool.get_size() - 1
    assert await backend(connections) == first
    await connections.close()
    assert pool.get_idle_size() == pool.get_size()


async def test_statements_at_the_same_time_have_a_connection_each_and_only_some_are_kept(
    pool: asyncpg.Pool,
) -> None:
    connections = OwnedConnections(pool, 2)
    assert len(set(await asyncio.gather(*(backend(connections) for _ in range(4))))) == 4
    assert pool.get_idle_size() == pool.get_size() - 2
    await connections.close()


@pytest.mark.parametrize(("size", "kept"), [(1, 0), (3, 0), (4, 1), (8, 2), (20, 2)])
async def test_a_small_pool_keeps_connections_for_everybody_else(
    database: str, size: int, kept: int
) -> None:
    async with opened_pool(database, max_size=size) as small:
        connections = OwnedConnections(small, 2)
        await asyncio.gather(*(backend(connections) for _ in range(2 * size)))
        assert small.get_size() - small.get_idle_size() == kept
        await connections.close()


async def test_a_connection_that_died_while_idle_is_replaced(pool: asyncpg.Pool) -> None:
    connections = OwnedConnections(pool, 1)
    dead = await backend(connections)
    await pool.fetchval("SELECT pg_terminate_backend($1, 5000)", dead)
    while True:
        # The driver may learn of the end by this statement only.
        try:
            assert await backend(connections) != dead
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            continue
        break
    assert pool.get_idle_size() == pool.get_size() - 1
    await connections.close()


async def test_a_statement_that_failed_gives_its_connection_back(pool: asyncpg.Pool) -> None:
    connections = OwnedConnections(pool, 2)
    with pytest.raises(asyncpg.DivisionByZeroError):
        await connections.fetch("SELECT 1 / 0")
    assert pool.get_idle_size() == pool.get_size()


async def test_a_statement_that_was_cancelled_gives_its_connection_back(
    pool: asyncpg.Pool,
) -> None:
    connections = OwnedConnections(pool, 1)
    pid = await backend(connections)
    sleeping = asyncio.create_task(connections.fetch("SELECT pg_sleep(60)"))
    query = "SELECT wait_event FROM pg_stat_activity WHERE pid = $1"
    while await pool.fetchval(query, pid) != "PgSleep":
        pass
    sleeping.cancel()
    await asyncio.wait([sleeping])
    assert sleeping.cancelled()
    assert await backend(connections) > 0
    await connections.close()


async def test_a_statement_under_way_while_the_connections_are_closed_gives_its_own_back(
    pool: asyncpg.Pool,
) -> None:
    connections = OwnedConnections(pool, 1)
    under_way = asyncio.create_task(connections.fetch("SELECT pg_sleep(0.01)"))
    await asyncio.sleep(0)
    await connections.close()
    await under_way
    assert pool.get_idle_size() == pool.get_size()


async def test_a_pool_can_be_terminated_while_a_connection_is_kept(
    database: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened_pool(database) as terminated:
        connections = OwnedConnections(terminated, 1)
        await backend(connections)
        terminated.terminate()
        await connections.close()
    assert not caplog.records


async def test_a_store_whose_connections_all_died_goes_on(
    database: str, pool: asyncpg.Pool
) -> None:
    async with opened_store(database) as store:
        await store.append(new_stream("cart-1"))
        await pool.fetch(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        while True:
            try:
                await store.append(StreamAppend("cart-1", 1, events(1)))
            except StoreUnavailable:
                continue
            break
        assert len(await store.read_stream("cart-1")) == 2


async def fail_in_transaction(connection: asyncpg.Connection) -> None:
    async with connection.transaction(), connection.transaction():
        connection.terminate()
        raise LookupError


async def test_a_transaction_on_a_connection_that_was_ended_raises_the_first_error(
    database: str,
) -> None:
    with pytest.raises(LookupError):
        await fail_in_transaction(await connect(database))


async def test_the_plain_driver_raises_another_error_than_the_first(database: str) -> None:
    with pytest.raises(asyncpg.InterfaceError):
        await fail_in_transaction(await asyncpg.connect(database))


async def test_a_transaction_that_is_cancelled_in_a_statement_stays_cancelled(
    database: str,
) -> None:
    connection = await connect(database)
    begun = asyncio.Event()

    async def sleep() -> None:
        async with connection.transaction():
            begun.set()
            await connection.execute("SELECT pg_sleep(60)")

    sleeping = asyncio.create_task(sleep())
    await begun.wait()
    sleeping.cancel()
    await asyncio.wait([sleeping])
    assert sleeping.cancelled()


async def test_a_commit_on_a_connection_that_was_ended_is_an_error(database: str) -> None:
    connection = await connect(database)
    with pytest.raises(asyncpg.InterfaceError):
        async with connection.transaction():
            connection.terminate()


ASLEEP_S = 1.0
SLEEP = f"SELECT pg_sleep({ASLEEP_S})"


async def test_a_statement_in_a_survey_may_take_longer_and_those_after_it_may_not(
    database: str,
) -> None:
    connection = await connect(database, statement_s=ASLEEP_S / 4)
    with survey():
        await connection.execute(SLEEP)
    with pytest.raises(TimeoutError):
        await connection.execute(SLEEP)


async def test_a_survey_leaves_the_limit_of_a_lock_and_that_of_maintenance(database: str) -> None:
    connection = await connect(database, statement_s=2.0)
    before = await connection.fetchval("SHOW lock_timeout")
    with survey():
        assert await connection.fetchval("SHOW statement_timeout") == "31s"
        assert await connection.fetchval("SHOW lock_timeout") == before
    with maintenance(), survey():
        assert connection.limit_s() == MAINTENANCE_S
    await connection.close()


async def test_a_survey_ends_at_the_deadline_of_its_caller(database: str) -> None:
    connection = await connect(database)
    with survey(), within(ASLEEP_S / 4), pytest.raises(TimeoutError):
        await connection.execute(SLEEP)

"""Connections that are kept between calls, and when they go back to the pool."""

import asyncio

import asyncpg
import pytest

from eventstore.postgres.lease import LOOK_S, Lease
from tests.support.stores.event_store import opened_pool

WHO = "SELECT pg_backend_pid()"


async def backend(lease: Lease) -> int:
    ((pid,),) = await lease.fetch(WHO)
    return int(pid)


async def all_idle(pool: asyncpg.Pool) -> None:
    while pool.get_idle_size() < pool.get_size():  # noqa: ASYNC110  the pool has no event for it
        await asyncio.sleep(0.001)


async def test_calls_in_succession_share_a_connection_that_stays_out_of_the_pool(
    pool: asyncpg.Pool,
) -> None:
    lease = Lease(pool, idle_s=60, longest_s=60)
    first = await backend(lease)
    assert pool.get_idle_size() == pool.get_size() - 1
    assert await backend(lease) == first
    await lease.close()
    assert pool.get_idle_size() == pool.get_size()


async def test_calls_at_the_same_time_have_a_connection_each(pool: asyncpg.Pool) -> None:
    lease = Lease(pool)
    assert len(set(await asyncio.gather(*(backend(lease) for _ in range(3))))) == 3
    await lease.close()


async def test_a_connection_that_nobody_uses_goes_back_by_itself(pool: asyncpg.Pool) -> None:
    lease = Lease(pool, longest_s=60)
    await backend(lease)
    await all_idle(pool)
    assert await backend(lease) > 0
    await lease.close()


async def test_a_connection_in_use_stays_the_same_for_as_long_as_the_pool_has_others(
    pool: asyncpg.Pool,
) -> None:
    lease = Lease(pool, longest_s=60)
    until = asyncio.get_running_loop().time() + 5 * LOOK_S
    while asyncio.get_running_loop().time() < until:
        await backend(lease)
        # Not by its process: a connection that went back is the one that the pool gives next.
        assert pool.get_idle_size() == pool.get_size() - 1
    await lease.close()


async def test_a_connection_in_use_goes_back_in_the_end(pool: asyncpg.Pool) -> None:
    lease = Lease(pool, idle_s=60, longest_s=2 * LOOK_S)
    await backend(lease)
    kept = pool.get_idle_size()
    while pool.get_idle_size() == kept:
        await backend(lease)
    assert pool.get_idle_size() == kept + 1
    await lease.close()


async def test_the_last_connection_of_a_pool_is_not_kept(database: str) -> None:
    async with opened_pool(database, max_size=1) as single:
        lease = Lease(single, idle_s=60, longest_s=60)
        await backend(lease)
        assert single.get_idle_size() == 1


async def test_others_get_their_turn_while_calls_go_on_and_on(database: str) -> None:
    async with opened_pool(database, max_size=2) as small:
        lease = Lease(small)
        stop = asyncio.Event()

        async def call_on() -> None:
            while not stop.is_set():
                await backend(lease)

        callers = [asyncio.create_task(call_on()) for _ in range(2)]
        for _ in range(5):
            await small.fetchval(WHO)
        stop.set()
        await asyncio.gather(*callers)
        await lease.close()


async def test_a_call_that_failed_gives_its_connection_back(pool: asyncpg.Pool) -> None:
    lease = Lease(pool)
    with pytest.raises(asyncpg.DivisionByZeroError):
        await lease.fetch("SELECT 1 / 0")
    assert pool.get_idle_size() == pool.get_size()


async def test_a_call_that_was_cancelled_gives_its_connection_back(pool: asyncpg.Pool) -> None:
    lease = Lease(pool)
    await backend(lease)
    sleeping = asyncio.create_task(lease.fetch("SELECT pg_sleep(60)"))
    await asyncio.sleep(0.05)
    sleeping.cancel()
    await asyncio.wait([sleeping])
    assert sleeping.cancelled()
    await all_idle(pool)
    assert await backend(lease) > 0
    await lease.close()


async def test_a_pool_can_be_closed_while_a_connection_is_kept(database: str) -> None:
    async with opened_pool(database) as closing:
        lease = Lease(closing)
        await backend(lease)
    assert closing.is_closing()


async def test_a_pool_can_be_cut_off_while_a_connection_is_kept(
    database: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened_pool(database) as cut:
        lease = Lease(cut, longest_s=60)
        await backend(lease)
        cut.terminate()
        await asyncio.sleep(0.01)
        await lease.close()
    assert not caplog.records

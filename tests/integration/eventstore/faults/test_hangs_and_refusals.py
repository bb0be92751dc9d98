"""Whatever the server or the network does, every call ends, and the same pool works afterwards."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import count
from typing import Any

import asyncpg
import pytest

from eventstore.errors import StoreUnavailable
from eventstore.postgres.connection import connect
from eventstore.postgres.migrator import migrate
from eventstore.postgres.pool import create_pool
from eventstore.postgres.store import PostgresEventStore
from eventstore.postgres.waking import PostgresWaker
from tests.support.faults import database
from tests.support.faults.proxy import HOST, Proxy, Way
from tests.support.stack.stack import until
from tests.support.stores.event_store import new_stream
from tests.support.stores.logins import as_processes
from tests.support.stores.postgres import TEST_OPTIONS
from tests.support.stores.postgres_server import PostgresServer, free_port

LIMIT_S = 0.5  # of a statement
PATIENCE_S = 20.0  # of what never ends; the machine may be busy
LOGIN = "processes"
_numbers = count(1)


class Site:
    """A server, a proxy before it, and the URLs of both."""

    def __init__(self, server: PostgresServer, proxy: Proxy, url: str) -> None:
        self.server = server
        self.proxy = proxy
        self.url = url.replace(f":{server.port}/", f":{proxy.port}/")
        self.superuser = server.url()


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    folder = tmp_path_factory.mktemp("site") / "pgdata"
    options = {**TEST_OPTIONS, "max_connections": "20"}
    server = PostgresServer(folder, free_port(), options)
    await asyncio.to_thread(server.start)
    await migrate(server.url())
    with Proxy((HOST, server.port)) as proxy:
        yield Site(server, proxy, await as_processes(server.url()))
    await asyncio.to_thread(server.stop)


@asynccontextmanager
async def silent(site: Site, *ways: Way) -> AsyncIterator[None]:
    site.proxy.hold(frozenset(ways))
    try:
        yield
    finally:
        site.proxy.forward()


@asynccontextmanager
async def refused(site: Site) -> AsyncIterator[None]:
    site.proxy.refuse()
    site.proxy.reset()
    try:
        yield
    finally:
        site.proxy.forward()


@asynccontextmanager
async def frozen(site: Site) -> AsyncIterator[None]:
    with database.frozen(site.server.pid):
        yield


@asynccontextmanager
async def stopped(site: Site) -> AsyncIterator[None]:
    await asyncio.to_thread(site.server.stop)
    try:
        yield
    finally:
        await asyncio.to_thread(site.server.start)


TROUBLES: dict[str, Callable[[Site], AbstractAsyncContextManager[None]]] = {
    "silent": lambda site: silent(site, *Way),
    "answers are lost": lambda site: silent(site, Way.TO_CLIENT),
    "requests are lost": lambda site: silent(site, Way.TO_SERVER),
    "refused": refused,
    "frozen": frozen,
    "stopped": stopped,
    "locked": lambda site: database.locked(site.superuser, "eventstore.streams"),
    "read-only": lambda site: database.read_only(site.superuser),
    "login refused": lambda site: database.login_refused(site.superuser, LOGIN),
    "no connection left": lambda site: database.no_connection_left(site.superuser, LOGIN),
}


async def append(store: PostgresEventStore) -> None:
    await store.append(new_stream(f"cart-{next(_numbers)}"))


async def works(store: PostgresEventStore) -> bool:
    try:
        await append(store)
        await store.probe()
        await store.read_feed(0, limit=1)
    except StoreUnavailable:
        return False
    return True


async def fails(store: PostgresEventStore) -> bool:
    return not await works(store)


async def ends(call: Callable[[], Awaitable[Any]]) -> None:
    """The call ends by itself, in one way or the other."""
    calling = asyncio.ensure_future(call())
    done, _ = await asyncio.wait([calling], timeout=PATIENCE_S)
    assert done, "a wait without a limit"
    await calling


@pytest.mark.parametrize("name", TROUBLES)
async def test_every_call_ends_and_the_same_pool_works_after_the_trouble(
    site: Site, name: str
) -> None:
    pool = await create_pool(site.url, max_size=6, statement_s=LIMIT_S)
    other = await create_pool(site.url, max_size=6, statement_s=LIMIT_S)
    store, given_up = PostgresEventStore(pool), PostgresEventStore(other)
    await until(lambda: works(store), PATIENCE_S)  # the machine may be busy
    await until(lambda: works(given_up), PATIENCE_S)
    async with TROUBLES[name](site):
        await until(lambda: fails(store), PATIENCE_S)  # sessions learn of a setting by and by
        with pytest.raises(StoreUnavailable):
            await ends(lambda: append(store))
        with pytest.raises(StoreUnavailable):
            await ends(store.probe)
        together = asyncio.gather(*(append(store) for _ in range(20)), return_exceptions=True)
        async with asyncio.timeout(PATIENCE_S):
            outcomes = await together
        assert all(isinstance(outcome, StoreUnavailable) for outcome in outcomes)
        await ends(given_up.close)
        await ends(other.close)
    await until(lambda: works(store), PATIENCE_S)
    await store.close()
    await pool.close()


async def test_the_plain_driver_waits_for_a_silent_server_to_take_a_connection_back(
    site: Site,
) -> None:
    pool = await asyncpg.create_pool(site.url, min_size=1, max_size=1)
    connection = await pool.acquire()
    async with silent(site, *Way):
        releasing = asyncio.create_task(pool.release(connection))
        done, _ = await asyncio.wait([releasing], timeout=6 * LIMIT_S)
        assert not done
        pool.terminate()
        with pytest.raises(asyncpg.PostgresError):
            await ends(lambda: releasing)


async def test_a_connection_goes_back_to_our_pool_before_a_silent_server(site: Site) -> None:
    pool = await create_pool(site.url, max_size=1, statement_s=LIMIT_S)
    connection = await pool.acquire()
    async with silent(site, *Way):
        await ends(lambda: pool.release(connection))
        await ends(pool.close)


async def test_connections_that_fell_silent_are_replaced_by_new_ones(site: Site) -> None:
    pool = await create_pool(site.url, max_size=6, statement_s=LIMIT_S)
    store = PostgresEventStore(pool)
    await asyncio.gather(*(append(store) for _ in range(20)))
    site.proxy.forget()
    await until(lambda: works(store), PATIENCE_S)
    await store.close()
    await pool.close()
    site.proxy.end_forgotten()


async def test_one_silent_connection_is_enough_to_replace_all_idle_ones(site: Site) -> None:
    pool = await create_pool(site.url, min_size=6, max_size=6, statement_s=LIMIT_S)
    site.proxy.forget()
    with pytest.raises(TimeoutError):
        await pool.fetch("SELECT 1")
    answers = [await pool.fetchval("SELECT 1") for _ in range(12)]  # none waits for a limit
    assert answers == [1] * 12
    await pool.close()
    site.proxy.end_forgotten()


async def test_a_slow_statement_costs_no_connection_that_answers(site: Site) -> None:
    pool = await create_pool(site.url, min_size=2, max_size=2, statement_s=2 * LIMIT_S)
    async with pool.acquire() as slow, pool.acquire() as quick:
        waiting = asyncio.create_task(slow.fetch("SELECT pg_sleep(60)"))
        while not waiting.done():
            assert await quick.fetchval("SELECT 1") == 1
            await asyncio.sleep(LIMIT_S / 10)
        with pytest.raises(TimeoutError):
            await waiting
        assert not quick.is_closed()
    await pool.close()


async def test_a_listener_before_a_silent_server_starts_stops_and_recovers(site: Site) -> None:
    waker = PostgresWaker(site.url, retry_s=0.05)
    async with silent(site, *Way):
        await ends(waker.start)
        assert not waker.healthy
    await ends(waker.listening)
    async with silent(site, *Way):
        await ends(waker.stop)


async def test_a_server_that_accepts_and_says_nothing_ends_no_wait(site: Site) -> None:
    async with silent(site, *Way):
        with pytest.raises(TimeoutError):
            await ends(lambda: connect(site.url, statement_s=LIMIT_S))
    connection = await connect(site.url, statement_s=LIMIT_S)
    async with silent(site, *Way):
        await ends(connection.close)


async def test_a_call_that_was_cancelled_ends_its_connection_and_leaves_no_task(
    site: Site,
) -> None:
    connection = await connect(site.url, statement_s=PATIENCE_S)
    before = asyncio.all_tasks()
    sleeping = asyncio.create_task(connection.execute("SELECT pg_sleep(60)"))
    await asyncio.sleep(0)
    sleeping.cancel()
    await asyncio.wait([sleeping])
    assert connection.is_closed()
    assert asyncio.all_tasks() == before

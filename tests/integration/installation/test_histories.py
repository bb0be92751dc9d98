"""Histories: what a restore, a fail-over or a copy gives up is known as given up."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from eventstore.commands.handler import CommandHandler
from eventstore.commands.knowledge import knowing
from eventstore.errors import StoreUnavailable
from eventstore.model import FeedFilter
from eventstore.postgres.growth.partitions import add_partitions, layout, partition
from eventstore.postgres.pool import create_pool
from eventstore.postgres.roles import GRANTED
from eventstore.postgres.store import PostgresEventStore
from ordersaga.bootstrap.schema import migrate_all
from ordersaga.installation.history import Histories, HistoryTable
from tests.integration.eventstore.test_crash_and_restore import copy
from tests.support.faults.replica import Replica
from tests.support.faults.restore import cut_off, until_replayed
from tests.support.stores.counters import COUNTER, CounterCodec, context, raise_by
from tests.support.stores.event_store import new_stream
from tests.support.stores.logins import as_only
from tests.support.stores.postgres import TEST_OPTIONS, fresh_database, programs
from tests.support.stores.postgres_server import PostgresServer, free_port

CARTS = FeedFilter(frozenset({"cart"}))


@asynccontextmanager
async def entered(url: str, histories: Histories) -> AsyncIterator[PostgresEventStore]:
    """A store whose sessions enter the present history."""
    pool = await create_pool(url, on_connect=histories.enter)
    store = PostgresEventStore(pool)
    try:
        yield store
    finally:
        await store.close()
        pool.terminate()


@pytest.fixture
def primary(tmp_path: Path) -> Iterator[PostgresServer]:
    # A replica may have no fewer connections, and gets no options.
    options = {name: value for name, value in TEST_OPTIONS.items() if name != "max_connections"}
    server = PostgresServer(tmp_path / "pgdata", free_port(), options, programs())
    server.start()
    yield server
    server.stop()


async def test_a_restart_and_a_crash_are_the_same_history(primary: PostgresServer) -> None:
    await migrate_all(primary.url())
    histories = Histories()
    async with entered(primary.url(), histories) as store:
        await store.append(new_stream("cart-1", 3))
    primary.kill()
    primary.start()
    async with entered(primary.url(), histories) as store:
        assert await store.head() < 100  # positions did not leap
    assert [one.act for one in histories.all] == ["made"]
    assert not histories.is_lost(2)


async def test_a_dump_that_is_loaded_elsewhere_goes_on_as_another_history(
    postgres_server: PostgresServer,
) -> None:
    async with fresh_database(postgres_server) as old, fresh_database(postgres_server) as new:
        await migrate_all(old)
        async with entered(old, Histories()) as store:
            kept = (await store.append(new_stream("cart-1", 3))).last_position
            copy(old, new)
            lost = (await store.append(new_stream("cart-2", 2))).last_position
        histories = Histories()
        async with entered(new, histories) as store:
            again = (await store.append(new_stream("cart-2"))).last_position
            assert len((await store.read_feed(kept)).events) == 1
            carts = [page async for page in store.feed_pages(0, feed_filter=CARTS)]
            assert sum(len(page.events) for page in carts) == 4
            assert len(carts) < 10  # no look at each position of the leap
        found = histories.all[-1]
        assert (found.act, found.number, found.known_up_to) == ("found", 2, kept)
        assert [histories.is_lost(one) for one in (kept, lost, again)] == [False, True, False]


async def test_sessions_of_all_programs_at_once_begin_one_history(
    postgres_server: PostgresServer,
) -> None:
    async with fresh_database(postgres_server) as old, fresh_database(postgres_server) as new:
        await migrate_all(old)
        async with entered(old, Histories()) as store:
            await store.append(new_stream("cart-1"))
        copy(old, new)
        logins = [await as_only(new, role) for role in GRANTED]

        async def enter(login: str) -> int:
            histories = Histories()
            async with entered(login, histories):
                return histories.number

        assert await asyncio.gather(*map(enter, logins * 2)) == [2] * 2 * len(GRANTED)


async def test_a_fail_over_that_lost_commits_is_recognised_by_all_who_know_more(
    primary: PostgresServer, tmp_path: Path
) -> None:
    await migrate_all(primary.url())
    replica, histories = Replica(primary, tmp_path / "replica"), Histories()
    await asyncio.to_thread(replica.start)
    try:
        async with entered(primary.url(), histories) as store:
            handler = CommandHandler(store, CounterCodec())
            await _count(handler, "kept")
            kept = await store.head()
            await until_replayed(replica, primary)
            await cut_off(replica)
            with knowing(0) as knowledge:
                assert await _count(handler, "lost") == 2
            assert knowledge.position > kept
        with pytest.raises(StoreUnavailable):
            async with entered(replica.url(), Histories()):
                pytest.fail("a standby has no history to go on with")
        primary.kill()
        await replica.promote()
        with pytest.raises(StoreUnavailable, match="another history"):
            async with entered(replica.url(), histories):
                pytest.fail("whoever waited for a session must begin again")
        async with entered(replica.url(), histories) as store:
            handler = CommandHandler(store, CounterCodec(), is_lost=histories.is_lost)
            with knowing(knowledge.position), pytest.raises(StoreUnavailable, match="restored"):
                await _count(handler, "decided on less")
            with knowing(kept):
                assert await _count(handler, "again") == 2
            assert (await store.read_stream("numbers-1"))[-1].position > knowledge.position
        assert histories.all[-1].known_up_to == kept
    finally:
        await asyncio.to_thread(replica.stop)


async def test_what_was_remembered_is_forgotten_with_its_history() -> None:
    histories, forgotten = Histories(), list[int]()
    histories.on_change.append(lambda: forgotten.append(histories.number))
    for numbers in ((1,), (1,)):
        await histories.enter(_Connection(numbers))
    with pytest.raises(StoreUnavailable, match="another history"):
        await histories.enter(_Connection((1, 2)))
    await histories.enter(_Connection((1, 2)))
    assert forgotten == [2]


async def test_people_announce_what_the_server_does_not_show(empty_database: str) -> None:
    await migrate_all(empty_database)
    histories = Histories()
    async with entered(empty_database, histories) as store:
        last = (await store.append(new_stream("cart-1", 3))).last_position
    pool = await create_pool(empty_database)
    try:
        first, second = await HistoryTable(pool).announce("cli:ann", "the files were put back")
        assert (first.examined_at is None, second.examined_at) == (False, None)
        assert (second.act, second.actor, second.known_up_to) == ("announced", "cli:ann", last)
        await HistoryTable(pool).note_examined(2, "cli:ann", {"ahead": []})
        examined = (await HistoryTable(pool).list())[-1]
        assert (examined.examined_by, examined.lost) == ("cli:ann", {"ahead": []})
    finally:
        pool.terminate()


async def test_partitions_go_on_behind_the_leap_of_positions(empty_database: str) -> None:
    await migrate_all(empty_database)
    await partition(empty_database, size=100)
    pool = await create_pool(empty_database)
    try:
        async with entered(empty_database, Histories()) as store:
            await store.append(new_stream("cart-1", 3))
        await HistoryTable(pool).announce("cli:ann", "a test")
        await add_partitions(empty_database)
        async with entered(empty_database, Histories()) as store:
            later = await store.append(new_stream("cart-1-later", 3))
            assert len((await store.read_feed(0)).events) == 6
            now = await layout(pool)
            assert len(now.partitions) < 12
            assert now.partitions_ahead is not None
            assert now.partitions_ahead >= 1
            assert later.last_position > 10**12
    finally:
        pool.terminate()


async def _count(handler: CommandHandler, command: str) -> int:
    """Add one to a counter; returns what it counts."""
    [count] = await handler.execute(
        {"numbers-1": COUNTER}, raise_by(1, "numbers-1"), context(command)
    )
    return int(count)


class _Connection:
    """Answers with some histories."""

    def __init__(self, numbers: tuple[int, ...]) -> None:
        self._numbers = numbers

    async def fetch(self, _query: str) -> list[dict[str, object]]:
        texts = dict.fromkeys(("place", "act", "actor", "reason"), "")
        nothing = dict.fromkeys(("known_until", "at", "examined_at", "examined_by", "lost"))
        return [
            {"number": number, "known_up_to": 0, "begins_at": 0, **texts, **nothing}
            for number in self._numbers
        ]

"""The feed after a crash of the server, and after dump and restore."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from eventstore.errors import DuplicateEventId
from eventstore.model import Expected, StreamAppend
from eventstore.postgres.checkpoints import PostgresCheckpoints
from eventstore.postgres.growth.archive import Archive
from eventstore.postgres.migrator import migrate
from tests.support.stores.event_store import (
    event,
    migrated_database,
    new_stream,
    opened_pool,
    opened_store,
)
from tests.support.stores.postgres import TEST_OPTIONS, fresh_database, programs
from tests.support.stores.postgres_server import PostgresServer, free_port
from tests.support.stores.raw_appends import StoreReader, append_in


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[PostgresServer]:
    server = PostgresServer(tmp_path / "pgdata", free_port(), TEST_OPTIONS, programs())
    server.start()
    yield server
    server.stop()


async def test_after_a_crash_right_after_a_checkpoint_nothing_is_skipped(
    own_server: PostgresServer,
) -> None:
    url = own_server.url()
    await migrate(url)
    async with opened_store(url) as store, opened_pool(url) as pool:
        await store.append(new_stream("kept-1", 2))
        for _ in range(20):  # positions drawn and given up, which no commit ever flushed
            await draw_and_roll_back(pool)
        reader = StoreReader(store)
        await reader.read()
        assert reader.after == await store.head() > 40
        await PostgresCheckpoints(pool).save("reader", reader.after)
        own_server.kill()
    own_server.start()
    async with opened_store(url) as store, opened_pool(url) as pool:
        after = await PostgresCheckpoints(pool).load("reader")
        await store.append(new_stream("later-1", 3))
        page = await store.read_feed(after)
        assert [one.stream for one in page.events] == ["later-1"] * 3


async def draw_and_roll_back(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        await connection.execute("BEGIN")
        await append_in(connection, {"gone-1": 2})
        await connection.execute("ROLLBACK")


@pytest.mark.parametrize("partitioned", [False, True])
async def test_positions_and_checkpoints_survive_dump_and_restore(
    postgres_server: PostgresServer, partitioned: bool
) -> None:
    async with (
        migrated_database(postgres_server, partitioned=partitioned) as old,
        fresh_database(postgres_server) as new,
    ):
        async with opened_store(old) as store, opened_pool(old) as pool:
            await store.append(new_stream("cart-1", 3), new_stream("stock-1", 2))
            await draw_and_roll_back(pool)
            await PostgresCheckpoints(pool).save("reader", await store.head())
            await Archive(pool).archive(["stock-1"], "a test")
            before = (await store.read_feed(0)).events
        copy(old, new)
        async with opened_store(new) as store, opened_pool(new) as pool:
            assert (await store.read_feed(0)).events == before
            after = await PostgresCheckpoints(pool).load("reader")
            assert (await store.append(new_stream("cart-2"))).last_position > after
            assert len((await store.read_feed(after)).events) == 1
            again = StreamAppend(
                "stock-3", Expected.NO_STREAM, [event(event_id=before[3].event_id)]
            )
            with pytest.raises(DuplicateEventId):
                await store.append(again)
            back = await store.append(StreamAppend("stock-1", 2, [event()]))
            assert back.versions == {"stock-1": 3}
            for table in ("events", "archived_events"):
                with pytest.raises(asyncpg.PostgresError):
                    await pool.execute(f"DELETE FROM eventstore.{table}")  # noqa: S608  our names


def copy(source: str, target: str) -> None:
    dump = subprocess.run([programs() / "pg_dump", source], check=True, capture_output=True)
    subprocess.run(
        [programs() / "psql", "-qX", "-v", "ON_ERROR_STOP=1", target],
        input=dump.stdout,
        check=True,
        capture_output=True,
    )

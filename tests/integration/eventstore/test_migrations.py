"""Migrations go forward only, once each, whoever starts them."""

import asyncio

import asyncpg
import pytest

from eventstore.errors import SchemaMissing, StoreUnavailable
from eventstore.postgres.migrations import EVENT_STORE, MigrationSet, migrate, pending
from eventstore.postgres.pool import create_pool
from ordersaga.embedded.postgres import free_port
from tests.support.event_store import new_stream, opened_store


async def test_a_new_database_gets_every_migration_in_order(empty_database: str) -> None:
    expected = [name for name, _ in EVENT_STORE.scripts()]
    assert await pending(empty_database) == expected
    assert await migrate(empty_database) == expected
    assert await pending(empty_database) == []


async def test_migrating_again_applies_nothing_and_keeps_events(empty_database: str) -> None:
    await migrate(empty_database)
    async with opened_store(empty_database) as store:
        await store.append(new_stream("cart-1", 2))
        assert await migrate(empty_database) == []
        assert len(await store.read_stream("cart-1")) == 2


async def test_of_several_that_start_at_once_each_migration_is_applied_once(
    empty_database: str,
) -> None:
    applied = await asyncio.gather(*(migrate(empty_database) for _ in range(5)))
    names = [name for names in applied for name in names]
    assert sorted(names) == [name for name, _ in EVENT_STORE.scripts()]


async def test_asking_what_is_pending_changes_nothing(empty_database: str) -> None:
    await pending(empty_database)
    connection = await asyncpg.connect(empty_database)
    tables = await connection.fetchval(
        "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    )
    await connection.close()
    assert tables == 0


async def test_a_failing_migration_leaves_those_before_it_and_nothing_of_itself(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = [
        ("broken/0001_good", "CREATE TABLE public.good (n int)"),
        ("broken/0002_bad", "CREATE TABLE public.half (n int); SELECT no_such_column"),
    ]
    monkeypatch.setattr(MigrationSet, "scripts", lambda _: scripts)
    with pytest.raises(SchemaMissing):
        await migrate(empty_database)
    assert await pending(empty_database) == ["broken/0002_bad"]


async def test_a_store_on_an_empty_database_names_the_remedy(empty_database: str) -> None:
    async with opened_store(empty_database) as store:
        for call in (store.append(new_stream("c-1")), store.read_stream("c-1"), store.read_feed(0)):
            with pytest.raises(SchemaMissing, match="run the migrations"):
                await call


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    url = f"postgresql://nobody:secret@127.0.0.1:{free_port()}/nowhere"
    for call in (migrate(url), pending(url), create_pool(url)):
        with pytest.raises(StoreUnavailable) as caught:
            await call
        assert "secret" not in str(caught.value)

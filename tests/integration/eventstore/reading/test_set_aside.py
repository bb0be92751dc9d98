"""Events that followers have set aside are kept in the database, by follower."""

import asyncpg

from eventstore.postgres.set_aside import PostgresSetAsideEvents
from eventstore.postgres.store import PostgresEventStore
from tests.support.stores.event_store import new_stream, opened_app_pool


async def test_an_event_is_kept_until_it_is_removed_and_counts_its_tries(
    database: str, pool: asyncpg.Pool, store: PostgresEventStore
) -> None:
    await store.append(new_stream("thing-1", 2))
    first, second = (await store.read_feed(0)).events
    async with opened_app_pool(database) as processes:
        kept = PostgresSetAsideEvents(processes)
        await kept.put("starter", second, "KeyError", 600.0)
        await kept.put("starter", first, "KeyError", 0.0)
        await kept.put("arrivals", first, "KeyError", 0.0)
        assert [event.position for event in await kept.due("starter", 10)] == [first.position]
        await kept.put("starter", first, "ValueError", 600.0)
        assert await kept.due("starter", 10) == []
        (again, *_) = [event for event in await kept.first(10) if event.follower == "starter"]
        assert (again.tries, again.error, again.stream, again.version) == (
            2,
            "ValueError",
            "thing-1",
            1,
        )
        await kept.make_due("starter")
        assert [event.version for event in await kept.due("starter", 10)] == [1, 2]
        await kept.remove("starter", first.position)
        assert (await kept.count("starter"), await kept.count("arrivals")) == (1, 1)

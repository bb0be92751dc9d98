"""What a load from snapshots asks of the database."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from eventstore.commands.folding import Fold, StateLoader
from eventstore.commands.snapshots import SnapshotPolicy
from eventstore.model import Expected, StreamAppend
from eventstore.postgres.store import PostgresEventStore
from ordersaga.embedded.postgres import EmbeddedPostgres
from tests.support.stores.counters import COUNTER, CounterCodec
from tests.support.stores.event_store import event, migrated_database


def counter(schema_version: int = 1) -> Fold[int]:
    policy: SnapshotPolicy[int] = SnapshotPolicy(
        10, schema_version, lambda total: {"total": total}, lambda data: int(data["total"])
    )
    return Fold(0, COUNTER.evolve, policy)


class CountingStore(PostgresEventStore):
    """A store that notes the statements that it sends for reading."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        super().__init__(pool)
        self.sent: list[str] = []

    async def _fetch(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        self.sent.append(query)
        return await super()._fetch(query, *arguments)


@pytest.fixture(params=["one table", "partitioned"])
async def database(
    request: pytest.FixtureRequest, postgres_server: EmbeddedPostgres
) -> AsyncIterator[str]:
    partitioned = request.param == "partitioned"
    async with migrated_database(postgres_server, partitioned=partitioned) as url:
        yield url


async def keep(store: PostgresEventStore, stream: str, fold: Fold[int]) -> None:
    """Twelve events, a snapshot of them, and one more event."""
    raised = [event("Raised", {"by": 1}) for _ in range(13)]
    await store.append(StreamAppend(stream, Expected.NO_STREAM, raised[:12]))
    folder = StateLoader(store, CounterCodec())
    await folder.load({stream: fold})
    await folder.close()
    await store.append(StreamAppend(stream, 12, raised[12:]))


@pytest.mark.parametrize("streams", [["kept-1"], ["kept-1", "kept-2", "none-1", "plain-1"]])
async def test_a_load_from_snapshots_is_one_round_trip(
    store: PostgresEventStore, pool: asyncpg.Pool, streams: list[str]
) -> None:
    folds = {"kept-1": counter(1), "kept-2": counter(2), "none-1": counter(1), "plain-1": COUNTER}
    await keep(store, "kept-1", folds["kept-1"])
    await keep(store, "kept-2", folds["kept-2"])
    counted = CountingStore(pool)
    codec = CounterCodec()
    states = await StateLoader(counted, codec).load({stream: folds[stream] for stream in streams})
    expected = {"kept-1": 13, "kept-2": 13, "none-1": 0, "plain-1": 0}
    assert {stream: one.state for stream, one in states.items()} == {
        stream: expected[stream] for stream in streams
    }
    assert codec.decoded == sum(stream.startswith("kept") for stream in streams)
    assert len(counted.sent) == 1
    await counted.close()

"""The same work through `eventsource-py` on asyncpg, as it is out of the box: Python 3.13 only."""

from typing import Any
from uuid import UUID

from benchmarks.appends import DATA, METADATA, NewStream

_CATEGORY = "Order"


class EventSourcePy:
    """Its Postgres store, in a database of its own: its tables have no schema of theirs.

    Raises:
        ImportError: it is not installed.
    """

    def __init__(self, dsn: str, connections: int = 32) -> None:
        from eventsource import domain, ports
        from eventsource.adapters.postgresql import PostgreSQLEventStore
        from eventsource.domain.event_registry import EventRegistry
        from sqlalchemy.ext.asyncio import create_async_engine

        class ItemAdded(domain.DomainEvent):
            aggregate_type: str = _CATEGORY
            sku: str
            quantity: int
            price: int
            description: str

        known = EventRegistry()
        known.register(ItemAdded)
        self._event, self._stream, self._ports = ItemAdded, domain.StreamId, ports
        self._engine = create_async_engine(
            dsn.replace("postgresql://", "postgresql+asyncpg://"),
            pool_size=connections,
            max_overflow=0,
        )
        self._store = PostgreSQLEventStore(self._engine, known, create_schema=True)

    async def append(self, stream: NewStream) -> object:
        """All events of a new stream."""
        return await self.extend(stream.id, len(stream.event_ids))

    async def extend(self, stream: UUID, size: int, after: int = 0) -> object:
        """Events after a version of a stream."""
        events = [
            self._event(
                **DATA,
                aggregate_id=stream,
                aggregate_version=version,
                actor_id=METADATA.actor,
                metadata={"causation": METADATA.causation_id, **METADATA.extra},
            )
            for version in range(after + 1, after + size + 1)
        ]
        expected = self._ports.ExpectedVersion.exact(after)
        return await self._store.append(self._stream(stream, _CATEGORY), events, expected)

    async def load(self, stream: UUID) -> int:
        """Read a stream and add its prices up; returns how many events there were."""
        count, total = 0, 0
        async for one in self._store.read_stream(self._stream(stream, _CATEGORY)):
            event: Any = one.event
            total += event.price * event.quantity
            count += 1
        return count

    async def read_feed(self, page: int) -> int:
        """Read and decode the feed."""
        read, after = 0, None
        while True:
            options = self._ports.FeedReadOptions(limit=page)
            found = [one async for one in self._store.read_all(after, options)]
            if not found:
                return read
            read += len(found)
            after = found[-1].position

    async def close(self) -> None:
        """End the connections."""
        await self._engine.dispose()

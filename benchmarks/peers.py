"""The same work through `eventsourcing` with its Postgres recorder, as it is out of the box."""

import asyncio
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from msgspec.structs import asdict

from benchmarks.appends import DATA, METADATA, Append, NewStream
from benchmarks.eventsource_peer import EventSourcePy
from benchmarks.rounds import PEER, SECOND_PEER


class Peer(Protocol):
    """What the measures ask of another library."""

    async def append(self, stream: NewStream) -> object:
        """All events of a new stream."""
        ...

    async def extend(self, stream: UUID, size: int, after: int = 0) -> object:
        """Events after a version of a stream."""
        ...

    async def load(self, stream: UUID) -> int:
        """Read a stream and add its prices up; returns how many events there were."""
        ...

    async def read_feed(self, page: int) -> int:
        """Read and decode the feed."""
        ...


class EventSourcing:
    """Its recorder, called from threads as its applications do.

    Raises:
        ImportError: it is not installed.
    """

    def __init__(self, dsn: str, threads: int = 32) -> None:
        from eventsourcing.persistence import StoredEvent
        from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore

        parts = urlsplit(dsn)
        self._stored_event = StoredEvent
        self._datastore = PostgresDatastore(
            parts.path.strip("/"),
            parts.hostname or "",
            str(parts.port),
            parts.username or "",
            "",
            pool_size=threads,
            max_overflow=8,
            max_waiting=64,
        )
        self._recorder = PostgresApplicationRecorder(self._datastore, events_table_name="peer")
        self._recorder.create_table()
        self._threads = ThreadPoolExecutor(threads)

    async def run(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """Call in one of the threads."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, work, *arguments)

    async def append(self, stream: NewStream) -> object:
        """All events of a new stream."""
        return await self.run(self.insert, stream.id, len(stream.event_ids))

    def insert(self, stream: UUID, size: int, after: int = 0, **more: Any) -> None:
        """Events after a version of a stream."""
        events = [
            self._stored_event(stream, version, "ItemAdded", self._state(more))
            for version in range(after + 1, after + size + 1)
        ]
        self._recorder.insert_events(events)

    async def extend(self, stream: UUID, size: int, after: int = 0) -> object:
        """See `insert`."""
        return await self.run(self.insert, stream, size, after)

    async def load(self, stream: UUID) -> int:
        """See `fold`."""
        count: int = await self.run(self.fold, stream)
        return count

    async def read_feed(self, page: int) -> int:
        """See `read_all`."""
        count: int = await self.run(self.read_all, page)
        return count

    def _state(self, more: dict[str, Any]) -> bytes:
        return json.dumps({"data": {**DATA, **more}, "metadata": asdict(METADATA)}).encode()

    def fold(self, stream: UUID) -> int:
        """Read a stream and add its prices up; returns how many events there were."""
        total = 0
        events = self._recorder.select_events(stream)
        for event in events:
            data = json.loads(event.state)["data"]
            total += data["price"] * data["quantity"]
        return len(events)

    def read_all(self, page: int) -> int:
        """Read and decode the feed."""
        read, after = 0, 0
        while True:
            rows = self._recorder.select_notifications(after, page, inclusive_of_start=False)
            if not rows:
                return read
            for one in rows:
                json.loads(one.state)
            read += len(rows)
            after = rows[-1].id

    def delays(self, appends: int, interval_s: float) -> list[float]:
        """Seconds from the call of an append to the handler, at a steady rate."""
        delays: list[float] = []
        start = self._recorder.max_notification_id()
        with self._recorder.subscribe(gt=start) as subscription:

            def follow() -> None:
                for one in subscription:
                    delays.append(time.perf_counter() - json.loads(one.state)["data"]["at"])
                    if len(delays) == appends:
                        return

            reader = threading.Thread(target=follow)
            reader.start()
            next_at = time.perf_counter()
            for _ in range(appends):
                next_at += interval_s
                time.sleep(max(0.0, next_at - time.perf_counter()))
                self.insert(uuid4(), 1, at=time.perf_counter())
            reader.join()
        return delays

    def close(self) -> None:
        """End threads and connections."""
        self._threads.shutdown()
        self._datastore.close()


class Peers:
    """Those that are installed; the others are named once.

    Args:
        dsn: of the database that `eventsourcing` shares with the store.
        own_dsn: of a database for `eventsource-py`.
    """

    def __init__(self, dsn: str, own_dsn: str) -> None:
        self.sourcing = _if_installed(PEER, lambda: EventSourcing(dsn))
        self.source = _if_installed(SECOND_PEER, lambda: EventSourcePy(own_dsn))

    def named(self) -> dict[str, Peer]:
        """By the names of the report."""
        both = {PEER: self.sourcing, SECOND_PEER: self.source}
        return {name: peer for name, peer in both.items() if peer is not None}

    def all(self) -> list[Peer]:
        """Without their names."""
        return list(self.named().values())

    def appends(self) -> dict[str, Append]:
        """What each does for an append."""
        return {name: peer.append for name, peer in self.named().items()}

    async def close(self) -> None:
        """End threads and connections."""
        if self.sourcing is not None:
            self.sourcing.close()
        if self.source is not None:
            await self.source.close()


def _if_installed(name: str, make: Callable[[], Any]) -> Any:
    try:
        return make()
    except ImportError as error:
        print(f"without {name}: {error}")
        return None

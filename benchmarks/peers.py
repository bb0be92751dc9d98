"""The same work through `eventsourcing` with its Postgres recorder, as it is out of the box."""

import asyncio
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from benchmarks.appends import DATA, METADATA


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

    async def append(self, _stream: str, size: int) -> object:
        """A new stream with so many events."""
        return await self.run(self.insert, uuid4(), size)

    def insert(self, stream: UUID, size: int, after: int = 0, **more: Any) -> None:
        """Events after a version of a stream."""
        events = [
            self._stored_event(stream, version, "ItemAdded", self._state(more))
            for version in range(after + 1, after + size + 1)
        ]
        self._recorder.insert_events(events)

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
            found = self._recorder.select_notifications(after, page, inclusive_of_start=False)
            if not found:
                return read
            for one in found:
                json.loads(one.state)
            read += len(found)
            after = found[-1].id

    def delays(self, appends: int, interval_s: float) -> list[float]:
        """Seconds from the call of an append to the handler, at a steady rate."""
        found: list[float] = []
        start = self._recorder.max_notification_id()
        with self._recorder.subscribe(gt=start) as subscription:

            def follow() -> None:
                for one in subscription:
                    found.append(time.perf_counter() - json.loads(one.state)["data"]["at"])
                    if len(found) == appends:
                        return

            reader = threading.Thread(target=follow)
            reader.start()
            next_at = time.perf_counter()
            for _ in range(appends):
                next_at += interval_s
                time.sleep(max(0.0, next_at - time.perf_counter()))
                self.insert(uuid4(), 1, at=time.perf_counter())
            reader.join()
        return found

    def close(self) -> None:
        """End threads and connections."""
        self._threads.shutdown()
        self._datastore.close()

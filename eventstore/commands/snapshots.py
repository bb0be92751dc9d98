"""Snapshots: stored states that save folding a long stream from its first event."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from logging import getLogger
from typing import Any, Generic, TypeVar

from eventstore.errors import EventStoreError
from eventstore.model import JsonObject, Snapshot
from eventstore.store import EventStore
from eventstore.tasks import background, finish

S = TypeVar("S")

_log = getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SnapshotPolicy(Generic[S]):
    """When snapshots of an aggregate are saved, and in which form.

    Attributes:
        every: a snapshot is saved when a stream's version passes a multiple of this.
        schema_version: the version of the form. Snapshots of any other version are ignored.
        to_data: the state as a JSON object.
        from_data: the state that a JSON object stands for.
    """

    every: int
    schema_version: int
    to_data: Callable[[S], JsonObject]
    from_data: Callable[[JsonObject], S]

    def restore(self, snapshot: Snapshot) -> S | None:
        """The state of a snapshot; None if it cannot be read, so the events are folded instead."""
        try:
            return self.from_data(snapshot.data)
        except Exception:  # noqa: BLE001  logged; a snapshot never fails a command
            _log.exception("a snapshot of stream %s cannot be read", snapshot.stream)
            return None


class SnapshotWriter:
    """Saves snapshots in the background: no command waits for one or fails with it."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._saving: dict[str, asyncio.Task[None]] = {}

    def save(self, stream: str, version: int, state: Any, policy: SnapshotPolicy[Any]) -> None:
        """Start to save a state, unless an older one of the same stream is being saved."""
        if stream not in self._saving:
            saving = self._save(stream, version, state, policy)
            self._saving[stream] = background(saving, "eventstore snapshot")

    async def close(self) -> None:
        """Wait for the snapshots that are being saved, not for long."""
        await finish(self._saving.values())

    async def _save(
        self, stream: str, version: int, state: Any, policy: SnapshotPolicy[Any]
    ) -> None:
        try:
            data = policy.to_data(state)
            await self._store.save_snapshot(Snapshot(stream, version, policy.schema_version, data))
        except EventStoreError:
            pass  # a snapshot only saves time; the next one will do
        except Exception:  # noqa: BLE001  logged; a snapshot never fails a command
            _log.exception("a snapshot of stream %s cannot be saved", stream)
        finally:
            del self._saving[stream]

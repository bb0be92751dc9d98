"""Events that followers have set aside, without a database."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from eventstore.model import StoredEvent
from eventstore.reading.set_aside import SetAsideEvent
from eventstore.store import EventStore
from ordersaga.daemons.set_aside import SetAside


class InMemorySetAsideEvents:
    """Remembers as long as the process lives."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, int], SetAsideEvent] = {}

    async def put(self, follower: str, event: StoredEvent, error: str, pause_s: float) -> None:
        """See `SetAsideEvents.put`."""
        now = datetime.now(UTC)
        new = SetAsideEvent(
            follower,
            event.position,
            event.stream,
            event.version,
            event.event_type,
            error,
            0,
            now,
            now + timedelta(seconds=pause_s),
        )
        before = self.kept.get((follower, event.position), new)
        self.kept[follower, event.position] = replace(
            before, error=error, tries=before.tries + 1, due_at=new.due_at
        )

    async def make_due(self, follower: str) -> None:
        """See `SetAsideEvents.make_due`."""
        now = datetime.now(UTC)
        for key, event in self.kept.items():
            if key[0] == follower:
                self.kept[key] = replace(event, due_at=now)

    async def due(self, follower: str, limit: int) -> Sequence[SetAsideEvent]:
        """See `SetAsideEvents.due`."""
        now = datetime.now(UTC)
        own = [event for key, event in sorted(self.kept.items()) if key[0] == follower]
        return [event for event in own if event.due_at <= now][:limit]

    async def remove(self, follower: str, position: int) -> None:
        """See `SetAsideEvents.remove`."""
        self.kept.pop((follower, position), None)

    async def count(self, follower: str) -> int:
        """See `SetAsideEvents.count`."""
        return sum(key[0] == follower for key in self.kept)


def nothing_aside(store: EventStore, follower: str = "test") -> SetAside:
    """For a follower that is not expected to set anything aside."""
    return SetAside(follower, InMemorySetAsideEvents(), store, look_every_s=0.01)

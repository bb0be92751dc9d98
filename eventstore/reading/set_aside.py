"""Events that a follower of the feed could not act on: it goes on without them and tries again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from eventstore.model import StoredEvent


@dataclass(frozen=True, slots=True)
class SetAsideEvent:
    """An event that a follower has set aside.

    Attributes:
        error: why the last try failed, without personal data.
        tries: how often it was tried.
        due_at: when it is tried again.
    """

    follower: str
    position: int
    stream: str
    version: int
    event_type: str
    error: str
    tries: int
    first_seen: datetime
    due_at: datetime


class SetAsideEvents(Protocol):
    """Remembers the events that followers have set aside; each method raises StoreUnavailable."""

    async def put(self, follower: str, event: StoredEvent, error: str, pause_s: float) -> None:
        """Set an event aside for some seconds; again, it counts another try."""
        ...

    async def make_due(self, follower: str) -> None:
        """Let all events of a follower be tried now."""
        ...

    async def due(self, follower: str, limit: int) -> Sequence[SetAsideEvent]:
        """The events that are to be tried now, oldest first."""
        ...

    async def remove(self, follower: str, position: int) -> None:
        """Forget an event that was acted on."""
        ...

    async def count(self, follower: str) -> int:
        """How many events a follower has set aside."""
        ...

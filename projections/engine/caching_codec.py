"""Decode each event once for all projections of a process."""

from typing import Any, Final
from uuid import UUID

from eventstore.codec import EncodedEvent, EventCodec
from eventstore.model import StoredEvent
from projections.engine.feed import WINDOW

_GENERATION: Final = 2 * WINDOW


class CachingCodec:
    """A codec that caches recently decoded events. Events are immutable, so they can be shared."""

    def __init__(self, codec: EventCodec) -> None:
        self._codec = codec
        self._young: dict[UUID, Any] = {}
        self._old: dict[UUID, Any] = {}

    def encode(self, event: Any) -> EncodedEvent:
        """See `EventCodec.encode`."""
        return self._codec.encode(event)

    def decode(self, stored: StoredEvent) -> Any:
        """See `EventCodec.decode`."""
        cached = self._young.get(stored.event_id) or self._old.get(stored.event_id)
        if cached is not None:
            return cached
        event = self._young[stored.event_id] = self._codec.decode(stored)
        if len(self._young) >= _GENERATION:  # dropping a generation is cheaper than single entries
            self._old, self._young = self._young, {}
        return event

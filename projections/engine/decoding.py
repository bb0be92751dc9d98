"""Decode an event once for all the projections of a process that want it."""

from typing import Any, Final
from uuid import UUID

from eventstore.codec import EncodedEvent, EventCodec
from eventstore.model import StoredEvent
from projections.engine.feed import WINDOW

_KEPT: Final = 2 * WINDOW


class DecodeOnce:
    """A codec that remembers what it decoded lately; events do not change, so they are shared."""

    def __init__(self, codec: EventCodec) -> None:
        self._codec = codec
        self._young: dict[UUID, Any] = {}
        self._old: dict[UUID, Any] = {}

    def encode(self, event: Any) -> EncodedEvent:
        """See `EventCodec.encode`."""
        return self._codec.encode(event)

    def decode(self, stored: StoredEvent) -> Any:
        """See `EventCodec.decode`."""
        known = self._young.get(stored.event_id) or self._old.get(stored.event_id)
        if known is not None:
            return known
        event = self._young[stored.event_id] = self._codec.decode(stored)
        if len(self._young) >= _KEPT:  # two generations: forgetting the oldest costs nothing
            self._old, self._young = self._young, {}
        return event

"""How events of a domain become JSON and back: the interface; the application supplies it."""

from dataclasses import dataclass
from typing import Any, Protocol

from eventstore.model import JsonObject, StoredEvent


@dataclass(frozen=True, slots=True)
class EncodedEvent:
    """An event's stored form."""

    event_type: str
    schema_version: int
    data: JsonObject


class EventCodec(Protocol):
    """Translates between event objects and their stored form."""

    def encode(self, event: Any) -> EncodedEvent:
        """The stored form of `event`, in the current schema version."""
        ...

    def decode(self, stored: StoredEvent) -> Any:
        """The event object of a stored event of any version, upcast to the current one.

        Raises:
            UnknownEventType: no class is registered for it.
        """
        ...

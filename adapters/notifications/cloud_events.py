"""CloudEvents 1.0 and where they can go: the interface of a sink, and the sink `log`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import structlog

CONTENT_TYPE: Final = "application/cloudevents+json"


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """What happened, in the form that CloudEvents 1.0 gives it.

    Attributes:
        id: with `source` the event's identity: a second event with both is a repetition.
        source: URI reference of the installation that tells it.
        type: such as ``ordersaga.order.completed``.
        subject: the order's id.
        time: when it was recorded, with time zone.
        dataschema: URI of the form of `data`; another one if the form changes.
        data: a JSON object.
        extensions: further attributes, such as ``traceparent``; the names are lower-case letters
            and digits.
    """

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    dataschema: str
    data: Mapping[str, Any]
    extensions: Mapping[str, str] = field(default_factory=dict)

    def attributes(self) -> dict[str, Any]:
        """The event as one JSON object (the structured mode)."""
        return {
            "specversion": "1.0",
            "id": self.id,
            "source": self.source,
            "type": self.type,
            "subject": self.subject,
            "time": self.time.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "datacontenttype": "application/json",
            "dataschema": self.dataschema,
            **self.extensions,
            "data": dict(self.data),
        }

    def to_json(self) -> bytes:
        """The event as the body of a message."""
        return json.dumps(self.attributes(), ensure_ascii=False, separators=(",", ":")).encode()


class NotDelivered(Exception):
    """The receiver did not take the event; the text is safe to show.

    Attributes:
        final: trying again is idle.
        retry_after_s: how long the receiver asked to be left alone, None if it did not.
    """

    def __init__(
        self, why: str, *, final: bool = False, retry_after_s: float | None = None
    ) -> None:
        super().__init__(why)
        self.final = final
        self.retry_after_s = retry_after_s


class Sink(Protocol):
    """Where events go."""

    async def send(self, event: CloudEvent) -> None:
        """Hand the event over, at least once.

        Raises:
            NotDelivered: it was not taken, or nobody knows.
        """
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


class LogSink:
    """Writes each event as one log line, for installations without a receiver."""

    def __init__(self) -> None:
        self._log = structlog.stdlib.get_logger("ordersaga.notifications")

    async def send(self, event: CloudEvent) -> None:
        """Write the event to the log."""
        await self._log.ainfo("notification", cloudevent=event.attributes())

    async def close(self) -> None:
        """Do nothing: there is nothing to release."""

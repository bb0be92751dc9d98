"""CloudEvents 1.0, the interface of their sinks, and the sink that writes to the log."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import structlog

CONTENT_TYPE: Final = "application/cloudevents+json"


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """An event as defined by CloudEvents 1.0.

    Attributes:
        id: identifies the event together with `source`; another one with both is a duplicate.
        source: URI reference of the installation that sends it.
        type: for example ``ordersaga.order.completed``.
        subject: the order id.
        time: when it was recorded, with time zone.
        dataschema: URI of the schema of `data`; it changes with the schema.
        data: a JSON object.
        extensions: further attributes, for example ``traceparent``; names consist of lower-case
            letters and digits.
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
        """The event as one JSON object (structured mode)."""
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
    """The receiver did not accept the event; the text is safe to show.

    Attributes:
        final: retrying is pointless.
        retry_after_s: the delay that the receiver asked for, None without one.
    """

    def __init__(
        self, why: str, *, final: bool = False, retry_after_s: float | None = None
    ) -> None:
        super().__init__(why)
        self.final = final
        self.retry_after_s = retry_after_s


class Sink(Protocol):
    """Sends events to a receiver."""

    async def send(self, event: CloudEvent) -> None:
        """Deliver the event at least once.

        Raises:
            NotDelivered: it was not accepted, or the outcome is unknown.
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
        """Do nothing."""

"""Envelopes of stored rows: the path of every event that is read, so every microsecond counts."""

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Final, cast
from uuid import UUID

from msgspec import MsgspecError
from msgspec.json import Decoder

from eventstore.model import JsonObject, Metadata, StoredEvent, bucket_of, category_of

StoredRow = tuple[UUID, str, int, int, str, int, str, str, Any]
"""Event id, stream, version, position, event type, schema version, data, metadata, recorded at."""

_NEVER: Final = datetime.min.replace(tzinfo=UTC)

_decode: Final = Decoder().decode


class _EnvelopeDraft:
    """Has the slots of a StoredEvent and can be written.

    Setting the fields of a frozen dataclass costs more than all else that is done for an event.
    So the fields are set on a draft, and the finished draft becomes a StoredEvent.
    """

    __slots__ = tuple(StoredEvent.__dataclass_fields__)

    event_id: UUID
    stream: str
    category: str
    version: int
    position: int
    event_type: str
    schema_version: int
    data: JsonObject
    metadata: Metadata
    recorded_at: datetime
    bucket: int


def envelopes(rows: Iterable[Any], time_of: Callable[[Any], datetime]) -> list[StoredEvent]:
    """An envelope for each row (each like `StoredRow`), in their order.

    `time_of` makes a time of what the rows hold as the time of recording.
    """
    made: list[_EnvelopeDraft] = []
    add, new, decode = made.append, object.__new__, decode_json
    # Neighbours mostly belong to one append, so they share stream, metadata and time.
    last_stream = last_text = ""
    last_at: Any = None
    category, bucket, origin, recorded_at = "", 0, Metadata("", "", ""), _NEVER
    for event_id, stream, version, position, event_type, schema, data, metadata, at in rows:
        if stream != last_stream:
            last_stream, category, bucket = stream, category_of(stream), bucket_of(stream)
        if metadata != last_text:
            last_text, origin = metadata, _metadata(metadata)
        if at != last_at:
            last_at, recorded_at = at, time_of(at)
        draft = new(_EnvelopeDraft)  # a call of its own would take as long as the lines below
        draft.event_id = event_id
        draft.stream = last_stream
        draft.category = category
        draft.version = version
        draft.position = position
        draft.event_type = event_type
        draft.schema_version = schema
        draft.data = decode(data)
        draft.metadata = origin
        draft.recorded_at = recorded_at
        draft.bucket = bucket
        draft.__class__ = StoredEvent  # type: ignore[assignment]  # same slots, see the draft
        add(draft)
    return cast("list[StoredEvent]", made)


def decode_json(text: str) -> Any:
    """The value of a JSON text that was checked when it was stored; what `json.loads` makes of it.

    The quick decoder gives the same value or refuses (digits without end, for example).
    """
    try:
        return _decode(text)
    except (MsgspecError, RecursionError):
        return json.loads(text)


def _metadata(text: str) -> Metadata:
    fields = decode_json(text)
    return Metadata(
        fields["correlation_id"],
        fields["causation_id"],
        fields["actor"],
        fields.get("traceparent"),
        fields.get("extra", {}),
    )

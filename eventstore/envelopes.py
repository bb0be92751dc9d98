"""Envelopes of stored rows: the path of every event that is read, so every microsecond counts."""

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from msgspec import MsgspecError
from msgspec.json import Decoder

from eventstore.model import Metadata, StoredEvent, bucket_of, category_of

StoredRow = tuple[UUID, str, int, int, str, int, str, str, Any]
"""Event id, stream, version, position, event type, schema version, data, metadata, recorded at."""

_NEVER: Final = datetime.min.replace(tzinfo=UTC)

_NOBODY: Final = Metadata("", "", "")

_decode: Final = Decoder().decode
_decode_metadata: Final = Decoder(Metadata).decode


def envelopes(rows: Iterable[Any], time_of: Callable[[Any], datetime]) -> list[StoredEvent]:
    """An envelope for each row (each like `StoredRow`), in their order.

    `time_of` makes a time of what the rows hold as the time of recording.
    """
    made: list[StoredEvent] = []
    add, decode = made.append, _decode
    # Neighbours mostly belong to one append, so they share stream, metadata and time.
    last_stream = last_text = ""
    last_at: Any = None
    category, bucket, origin, recorded_at = "", 0, _NOBODY, _NEVER
    for event_id, stream, version, position, event_type, schema, data, metadata, at in rows:
        if stream != last_stream:
            last_stream, category, bucket = stream, category_of(stream), bucket_of(stream)
        if metadata != last_text:
            last_text, origin = metadata, _metadata(metadata)
        if at != last_at:
            last_at, recorded_at = at, time_of(at)
        try:
            value = decode(data)
        except (MsgspecError, RecursionError):
            value = json.loads(data)
        add(
            StoredEvent(
                event_id,
                last_stream,
                category,
                version,
                position,
                event_type,
                schema,
                value,
                origin,
                recorded_at,
                bucket,
            )
        )
    return made


def decode_json(text: str) -> Any:
    """The value of a JSON text that was checked when it was stored; what `json.loads` makes of it.

    The quick decoder gives the same value or refuses (digits without end, for example).
    """
    try:
        return _decode(text)
    except (MsgspecError, RecursionError):
        return json.loads(text)


def _metadata(text: str) -> Metadata:
    try:
        return _decode_metadata(text)
    except (MsgspecError, RecursionError):
        return _unchecked_metadata(text)


def _unchecked_metadata(text: str) -> Metadata:
    """The same for values of other types than ours: whoever stored them gets them back."""
    fields = decode_json(text)
    return Metadata(
        fields["correlation_id"],
        fields["causation_id"],
        fields["actor"],
        fields.get("traceparent"),
        fields.get("extra", {}),
    )

"""Turns stored rows into envelopes. Every event that is read comes through here."""

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

_NO_METADATA: Final = Metadata("", "", "")

_decode: Final = Decoder().decode
_decode_metadata: Final = Decoder(Metadata).decode


def envelopes(rows: Iterable[Any], time_of: Callable[[Any], datetime]) -> list[StoredEvent]:
    """The envelopes of rows like `StoredRow`, in the same order.

    `time_of` turns the last value of a row into its time of recording.
    """
    events: list[StoredEvent] = []
    add, decode = events.append, _decode
    # Neighbours mostly come from one append, so they share stream, metadata and time.
    last_stream = last_text = ""
    last_at: Any = None
    category, bucket, origin, recorded_at = "", 0, _NO_METADATA, _NEVER
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
    return events


def decode_json(text: str) -> Any:
    """The value of a JSON text that was checked when it was stored; the same as `json.loads` gives.

    The fast decoder either gives the same value or refuses, for example at very long numbers.
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
    """Metadata whose values have other types than declared, as it was stored."""
    fields = decode_json(text)
    return Metadata(
        fields["correlation_id"],
        fields["causation_id"],
        fields["actor"],
        fields.get("traceparent"),
        fields.get("extra", {}),
    )

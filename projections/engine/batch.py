"""Decode a slice of the feed, apply it within a transaction, and isolate what cannot be applied."""

from collections.abc import Sequence
from dataclasses import dataclass

from eventstore.codec import EventCodec
from eventstore.model import StoredEvent
from projections.engine.control import Refusal
from projections.engine.projection import Connection, Projection, Recorded
from projections.errors import describe, is_outage


@dataclass(frozen=True, slots=True)
class Batch:
    """A decoded slice of the feed.

    Attributes:
        ready: events to apply.
        refusals: events that could not be decoded.
        waiting: events of streams that are parked already.
    """

    ready: tuple[Recorded, ...]
    refusals: tuple[Refusal, ...] = ()
    waiting: tuple[StoredEvent, ...] = ()


def decode(projection: Projection, codec: EventCodec, events: Sequence[StoredEvent]) -> Batch:
    """Decode the events that the projection handles.

    From an event of unknown type or with damaged data on, its stream is not applied.
    """
    ready: list[Recorded] = []
    refused: dict[str, tuple[StoredEvent, str, list[StoredEvent]]] = {}
    for stored in events:
        if stored.stream in refused:
            refused[stored.stream][2].append(stored)
        elif not projection.handles:
            ready.append(Recorded(stored, None))
        elif not projection.ignores(stored.event_type):
            try:
                ready.append(Recorded(stored, codec.decode(stored)))
            except Exception as error:  # noqa: BLE001  any decoding error parks the stream
                refused[stored.stream] = (stored, describe(error), [])
    refusals = (Refusal(event, error, tuple(rest)) for event, error, rest in refused.values())
    return Batch(tuple(ready), tuple(refusals))


def without_parked(batch: Batch, parked: frozenset[str], events: Sequence[StoredEvent]) -> Batch:
    """The batch, decoded from `events`, in which all events of parked streams wait."""
    return Batch(
        tuple(item for item in batch.ready if item.stored.stream not in parked),
        tuple(refusal for refusal in batch.refusals if refusal.event.stream not in parked),
        tuple(event for event in events if event.stream in parked),
    )


def merge(not_applied: Sequence[Refusal], not_decoded: Sequence[Refusal]) -> list[Refusal]:
    """One refusal per stream: events that failed to apply come before those not decoded."""
    merged = {refusal.event.stream: refusal for refusal in not_applied}
    for refusal in not_decoded:
        first = merged.get(refusal.event.stream)
        if first is None:
            merged[refusal.event.stream] = refusal
        else:
            waiting = (*first.waiting, refusal.event, *refusal.waiting)
            merged[refusal.event.stream] = Refusal(first.event, first.error, waiting)
    return list(merged.values())


async def apply_isolated(
    connection: Connection, projection: Projection, schema: str, items: Sequence[Recorded]
) -> list[Refusal]:
    """Apply everything that can be applied; return the rest, one refusal per stream.

    Halves the set of streams until the failing ones are alone. Each attempt is a savepoint.

    Raises:
        Exception: an outage, for example a lost connection; it says nothing about the events.
    """
    if not items or await _try(connection, projection, schema, items) is None:
        return []
    streams = list(dict.fromkeys(item.stored.stream for item in items))
    if len(streams) == 1:
        return await _apply_one_by_one(connection, projection, schema, items)
    first = frozenset(streams[: len(streams) // 2])
    halves = (
        [item for item in items if item.stored.stream in first],
        [item for item in items if item.stored.stream not in first],
    )
    return [
        refusal
        for half in halves
        for refusal in await apply_isolated(connection, projection, schema, half)
    ]


async def _apply_one_by_one(
    connection: Connection, projection: Projection, schema: str, items: Sequence[Recorded]
) -> list[Refusal]:
    for index, item in enumerate(items):
        error = await _try(connection, projection, schema, [item])
        if error is not None:
            rest = tuple(later.stored for later in items[index + 1 :])
            return [Refusal(item.stored, describe(error), rest)]
    return []


async def _try(
    connection: Connection, projection: Projection, schema: str, items: Sequence[Recorded]
) -> Exception | None:
    try:
        async with connection.transaction():
            await projection.apply(connection, schema, items)
    except Exception as error:
        if is_outage(error):
            raise
        return error
    return None

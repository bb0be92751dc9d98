"""Apply one page of the feed within a transaction, and set aside what cannot be applied."""

from collections.abc import Sequence
from dataclasses import dataclass

from eventstore.codec import EventCodec
from eventstore.model import StoredEvent
from projections.engine.control import Refusal
from projections.engine.projection import Connection, Projection, Recorded
from projections.errors import describe, is_outage


@dataclass(frozen=True, slots=True)
class Prepared:
    """A decoded page: what can be applied, what could not be decoded, what must wait."""

    ready: tuple[Recorded, ...]
    refusals: tuple[Refusal, ...] = ()
    waiting: tuple[StoredEvent, ...] = ()


def decode(projection: Projection, codec: EventCodec, events: Sequence[StoredEvent]) -> Prepared:
    """Decode the events that the projection handles.

    An event that cannot be decoded, because its type is unknown or its data damaged, refuses its
    stream from there on.
    """
    ready: list[Recorded] = []
    refused: dict[str, tuple[StoredEvent, str, list[StoredEvent]]] = {}
    for stored in events:
        if stored.stream in refused:
            refused[stored.stream][2].append(stored)
        elif not projection.handles:
            ready.append(Recorded(stored, None))
        elif not projection.passes_by(stored.event_type):
            try:
                ready.append(Recorded(stored, codec.decode(stored)))
            except Exception as error:  # noqa: BLE001  whatever is wrong with it, it is set aside
                refused[stored.stream] = (stored, describe(error), [])
    refusals = (Refusal(event, error, tuple(rest)) for event, error, rest in refused.values())
    return Prepared(tuple(ready), tuple(refusals))


def without(prepared: Prepared, parked: frozenset[str], page: Sequence[StoredEvent]) -> Prepared:
    """The same page where every event of a stream that is parked already waits."""
    if not parked:
        return prepared
    return Prepared(
        tuple(item for item in prepared.ready if item.stored.stream not in parked),
        tuple(refusal for refusal in prepared.refusals if refusal.event.stream not in parked),
        tuple(event for event in page if event.stream in parked),
    )


def merge(applying: Sequence[Refusal], decoding: Sequence[Refusal]) -> list[Refusal]:
    """One refusal a stream: what failed to apply comes before what could not be decoded."""
    merged = {refusal.event.stream: refusal for refusal in applying}
    for refusal in decoding:
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
    """Apply everything that can be applied; return what cannot, by stream.

    Halves the set of streams until the failing ones stand alone, each try in a savepoint.

    Raises:
        whatever says nothing about the events, such as a lost connection.
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

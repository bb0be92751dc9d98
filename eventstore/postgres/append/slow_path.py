"""One call that appends: a short way for what fits, a long one that decides for each request."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from eventstore.encoding import PreparedAppend, expected_text
from eventstore.errors import DuplicateEventId, EventStoreError, VersionConflict
from eventstore.model import AppendResult, bucket_of
from eventstore.postgres.append.fast_path import short_append
from eventstore.postgres.errors import translated
from eventstore.postgres.sql_files import statement

Outcome = AppendResult | EventStoreError
Arguments = tuple[list[Any], ...]

APPEND: Final = statement("append")
"""The statement that takes `arguments` and then `check_ids`."""


class Connections(Protocol):
    """What runs a statement: a pool, or what stands in for one."""

    async def fetch(self, query: str, *args: Any) -> list[Any]:
        """The rows of a statement."""
        ...


class ConnectionSource(Connections, Protocol):
    """A pool, or what stands in for one."""

    def acquire(self) -> Any:
        """A connection for several statements, as `asyncpg.Pool.acquire` gives it."""
        ...


async def call(
    pool: Connections, requests: Sequence[PreparedAppend], *, check_ids: bool = False
) -> list[Outcome]:
    """Append requests in one transaction; an outcome for each, in order.

    One round trip if all versions fit, else two: the short way can only say that everything was
    appended or nothing; the long one decides for each request on its own, and recognises those
    that were appended before.

    Raises:
        DuplicateEventId: an id was stored by somebody else during the call, nothing was appended.
        StoreUnavailable: the outcome is unknown.
    """
    short = None if check_ids else short_append(requests)
    with translated():
        if short is not None:
            ((reached,),) = await pool.fetch(short.statement, *short.arguments)
            if reached is not None:
                return [*short.results(reached)]
        rows = await pool.fetch(APPEND, *arguments(requests), check_ids)
    return [_outcome(request, dict(row)) for request, row in zip(requests, rows, strict=True)]


def arguments(requests: Sequence[PreparedAppend]) -> Arguments:
    """The arrays of `append_events`, without `check_ids`."""
    streams = [wanted for request in requests for wanted in request.streams]
    slots: dict[str, int] = {}
    for wanted in streams:
        slots.setdefault(wanted.stream, len(slots) + 1)
    events = [
        (entry, step, wanted.stream, event)
        for entry, wanted in enumerate(streams, 1)
        for step, event in enumerate(wanted.events, 1)
    ]
    return (
        list(slots),
        [bucket_of(name) for name in slots],
        [len(request.streams) for request in requests],
        [slots[wanted.stream] for wanted in streams],
        [wanted.expected for wanted in streams],
        [len(wanted.events) for wanted in streams],
        [entry for entry, _, _, _ in events],
        [step for _, step, _, _ in events],
        [stream for _, _, stream, _ in events],
        [event.event_id for _, _, _, event in events],
        [event.event_type for _, _, _, event in events],
        [event.schema_version for _, _, _, event in events],
        [event.data for _, _, _, event in events],
        [event.metadata for _, _, _, event in events],
    )


def _outcome(request: PreparedAppend, row: Mapping[str, Any]) -> Outcome:
    outcome = row["outcome"]
    if outcome == "conflict":
        wanted = request.streams[row["conflict_entry"] - 1]
        expected = expected_text(wanted.expected)
        return VersionConflict(wanted.stream, expected, row["conflict_version"])
    if outcome == "duplicate":
        return DuplicateEventId("an event id is stored already, in another append")
    names = [wanted.stream for wanted in request.streams]
    versions = dict(zip(names, row["last_versions"], strict=True))
    return AppendResult(versions, row["last_position"], repeated=outcome == "repeated")

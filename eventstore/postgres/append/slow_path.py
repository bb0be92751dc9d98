"""Appends requests in one transaction; each has an outcome of its own.

The fast path is one round trip, but it appends everything or nothing. If it appended nothing, or if
it is not possible, `append_events` decides for each request.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final, Protocol

from eventstore.encoding import PreparedAppend, expected_text
from eventstore.errors import (
    DuplicateEventId,
    EventStoreError,
    LockNotAvailable,
    StoreUnavailable,
    StreamArchived,
    VersionConflict,
)
from eventstore.model import AppendResult, bucket_of
from eventstore.postgres.append.fast_path import fast_append
from eventstore.postgres.errors import translated
from eventstore.postgres.sql_files import statement

Outcome = AppendResult | EventStoreError

APPEND_EVENTS: Final = statement("append_events")
"""The statement that takes `arguments` and then `check_ids`."""


class Connections(Protocol):
    """Runs a statement: a pool, a connection, or the connections of a store."""

    async def fetch(self, query: str, *args: Any) -> list[Any]:
        """The rows of a statement."""
        ...


async def append_requests(
    connections: Connections, requests: Sequence[PreparedAppend]
) -> Sequence[Outcome | Exception]:
    """Append in one transaction; an outcome for each request, in order.

    Raises:
        StoreUnavailable: the outcome is unknown.
    """
    try:
        return await _append_together(connections, requests)
    except LockNotAvailable:
        if len(requests) == 1:
            raise
        # Somebody holds the lock of one of the streams: the others need not wait for it.
        return await asyncio.gather(*(_append_alone(connections, each) for each in requests))
    except StoreUnavailable:
        raise
    except Exception as error:  # noqa: BLE001  it is an outcome
        if len(requests) == 1:
            return [error]
        # One bad request spoilt the transaction: each is tried alone.
        return [await _append_alone(connections, request) for request in requests]


async def _append_alone(connections: Connections, request: PreparedAppend) -> Outcome | Exception:
    try:
        (outcome,) = await append_requests(connections, [request])
    except StoreUnavailable as error:
        return error
    return outcome


async def _append_together(
    connections: Connections, requests: Sequence[PreparedAppend]
) -> Sequence[Outcome]:
    fast = fast_append(requests)
    check_ids = False
    if fast is not None:
        try:
            with translated():
                ((numbers,),) = await connections.fetch(fast.statement, *fast.arguments)
        except (DuplicateEventId, StreamArchived):
            check_ids = True  # most likely a request was appended before
        else:
            if numbers is not None:
                return fast.results(numbers)
    try:
        return await _append_each(connections, requests, check_ids=check_ids)
    except DuplicateEventId:
        if check_ids:
            raise
        return await _append_each(connections, requests, check_ids=True)


async def _append_each(
    connections: Connections, requests: Sequence[PreparedAppend], *, check_ids: bool
) -> Sequence[Outcome]:
    with translated():
        rows = await connections.fetch(APPEND_EVENTS, *arguments(requests), check_ids)
    return [_outcome(request, row) for request, row in zip(requests, rows, strict=True)]


def arguments(requests: Sequence[PreparedAppend]) -> tuple[list[Any], ...]:
    """The arrays of `append_events`, without `check_ids`."""
    entries = [prepared for request in requests for prepared in request.streams]
    slots: dict[str, int] = {}
    for prepared in entries:
        slots.setdefault(prepared.stream, len(slots) + 1)
    events = [
        (entry, step, prepared.stream, event)
        for entry, prepared in enumerate(entries, 1)
        for step, event in enumerate(prepared.events, 1)
    ]
    return (
        list(slots),
        [bucket_of(name) for name in slots],
        [len(request.streams) for request in requests],
        [slots[prepared.stream] for prepared in entries],
        [prepared.expected for prepared in entries],
        [len(prepared.events) for prepared in entries],
        [entry for entry, _, _, _ in events],
        [step for _, step, _, _ in events],
        [stream for _, _, stream, _ in events],
        [event.event_id for _, _, _, event in events],
        [event.event_type for _, _, _, event in events],
        [event.schema_version for _, _, _, event in events],
        [event.data for _, _, _, event in events],
        [event.metadata for _, _, _, event in events],
    )


def _outcome(request: PreparedAppend, row: Any) -> Outcome:
    outcome = row["outcome"]
    if outcome == "conflict":
        prepared = request.streams[row["conflict_entry"] - 1]
        expected = expected_text(prepared.expected)
        return VersionConflict(prepared.stream, expected, row["conflict_version"])
    if outcome == "duplicate":
        return DuplicateEventId("an event id is stored already, in another append")
    names = [prepared.stream for prepared in request.streams]
    versions = dict(zip(names, row["last_versions"], strict=True))
    return AppendResult(versions, row["last_position"], repeated=outcome == "repeated")

"""One call that appends: its arguments and what its rows mean.

There are two functions in the database. `append_at_once` is short and can only say that everything
was appended or nothing. `append_events` follows when nothing was: it decides for each request on
its own, and recognises those that were appended before.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any, Final

import asyncpg

from eventstore.encoding import PreparedAppend, PreparedStream, expected_text, is_met_by_events
from eventstore.errors import DuplicateEventId, EventStoreError, VersionConflict
from eventstore.model import AppendResult, bucket_of
from eventstore.postgres.errors import translated
from eventstore.postgres.sql_files import statement

Outcome = AppendResult | EventStoreError
Arguments = tuple[list[Any], ...]

APPEND: Final = statement("append")
"""The statement that takes `arguments` and then `check_ids`."""

APPEND_AT_ONCE: Final = statement("append_at_once")
"""The statement that takes `arguments_at_once`."""

_SEPARATOR: Final = "\x1f"


async def call(
    pool: asyncpg.Pool, requests: Sequence[PreparedAppend], *, check_ids: bool = False
) -> list[Outcome]:
    """Append requests in one transaction; an outcome for each, in order.

    One round trip if all versions fit, else two.

    Raises:
        DuplicateEventId: an id was stored by somebody else during the call, nothing was appended.
        StoreUnavailable: the outcome is unknown.
    """
    at_once = None if check_ids else arguments_at_once(requests)
    with translated():
        if at_once is not None:
            rows = await pool.fetch(APPEND_AT_ONCE, *at_once)
            if rows:
                return _results(requests, rows)
        rows = await pool.fetch(APPEND, *arguments(requests), check_ids)
    return [_outcome(request, dict(row)) for request, row in zip(requests, rows, strict=True)]


class _Slot:
    """What all requests of a call want of one stream."""

    __slots__ = ("count", "expected", "index", "placed")

    def __init__(self, expected: int) -> None:
        self.expected = expected
        self.count = 0
        self.index = 0
        self.placed = 0


def arguments_at_once(requests: Sequence[PreparedAppend]) -> tuple[Any, ...] | None:
    """The arrays of `append_at_once`; None if the requests cannot all fit whatever is stored.

    Each array is one text, to be split by the server: the driver needs more than a microsecond for
    each element of an array. Arrays of numbers and ids look like ``{1,2}``; the others are joined
    by a control character, which neither names nor JSON texts can hold.
    """
    slots = _slots(requests)
    if slots is None:
        return None
    names = sorted(slots)  # code points sort as bytes of UTF-8 do, so as collation C
    for index, name in enumerate(names, 1):
        slots[name].index = index
    events = _PerEvent()
    for request in requests:
        for wanted in request.streams:
            events.add(wanted, slots[wanted.stream], request.size)
    return (
        _SEPARATOR.join(names),
        _array(map(bucket_of, names)),
        _array(slots[name].expected for name in names),
        _array(slots[name].count for name in names),
        *events.arrays(),
    )


def _array(values: Iterable[int]) -> str:
    return "{" + ",".join(map(str, values)) + "}"


def _slots(requests: Sequence[PreparedAppend]) -> dict[str, _Slot] | None:
    slots: dict[str, _Slot] = {}
    for request in requests:
        for wanted in request.streams:
            slot = slots.get(wanted.stream)
            if slot is None:
                slot = slots[wanted.stream] = _Slot(wanted.expected)
            elif not is_met_by_events(wanted.expected, slot.expected, slot.count):
                return None
            slot.count += len(wanted.events)
    return slots


class _PerEvent:
    """The arrays with an element for each event."""

    __slots__ = (
        "_data", "_ids", "_metadata", "_schemas", "_sizes", "_slots", "_steps", "_streams", "_types"
    )  # fmt: skip

    def __init__(self) -> None:
        self._slots: list[int] = []
        self._steps: list[int] = []
        self._sizes: list[int] = []
        self._streams: list[str] = []
        self._ids: list[str] = []
        self._types: list[str] = []
        self._schemas: list[int] = []
        self._data: list[str] = []
        self._metadata: list[str] = []

    def add(self, wanted: PreparedStream, slot: _Slot, size: int) -> None:
        """Events of one stream in a request of `size` events."""
        events = wanted.events
        count, first = len(events), slot.placed + 1
        slot.placed += count
        self._slots += repeat(slot.index, count)
        self._steps += range(first, first + count)
        self._sizes += repeat(size, count)
        self._streams += repeat(wanted.stream, count)
        for event in events:
            self._ids.append(event.event_id.hex)
            self._types.append(event.event_type)
            self._schemas.append(event.schema_version)
            self._data.append(event.data)
            self._metadata.append(event.metadata)

    def arrays(self) -> tuple[Any, ...]:
        """In the order of the function's parameters."""
        return (
            _array(self._slots),
            _array(self._steps),
            _array(self._sizes),
            _SEPARATOR.join(self._streams),
            "{" + ",".join(self._ids) + "}",
            _SEPARATOR.join(self._types),
            _array(self._schemas),
            _SEPARATOR.join(self._data),
            _SEPARATOR.join(self._metadata),
        )


def _results(requests: Sequence[PreparedAppend], rows: Sequence[Any]) -> list[Outcome]:
    results: list[Outcome] = []
    last = -1
    for request in requests:
        versions = {}
        for wanted in request.streams:
            last += len(wanted.events)
            versions[wanted.stream] = rows[last][1]
        results.append(AppendResult(versions, rows[last][0]))
    return results


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

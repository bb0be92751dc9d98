"""The short way to append: the statement of a call, its arguments and what it returns.

It appends everything if every stream is at the version that is expected, else nothing.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from msgspec import Struct

from eventstore.encoding import (
    MAX_VERSION,
    PreparedAppend,
    PreparedEvent,
    PreparedStream,
    is_met_by_events,
)
from eventstore.model import AppendResult, bucket_of
from eventstore.postgres.sql_files import statement

APPEND_ONE: Final = statement("append_one")
APPEND_GROUP: Final = statement("append_group")
APPEND_NEW_STREAMS: Final = statement("append_new_streams")
APPEND_FIRST_EVENTS: Final = statement("append_first_events")

_SEPARATOR: Final = "\x1f"


class ShortAppend(NamedTuple):
    """A statement with its arguments; `results` explains the numbers that it returns."""

    statement: str
    arguments: tuple[Any, ...]
    results: Callable[[Sequence[int]], Sequence[AppendResult]]


def short_append(requests: Sequence[PreparedAppend]) -> ShortAppend | None:
    """The short way for these requests; None if they cannot all fit whatever is stored."""
    if len(requests) == 1 and requests[0].size == 1:
        return _one(requests[0].streams[0])
    firsts = _first_events(requests)
    if firsts is not None:
        return firsts
    slots = _slots(requests)
    if slots is None:
        return None
    arguments = _arguments(requests, slots)
    if all(slot.expected == 0 for slot in slots.values()):
        query = APPEND_NEW_STREAMS
    else:
        query = APPEND_GROUP
        arguments = (*arguments[:3], _reached(slots), *arguments[3:])
    return ShortAppend(query, arguments, lambda numbers: _results(requests, slots, numbers))


def _one(wanted: PreparedStream) -> ShortAppend:
    stream = wanted.stream
    (event,) = wanted.events
    return ShortAppend(
        APPEND_ONE,
        (
            stream,
            bucket_of(stream),
            wanted.expected,
            event.event_id,
            event.event_type,
            event.schema_version,
            event.data,
            event.metadata,
        ),
        lambda numbers: [AppendResult({stream: numbers[1]}, numbers[0])],
    )


def _first_events(requests: Sequence[PreparedAppend]) -> ShortAppend | None:
    """The way for requests that each begin a stream with one event; None if one does not."""
    streams: dict[str, PreparedEvent] = {}
    for request in requests:
        wanted = request.streams[0]
        if request.size > 1 or wanted.expected != 0 or wanted.stream in streams:
            return None
        streams[wanted.stream] = wanted.events[0]
    names = sorted(streams)  # in the order of collation C, see `_slots`
    events = [streams[name] for name in names]
    arguments = (
        _SEPARATOR.join(names),
        _array([bucket_of(name) for name in names]),
        *_columns(events),
    )

    def results(positions: Sequence[int]) -> list[AppendResult]:
        places = dict(zip(names, positions, strict=True))
        return [AppendResult({stream: 1}, places[stream]) for stream in streams]

    return ShortAppend(APPEND_FIRST_EVENTS, arguments, results)


class _Slot(Struct):
    """What all requests of a call want of one stream.

    Attributes:
        count: the number of events.
        index: the place among the streams of the call, from 1.
        left: the number of events that were not looked at yet.
    """

    expected: int
    count: int = 0
    index: int = 0
    left: int = 0


def _slots(requests: Sequence[PreparedAppend]) -> dict[str, _Slot] | None:
    """By name, sorted."""
    slots: dict[str, _Slot] = {}
    for request in requests:
        for wanted in request.streams:
            slot = slots.get(wanted.stream)
            if slot is None:
                slot = slots[wanted.stream] = _Slot(wanted.expected)
            elif not is_met_by_events(wanted.expected, slot.expected, slot.count):
                return None
            slot.count += len(wanted.events)
            if slot.expected > MAX_VERSION - slot.count:
                return None
    # Code points sort as bytes of UTF-8 do, so as collation C.
    names = sorted(slots)
    for index, name in enumerate(names, 1):
        slots[name].index = index
    return {name: slots[name] for name in names}


def _arguments(requests: Sequence[PreparedAppend], slots: dict[str, _Slot]) -> tuple[str, ...]:
    """The arrays of `append_new_streams`; `append_group` takes one more.

    Each array is one text, to be split by the server: the driver needs more than a microsecond for
    each element of an array. Arrays of numbers and ids look like ``{1,2}``; the others are joined
    by a control character, which neither names nor JSON texts can hold.
    """
    events: list[PreparedEvent] = []
    streams: list[str] = []
    indexes: list[int] = []
    steps: list[int] = []
    sizes: list[int] = []
    _look_at_all(slots)
    for request in requests:
        size = request.size
        for wanted in request.streams:
            stream = wanted.stream
            slot = slots[stream]
            events += wanted.events
            for _ in wanted.events:
                slot.left -= 1
                indexes.append(slot.index)
                steps.append(-slot.left)
                sizes.append(size)
                streams.append(stream)
    return (
        _SEPARATOR.join(slots),
        _array([bucket_of(stream) for stream in slots]),
        _array([slot.count for slot in slots.values()]),
        _array(indexes),
        _array(steps),
        _array(sizes),
        _SEPARATOR.join(streams),
        *_columns(events),
    )


def _columns(events: Sequence[PreparedEvent]) -> tuple[str, ...]:
    """The arrays that every way takes last: ids, types, schema versions, data, metadata."""
    return (
        "{" + ",".join([event.event_id.hex for event in events]) + "}",
        _SEPARATOR.join([event.event_type for event in events]),
        _array([event.schema_version for event in events]),
        _SEPARATOR.join([event.data for event in events]),
        _SEPARATOR.join([event.metadata for event in events]),
    )


def _reached(slots: dict[str, _Slot]) -> str:
    """The versions that the streams must have afterwards, or what stands for any."""
    return _array(
        [
            slot.expected if slot.expected < 0 else slot.expected + slot.count
            for slot in slots.values()
        ]
    )


def _array(numbers: list[int]) -> str:
    """Takes a third less time than the numbers' texts joined."""
    return "{" + str(numbers)[1:-1] + "}"


def _look_at_all(slots: dict[str, _Slot]) -> None:
    for slot in slots.values():
        slot.left = slot.count


def _results(
    requests: Sequence[PreparedAppend], slots: dict[str, _Slot], numbers: Sequence[int]
) -> list[AppendResult]:
    """`numbers` are the positions of all events, then the versions that the streams reached."""
    results: list[AppendResult] = []
    last = -1
    streams_from = len(numbers) - len(slots) - 1
    _look_at_all(slots)
    for request in requests:
        versions = {}
        for wanted in request.streams:
            slot = slots[wanted.stream]
            slot.left -= len(wanted.events)
            versions[wanted.stream] = numbers[streams_from + slot.index] - slot.left
        last += request.size
        results.append(AppendResult(versions, numbers[last]))
    return results

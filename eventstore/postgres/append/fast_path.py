"""The fast path of an append: one statement that appends everything or nothing.

It appends only if every stream is at its expected version.
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

_SEPARATOR: Final = "\x1f"


class FastAppend(NamedTuple):
    """A statement with its arguments; `results` explains the numbers that it returns."""

    statement: str
    arguments: tuple[Any, ...]
    results: Callable[[Sequence[int]], Sequence[AppendResult]]


def fast_append(requests: Sequence[PreparedAppend]) -> FastAppend | None:
    """The fast path for these requests; None if their expected versions contradict each other."""
    if len(requests) == 1 and requests[0].size == 1:
        return _one_event(requests[0].streams[0])
    totals = _totals(requests)
    if totals is None:
        return None
    return FastAppend(
        APPEND_GROUP,
        _arguments(requests, totals),
        lambda numbers: _results(requests, totals, numbers),
    )


def _one_event(prepared: PreparedStream) -> FastAppend:
    stream = prepared.stream
    (event,) = prepared.events
    return FastAppend(
        APPEND_ONE,
        (
            stream,
            bucket_of(stream),
            prepared.expected,
            event.event_id,
            event.event_type,
            event.schema_version,
            event.data,
            event.metadata,
        ),
        lambda numbers: [AppendResult({stream: numbers[1]}, numbers[0])],
    )


class _StreamTotal(Struct):
    """What all requests of a call append to one stream.

    Attributes:
        expected: the expected version of the first of them.
        count: the number of events.
        index: the place among the streams of the call, from 1.
        left: the number of events that are not yet numbered.
    """

    expected: int
    count: int = 0
    index: int = 0
    left: int = 0


def _totals(requests: Sequence[PreparedAppend]) -> dict[str, _StreamTotal] | None:
    """The totals by stream, sorted by name; None if the expected versions contradict each other."""
    totals: dict[str, _StreamTotal] = {}
    for request in requests:
        for prepared in request.streams:
            total = totals.get(prepared.stream)
            if total is None:
                total = totals[prepared.stream] = _StreamTotal(prepared.expected)
            elif not is_met_by_events(prepared.expected, total.expected, total.count):
                return None
            total.count += len(prepared.events)
            if total.expected > MAX_VERSION - total.count:
                return None
    # Code points sort like the bytes of UTF-8, which is the order of collation C.
    names = sorted(totals)
    for index, name in enumerate(names, 1):
        totals[name].index = index
    return {name: totals[name] for name in names}


def _arguments(
    requests: Sequence[PreparedAppend], totals: dict[str, _StreamTotal]
) -> tuple[str, ...]:
    """The arrays of `append_group`.

    Each array is one text that the server splits: the driver needs more than a microsecond for
    each element of an array. Arrays of numbers and ids look like ``{1,2}``; the others are joined
    by a control character, which neither names nor JSON texts can hold.
    """
    events: list[PreparedEvent] = []
    streams: list[str] = []
    indexes: list[int] = []
    steps: list[int] = []
    sizes: list[int] = []
    _start_numbering(totals)
    for request in requests:
        size = request.size
        for prepared in request.streams:
            stream = prepared.stream
            total = totals[stream]
            events += prepared.events
            for _ in prepared.events:
                total.left -= 1
                indexes.append(total.index)
                steps.append(-total.left)
                sizes.append(size)
                streams.append(stream)
    return (
        _SEPARATOR.join(totals),
        _array([bucket_of(stream) for stream in totals]),
        _array([total.count for total in totals.values()]),
        _array([_reached(total) for total in totals.values()]),
        _array(indexes),
        _array(steps),
        _array(sizes),
        _SEPARATOR.join(streams),
        "{" + ",".join([event.event_id.hex for event in events]) + "}",
        _SEPARATOR.join([event.event_type for event in events]),
        _array([event.schema_version for event in events]),
        _SEPARATOR.join([event.data for event in events]),
        _SEPARATOR.join([event.metadata for event in events]),
    )


def _reached(total: _StreamTotal) -> int:
    """The version that the stream reaches, or the negative code of an inexact expected version."""
    return total.expected if total.expected < 0 else total.expected + total.count


def _array(numbers: list[int]) -> str:
    """An array of numbers as text; quicker than joining the numbers' texts."""
    return "{" + str(numbers)[1:-1] + "}"


def _start_numbering(totals: dict[str, _StreamTotal]) -> None:
    for total in totals.values():
        total.left = total.count


def _results(
    requests: Sequence[PreparedAppend],
    totals: dict[str, _StreamTotal],
    numbers: Sequence[int],
) -> list[AppendResult]:
    """`numbers` are the positions of all events, then the versions that the streams reached."""
    results: list[AppendResult] = []
    last_event = -1
    before_versions = len(numbers) - len(totals) - 1
    _start_numbering(totals)
    for request in requests:
        versions = {}
        for prepared in request.streams:
            total = totals[prepared.stream]
            total.left -= len(prepared.events)
            versions[prepared.stream] = numbers[before_versions + total.index] - total.left
        last_event += request.size
        results.append(AppendResult(versions, numbers[last_event]))
    return results

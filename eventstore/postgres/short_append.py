"""The short way to append: the statement of a call, its arguments and what it returns.

It appends everything if every stream is at the version that is expected, else nothing.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

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


class ShortAppend(NamedTuple):
    """A statement with its arguments; `results` explains the numbers that it returns."""

    statement: str
    arguments: tuple[Any, ...]
    results: Callable[[Sequence[int]], Sequence[AppendResult]]


def short_append(requests: Sequence[PreparedAppend]) -> ShortAppend | None:
    """The short way for these requests; None if they cannot all fit whatever is stored."""
    if len(requests) == 1 and requests[0].size == 1:
        return _one(requests[0].streams[0])
    slots = _slots(requests)
    if slots is None:
        return None
    group = _Group(slots)
    for request in requests:
        for wanted in request.streams:
            group.add(wanted, request.size)
    return ShortAppend(
        APPEND_GROUP, group.arguments(), lambda numbers: _results(requests, slots, numbers)
    )


def _one(wanted: PreparedStream) -> ShortAppend:
    stream, expected, ((event_id, event_type, schema_version, data, metadata),) = wanted
    return ShortAppend(
        APPEND_ONE,
        (stream, bucket_of(stream), expected, event_id, event_type, schema_version, data, metadata),
        lambda numbers: [AppendResult({stream: numbers[1]}, numbers[0])],
    )


class _Slot:
    """What all requests of a call want of one stream.

    Attributes:
        count: the number of events.
        index: the place among the streams of the call, from 1.
        left: the number of events that were not looked at yet.
    """

    __slots__ = ("count", "expected", "index", "left")

    def __init__(self, expected: int) -> None:
        self.expected = expected
        self.count = 0
        self.index = 0
        self.left = 0

    def reached(self) -> int:
        """The version that the stream must have afterwards, or what stands for any."""
        return self.expected if self.expected < 0 else self.expected + self.count


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


class _Group:
    """The arrays of `append_group`.

    Each array is one text, to be split by the server: the driver needs more than a microsecond for
    each element of an array. Arrays of numbers and ids look like ``{1,2}``; the others are joined
    by a control character, which neither names nor JSON texts can hold.
    """

    def __init__(self, slots: dict[str, _Slot]) -> None:
        self._of_stream = slots
        self._slots: list[int] = []
        self._steps: list[int] = []
        self._sizes: list[int] = []
        self._streams: list[str] = []
        self._events: list[PreparedEvent] = []
        for slot in slots.values():
            slot.left = slot.count

    def add(self, wanted: PreparedStream, size: int) -> None:
        """Events of one stream in a request of `size` events."""
        stream, _, events = wanted
        slot = self._of_stream[stream]
        self._events += events
        for _ in events:
            slot.left -= 1
            self._slots.append(slot.index)
            self._steps.append(-slot.left)
            self._sizes.append(size)
            self._streams.append(stream)

    def arguments(self) -> tuple[str, ...]:
        """In the order of the function's parameters."""
        slots = self._of_stream.values()
        ids, types, schemas, data, metadata = zip(*self._events, strict=True)
        return (
            _SEPARATOR.join(self._of_stream),
            _array(map(bucket_of, self._of_stream)),
            _array(slot.count for slot in slots),
            _array(slot.reached() for slot in slots),
            _array(self._slots),
            _array(self._steps),
            _array(self._sizes),
            _SEPARATOR.join(self._streams),
            "{" + ",".join([event_id.hex for event_id in ids]) + "}",
            _SEPARATOR.join(types),
            _array(schemas),
            _SEPARATOR.join(data),
            _SEPARATOR.join(metadata),
        )


def _array(values: Iterable[int]) -> str:
    return "{" + ",".join(map(str, values)) + "}"


def _results(
    requests: Sequence[PreparedAppend], slots: dict[str, _Slot], numbers: Sequence[int]
) -> list[AppendResult]:
    """`numbers` are the positions of all events, then the versions that the streams reached."""
    results: list[AppendResult] = []
    last = -1
    streams_from = len(numbers) - len(slots) - 1
    for slot in slots.values():
        slot.left = slot.count
    for request in requests:
        versions = {}
        for stream, _, events in request.streams:
            slot = slots[stream]
            slot.left -= len(events)
            versions[stream] = numbers[streams_from + slot.index] - slot.left
        last += request.size
        results.append(AppendResult(versions, numbers[last]))
    return results

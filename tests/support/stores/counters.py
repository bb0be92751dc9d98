"""A tiny domain for tests of command handling: counters that go up, with a limit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eventstore.codec import EncodedEvent
from eventstore.commands.folding import Fold, Loaded
from eventstore.commands.handler import CommandContext, CommandHandler, Decision
from eventstore.model import AppendResult, Metadata, SnapshotsAndEvents, StoredEvent, StreamAppend
from eventstore.store import EventStore


@dataclass(frozen=True)
class Raised:
    by: int


class CounterCodec:
    """The stored form of `Raised`; counts how many events it decoded."""

    def __init__(self) -> None:
        self.decoded = 0

    def encode(self, event: Raised) -> EncodedEvent:
        return EncodedEvent("Raised", 1, {"by": event.by})

    def decode(self, stored: StoredEvent) -> Raised:
        self.decoded += 1
        return Raised(stored.data["by"])


COUNTER = Fold(0, lambda total, event: total + event.by)


def context(command_id: str) -> CommandContext:
    return CommandContext(command_id, Metadata("test", command_id, "tester"))


def raise_by(amount: int, *streams: str) -> Any:
    """A decision that always raises each stream and answers with the new totals."""

    def decide(loaded: Mapping[str, Loaded[int]]) -> Decision[list[int]]:
        events = {stream: [Raised(amount)] for stream in streams}
        return Decision(events, [loaded[stream].state + amount for stream in streams])

    return decide


def raise_to(total: int, stream: str) -> Any:
    """A decision that is idempotent by state: raises up to a total in steps of one."""

    def decide(loaded: Mapping[str, Loaded[int]]) -> Decision[int]:
        missing = max(0, total - loaded[stream].state)
        return Decision({stream: [Raised(1)] * missing}, missing)

    return decide


class StoreWrapper:
    """Passes everything on; tests override one method."""

    def __init__(self, store: EventStore) -> None:
        self.inner = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def append(self, *appends: StreamAppend) -> AppendResult:
        return await self.inner.append(*appends)


class CountsEvents(StoreWrapper):
    """Counts the events that are read."""

    events_read = 0

    async def read_stream(self, stream: str, **bounds: Any) -> Sequence[StoredEvent]:
        events = await self.inner.read_stream(stream, **bounds)
        self.events_read += len(events)
        return events

    async def read_streams(
        self, streams: Sequence[str], *, after_versions: Mapping[str, int] | None = None
    ) -> Mapping[str, Sequence[StoredEvent]]:
        events = await self.inner.read_streams(streams, after_versions=after_versions)
        self.events_read += sum(len(each) for each in events.values())
        return events

    async def read_from_snapshots(
        self, streams: Sequence[str], **versions: Any
    ) -> SnapshotsAndEvents:
        loaded = await self.inner.read_from_snapshots(streams, **versions)
        self.events_read += sum(len(each) for each in loaded.events.values())
        return loaded


def commands_on(store: EventStore, **options: Any) -> CommandHandler:
    return CommandHandler(store, CounterCodec(), **options)


BOTH = {"a-1": COUNTER, "b-1": COUNTER}


def raise_by_the_other(loaded: Mapping[str, Loaded[int]]) -> Decision[int]:
    """Raises `a-1` by what `b-1` has, and answers with it."""
    return Decision({"a-1": [Raised(loaded["b-1"].state)]}, loaded["b-1"].state)


async def total(store: EventStore, stream: str) -> int:
    return (await CommandHandler(store, CounterCodec()).load(stream, COUNTER)).state

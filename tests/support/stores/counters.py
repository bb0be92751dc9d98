"""A tiny domain for tests of command handling: counters that go up, with a limit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eventstore.codec import EncodedEvent
from eventstore.commands.folding import Fold, Loaded
from eventstore.commands.handler import CommandContext, Decision
from eventstore.model import AppendResult, Metadata, StoredEvent, StreamAppend
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

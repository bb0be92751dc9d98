"""Command handling: load, decide on what was loaded, append, and again on a conflict."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from eventstore.codec import EventCodec
from eventstore.model import Metadata
from eventstore.store import EventStore

S = TypeVar("S")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Fold(Generic[S]):
    """How the state of an aggregate follows from its events."""

    initial: S
    evolve: Callable[[S, Any], S]


@dataclass(frozen=True, slots=True)
class Loaded(Generic[S]):
    """A stream's state and the version it was folded up to (0: there is no such stream)."""

    stream: str
    state: S
    version: int


@dataclass(frozen=True, slots=True)
class Decision(Generic[R]):
    """What a decision wants: events to append per stream (none is fine) and an answer."""

    events: Mapping[str, Sequence[Any]]
    result: R


@dataclass(frozen=True, slots=True)
class CommandContext:
    """Who asks, on whose behalf, and a key that is the same when the same request comes again.

    `command_id` gives the appended events their ids, so a repeated request whose first answer was
    lost appends nothing twice.
    """

    command_id: str
    metadata: Metadata


class CommandHandler:
    """Runs decisions against an event store."""

    def __init__(self, store: EventStore, codec: EventCodec) -> None:
        self._store = store
        self._codec = codec

    async def load(self, stream: str, fold: Fold[S]) -> Loaded[S]:
        """Fold one stream."""

    async def execute(
        self,
        folds: Mapping[str, Fold[Any]],
        decide: Callable[[Mapping[str, Loaded[Any]]], Decision[R]],
        context: CommandContext,
    ) -> R:
        """Load the streams of `folds` in one round trip, decide, append atomically.

        `decide` is pure and may run several times: after a version conflict the streams are
        loaded again and it decides on the fresh states. Every stream that gets events is appended
        with the exact version that was loaded.

        Raises:
            VersionConflict: conflicts went on beyond the bounded number of attempts.
            whatever `decide` raises; nothing was appended then.
        """

"""Command handling: load, decide on what was loaded, append, and again on a conflict."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final, Generic, TypeVar
from uuid import UUID, uuid5

from eventstore.codec import EventCodec
from eventstore.errors import VersionConflict
from eventstore.model import Expected, Metadata, NewEvent, StoredEvent, StreamAppend
from eventstore.store import EventStore
from eventstore.turns import Turns

S = TypeVar("S")
R = TypeVar("R")

_EVENT_IDS: Final = UUID("0d5b3f2e-6a0c-5c1b-9f3e-3a6d1c8e7b42")
_LONGEST_PAUSE: Final = 20


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


@dataclass(slots=True)
class HandlerStats:
    """Counts since the start: decisions carried out, conflicts met, commands given up."""

    decided: int = 0
    conflicts: int = 0
    given_up: int = 0


class CommandHandler:
    """Runs decisions against an event store.

    Args:
        store: where the streams live.
        codec: the stored form of the domain's events.
        attempts: how often a decision is made before a conflict is raised.
        pause_s: the longest pause before the second attempt; it doubles up to 20 times that.
        rng: source of the pauses' jitter.

    Attributes:
        stats: what happened so far, for metrics.
    """

    def __init__(
        self,
        store: EventStore,
        codec: EventCodec,
        *,
        attempts: int = 30,
        pause_s: float = 0.002,
        rng: Random | None = None,
    ) -> None:
        self._store = store
        self._codec = codec
        self._attempts = attempts
        self._pause_s = pause_s
        self._random = rng or Random()  # noqa: S311  jitter is no secret
        self._turns = Turns()
        self.stats = HandlerStats()

    async def load(self, stream: str, fold: Fold[S]) -> Loaded[S]:
        """Fold one stream."""
        empty = Loaded(stream, fold.initial, 0)
        return self._folded(empty, fold, await self._store.read_stream(stream))

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
            DuplicateEventId: a command with this id was carried out with a different outcome.
            whatever `decide` raises; nothing was appended then.
        """
        known: Mapping[str, Loaded[Any]] = {}
        conflict: VersionConflict | None = None
        for attempt in range(self._attempts):
            await self._pause(attempt)
            async with self._turns.take(folds, contended=conflict is not None):
                known = await self._refreshed(folds, known)
                decision = decide(known)
                try:
                    await self._append(decision, known, context)
                except VersionConflict as refusal:
                    conflict = refusal
                    self.stats.conflicts += 1
                else:
                    self.stats.decided += 1
                    return decision.result
        assert conflict is not None  # noqa: S101  at least one attempt was made
        self.stats.given_up += 1
        raise conflict

    async def _pause(self, attempt: int) -> None:
        if attempt > 0:
            longest = self._pause_s * min(2 ** (attempt - 1), _LONGEST_PAUSE)
            await asyncio.sleep(self._random.uniform(0, longest))

    async def _refreshed(
        self, folds: Mapping[str, Fold[Any]], known: Mapping[str, Loaded[Any]]
    ) -> Mapping[str, Loaded[Any]]:
        # A second attempt reads only what was appended since the first.
        after = {stream: loaded.version for stream, loaded in known.items()}
        found = await self._store.read_streams(list(folds), after_versions=after)
        return {
            stream: self._folded(known.get(stream, Loaded(stream, fold.initial, 0)), fold, events)
            for stream, fold in folds.items()
            for events in (found[stream],)
        }

    def _folded(self, base: Loaded[S], fold: Fold[S], events: Sequence[StoredEvent]) -> Loaded[S]:
        if not events:
            return base
        state = base.state
        decode, evolve = self._codec.decode, fold.evolve
        for event in events:
            state = evolve(state, decode(event))
        return Loaded(base.stream, state, events[-1].version)

    async def _append(
        self,
        decision: Decision[Any],
        known: Mapping[str, Loaded[Any]],
        context: CommandContext,
    ) -> None:
        appends = [
            StreamAppend(
                stream,
                known[stream].version or Expected.NO_STREAM,
                [
                    self._new_event(event, context, stream, index)
                    for index, event in enumerate(events)
                ],
            )
            for stream, events in decision.events.items()
            if events
        ]
        if appends:
            await self._store.append(*appends)

    def _new_event(self, event: Any, context: CommandContext, stream: str, index: int) -> NewEvent:
        encoded = self._codec.encode(event)
        return NewEvent(
            event_id_of(context.command_id, stream, index),
            encoded.event_type,
            encoded.data,
            context.metadata,
            encoded.schema_version,
        )


def event_id_of(command_id: str, stream: str, index: int) -> UUID:
    """The id of the event that a command appends to a stream as its `index`-th (from 0)."""
    return uuid5(_EVENT_IDS, f"{command_id}\n{stream}\n{index}")

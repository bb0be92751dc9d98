"""Command handling: load, decide on what was loaded, append, and again on a conflict."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any, Final, Generic, TypeVar
from uuid import UUID, uuid5

from eventstore.codec import EventCodec
from eventstore.commands.folding import REMEMBERED, Fold, Folder, Loaded, States
from eventstore.commands.turns import Turns
from eventstore.errors import DuplicateEventId, StoreUnavailable, VersionConflict
from eventstore.model import AppendResult, Expected, Metadata, NewEvent, StreamAppend
from eventstore.store import EventStore

S = TypeVar("S")
R = TypeVar("R")

_EVENT_IDS: Final = UUID("0d5b3f2e-6a0c-5c1b-9f3e-3a6d1c8e7b42")
_LONGEST_PAUSE: Final = 20


@dataclass(frozen=True, slots=True)
class Decision(Generic[R]):
    """What a decision wants: events to append per stream (none is fine) and an answer."""

    events: Mapping[str, Sequence[Any]]
    result: R


Decide = Callable[[States], Decision[R]]


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
    """Counts since the start.

    Attributes:
        decided: commands carried out.
        repeated: commands that had been carried out before and got their first answer again.
        conflicts: attempts that somebody else overtook.
        given_up: commands that were overtaken too often.
    """

    decided: int = 0
    repeated: int = 0
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
        remembered: how many folded states are kept in memory.

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
        remembered: int = REMEMBERED,
    ) -> None:
        self._store = store
        self._codec = codec
        self._attempts = attempts
        self._pause_s = pause_s
        self._random = rng or Random()  # noqa: S311  jitter is no secret
        self._folder = Folder(store, codec, remembered=remembered)
        self._turns = Turns()
        self.stats = HandlerStats()

    async def close(self) -> None:
        """Wait for snapshots that are being saved."""
        await self._folder.close()

    async def load(
        self,
        stream: str,
        fold: Fold[S],
        *,
        at_version: int | None = None,
        until: datetime | None = None,
    ) -> Loaded[S]:
        """Fold one stream: as it is, or as it was at a version or at a time."""
        if at_version is None and until is None:
            return (await self._folder.load({stream: fold}))[stream]
        events = await self._store.read_stream(stream, to_version=at_version, until=until)
        return self._folder.fold(Loaded(stream, fold.initial, 0), fold, events)

    async def execute(
        self,
        folds: Mapping[str, Fold[Any]],
        decide: Decide[R],
        context: CommandContext,
    ) -> R:
        """Load the streams of `folds` in one round trip, decide, append atomically.

        `decide` is pure and may run several times: after a version conflict the streams are
        loaded again and it decides on the fresh states. Every stream that gets events is appended
        with the exact version that was loaded; a stream that was only read may have moved on.

        Where all streams are remembered and `decide` has events for each of them, the append
        checks all that it decided on: there is no need to load. Any other decision on what is
        remembered, a refusal too, is made again on what was loaded.

        A command that was carried out before (its answer was lost) appends nothing and gets the
        answer of the first time.

        Raises:
            VersionConflict: conflicts went on beyond the bounded number of attempts.
            DuplicateEventId: a command with this id was carried out with a different outcome.
            whatever `decide` raises; nothing was appended then.
        """
        conflict: VersionConflict | None = None
        for attempt in range(self._attempts):
            await self._pause(attempt)
            async with self._turns.take(folds, contended=conflict is not None):
                known, decision, trusted = await self._decided(folds, decide, attempt)
                try:
                    appended = await self._append(decision, known, context)
                except VersionConflict as refusal:
                    conflict = refusal
                    self._overtaken(refusal, known)
                    continue
                except (DuplicateEventId, StoreUnavailable) as error:
                    self._doubt(folds)
                    if trusted and isinstance(error, DuplicateEventId):
                        continue  # carried out before; on fresh states it may want nothing more
                    raise
            if appended is not None and appended.repeated:
                self.stats.repeated += 1
                decision = await self._first_decision(folds, decide, context) or decision
                return decision.result
            self.stats.decided += 1
            self._remember(folds, known, decision)
            return decision.result
        assert conflict is not None  # noqa: S101  at least one attempt was made
        self.stats.given_up += 1
        raise conflict

    async def _decided(
        self,
        folds: Mapping[str, Fold[Any]],
        decide: Decide[R],
        attempt: int,
    ) -> tuple[States, Decision[R], bool]:
        """The states, the decision on them, and whether they were only remembered."""
        if attempt == 0 and (known := self._trusted(folds)):
            decision = _checked_by_append(decide, known)
            if decision is not None:
                return known, decision, True
        known = await self._folder.load(folds)
        return known, decide(known), False

    def _trusted(self, folds: Mapping[str, Fold[Any]]) -> States | None:
        """What to decide on without loading; None if there is no second attempt to mend it."""
        return self._folder.remembered(folds) if self._attempts > 1 else None

    def _remember(
        self, folds: Mapping[str, Fold[Any]], known: States, decision: Decision[Any]
    ) -> None:
        for stream, events in decision.events.items():
            if events:
                self._folder.appended(
                    folds[stream], evolved(known[stream], folds[stream], events), len(events)
                )

    def _doubt(self, streams: Iterable[str]) -> None:
        """Do not trust what is remembered: something may have been appended unknown to us."""
        for stream in streams:
            self._folder.forget(stream)

    async def _pause(self, attempt: int) -> None:
        if attempt > 0:
            longest = self._pause_s * min(2 ** (attempt - 1), _LONGEST_PAUSE)
            await asyncio.sleep(self._random.uniform(0, longest))

    def _overtaken(self, conflict: VersionConflict, known: States) -> None:
        self.stats.conflicts += 1
        self._folder.overtaken(conflict.stream)
        if conflict.actual < known[conflict.stream].version:
            # Events that were there are gone: the database was restored from a backup.
            self._folder.forget(conflict.stream)

    async def _append(
        self,
        decision: Decision[Any],
        known: States,
        context: CommandContext,
    ) -> AppendResult | None:
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
        return await self._store.append(*appends) if appends else None

    async def _first_decision(
        self,
        folds: Mapping[str, Fold[Any]],
        decide: Decide[R],
        context: CommandContext,
    ) -> Decision[R] | None:
        """What a command that was carried out before decided then; None if it was not."""
        # The decision that was stored saw the states before its own events: decide on those.
        found = await self._store.read_streams(list(folds))
        first_ids = {event_id_of(context.command_id, stream, 0) for stream in folds}
        own = {
            stream: event
            for stream, events in found.items()
            for event in events
            if event.event_id in first_ids
        }
        if not own:
            return None
        start = min(event.position for event in own.values())
        before: dict[str, Loaded[Any]] = {}
        for stream, fold in folds.items():
            # Where it wrote, its version tells: an append may hold events of other commands too.
            end = own[stream].version if stream in own else None
            events = [
                event
                for event in found[stream]
                if (event.position < start if end is None else event.version < end)
            ]
            before[stream] = self._folder.fold(Loaded(stream, fold.initial, 0), fold, events)
        decision = decide(before)
        wanted = {
            event_id_of(context.command_id, stream, index)
            for stream, events in decision.events.items()
            for index in range(len(events))
        }
        stored = {event.event_id for events in found.values() for event in events}
        return decision if wanted <= stored else None

    def _new_event(self, event: Any, context: CommandContext, stream: str, index: int) -> NewEvent:
        encoded = self._codec.encode(event)
        return NewEvent(
            event_id_of(context.command_id, stream, index),
            encoded.event_type,
            encoded.data,
            context.metadata,
            encoded.schema_version,
        )


def evolved(known: Loaded[S], fold: Fold[S], events: Sequence[Any]) -> Loaded[S]:
    """The state after events that are the next ones of its stream."""
    state = known.state
    for event in events:
        state = fold.evolve(state, event)
    return Loaded(known.stream, state, known.version + len(events))


def _checked_by_append(decide: Decide[R], known: States) -> Decision[R] | None:
    """A decision on states that may be old, if appending it checks them all; None if not."""
    try:
        decision = decide(known)
    except Exception:  # noqa: BLE001  a refusal may be due to an old state: ask again on a fresh one
        return None
    return decision if all(decision.events.get(stream) for stream in known) else None


def event_id_of(command_id: str, stream: str, index: int) -> UUID:
    """The id of the event that a command appends to a stream as its `index`-th (from 0).

    The ids of one append are neighbours: the unique index of a large store has them on one page,
    where ids that have nothing in common would each be on another.
    """
    first = uuid5(_EVENT_IDS, f"{command_id}\n{stream}\n0")
    return UUID(int=first.int ^ index)  # differs in the last bits only

"""Folding streams to states: as short a read as possible, by snapshots and by what is known."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from eventstore.codec import EventCodec
from eventstore.errors import EventStoreError
from eventstore.model import JsonObject, Snapshot, StoredEvent
from eventstore.store import EventStore

S = TypeVar("S")

REMEMBERED: Final = 4096
"""States kept in memory by default."""


@dataclass(frozen=True, slots=True)
class SnapshotPolicy(Generic[S]):
    """When and how an aggregate's states are kept.

    Attributes:
        every: a snapshot is taken when a stream's version passes a multiple of this.
        schema_version: snapshots of another one are not used, so the events are folded again.
        to_data: the state as a JSON object.
        from_data: the state of such an object.
    """

    every: int
    schema_version: int
    to_data: Callable[[S], JsonObject]
    from_data: Callable[[JsonObject], S]


@dataclass(frozen=True, slots=True)
class Fold(Generic[S]):
    """How the state of an aggregate follows from its events.

    States must not be changed in place: `evolve` returns a new one. Make a fold once and use it
    again: states are remembered per stream and fold.
    """

    initial: S
    evolve: Callable[[S, Any], S]
    snapshots: SnapshotPolicy[S] | None = None


@dataclass(frozen=True, slots=True)
class Loaded(Generic[S]):
    """A stream's state and the version it was folded up to (0: there is no such stream)."""

    stream: str
    state: S
    version: int


States = Mapping[str, Loaded[Any]]


class Folder:
    """Loads streams as states.

    A state once folded is true for ever, because streams are append-only. So the states used last
    are remembered, and only what was appended since is read.

    Args:
        store: where the streams live.
        codec: the stored form of the domain's events.
        remembered: how many states are kept in memory.
    """

    def __init__(
        self, store: EventStore, codec: EventCodec, *, remembered: int = REMEMBERED
    ) -> None:
        self._store = store
        self._codec = codec
        self._room = remembered
        self._known: OrderedDict[str, tuple[Fold[Any], Loaded[Any]]] = OrderedDict()
        self._shared: OrderedDict[str, None] = OrderedDict()
        self._saving: set[asyncio.Task[None]] = set()

    async def load(self, folds: Mapping[str, Fold[Any]]) -> States:
        """The present states of several streams, in one round trip."""
        bases = {stream: self._base(stream, fold) for stream, fold in folds.items()}
        found = await self._read(folds, bases)
        states = {
            stream: self.fold(bases[stream], fold, found[stream]) for stream, fold in folds.items()
        }
        for stream, fold in folds.items():
            self._remember(stream, fold, states[stream])
            self._take_snapshot(fold, states[stream], len(found[stream]))
        return states

    def fold(self, base: Loaded[S], fold: Fold[S], events: Sequence[StoredEvent]) -> Loaded[S]:
        """The state after further events."""
        if not events:
            return base
        state = base.state
        decode, evolve = self._codec.decode, fold.evolve
        for event in events:
            state = evolve(state, decode(event))
        return Loaded(base.stream, state, events[-1].version)

    def appended(self, fold: Fold[S], state: Loaded[S], events: int) -> None:
        """Keep a state that this process itself brought about by appending `events` events."""
        self._remember(state.stream, fold, state)
        self._take_snapshot(fold, state, events)

    def remembered(self, folds: Mapping[str, Fold[Any]]) -> States | None:
        """The states as they were when last seen; None if a stream was not, or others write to it.

        They may be old. Use them only for what an append at their versions checks.
        """
        if not self._shared.keys().isdisjoint(folds):
            return None
        states: dict[str, Loaded[Any]] = {}
        for stream, fold in folds.items():
            known = self._known.get(stream)
            if known is None or known[0] != fold:
                return None
            states[stream] = known[1]
        return states

    def overtaken(self, stream: str) -> None:
        """Somebody else wrote to a stream: what is remembered of it is likely to be old."""
        self._shared[stream] = None
        self._shared.move_to_end(stream)
        while len(self._shared) > self._room:
            self._shared.popitem(last=False)

    def forget(self, stream: str) -> None:
        """Fold the stream anew next time."""
        self._known.pop(stream, None)

    async def close(self) -> None:
        """Wait for snapshots that are being saved."""
        if self._saving:
            await asyncio.wait(self._saving)

    async def _read(
        self, folds: Mapping[str, Fold[Any]], bases: dict[str, Loaded[Any]]
    ) -> Mapping[str, Sequence[StoredEvent]]:
        """The events after the bases; where there is a snapshot it becomes the base."""
        streams = list(folds)
        after = {stream: base.version for stream, base in bases.items()}
        cold = {
            stream: fold.snapshots.schema_version
            for stream, fold in folds.items()
            if fold.snapshots is not None and not after[stream]
        }
        if not cold:
            return await self._store.read_streams(streams, after_versions=after)
        found = await self._store.read_from_snapshots(
            streams, schema_versions=cold, after_versions=after
        )
        bases.update((one, _restored(folds[one], shot)) for one, shot in found.snapshots.items())
        return found.events

    def _base(self, stream: str, fold: Fold[Any]) -> Loaded[Any]:
        known = self._known.get(stream)
        if known is not None and known[0] == fold:
            return known[1]
        return Loaded(stream, fold.initial, 0)

    def _remember(self, stream: str, fold: Fold[Any], state: Loaded[Any]) -> None:
        if self._room == 0:
            return
        self._known[stream] = (fold, state)
        self._known.move_to_end(stream)
        while len(self._known) > self._room:
            self._known.popitem(last=False)

    def _take_snapshot(self, fold: Fold[Any], loaded: Loaded[Any], folded: int) -> None:
        policy = fold.snapshots
        if policy is None or not folded:
            return
        # Taken when the version passes a multiple of `every`, whoever loads it then.
        if loaded.version // policy.every == (loaded.version - folded) // policy.every:
            return
        data = policy.to_data(loaded.state)
        snapshot = Snapshot(loaded.stream, loaded.version, policy.schema_version, data)
        # Off the write path: nobody waits for it.
        task = asyncio.create_task(self._save(snapshot), name="eventstore snapshot")
        self._saving.add(task)
        task.add_done_callback(self._saving.discard)

    async def _save(self, snapshot: Snapshot) -> None:
        try:
            await self._store.save_snapshot(snapshot)
        except EventStoreError:
            return  # a snapshot only saves time; a later one will do


def _restored(fold: Fold[Any], snapshot: Snapshot) -> Loaded[Any]:
    if fold.snapshots is None:
        raise ValueError(f"no snapshot policy for {snapshot.stream!r}")
    return Loaded(snapshot.stream, fold.snapshots.from_data(snapshot.data), snapshot.version)

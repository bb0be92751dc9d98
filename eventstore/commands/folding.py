"""Folds streams to states, reading as few events as possible."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Any, Final, Generic, TypeVar

from eventstore.codec import EventCodec
from eventstore.commands.snapshots import SnapshotPolicy, SnapshotWriter
from eventstore.model import Snapshot, StoredEvent
from eventstore.store import EventStore

S = TypeVar("S")

REMEMBERED: Final = 4096
"""States kept in memory by default."""


@dataclass(frozen=True, slots=True)
class Fold(Generic[S]):
    """How the state of an aggregate follows from its events.

    `evolve` must return a new state and leave the old one as it is. Create a fold once and
    reuse it: states are remembered per stream and fold.
    """

    initial: S
    evolve: Callable[[S, Any], S]
    snapshots: SnapshotPolicy[S] | None = None


@dataclass(frozen=True, slots=True)
class Loaded(Generic[S]):
    """A stream's state and the version it was folded up to (0: there is no such stream).

    `position` is the highest one of the events that were read for it; 0: of none.
    """

    stream: str
    state: S
    version: int
    position: int = 0

    def after(self, fold: Fold[S], events: Sequence[Any], states: Mapping[str, S]) -> "Loaded[S]":
        """The state after the next events of the stream; `states`: by stream, folded already."""
        state = states.get(self.stream)
        if state is None:
            state = reduce(fold.evolve, events, self.state)
        return Loaded(self.stream, state, self.version + len(events), self.position)


States = Mapping[str, Loaded[Any]]


class StateLoader:
    """Loads streams as states.

    Streams are append-only, so the state at a version never changes. The states used last are
    remembered, and only the events after them are read.

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
        self._capacity = remembered
        self._states: OrderedDict[str, tuple[Fold[Any], Loaded[Any]]] = OrderedDict()
        self._shared: OrderedDict[str, None] = OrderedDict()
        self._snapshots = SnapshotWriter(store)

    async def load(self, streams: Mapping[str, Fold[Any]]) -> States:
        """The present states of several streams, in one round trip."""
        bases = {stream: self._base(stream, fold) for stream, fold in streams.items()}
        events = await self._read(streams, bases)
        states = {
            stream: self._fold(bases[stream], fold, events[stream])
            for stream, fold in streams.items()
        }
        for stream, fold in streams.items():
            self.keep(fold, states[stream], len(events[stream]))
        return states

    async def load_past(
        self, stream: str, fold: Fold[S], version: int | None, until: datetime | None = None
    ) -> Loaded[S]:
        """The state of one stream as it was at a version or at a time, whichever came first."""
        base = Loaded(stream, fold.initial, 0)
        if version is not None and until is None:
            base = await self._snapshot_at(stream, fold, version) or base
            if base.version == version:
                return base
        events = await self._store.read_stream(
            stream, from_version=base.version + 1, to_version=version, until=until
        )
        return self._fold(base, fold, events)

    async def _snapshot_at(self, stream: str, fold: Fold[S], version: int) -> Loaded[S] | None:
        if fold.snapshots is None or version < fold.snapshots.every:
            return None
        loaded = await self._store.read_from_snapshots(
            [stream], schema_versions={stream: fold.snapshots.schema_version}
        )
        snapshot = loaded.snapshots.get(stream)
        if snapshot is None or snapshot.version > version:
            return None
        return _restored(fold, snapshot)

    def keep(self, fold: Fold[S], loaded: Loaded[S], new_events: int) -> None:
        """Remember a present state; its last `new_events` events are new to this process."""
        self._remember(fold, loaded)
        policy = fold.snapshots
        if policy is None:
            return
        version, before = loaded.version, loaded.version - new_events
        if version // policy.every != before // policy.every:
            self._snapshots.save(loaded.stream, version, loaded.state, policy)

    def remembered(self, streams: Mapping[str, Fold[Any]]) -> States | None:
        """The states as last seen; None if one is missing or other processes write to its stream.

        They may be outdated. Use them only for decisions that an append at their versions verifies.
        """
        if not self._shared.keys().isdisjoint(streams):
            return None
        states: dict[str, Loaded[Any]] = {}
        for stream, fold in streams.items():
            remembered = self._states.get(stream)
            if remembered is None or remembered[0] != fold:
                return None
            states[stream] = remembered[1]
        return states

    def mark_shared(self, stream: str) -> None:
        """Other processes write to this stream: stop trusting its remembered state."""
        self._shared[stream] = None
        self._shared.move_to_end(stream)
        while len(self._shared) > self._capacity:
            self._shared.popitem(last=False)

    def forget(self, stream: str) -> None:
        """Fold the stream anew next time."""
        self._states.pop(stream, None)

    def forget_all(self) -> None:
        """Fold every stream anew next time."""
        self._states.clear()

    async def close(self) -> None:
        """Wait for the snapshots that are being saved."""
        await self._snapshots.close()

    def _fold(self, base: Loaded[S], fold: Fold[S], events: Sequence[StoredEvent]) -> Loaded[S]:
        if not events:
            return base
        state = base.state
        decode, evolve = self._codec.decode, fold.evolve
        for event in events:
            state = evolve(state, decode(event))
        return Loaded(base.stream, state, events[-1].version, events[-1].position)

    async def _read(
        self, streams: Mapping[str, Fold[Any]], bases: dict[str, Loaded[Any]]
    ) -> Mapping[str, Sequence[StoredEvent]]:
        """The events after the bases; a snapshot that is used becomes the base of its stream."""
        after = {stream: base.version for stream, base in bases.items()}
        schema_versions = {
            stream: fold.snapshots.schema_version
            for stream, fold in streams.items()
            if fold.snapshots is not None and not after[stream]
        }
        if not schema_versions:
            return await self._store.read_streams(list(streams), after_versions=after)
        loaded = await self._store.read_from_snapshots(
            list(streams), schema_versions=schema_versions, after_versions=after
        )
        unreadable = []
        for stream, snapshot in loaded.snapshots.items():
            restored = _restored(streams[stream], snapshot)
            if restored is None:
                unreadable.append(stream)
            else:
                bases[stream] = restored
        if not unreadable:
            return loaded.events
        return {**loaded.events, **await self._store.read_streams(unreadable)}

    def _base(self, stream: str, fold: Fold[Any]) -> Loaded[Any]:
        remembered = self._states.get(stream)
        if remembered is not None and remembered[0] == fold:
            return remembered[1]
        return Loaded(stream, fold.initial, 0)

    def _remember(self, fold: Fold[Any], loaded: Loaded[Any]) -> None:
        if self._capacity == 0:
            return
        self._states[loaded.stream] = (fold, loaded)
        self._states.move_to_end(loaded.stream)
        while len(self._states) > self._capacity:
            self._states.popitem(last=False)


def _restored(fold: Fold[S], snapshot: Snapshot) -> Loaded[S] | None:
    state = None if fold.snapshots is None else fold.snapshots.restore(snapshot)
    return None if state is None else Loaded(snapshot.stream, state, snapshot.version)

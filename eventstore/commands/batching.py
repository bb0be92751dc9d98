"""A batch of commands: they decide in turn, and those that build on one another stay together.

Each command decides on the states with the events of those before it. A refusal affects nobody
else. Commands that build on one another form a chain, whose events are stored all or none, so no
answer rests on events that were never stored.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eventstore.codec import EventCodec
from eventstore.commands.decision import CommandContext, Decide, Decision, event_ids_of
from eventstore.commands.folding import Fold, Loaded, States
from eventstore.deadline import Deadline
from eventstore.model import Expected, NewEvent, StreamAppend


@dataclass(slots=True, eq=False)
class Command:
    """A command and the future that its caller waits for.

    Attributes:
        deadline: until when its caller waits.
        conflicts: how often its append met a version conflict.
        needs_load: it must decide on loaded states, not on remembered ones.
        alone: a batch that contained it failed, so it gets a batch of its own.
        seen: the highest position of what its answer rests on.
    """

    streams: Mapping[str, Fold[Any]]
    decide: Decide[Any]
    context: CommandContext
    answer: asyncio.Future[Any]
    deadline: Deadline
    conflicts: int = 0
    needs_load: bool = False
    alone: bool = False
    seen: int = 0

    def succeed(self, result: Any, seen: int = 0) -> None:
        """Give the answer, unless the caller was cancelled."""
        self.seen = seen
        if not self.answer.done():
            self.answer.set_result(result)

    def fail(self, error: Exception) -> None:
        """Raise an error for the caller, unless it was cancelled."""
        if not self.answer.done():
            self.answer.set_exception(error)


def fail_all(commands: Iterable[Command], error: Exception) -> None:
    """Raise an error for the callers of these commands."""
    for command in commands:
        command.fail(error)


@dataclass(slots=True, eq=False)
class Chain:
    """Commands that build on one another, with their outcomes and events."""

    commands: list[Command] = field(default_factory=list)
    outcomes: list[Decision[Any] | Exception] = field(default_factory=list)
    events: dict[str, list[NewEvent]] = field(default_factory=dict)

    def absorb(self, other: "Chain") -> None:
        """Merge a chain that has no stream in common with this one."""
        self.commands += other.commands
        self.outcomes += other.outcomes
        self.events.update(other.events)


class Batch:
    """Commands that have decided one after the other.

    Args:
        commands: in the order in which they decide.
        streams: all streams of the commands and how each is folded.
        loaded: the states of these streams.
        codec: the stored form of the domain's events.

    Attributes:
        streams: as given.
        loaded: as given.
        states: the states with the events of all commands.
        chains: the commands, by what they build on.
    """

    def __init__(
        self,
        commands: Sequence[Command],
        streams: Mapping[str, Fold[Any]],
        loaded: States,
        codec: EventCodec,
    ) -> None:
        self.streams = streams
        self.loaded = loaded
        self.states = dict(loaded)
        self.chains: list[Chain] = []
        self._writers: dict[str, Chain] = {}
        self._codec = codec
        for command in commands:
            self._decide(command)

    def is_checked_by_append(self) -> bool:
        """Whether the append checks every state that a command decided on."""
        return all(
            chain.events.keys() >= command.streams.keys() and not isinstance(outcome, Exception)
            for chain in self.chains
            for command, outcome in zip(chain.commands, chain.outcomes, strict=True)
        )

    def appends(self, chain: Chain) -> list[StreamAppend]:
        """The events of a chain, each stream at exactly the version that was loaded."""
        return [
            StreamAppend(stream, self.loaded[stream].version or Expected.NO_STREAM, events)
            for stream, events in chain.events.items()
        ]

    def seen_by(self, command: Command) -> int:
        """The highest position of the events that the command's states were loaded from."""
        return max((self.loaded[stream].position for stream in command.streams), default=0)

    def _decide(self, command: Command) -> None:
        """Let one command decide on the states so far."""
        events: dict[str, list[NewEvent]] = {}
        changed: dict[str, Loaded[Any]] = {}
        outcome: Decision[Any] | Exception
        try:
            outcome = command.decide({stream: self.states[stream] for stream in command.streams})
            for stream, added in outcome.events.items():
                if added:
                    fold, states = self.streams[stream], outcome.states
                    changed[stream] = self.states[stream].after(fold, added, states)
                    events[stream] = self._new_events(command.context, stream, added)
        except Exception as error:  # noqa: BLE001  it is the answer to this command's caller
            outcome, events, changed = error, {}, {}
        self.states.update(changed)
        chain = self._chain_of(command)
        chain.commands.append(command)
        chain.outcomes.append(outcome)
        for stream, new_events in events.items():
            chain.events.setdefault(stream, []).extend(new_events)
            self._writers[stream] = chain

    def _new_events(
        self, context: CommandContext, stream: str, events: Sequence[Any]
    ) -> list[NewEvent]:
        new_events = []
        event_ids = event_ids_of(context.command_id, stream, len(events))
        for event_id, event in zip(event_ids, events, strict=True):
            encoded = self._codec.encode(event)
            new_events.append(
                NewEvent(
                    event_id,
                    encoded.event_type,
                    encoded.data,
                    context.metadata,
                    encoded.schema_version,
                )
            )
        return new_events

    def _chain_of(self, command: Command) -> Chain:
        """The chain of all commands whose events this one saw; a new one if it saw none."""
        writers = self._writers
        seen = dict.fromkeys(writers[name] for name in command.streams if name in writers)
        if not seen:
            self.chains.append(Chain())
            return self.chains[-1]
        first, *others = seen
        for other in others:
            writers.update(dict.fromkeys(other.events, first))
            first.absorb(other)
            self.chains.remove(other)
        return first

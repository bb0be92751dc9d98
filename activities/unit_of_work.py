"""A transaction over several aggregates: load, decide, append."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

from temporalio import activity

from activities.aggregates import AggregateStream
from activities.messages import SagaRef
from eventstore.commands.folding import Fold, States
from eventstore.commands.handler import CommandContext, CommandHandler, Decision
from eventstore.deadline import NoTimeLeft
from eventstore.errors import DuplicateEventId
from eventstore.model import Metadata

S = TypeVar("S")
C = TypeVar("C")
R = TypeVar("R")
Streams = Iterable[AggregateStream[Any, Any]]


class UnitOfWork:
    """The states of several aggregates and the new events; a command sees the events before it."""

    def __init__(self, loaded: States) -> None:
        self._loaded = loaded
        self.rollback()

    @property
    def events(self) -> Mapping[str, Sequence[Any]]:
        """Everything to append, by stream."""
        return self._events

    @property
    def states(self) -> Mapping[str, Any]:
        """The states after the commands so far, by stream."""
        return self._states

    def state(self, stream: AggregateStream[S, Any]) -> S:
        """The state of an aggregate after the commands so far."""
        state: S = self._states[stream.name]
        return state

    def execute(self, stream: AggregateStream[S, C], *commands: C) -> None:
        """Let the aggregate decide each command; raises whatever it raises."""
        for command in commands:
            self.record(stream, stream.decide(command, self.state(stream)))

    def record(self, stream: AggregateStream[S, Any], events: Iterable[Any]) -> None:
        """Add events that were decided elsewhere."""
        for event in events:
            self._states[stream.name] = stream.fold.evolve(self.state(stream), event)
            self._events[stream.name].append(event)

    def rollback(self) -> None:
        """Drop all events and go back to the states that were loaded."""
        self._states = {name: stream.state for name, stream in self._loaded.items()}
        self._events: defaultdict[str, list[Any]] = defaultdict(list)


async def transact(
    handler: CommandHandler,
    streams: Streams,
    rule: Callable[[UnitOfWork], R],
    context: CommandContext,
    *,
    if_done: Callable[[UnitOfWork], R] | None = None,
) -> R:
    """Load `streams`, let `rule` decide, and append all its events in one transaction.

    Args:
        handler: loads and appends.
        streams: everything that `rule` looks at or changes.
        rule: pure; after a conflict it decides again, on the new states.
        context: who requests it.
        if_done: answers a repeated request whose decision now differs from the attempt that was
            appended; such a request is already done.

    Raises:
        DuplicateEventId: it is such a request, and there is no `if_done`.
        VersionConflict: other writers got ahead too often.
        StoreUnavailable: the event store does not answer.
        Exception: whatever `rule` raises; then nothing is appended.
    """
    involved = tuple(streams)

    def decide(states: States) -> Decision[R]:
        unit = UnitOfWork(states)
        result = rule(unit)
        return Decision(unit.events, result, unit.states)

    try:
        return await handler.execute(_folds(involved), decide, context)
    except DuplicateEventId:
        if if_done is None:
            raise
        return if_done(await load(handler, *involved))


def done(_: UnitOfWork) -> None:
    """For `if_done` of requests that have no answer."""


async def record(
    handler: CommandHandler,
    stream: AggregateStream[Any, C],
    commands: Iterable[C],
    context: CommandContext,
) -> None:
    """Execute commands on one aggregate, once for each context."""
    await transact(
        handler, (stream,), lambda unit: unit.execute(stream, *commands), context, if_done=done
    )


async def load(handler: CommandHandler, *streams: AggregateStream[Any, Any]) -> UnitOfWork:
    """The present states of several aggregates, in one round trip."""
    reader = CommandContext("read", Metadata("read", "read", "read"))  # nothing is appended
    return await handler.execute(
        _folds(streams), lambda states: Decision({}, UnitOfWork(states)), reader
    )


def _folds(streams: Streams) -> dict[str, Fold[Any]]:
    return {stream.name: stream.fold for stream in streams}


async def if_time_is_left(lookup: Awaitable[R | None]) -> R | None:
    """Look up what became of a request that got no clear answer; None also if it is too late."""
    try:
        return await lookup
    except NoTimeLeft:
        return None


ACTOR: Final = "saga"
"""Actor of every event that a saga appends; the starter ignores orders with such events."""


def command_context(saga: SagaRef, purpose: str) -> CommandContext:
    """Who asks: the same for every attempt at the same request, however often it is started.

    Args:
        saga: the run that requested the activity.
        purpose: distinguishes several appends of one activity.
    """
    activity_id = activity.info().activity_id
    causation_id = f"{saga.run_id}/{activity_id}"
    request_id = activity_id.partition(".")[0]
    return CommandContext(
        command_id=f"{saga.workflow_id}/{saga.run_id}/{request_id}/{purpose}",
        metadata=Metadata(
            correlation_id=saga.workflow_id,
            causation_id=causation_id,
            actor=ACTOR,
            extra={"run_id": saga.run_id},
        ),
    )

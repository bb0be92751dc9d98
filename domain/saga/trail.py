"""The trail of a saga: failures, why it compensated, who intervened, how it ended.

    not started -> running <-> compensating -> closed
                      └─────────────────────────┘
While open, it may need attention until an operator acts. Once it is closed, only actions of
operators and notes are recorded.
"""

from dataclasses import dataclass, replace
from typing import Final, assert_never

from domain import fields
from domain.errors import ImpossibleHistory, InvalidValue, RuleBroken
from domain.notes import cut
from domain.saga import commands, events
from domain.values import Outcome, Reason

_Events = tuple[events.FulfillmentEvent, ...]


@dataclass(frozen=True, slots=True)
class NotStarted:
    """No saga has taken on the order."""


@dataclass(frozen=True, slots=True)
class Underway:
    """A saga is working on the order.

    Attributes:
        turned_back: why it compensates; None while it goes forward.
        last_failure: the last failure since an operator acted, to recognise a repeated command.
        attention: what a person must do; None if nothing.
    """

    workflow_id: str
    run_id: str
    turned_back: events.CompensationStarted | None = None
    last_failure: events.StepFailed | events.CompensationFailed | None = None
    attention: events.AttentionRequired | None = None


@dataclass(frozen=True, slots=True)
class Closed:
    """The saga has ended."""

    workflow_id: str
    run_id: str
    outcome: Outcome
    reason: Reason | None


FulfillmentState = NotStarted | Underway | Closed
_Failure = commands.RecordStepFailure | commands.RecordCompensationFailure

INITIAL: Final[FulfillmentState] = NotStarted()


# --- decide --------------------------------------------------------------------------------------


def decide(command: commands.FulfillmentCommand, state: FulfillmentState) -> _Events:
    """The resulting events; empty if the command changes nothing.

    Raises:
        InvalidValue: a value of the command is not acceptable.
        RuleBroken: the trail does not allow it.
    """
    match command:
        case commands.StartFulfillment():
            return _start(command, state)
        case commands.RecordStepFailure() | commands.RecordCompensationFailure():
            return _fail(command, _underway(state))
        case commands.StartCompensation():
            return _turn_back(command, _underway(state))
        case commands.WithdrawCompensation():
            return _withdraw(command, _underway(state))
        case commands.RequireAttention():
            return _require_attention(command, _underway(state))
        case commands.RecordOperatorAction() | commands.AddNote():
            return _by_a_person(command)
        case commands.CloseFulfillment():
            return _close(command, state)
        case _:
            assert_never(command)


def _start(command: commands.StartFulfillment, state: FulfillmentState) -> _Events:
    fields.check_reference(command.workflow_id, "workflow_id")
    fields.check_reference(command.run_id, "run_id")
    if isinstance(state, NotStarted):
        return (events.FulfillmentStarted(command.order_id, command.workflow_id, command.run_id),)
    if state.workflow_id != command.workflow_id:
        raise RuleBroken("fulfilled_by_another", "another workflow took on the order")
    return ()


def _underway(state: FulfillmentState) -> Underway:
    match state:
        case Underway():
            return state
        case NotStarted():
            raise RuleBroken("fulfillment_not_started", "no saga has taken on the order yet")
        case Closed():
            raise RuleBroken("fulfillment_is_closed", "the saga of the order has ended")
        case _:
            assert_never(state)


def _fail(command: _Failure, state: Underway) -> _Events:
    message = cut(command.message)
    event: events.StepFailed | events.CompensationFailed
    match command:
        case commands.RecordStepFailure():
            event = events.StepFailed(command.step, command.kind, command.reason, message)
        case commands.RecordCompensationFailure():
            if state.turned_back is None:
                raise RuleBroken("not_compensating", "the saga is not compensating")
            event = events.CompensationFailed(command.compensation, message)
        case _:
            assert_never(command)
    return () if event == state.last_failure else (event,)


def _turn_back(command: commands.StartCompensation, state: Underway) -> _Events:
    if state.turned_back is not None:
        return ()
    return (events.CompensationStarted(command.reason, cut(command.detail)),)


def _withdraw(command: commands.WithdrawCompensation, state: Underway) -> _Events:
    if state.turned_back is None:
        return ()
    return (events.CompensationWithdrawn(cut(command.detail)),)


def _require_attention(command: commands.RequireAttention, state: Underway) -> _Events:
    fields.check_reference(command.at_step, "at_step")
    event = events.AttentionRequired(command.at_step, cut(command.waiting_for))
    return () if event == state.attention else (event,)


def _by_a_person(command: commands.RecordOperatorAction | commands.AddNote) -> _Events:
    if isinstance(command, commands.AddNote):
        author = fields.parse_actor(command.author, "author")
        return (events.NoteAdded(author, fields.parse_reason(command.text, "text")),)
    # What a person did is recorded while the saga turns back, too: nothing may be refused here.
    actor = cut(command.actor, fields.MAX_ACTOR)
    return (events.OperatorActed(actor, command.action, cut(command.reason)),)


def _close(command: commands.CloseFulfillment, state: FulfillmentState) -> _Events:
    if isinstance(state, Closed):
        if (state.outcome, state.reason) == (command.outcome, command.reason):
            return ()
        raise RuleBroken("closed_differently", f"the saga ended as {state.outcome}")
    _check_outcome(command, _underway(state))
    return (events.FulfillmentClosed(command.outcome, command.reason, cut(command.detail)),)


def _check_outcome(command: commands.CloseFulfillment, state: Underway) -> None:
    completed = command.outcome is Outcome.COMPLETED
    if completed == (command.reason is not None):
        raise InvalidValue("reason", "must be given if, and only if, the order was cancelled")
    if completed and state.turned_back is not None:
        raise RuleBroken("saga_turned_back", "a saga that compensated can only end as cancelled")


# --- evolve --------------------------------------------------------------------------------------


def evolve(state: FulfillmentState, event: events.FulfillmentEvent) -> FulfillmentState:
    """The state after an event; raises ImpossibleHistory if it cannot follow on `state`."""
    match event:
        case events.FulfillmentStarted():
            if not isinstance(state, NotStarted):
                raise ImpossibleHistory(event, state)
            return Underway(event.workflow_id, event.run_id)
        case events.OperatorActed():
            return _operated(state)
        case events.NoteAdded():
            return state
        case _:
            return _progressed(state, event)


def _operated(state: FulfillmentState) -> FulfillmentState:
    if isinstance(state, Underway):
        return replace(state, last_failure=None, attention=None)
    return state


def _progressed(state: FulfillmentState, event: events.ProgressEvent) -> Underway | Closed:
    if not isinstance(state, Underway):
        raise ImpossibleHistory(event, state)
    match event:
        case events.StepFailed() | events.CompensationFailed():
            return replace(state, last_failure=event)
        case events.CompensationStarted():
            return replace(state, turned_back=event)
        case events.CompensationWithdrawn():
            return replace(state, turned_back=None)
        case events.AttentionRequired():
            return replace(state, attention=event)
        case events.FulfillmentClosed():
            return Closed(state.workflow_id, state.run_id, event.outcome, event.reason)
        case _:
            assert_never(event)

"""Events of the trail of a saga."""

from dataclasses import dataclass

from domain.ids import OrderId
from domain.values import Compensation, FailureKind, Outcome, Reason, Step


@dataclass(frozen=True, slots=True)
class FulfillmentStarted:
    """A saga took on the order."""

    order_id: OrderId
    workflow_id: str
    run_id: str


@dataclass(frozen=True, slots=True)
class StepFailed:
    """A step failed for good; `message` is safe to show."""

    step: Step
    kind: FailureKind
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class CompensationStarted:
    """The saga started to undo everything done so far."""

    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class CompensationWithdrawn:
    """Nothing had been undone, and nothing will be: the saga goes forward again."""

    detail: str


@dataclass(frozen=True, slots=True)
class CompensationFailed:
    """A compensation used up its retries; the saga waits for an operator."""

    compensation: Compensation
    message: str


@dataclass(frozen=True, slots=True)
class AttentionRequired:
    """A person must act; `waiting_for` says in one sentence what to do."""

    at_step: str
    waiting_for: str


@dataclass(frozen=True, slots=True)
class OperatorActed:
    """An operator intervened in the saga: who, what and why."""

    actor: str
    action: str
    reason: str


@dataclass(frozen=True, slots=True)
class NoteAdded:
    """Somebody of the staff left a note on the order; it changes nothing."""

    author: str
    text: str


@dataclass(frozen=True, slots=True)
class FulfillmentClosed:
    """The saga ended; `reason` is None when it completed."""

    outcome: Outcome
    reason: Reason | None
    detail: str


ProgressEvent = (
    StepFailed
    | CompensationStarted
    | CompensationWithdrawn
    | CompensationFailed
    | AttentionRequired
    | FulfillmentClosed
)
FulfillmentEvent = FulfillmentStarted | ProgressEvent | OperatorActed | NoteAdded

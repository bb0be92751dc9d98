"""Facts about a saga."""

from dataclasses import dataclass

from domain.ids import OrderId
from domain.values import (
    Compensation,
    FailureKind,
    Outcome,
    Reason,
    Step,
)

# --- fulfillment ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FulfillmentStarted:
    """A saga took the order on."""

    order_id: OrderId
    workflow_id: str
    run_id: str


@dataclass(frozen=True, slots=True)
class StepFailed:
    """A step gave up; `message` is safe to show."""

    step: Step
    kind: FailureKind
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class CompensationStarted:
    """The saga turned back; everything done so far is being undone."""

    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class CompensationFailed:
    """An undoing used up its budget; the saga waits for an operator."""

    compensation: Compensation
    message: str


@dataclass(frozen=True, slots=True)
class AttentionRequired:
    """A person must act: `waiting_for` says in one sentence what on."""

    at_step: str
    waiting_for: str


@dataclass(frozen=True, slots=True)
class OperatorActed:
    """A person steered the saga: who, what and why."""

    actor: str
    action: str
    reason: str


@dataclass(frozen=True, slots=True)
class FulfillmentClosed:
    """The saga ended; `reason` is None when it completed."""

    outcome: Outcome
    reason: Reason | None
    detail: str


FulfillmentEvent = (
    FulfillmentStarted
    | StepFailed
    | CompensationStarted
    | CompensationFailed
    | AttentionRequired
    | OperatorActed
    | FulfillmentClosed
)

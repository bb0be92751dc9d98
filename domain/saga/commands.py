"""Commands of the trail of a saga."""

from dataclasses import dataclass

from domain.ids import OrderId
from domain.values import Compensation, FailureKind, Outcome, Reason, Step


@dataclass(frozen=True, slots=True)
class StartFulfillment:
    """Record that a saga took on the order; a later run of the same saga changes nothing."""

    order_id: OrderId
    workflow_id: str
    run_id: str


@dataclass(frozen=True, slots=True)
class RecordStepFailure:
    """Record that a step failed for good."""

    step: Step
    kind: FailureKind
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class StartCompensation:
    """Record that the saga starts to compensate."""

    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class WithdrawCompensation:
    """Record that the order is not undone after all, and why."""

    detail: str


@dataclass(frozen=True, slots=True)
class RecordCompensationFailure:
    """Record that a compensation used up its retries."""

    compensation: Compensation
    message: str


@dataclass(frozen=True, slots=True)
class RequireAttention:
    """Record that a person must act."""

    at_step: str
    waiting_for: str


@dataclass(frozen=True, slots=True)
class RecordOperatorAction:
    """Record which operator did what, and why."""

    actor: str
    action: str
    reason: str


@dataclass(frozen=True, slots=True)
class AddNote:
    """Leave a note of the staff, at any time."""

    author: str
    text: str


@dataclass(frozen=True, slots=True)
class CloseFulfillment:
    """Record how the saga ended; closing again with the same end changes nothing."""

    outcome: Outcome
    reason: Reason | None
    detail: str


FulfillmentCommand = (
    StartFulfillment
    | RecordStepFailure
    | StartCompensation
    | WithdrawCompensation
    | RecordCompensationFailure
    | RequireAttention
    | RecordOperatorAction
    | AddNote
    | CloseFulfillment
)

"""Interprets failed activities: why the saga turns back, and what people are told."""

from dataclasses import dataclass

from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    FailureError,
    RetryState,
    TimeoutError,  # noqa: A004  Temporal's own name for it
    is_cancelled_exception,
)

from activities.failures import FATAL_TYPES, OUTCOME_UNKNOWN, REFUSALS, STORE_UNAVAILABLE
from activities.messages import OperatorAction
from domain.values import FailureKind, Reason, Step

_UNAVAILABLE = {
    Step.RESERVE_INVENTORY: Reason.INVENTORY_UNAVAILABLE,
    Step.PROCESS_PAYMENT: Reason.PAYMENT_UNAVAILABLE,
    Step.CREATE_SHIPMENT: Reason.CARRIER_UNAVAILABLE,
    Step.CAPTURE_PAYMENT: Reason.PAYMENT_UNAVAILABLE,
}


@dataclass(frozen=True, slots=True)
class Cause:
    """Why the saga turns back; `step` and `kind` are None if somebody requested it."""

    reason: Reason
    detail: str
    step: Step | None = None
    kind: FailureKind | None = None
    operator: tuple[OperatorAction, ...] = ()


class MustTurnBack(Exception):
    """The order is to be undone although no step failed."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause.detail)
        self.cause = cause


class TurnedBackBefore(MustTurnBack):
    """An earlier run had started to compensate; this run continues."""


class ReservationExpired(MustTurnBack):
    """The order was on hold too long with stock reserved and nothing paid."""

    def __init__(self) -> None:
        detail = "the order was on hold for too long with its stock reserved and nothing paid"
        super().__init__(Cause(Reason.RESERVATION_EXPIRED, detail))


def raise_if_fatal(error: BaseException) -> None:
    """Fail the run if the input itself was refused: there is nothing to undo.

    Raises:
        ApplicationError: OrderConflict or InvalidOrderDocument.
    """
    root = root_of(error)
    if isinstance(root, ApplicationError) and root.type in FATAL_TYPES:
        raise ApplicationError(root.message, type=root.type, non_retryable=True) from error


def cause_of_failure(step: Step, error: BaseException) -> Cause:
    """Why `step` failed, as the domain names it.

    Raises:
        ApplicationError: the input itself was refused and nothing was done: the run fails.
        BaseException: `error` itself, if it is a bug or the worker evicts the workflow. To
            compensate then would undo orders with which nothing is wrong.
    """
    if not isinstance(error, FailureError):
        raise error
    raise_if_fatal(error)
    kind, reason = _classify(step, root_of(error))
    return Cause(reason, describe(error), step, kind)


def is_refusal(error: BaseException) -> bool:
    """Whether the activity failed with a final refusal."""
    root = root_of(error)
    return isinstance(root, ApplicationError) and root.type in REFUSALS


def is_store_down(error: BaseException) -> bool:
    """Whether the activity failed because the event store is unavailable."""
    root = root_of(error)
    return isinstance(root, ApplicationError) and root.type == STORE_UNAVAILABLE


def ran_out(error: ActivityError) -> bool:
    """Whether the activity ran out of attempts or time; nobody refused the request."""
    out_of_attempts = error.retry_state is RetryState.MAXIMUM_ATTEMPTS_REACHED
    return out_of_attempts or isinstance(error.cause, TimeoutError)


def root_of(error: BaseException) -> BaseException:
    """The failure itself, without Temporal's wrapping."""
    return error.cause if isinstance(error, ActivityError) and error.cause else error


def describe(error: BaseException) -> str:
    """A failure in one sentence for people; never the text of an unexpected exception."""
    root = root_of(error)
    match root:
        case ApplicationError(type=str(kind)) if kind in REFUSALS or kind == OUTCOME_UNKNOWN:
            return root.message
        case ApplicationError():
            return root.message if root.type in _SAFE_TYPES else f"unexpected {root.type}"
        case TimeoutError():
            return "no answer within the time allowed"
        case _ if is_cancelled_exception(root):
            return "interrupted"
        case _:
            return f"unexpected {type(root).__name__}"


def message_of(error: BaseException) -> str:
    """What went wrong, for people; only for activities whose error texts are all safe to show."""
    root = root_of(error)
    return root.message if isinstance(root, ApplicationError) else "no answer in the time allowed"


def type_of(error: BaseException) -> str | None:
    """The name of a failure, as in `activities.failures`; None: it has none."""
    root = root_of(error)
    return root.type if isinstance(root, ApplicationError) else None


_SAFE_TYPES = frozenset({"unavailable", "still_held", STORE_UNAVAILABLE})


def _classify(step: Step, root: BaseException) -> tuple[FailureKind, Reason]:
    if isinstance(root, ApplicationError) and root.type in REFUSALS:
        return FailureKind.REFUSED, REFUSALS[root.type]
    if isinstance(root, ApplicationError) and root.type == OUTCOME_UNKNOWN:
        return FailureKind.UNKNOWN_OUTCOME, _UNAVAILABLE[step]
    if isinstance(root, TimeoutError):
        return FailureKind.UNKNOWN_OUTCOME, _UNAVAILABLE[step]
    return FailureKind.UNAVAILABLE, _UNAVAILABLE[step]

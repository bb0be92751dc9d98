"""Why a saga turns back: from the exception that ended a step to the domain's words for it."""

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
    """Why the saga turns back; `step` and `kind` are None when somebody asked for it."""

    reason: Reason
    detail: str
    step: Step | None = None
    kind: FailureKind | None = None
    operator: tuple[OperatorAction, ...] = ()


class MustTurnBack(Exception):
    """The way forward ends here, though no step failed."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause.detail)
        self.cause = cause


class TurnedBackBefore(MustTurnBack):
    """An earlier run of this saga had begun to undo the order: go on undoing."""


class ReservationExpired(MustTurnBack):
    """The order kept its stock from others for too long without being paid."""

    def __init__(self) -> None:
        detail = "the order was on hold for too long with its stock reserved and nothing paid"
        super().__init__(Cause(Reason.RESERVATION_EXPIRED, detail))


def raise_if_fatal(error: BaseException) -> None:
    """Let the run fail, with nothing to undo, if the input itself was refused.

    Raises:
        ApplicationError: OrderConflict or InvalidOrderDocument.
    """
    root = root_of(error)
    if isinstance(root, ApplicationError) and root.type in FATAL_TYPES:
        raise ApplicationError(root.message, type=root.type, non_retryable=True) from error


def cause_of_failure(step: Step, error: BaseException) -> Cause:
    """Why `step` failed, in the domain's words.

    Raises:
        ApplicationError: the input itself was refused and nothing was done: the run fails.
        BaseException: `error` itself, untouched, if it is a bug or the end of this worker; to
            compensate on those would undo orders that nothing is wrong with.
    """
    if not isinstance(error, FailureError):
        raise error
    raise_if_fatal(error)
    kind, reason = _classify(step, root_of(error))
    return Cause(reason, describe(error), step, kind)


def is_refusal(error: BaseException) -> bool:
    """Whether a step was answered with a definite no."""
    root = root_of(error)
    return isinstance(root, ApplicationError) and root.type in REFUSALS


def is_store_down(error: BaseException) -> bool:
    """Whether it was the event store that kept an activity from its end."""
    root = root_of(error)
    return isinstance(root, ApplicationError) and root.type == STORE_UNAVAILABLE


def ran_out(error: ActivityError) -> bool:
    """Whether an activity was out of attempts or of time; nothing was said against the request."""
    out_of_attempts = error.retry_state is RetryState.MAXIMUM_ATTEMPTS_REACHED
    return out_of_attempts or isinstance(error.cause, TimeoutError)


def root_of(error: BaseException) -> BaseException:
    """What made an activity fail, without Temporal's wrapping."""
    return error.cause if isinstance(error, ActivityError) and error.cause else error


def describe(error: BaseException) -> str:
    """One sentence about a failure for people; never the text of an unexpected exception."""
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


_SAFE_TYPES = frozenset({"unavailable", "still_held", STORE_UNAVAILABLE})


def _classify(step: Step, root: BaseException) -> tuple[FailureKind, Reason]:
    if isinstance(root, ApplicationError) and root.type in REFUSALS:
        return FailureKind.REFUSED, REFUSALS[root.type]
    if isinstance(root, ApplicationError) and root.type == OUTCOME_UNKNOWN:
        return FailureKind.UNKNOWN_OUTCOME, _UNAVAILABLE[step]
    if isinstance(root, TimeoutError):
        return FailureKind.UNKNOWN_OUTCOME, _UNAVAILABLE[step]
    return FailureKind.UNAVAILABLE, _UNAVAILABLE[step]

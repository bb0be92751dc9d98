"""Interprets failed activities: why the saga turns back, and what people are told."""

from dataclasses import dataclass

from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    CancelledError,
    FailureError,
    TimeoutError,  # noqa: A004  Temporal's own name for it
    TimeoutType,
    is_cancelled_exception,
)

from activities.failures import (
    FATAL_TYPES,
    FINAL_TYPES,
    OUTCOME_UNKNOWN,
    REFUND_FAILED,
    REFUSALS,
    STILL_HELD,
    TROUBLES,
    UNEXPECTED,
    Trouble,
)
from activities.messages import OperatorAction
from domain.values import FailureKind, Reason, Step
from workflows import policies


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


class ProviderOutage(MustTurnBack):
    """A provider failed for longer than the order, or the shop, wants to wait."""

    def __init__(self, step: Step, detail: str, error: BaseException | None) -> None:
        unknown = error is not None and type_of(error) == OUTCOME_UNKNOWN
        kind = FailureKind.UNKNOWN_OUTCOME if unknown else FailureKind.UNAVAILABLE
        super().__init__(Cause(Reason.PROVIDER_OUTAGE, detail, step, kind))


def raise_if_fatal(error: BaseException) -> None:
    """Fail the run if the input itself was refused: there is nothing to undo.

    Raises:
        ApplicationError: OrderConflict or InvalidDocument.
    """
    root = root_of(error)
    if isinstance(root, ApplicationError) and root.type in FATAL_TYPES:
        details, kind = root.details, root.type
        raise ApplicationError(root.message, *details, type=kind, non_retryable=True) from error


def cause_of_failure(step: Step, error: BaseException) -> Cause:
    """Why `step` failed, as the domain names it.

    Raises:
        ApplicationError: the input itself was refused and nothing was done: the run fails.
        BaseException: `error` itself, if it is no answer about the order: a bug, or the worker
            evicts the workflow. To compensate then would undo orders with which nothing is wrong.
    """
    if not isinstance(error, FailureError):
        raise error
    raise_if_fatal(error)
    if not is_refusal(error):
        raise error
    return Cause(REFUSALS[type_of(error) or ""], describe(error), step, FailureKind.REFUSED)


def is_refusal(error: BaseException) -> bool:
    """Whether the activity failed with a final refusal."""
    root = root_of(error)
    return isinstance(root, ApplicationError) and root.type in REFUSALS


def is_final(error: ActivityError) -> bool:
    """Whether the activity gave its final answer.

    Somebody may also have failed or cancelled it by hand, which says nothing about the order.
    """
    root = root_of(error)
    return isinstance(root, ApplicationError) and root.non_retryable and root.type in FINAL_TYPES


def trouble_of(error: ActivityError) -> Trouble | None:
    """What kept the activity from its end; None: only time can tell (see `policies.NOT_YET`)."""
    root = root_of(error)
    if isinstance(root, TimeoutError) and root.type is TimeoutType.SCHEDULE_TO_START:
        return Trouble.WORKER
    kind = type_of(error)
    return None if kind == policies.NOT_YET else TROUBLES.get(kind or "", Trouble.UNEXPECTED)


def by_hand(activity_type: str, activity_id: str) -> ActivityError:
    """The failure of an activity that somebody completed by hand, with a result of their own."""
    text = "somebody entered a result by hand: it does not count, and the step is done again"
    cause = ApplicationError(text, type=UNEXPECTED)
    return _failure(activity_type, activity_id, "completed by hand", cause)


def never_began(activity_type: str, activity_id: str) -> ActivityError:
    """The failure of an activity that was cancelled in the moment in which it was asked for."""
    cause = CancelledError("cancelled before it began")
    return _failure(activity_type, activity_id, "cancelled", cause)


def _failure(
    activity_type: str, activity_id: str, message: str, cause: FailureError
) -> ActivityError:
    error = ActivityError(
        message,
        scheduled_event_id=0,
        started_event_id=0,
        identity="",
        activity_type=activity_type,
        activity_id=activity_id,
        retry_state=None,
    )
    error.__cause__ = cause
    return error


def root_of(error: BaseException) -> BaseException:
    """The failure itself, without Temporal's wrapping."""
    return error.cause if isinstance(error, ActivityError) and error.cause else error


def describe(error: BaseException) -> str:
    """A failure in one sentence for people; never the text of an unexpected exception."""
    root = root_of(error)
    match root:
        case ApplicationError():
            return root.message if root.type in _SAFE_TYPES else f"unexpected {root.type}"
        case TimeoutError(type=TimeoutType.SCHEDULE_TO_START):
            return "no worker"
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


_SAFE_TYPES = frozenset({STILL_HELD, REFUND_FAILED, *REFUSALS, *TROUBLES})

"""The failures of activities: their names, and whose trouble those are that are retried.

The `type` of every ApplicationError is one of these names, which `domain.faults` explains; the saga
reads nothing else.

    refusals (a Reason)     out_of_stock, payment_declined, ...      final: the saga compensates
    OrderConflict           another order has the order id           final: the run fails
    InvalidDocument         the domain refuses the document          final: the run fails
    still_held              something is not undone yet              final: a person must act
    ReturnConflict          another return has the return id         final: the run fails
    ReturnRefused           the domain refuses a return              final: it is answered
    unavailable             the request had no effect                the provider's trouble
    unknown_outcome         the request may have had its effect      the provider's trouble
    paused                  not asked, or to be asked later          the provider's trouble
    access_refused          our credentials are not accepted         the provider's trouble
    not_ours                it is somebody else's payment or label   a person must look at it
    refund_pending          the bank has not finished a refund       the bank's trouble
    refund_needs_customer   the customer must say where it goes      the customer's
    refund_failed           a refund failed                          final: a person must act
    store_unavailable       the store kept the attempt from its end  the event store's trouble
    unexpected              a bug, an event that cannot be read      a person must repair it

Only what is known to be an answer about the order is final. Everything else is somebody's trouble:
it is retried without a limit, and no order is cancelled because of it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from enum import StrEnum
from typing import Final

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory, FailureError

from activities.ports import (
    GatewayRefusedAccess,
    GatewayRejected,
    GatewayUnavailable,
    NotOurs,
    OutcomeUnknown,
    RefundFailed,
    RefundNeedsCustomer,
    RefundUnfinished,
)
from domain.errors import DomainError
from domain.values import FailureKind, Reason
from eventstore.deadline import NoTimeLeft
from eventstore.errors import EventStoreError, StoreUnavailable, VersionConflict

UNAVAILABLE: Final = FailureKind.UNAVAILABLE.value
OUTCOME_UNKNOWN: Final = FailureKind.UNKNOWN_OUTCOME.value
PAUSED: Final = "paused"
ACCESS_REFUSED: Final = "access_refused"
NOT_OURS: Final = "not_ours"
REFUND_PENDING: Final = "refund_pending"
REFUND_NEEDS_CUSTOMER: Final = "refund_needs_customer"
REFUND_FAILED: Final = "refund_failed"
STORE_UNAVAILABLE: Final = "store_unavailable"
UNEXPECTED: Final = "unexpected"
ORDER_CONFLICT: Final = "OrderConflict"
INVALID_DOCUMENT: Final = "InvalidDocument"
STILL_HELD: Final = "still_held"

RETURN_CONFLICT: Final = "ReturnConflict"
"""A return with this id and other content exists."""
RETURN_REFUSED: Final = "ReturnRefused"
"""What was shipped, captured or decided does not allow the request."""

FATAL_TYPES: Final = frozenset({ORDER_CONFLICT, INVALID_DOCUMENT})
"""The input itself was refused: nothing was done, so nothing is undone, and the run fails."""

REFUSALS: Final = {
    reason.value: reason
    for reason in (
        Reason.OUT_OF_STOCK,
        Reason.PAYMENT_DECLINED,
        Reason.ADDRESS_REFUSED,
        Reason.NOT_FULFILLABLE,
    )
}
"""Refusals that make the saga compensate, by the type of the error."""

FINAL_TYPES: Final = frozenset(
    {*REFUSALS, *FATAL_TYPES, STILL_HELD, REFUND_FAILED, RETURN_CONFLICT, RETURN_REFUSED}
)
"""All answers. A failure of another type is none, whatever it claims: somebody may have ended an
activity by hand."""


class Trouble(StrEnum):
    """What keeps an activity from its end, without being an answer about the order.

    foreign: a provider holds somebody else's payment or label under the order's key, or our record
    names one. bank: a refund is under way. customer: a refund waits for its receiver. worker: none
    takes it. unexpected: a bug, an event that cannot be read, or workers that die.
    """

    PROVIDER = "provider"
    FOREIGN = "foreign"
    BANK = "bank"
    CUSTOMER = "customer"
    STORE = "event_store"
    WORKER = "worker"
    UNEXPECTED = "unexpected"


TROUBLES: Final[Mapping[str, Trouble]] = {
    UNAVAILABLE: Trouble.PROVIDER,
    OUTCOME_UNKNOWN: Trouble.PROVIDER,
    PAUSED: Trouble.PROVIDER,
    ACCESS_REFUSED: Trouble.PROVIDER,
    NOT_OURS: Trouble.FOREIGN,
    REFUND_PENDING: Trouble.BANK,
    REFUND_NEEDS_CUSTOMER: Trouble.CUSTOMER,
    STORE_UNAVAILABLE: Trouble.STORE,
    UNEXPECTED: Trouble.UNEXPECTED,
}
"""Whose trouble a failure is, by its type."""

NOT_SOON: Final = (
    PAUSED,
    ACCESS_REFUSED,
    NOT_OURS,
    REFUND_PENDING,
    REFUND_NEEDS_CUSTOMER,
)
"""Failures that trying again at once does not cure."""

_BENIGN: Final = ApplicationErrorCategory.BENIGN
"""Of what is met again and again until somebody acts: no trace for each attempt in the log."""

_LOOKS: Final = (
    (timedelta(hours=1), timedelta(minutes=6)),
    (timedelta(days=1), timedelta(hours=1)),
)
_RARELY: Final = timedelta(hours=6)

_EXPECTED: Final = frozenset({Reason.OUT_OF_STOCK, Reason.PAYMENT_DECLINED, Reason.ADDRESS_REFUSED})
"""Ordinary outcomes: workers neither log a stack trace nor count a failure."""


def is_trouble_of_store(error: Exception) -> bool:
    """Whether the event store kept an attempt from its end, or time did."""
    return isinstance(error, StoreUnavailable | NoTimeLeft | VersionConflict)


def refusal(reason: Reason, message: str) -> ApplicationError:
    """A final refusal: the saga compensates with `reason`."""
    benign = reason in _EXPECTED
    category = ApplicationErrorCategory.BENIGN if benign else ApplicationErrorCategory.UNSPECIFIED
    return ApplicationError(message, type=reason.value, non_retryable=True, category=category)


def final_failure(type_: str, message: str, *details: object) -> ApplicationError:
    """A failure that is final but not a refusal.

    Raises:
        ValueError: the saga does not take this type for an answer.
    """
    if type_ not in FINAL_TYPES:
        raise ValueError(f"{type_} is not among the final failures")
    return ApplicationError(message, *details, type=type_, non_retryable=True)


@contextmanager
def never_refused() -> Iterator[None]:
    """What the domain refuses here is a trouble to repair, and no answer about the order.

    For records that must be made whatever happened, above all while an order is undone.
    """
    try:
        yield
    except DomainError as error:
        raise ApplicationError(str(error), type=UNEXPECTED) from error


@contextmanager
def application_errors() -> Iterator[None]:
    """Turn whatever an attempt raises into an ApplicationError for the saga.

    No text of an exception that we do not know gets into the saga's history: it may hold personal
    data. The worker's log has it.
    """
    try:
        yield
    except FailureError:
        raise
    except Exception as error:  # noqa: BLE001  whatever it is, it must not be taken for an answer
        raise _failure_of(error) from None


def _failure_of(error: Exception) -> ApplicationError:
    match error:
        case NotOurs():
            return ApplicationError(str(error), type=NOT_OURS, category=_BENIGN)
        case RefundUnfinished() | RefundNeedsCustomer() | RefundFailed():
            return _of_refund(error)
        case GatewayUnavailable() | OutcomeUnknown() | GatewayRefusedAccess():
            return _of_provider(error)
        case GatewayRejected():
            reason = Reason.NOT_FULFILLABLE
            return refusal(reason, f"the provider rejected the request: {error}")
        case DomainError():
            return refusal(Reason.NOT_FULFILLABLE, str(error))
        case StoreUnavailable() | NoTimeLeft():  # a driver's text may name users and hosts
            return _kept_by_the_store("the event store is unavailable")
        case VersionConflict():
            return _kept_by_the_store(f"too many concurrent writers: {error}")
    activity.logger.error("an attempt failed unexpectedly", exc_info=error)
    is_safe = isinstance(error, EventStoreError)  # names streams and types, no values
    message = str(error) if is_safe else f"unexpected {type(error).__name__}"
    return ApplicationError(message, type=UNEXPECTED)


def _of_provider(
    error: GatewayUnavailable | OutcomeUnknown | GatewayRefusedAccess,
) -> ApplicationError:
    """A failure of a provider; the next try is made when the provider, or its breaker, says so."""
    pause = timedelta(seconds=error.retry_after_s) if error.retry_after_s else None
    match error:
        case GatewayRefusedAccess():
            name = ACCESS_REFUSED
        case OutcomeUnknown():
            name = OUTCOME_UNKNOWN
        case _:
            name = PAUSED if pause else UNAVAILABLE
    # The incident is told once, by the process that sees it: no trace for each order in the log.
    category = _BENIGN if pause else ApplicationErrorCategory.UNSPECIFIED
    return ApplicationError(str(error), type=name, category=category, next_retry_delay=pause)


def _of_refund(
    error: RefundUnfinished | RefundNeedsCustomer | RefundFailed,
) -> ApplicationError:
    if isinstance(error, RefundFailed):
        return final_failure(REFUND_FAILED, str(error))
    pending = isinstance(error, RefundUnfinished)
    name = REFUND_PENDING if pending else REFUND_NEEDS_CUSTOMER
    info = activity.info()  # both times are Temporal's: no other clock is asked
    pause = pause_between_looks(info.current_attempt_scheduled_time - info.scheduled_time)
    return ApplicationError(str(error), type=name, category=_BENIGN, next_retry_delay=pause)


def pause_between_looks(waited: timedelta) -> timedelta:
    """How long until a refund that is under way is looked at again: ever more rarely."""
    return next((pause for until, pause in _LOOKS if waited < until), _RARELY)


def _kept_by_the_store(message: str) -> ApplicationError:
    return ApplicationError(message, type=STORE_UNAVAILABLE, category=_BENIGN)

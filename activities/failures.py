"""Which failures of an activity are worth another attempt, and what they are called.

The `type` of every ApplicationError is one of the names below; the saga reads nothing else.

    refusals (a Reason)     out_of_stock, payment_declined, ...   final: the saga turns back
    OrderConflict           the order id is taken by another order   final: the run fails
    InvalidOrderDocument    the domain refuses the document          final: the run fails
    still_held              something is not undone yet              final: a person must look
    store_unavailable       the event store does not answer          try again, without an end
    unavailable             no effect happened                       try again
    unknown_outcome         it may or may not have happened          try again, look up first
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.ports import GatewayRejected, GatewayUnavailable, OutcomeUnknown
from domain.errors import DomainError
from domain.values import FailureKind, Reason
from eventstore.errors import StoreUnavailable, VersionConflict

UNAVAILABLE: Final = FailureKind.UNAVAILABLE.value
OUTCOME_UNKNOWN: Final = FailureKind.UNKNOWN_OUTCOME.value
STORE_UNAVAILABLE: Final = "store_unavailable"
ORDER_CONFLICT: Final = "OrderConflict"
INVALID_DOCUMENT: Final = "InvalidOrderDocument"
STILL_HELD: Final = "still_held"

FATAL_TYPES: Final = frozenset({ORDER_CONFLICT, INVALID_DOCUMENT})
"""Refusals of the input itself: nothing was done, so nothing is undone, and the run fails."""

REFUSALS: Final = {
    reason.value: reason
    for reason in (
        Reason.OUT_OF_STOCK,
        Reason.PAYMENT_DECLINED,
        Reason.ADDRESS_REFUSED,
        Reason.PAYMENT_UNAVAILABLE,
        Reason.CARRIER_UNAVAILABLE,
        Reason.NOT_FULFILLABLE,
    )
}
"""Final answers that turn the saga back, by the error's type."""

_EXPECTED: Final = frozenset({Reason.OUT_OF_STOCK, Reason.PAYMENT_DECLINED, Reason.ADDRESS_REFUSED})
"""Answers that the business expects: workers neither log a stack trace nor count a failure."""


def refused(reason: Reason, message: str) -> ApplicationError:
    """A final no: the saga turns back with `reason`."""
    benign = reason in _EXPECTED
    category = ApplicationErrorCategory.BENIGN if benign else ApplicationErrorCategory.UNSPECIFIED
    return ApplicationError(message, type=reason.value, non_retryable=True, category=category)


def final(type_: str, message: str) -> ApplicationError:
    """A final failure that is no refusal of the order's business."""
    return ApplicationError(message, type=type_, non_retryable=True)


@contextmanager
def translated(on_rejected: Reason = Reason.NOT_FULFILLABLE) -> Iterator[None]:
    """Turn what ports, store and domain raise into ApplicationErrors the saga understands.

    Args:
        on_rejected: the reason for a request that a provider calls wrong (bad credentials, an
            unknown reference): repeating it would not help.
    """
    try:
        yield
    except GatewayUnavailable as error:
        raise ApplicationError(str(error), type=UNAVAILABLE) from error
    except OutcomeUnknown as error:
        raise ApplicationError(str(error), type=OUTCOME_UNKNOWN) from error
    except GatewayRejected as error:
        raise refused(on_rejected, f"the provider rejected the request: {error}") from error
    except DomainError as error:
        raise refused(Reason.NOT_FULFILLABLE, str(error)) from error
    except VersionConflict as error:
        raise ApplicationError(f"too many writers at once: {error}", type=UNAVAILABLE) from None
    except StoreUnavailable:
        # The cause would travel into the saga's history; a driver's text may name users and hosts.
        message = "the event store is unavailable"
        raise ApplicationError(message, type=STORE_UNAVAILABLE) from None

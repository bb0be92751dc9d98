"""The failures of activities: their names, and which of them are retried.

The `type` of every ApplicationError is one of these names; the saga reads nothing else.

    refusals (a Reason)     out_of_stock, payment_declined, ...      final: the saga compensates
    OrderConflict           another order has the order id           final: the run fails
    InvalidOrderDocument    the domain refuses the document          final: the run fails
    still_held              something is not undone yet              final: a person must act
    store_unavailable       the event store does not answer          retried without limit
    unavailable             the request had no effect                retried
    unknown_outcome         the request may have had its effect      looked up, then retried
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
"""The input itself was refused: nothing was done, so nothing is undone, and the run fails."""

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
"""Refusals that make the saga compensate, by the type of the error."""

_EXPECTED: Final = frozenset({Reason.OUT_OF_STOCK, Reason.PAYMENT_DECLINED, Reason.ADDRESS_REFUSED})
"""Ordinary outcomes: workers neither log a stack trace nor count a failure."""


def refusal(reason: Reason, message: str) -> ApplicationError:
    """A final refusal: the saga compensates with `reason`."""
    benign = reason in _EXPECTED
    category = ApplicationErrorCategory.BENIGN if benign else ApplicationErrorCategory.UNSPECIFIED
    return ApplicationError(message, type=reason.value, non_retryable=True, category=category)


def final_failure(type_: str, message: str) -> ApplicationError:
    """A failure that is final but not a refusal."""
    return ApplicationError(message, type=type_, non_retryable=True)


@contextmanager
def application_errors(on_rejected: Reason = Reason.NOT_FULFILLABLE) -> Iterator[None]:
    """Turn what ports, event store and domain raise into ApplicationErrors for the saga.

    Args:
        on_rejected: the reason for a request that a provider rejects as invalid (wrong
            credentials, an unknown reference).
    """
    try:
        yield
    except GatewayUnavailable as error:
        raise ApplicationError(str(error), type=UNAVAILABLE) from error
    except OutcomeUnknown as error:
        raise ApplicationError(str(error), type=OUTCOME_UNKNOWN) from error
    except GatewayRejected as error:
        raise refusal(on_rejected, f"the provider rejected the request: {error}") from error
    except DomainError as error:
        raise refusal(Reason.NOT_FULFILLABLE, str(error)) from error
    except VersionConflict as error:
        raise ApplicationError(f"too many concurrent writers: {error}", type=UNAVAILABLE) from None
    except StoreUnavailable:
        # A cause goes into the saga's history, and a driver's text may name users and hosts.
        message = "the event store is unavailable"
        raise ApplicationError(message, type=STORE_UNAVAILABLE) from None

"""Tells what Temporal reports as the errors of this package."""

from typing import Any, Final

from temporalio.client import WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from ordersaga_client.errors import (
    InvalidDocument,
    OrderConflict,
    OrderFailed,
    OrderSagaError,
    OrderUnknown,
    Refused,
)

_CONFLICT: Final = "OrderConflict"
_INVALID: Final = frozenset({"InvalidDocument", "InvalidOrderDocument"})


def refusal(error: WorkflowUpdateFailedError) -> OrderSagaError:
    """Why an update was refused."""
    return _of(error.cause) or Refused(_text(error.cause))


def failure(error: WorkflowFailureError) -> OrderSagaError:
    """Why a run failed."""
    return _of(error.cause) or OrderFailed(_text(error.cause))


def missing(error: RPCError, order_id: str) -> Exception:
    """What Temporal says of an order that it does not have, or whose saga has ended."""
    if error.status is not RPCStatusCode.NOT_FOUND:
        return error
    if "completed" in error.message:
        return Refused(f"the saga of order {order_id} has ended")
    return OrderUnknown(f"Temporal has no order {order_id}")


def _of(cause: BaseException | None) -> OrderSagaError | None:
    if not isinstance(cause, ApplicationError):
        return None
    if cause.type == _CONFLICT:
        details: Any = cause.details[0] if cause.details else {}
        return OrderConflict(cause.message, details.get("fields", ()))
    return InvalidDocument(cause.message) if cause.type in _INVALID else None


def _text(cause: BaseException | None) -> str:
    return getattr(cause, "message", None) or str(cause)

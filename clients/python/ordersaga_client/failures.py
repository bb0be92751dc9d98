"""Tells what Temporal reports as the errors of this package."""

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from temporalio.client import WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from ordersaga_client.errors import (
    FieldProblem,
    InvalidDocument,
    NotFound,
    NotPossibleNow,
    OrderConflict,
    OrderSagaError,
    ReturnConflict,
    ReturnRefused,
    RunFailed,
    SagaUnknown,
)


def refusal(error: WorkflowUpdateFailedError) -> OrderSagaError:
    """Why an update was refused."""
    return _of(error.cause) or NotPossibleNow(_text(error.cause))


def failure(error: WorkflowFailureError) -> OrderSagaError:
    """Why a run failed."""
    return _of(error.cause) or RunFailed(_text(error.cause))


def missing_order(error: RPCError, order_id: str) -> Exception:
    """What Temporal says of an order that it does not have, or whose saga has ended."""
    return _missing(error, SagaUnknown, f"order {order_id}")


def missing(error: RPCError, what: str) -> Exception:
    """What Temporal says of a return or parcel that it does not have, or that has ended."""
    return _missing(error, NotFound, what)


def details_of(error: WorkflowFailureError | WorkflowUpdateFailedError) -> Mapping[str, Any]:
    """What a conflict of orders says beside its text; empty for any other failure."""
    cause = error.cause
    if not isinstance(cause, ApplicationError) or cause.type != OrderConflict.__name__:
        return {}
    details: Mapping[str, Any] = cause.details[0] if cause.details else {}
    return details


def invalid(field: str, rule: str, message: str) -> InvalidDocument:
    """One wrong field, found before anything was sent."""
    problem: FieldProblem = {"field": field, "rule": rule, "message": message}
    return InvalidDocument(f"{field}: {message}", (problem,))


def _missing(error: RPCError, kind: Callable[[str], OrderSagaError], what: str) -> Exception:
    if error.status is not RPCStatusCode.NOT_FOUND:
        return error
    if any(words in error.message for words in _ENDED):
        return NotPossibleNow(f"{what} has ended")
    return kind(f"Temporal has no {what}")


def _conflict(cause: ApplicationError) -> OrderSagaError:
    details: Mapping[str, Any] = cause.details[0] if cause.details else {}
    return OrderConflict(cause.message, details.get("fields", ()))


_ENDED: Final = ("already completed", "aborted by closing")
"""What Temporal says of a workflow that has ended, or ends just now; its status is NOT_FOUND."""


_BY_TYPE: Final[Mapping[str, Callable[[ApplicationError], OrderSagaError]]] = {
    "OrderConflict": _conflict,
    "InvalidDocument": lambda cause: InvalidDocument(cause.message, _problems(cause)),
    "NotPossibleNow": lambda cause: NotPossibleNow(cause.message),
    "ReturnConflict": lambda cause: ReturnConflict(cause.message),
    "ReturnRefused": lambda cause: ReturnRefused(cause.message),
}


def _problems(cause: ApplicationError) -> list[FieldProblem]:
    """The wrong fields; a data converter of the service's own may make something else of them."""
    return [cast("FieldProblem", each) for each in cause.details if isinstance(each, dict)]


def _of(cause: BaseException | None) -> OrderSagaError | None:
    if not isinstance(cause, ApplicationError):
        return None
    known = _BY_TYPE.get(cause.type or "")
    return known(cause) if known else None


def _text(cause: BaseException | None) -> str:
    return getattr(cause, "message", None) or str(cause)

"""Whether the order is to be cancelled, and why the saga turns back."""

from temporalio import workflow
from temporalio.exceptions import CancelledError, FailureError, is_cancelled_exception

from activities.messages import OperatorAction
from domain.values import Reason
from workflows.common.failures import Cause, MustTurnBack, cause_of_failure
from workflows.fulfillment.state import SagaState


def is_cancel_requested(state: SagaState) -> bool:
    """Whether anybody asked to cancel the order, here or through Temporal."""
    return state.requests.cancel is not None or workflow.cancellation_reason() is not None


def stop_if_cancelled(state: SagaState) -> None:
    """Raise CancelledError if the order is to be cancelled.

    A cancel that arrives while an activity finishes interrupts nothing; only this notices it.
    """
    if is_cancel_requested(state):
        raise CancelledError("the order is to be cancelled")


def cause_of(state: SagaState, failure: BaseException) -> Cause:
    """Why the way forward ended.

    Raises:
        ApplicationError: the input itself was refused and nothing was done.
        BaseException: `failure` itself: a bug, or the worker evicts the workflow.
    """
    if isinstance(failure, MustTurnBack):
        return failure.cause
    cancelled = is_cancel_requested(state) and isinstance(failure, FailureError)
    if cancelled or is_cancelled_exception(failure):
        return _cause_of_cancel(state, failure)
    return cause_of_failure(state.steps.current, failure)


def _cause_of_cancel(state: SagaState, failure: BaseException) -> Cause:
    if request := state.requests.cancel:
        reason = Reason.CUSTOMER_REQUEST if request.customer else Reason.OPERATOR_REQUEST
        return Cause(reason, request.by.reason, operator=(request.by,))
    text = workflow.cancellation_reason()
    if text is None:  # nobody asked: the worker evicts the workflow
        raise failure
    by = OperatorAction("temporal", "cancel", text or "cancelled through Temporal")
    return Cause(Reason.OPERATOR_REQUEST, by.reason, operator=(by,))

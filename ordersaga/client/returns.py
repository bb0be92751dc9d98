"""A typed client for what happens after delivery: carrier scans and returns."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowUpdateFailedError,
)
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities.failures import INVALID_DOCUMENT, RETURN_CONFLICT
from activities.messages import ORDERS_QUEUE
from activities.returns.messages import DELIVERY_WORKFLOW_TYPE, RETURN_WORKFLOW_TYPE, ReturnDocument
from domain import faults
from domain.ids import (
    OrderId,
    ReturnId,
    delivery_workflow,
    parse_order_id,
    parse_return_id,
    return_workflow,
)
from ordersaga.client.errors import DocumentRefused
from ordersaga.errors import OrderSagaError, Refused
from workflows.documents.messages import CarrierUpdateMessage
from workflows.documents.returns import parse_return, return_to_json
from workflows.documents.validation import InvalidDocument, validate
from workflows.returns.status import return_digest

Refund = Literal["full", "none"] | Mapping[str, int]
"""``full``: the price of what was returned; ``{"amount_minor": n}``: n minor units."""

Restock = Literal["all", "none"] | Sequence[Mapping[str, Any]]
"""``[{"line_id": ..., "quantity": ...}]`` for a part of what was returned."""

_POLL_S: Final = 0.1


class ReturnConflict(Refused):
    """The return id belongs to a return with other content; nothing was changed."""

    fault = faults.RETURN_CONFLICT


class ReturnRefused(Refused):
    """The order's shipment, payment or earlier decisions rule it out."""

    fault = faults.RETURN_REFUSED


class ReturnUnknown(Refused):
    """Temporal has no workflow of this return or parcel."""

    fault = faults.NOT_FOUND


class ReturnFailed(OrderSagaError):
    """The return failed instead of ending; the text says why."""


@dataclass(frozen=True, slots=True)
class ReturnOutcome:
    """How a return ended.

    Attributes:
        outcome: ``closed``, or ``nothing_to_return`` if all pieces were in other returns.
        refund_minor: the refund in minor units of `currency`; 0 if it was denied.
        restocked: whether goods went back into stock.
        details: the whole answer of the workflow.
    """

    order_id: OrderId
    return_id: ReturnId
    outcome: str
    refund_minor: int | None
    currency: str | None
    restocked: bool
    details: Mapping[str, Any]


class ReturnsClient:
    """Reports scans; opens, steers and awaits returns. `OrderSagaClient.returns` is one.

    Every method raises RPCError when Temporal does not answer.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    # --- parcels ---------------------------------------------------------------------------------

    async def report_scan(self, order_id: str, status: str, at: datetime) -> None:
        """Report a scan by the carrier; scans may be repeated and come in any order.

        Args:
            order_id: the order.
            status: handed_over, in_transit, delivered, returned or lost.
            at: the carrier's time, with time zone.

        Raises:
            DocumentRefused: unknown status, or a time without zone.
        """
        update = {"status": status, "at": at.isoformat()}
        try:
            validate(CarrierUpdateMessage, update, "message")
        except InvalidDocument as problem:
            raise DocumentRefused(str(problem)) from None
        await self._client.start_workflow(
            DELIVERY_WORKFLOW_TYPE,
            id=delivery_workflow(parse_order_id(order_id)),
            task_queue=ORDERS_QUEUE,
            start_signal="carrier_update",
            start_signal_args=[update],
            static_summary="follows the parcel",
        )

    async def delivery_status(self, order_id: str) -> Mapping[str, Any]:
        """The status answer of the workflow that follows the parcel; raises ReturnUnknown."""
        return await _query(self._delivery(order_id))

    async def retry_delivery(self, order_id: str, *, actor: str, reason: str) -> None:
        """Record a scan again, or keep waiting for one; raises as `decide_refund`."""
        await _update(self._delivery(order_id), "retry", {"actor": actor, "reason": reason})

    async def resolve_delivery(self, order_id: str, *, actor: str, note: str) -> None:
        """State that a person has handled the parcel; raises as `decide_refund`."""
        await _update(self._delivery(order_id), "resolve", {"actor": actor, "note": note})

    # --- returns ---------------------------------------------------------------------------------

    async def open_return(self, document: ReturnDocument | Mapping[str, Any]) -> ReturnId:
        """Open a return, once: opening the same one again changes nothing.

        Args:
            document: a `ReturnDocument`, or its JSON form.

        Raises:
            DocumentRefused: names the fields that are wrong; nothing was started.
            ReturnConflict: the return id belongs to a running return with other content;
                for one that has ended, `return_result` raises it.
        """
        request = checked_return(document)
        try:
            await self._client.start_workflow(
                RETURN_WORKFLOW_TYPE,
                return_to_json(request),
                id=return_workflow(request.order_id, request.return_id),
                task_queue=ORDERS_QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                static_summary=f"return: {request.kind.value}",
            )
        except WorkflowAlreadyStartedError:
            await self._require_same_return(request)
        return request.return_id

    async def until_opened(self, order_id: str, return_id: str) -> Mapping[str, Any]:
        """Wait until a return is recorded or refused, and give its status.

        Raises:
            ReturnConflict, ReturnRefused: as `return_result`.
            ReturnUnknown: there is no such return.
        """
        handle = self._return(order_id, return_id)
        while (await handle.describe()).status is WorkflowExecutionStatus.RUNNING:
            status = await _query(handle)
            if status["opened"]:
                return status
            await asyncio.sleep(_POLL_S)
        return (await self.return_result(order_id, return_id)).details

    async def return_result(self, order_id: str, return_id: str) -> ReturnOutcome:
        """Wait until refund and restock are decided and carried out.

        Raises:
            ReturnConflict: the return id belongs to a return with other content.
            ReturnRefused: the order's shipment or payment does not allow the return.
            ReturnUnknown: there is no such return.
            ReturnFailed: it was terminated or cancelled.
        """
        try:
            answer = await self._return(order_id, return_id).result()
        except WorkflowFailureError as error:
            raise _failure(error) from error
        except RPCError as error:
            raise _unknown_if_missing(error) from error
        return ReturnOutcome(
            OrderId(answer["order_id"]),
            ReturnId(answer["return_id"]),
            answer["outcome"],
            answer["refund_minor"],
            answer["currency"],
            answer["restocked"],
            answer,
        )

    async def return_status(self, order_id: str, return_id: str) -> Mapping[str, Any]:
        """The status of a return; needs a running worker; raises ReturnUnknown."""
        return await _query(self._return(order_id, return_id))

    async def decide_refund(
        self, order_id: str, return_id: str, refund: Refund, *, actor: str, reason: str
    ) -> int | None:
        """Grant or deny a refund; returns the granted amount in minor units.

        None: the decision is noted, and is recorded as soon as the event store answers.

        Raises:
            ReturnRefused: it is decided already, or exceeds what was captured and not refunded.
            ReturnUnknown: there is no such return, or it has ended.
        """
        message = {"refund": refund, "actor": actor, "reason": reason}
        answer = await _update(self._return(order_id, return_id), "decide_refund", message)
        return answer.get("amount_minor")

    async def decide_restock(
        self, order_id: str, return_id: str, restock: Restock, *, actor: str, reason: str
    ) -> None:
        """Decide what goes back into stock; raises as `decide_refund`."""
        message = {"restock": restock, "actor": actor, "reason": reason}
        await _update(self._return(order_id, return_id), "decide_restock", message)

    async def retry_return(self, order_id: str, return_id: str, *, actor: str, reason: str) -> None:
        """Try a failed refund again, now; raises as `decide_refund`."""
        message = {"actor": actor, "reason": reason}
        await _update(self._return(order_id, return_id), "retry", message)

    async def resolve_return(self, order_id: str, return_id: str, *, actor: str, note: str) -> None:
        """State that a refund was made by hand; raises as `decide_refund`."""
        message = {"actor": actor, "note": note}
        await _update(self._return(order_id, return_id), "resolve", message)

    def _delivery(self, order_id: str) -> WorkflowHandle[Any, Any]:
        return self._client.get_workflow_handle(delivery_workflow(parse_order_id(order_id)))

    def _return(self, order_id: str, return_id: str) -> WorkflowHandle[Any, Any]:
        workflow_id = return_workflow(parse_order_id(order_id), parse_return_id(return_id))
        return self._client.get_workflow_handle(workflow_id)

    async def _require_same_return(self, request: ReturnDocument) -> None:
        status = await self.return_status(request.order_id, request.return_id)
        if status.get("content_digest") != return_digest(request):
            raise ReturnConflict(f"return {request.return_id} is open already with other content")


def checked_return(document: ReturnDocument | Mapping[str, Any]) -> ReturnDocument:
    """The return that a document describes; raises DocumentRefused, naming every wrong field."""
    raw = return_to_json(document) if isinstance(document, ReturnDocument) else document
    try:
        return parse_return(raw)
    except InvalidDocument as error:
        raise DocumentRefused(str(error)) from None


async def _query(handle: WorkflowHandle[Any, Any]) -> Mapping[str, Any]:
    try:
        answer: Mapping[str, Any] = await handle.query("status")
    except RPCError as error:
        raise _unknown_if_missing(error) from error
    return answer


async def _update(
    handle: WorkflowHandle[Any, Any], update: str, message: Mapping[str, Any]
) -> Mapping[str, Any]:
    try:
        answer: Mapping[str, Any] = await handle.execute_update(update, message)
    except WorkflowUpdateFailedError as error:
        raise ReturnRefused(getattr(error.cause, "message", str(error.cause))) from error
    except RPCError as error:
        raise _unknown_if_missing(error) from error
    return answer


def _unknown_if_missing(error: RPCError) -> Exception:
    if error.status is not RPCStatusCode.NOT_FOUND:
        return error
    ended = "completed" in error.message
    return ReturnUnknown("it has ended already" if ended else "Temporal has no such return")


def _failure(error: WorkflowFailureError) -> OrderSagaError:
    cause = error.cause
    if not isinstance(cause, ApplicationError):
        return ReturnFailed(str(cause))
    return _ERRORS.get(cause.type or "", ReturnRefused)(cause.message)


_ERRORS: Final[Mapping[str, type[OrderSagaError]]] = {
    RETURN_CONFLICT: ReturnConflict,
    INVALID_DOCUMENT: DocumentRefused,
}

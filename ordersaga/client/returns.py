"""What the typed client can do once the parcel has left: report scans, open and decide returns."""

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

from activities.messages import ORDERS_QUEUE
from activities.returns.activities import RETURN_CONFLICT
from activities.returns.messages import DELIVERY_WORKFLOW_TYPE, RETURN_WORKFLOW_TYPE, ReturnDocument
from domain.ids import (
    OrderId,
    ReturnId,
    delivery_workflow,
    parse_order_id,
    parse_return_id,
    return_workflow,
)
from ordersaga.errors import OrderSagaError, Refused
from workflows.documents.messages import CarrierUpdateMessage, parse_message
from workflows.documents.returns import parse_return, return_to_json
from workflows.documents.validation import InvalidDocument
from workflows.returns.status import return_digest

Refund = Literal["full", "none"] | Mapping[str, int]
"""``full``: the price of what came back; ``{"amount_minor": n}``: so many minor units."""

Restock = Literal["all", "none"] | Sequence[Mapping[str, Any]]
"""``[{"sku": ..., "quantity": ...}]`` for a part of what came back."""

_LOOK_AGAIN_S: Final = 0.1
_NO_RUN: Final = "Temporal knows no such return"


class ReturnConflict(Refused):
    """The return id belongs to a return with other content; nothing was changed."""


class ReturnRefused(Refused):
    """What was shipped, captured or decided does not allow it; or the document is wrong."""


class ReturnUnknown(Refused):
    """Temporal knows no such return, or parcel."""


class ReturnFailed(OrderSagaError):
    """The return failed instead of ending; the text says why."""


@dataclass(frozen=True, slots=True)
class ReturnOutcome:
    """What became of a return.

    Attributes:
        outcome: ``closed``, or ``nothing_to_return`` where all pieces were in other returns.
        refund_minor: what went back, in minor units of `currency`; 0 if it was denied.
        restocked: whether goods went back into stock.
        details: the whole answer.
    """

    order_id: OrderId
    return_id: ReturnId
    outcome: str
    refund_minor: int | None
    currency: str | None
    restocked: bool
    details: Mapping[str, Any]


class AfterDelivery:
    """The part of the typed client that is about parcels and returns.

    Every method raises RPCError when Temporal does not answer.
    """

    _client: Client

    async def report_scan(self, order_id: str, status: str, at: datetime) -> None:
        """Report where the carrier says the parcel is; as often and in any order as it comes.

        Args:
            order_id: the order.
            status: handed_over, in_transit, delivered, returned or lost.
            at: the carrier's time, with time zone.

        Raises:
            ReturnRefused: no such status, or a time without zone.
        """
        update = {"status": status, "at": at.isoformat()}
        try:
            parse_message(CarrierUpdateMessage, [update])
        except InvalidDocument as problem:
            raise ReturnRefused(str(problem)) from None
        await self._client.start_workflow(
            DELIVERY_WORKFLOW_TYPE,
            id=delivery_workflow(parse_order_id(order_id)),
            task_queue=ORDERS_QUEUE,
            start_signal="carrier_update",
            start_signal_args=[update],
            static_summary="follows the parcel",
        )

    async def delivery_status(self, order_id: str) -> Mapping[str, Any]:
        """Where the workflow that follows the parcel stands; raises ReturnUnknown."""
        handle = self._client.get_workflow_handle(delivery_workflow(parse_order_id(order_id)))
        return await _asked(handle)

    async def open_return(self, document: ReturnDocument | Mapping[str, Any]) -> ReturnId:
        """Open a return, once: the same one again changes nothing.

        Args:
            document: as `ReturnDocument` or in its JSON form.

        Raises:
            ReturnRefused: names the fields that are wrong; nothing was started.
            ReturnConflict: the return id belongs to a return with other content that is running;
                for one that has ended, `return_result` raises it.
        """
        given = checked_return(document)
        try:
            await self._client.start_workflow(
                RETURN_WORKFLOW_TYPE,
                return_to_json(given),
                id=return_workflow(given.order_id, given.return_id),
                task_queue=ORDERS_QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                static_summary=f"return: {given.kind.value}",
            )
        except WorkflowAlreadyStartedError:
            await self._require_same_return(given)
        return given.return_id

    async def until_opened(self, order_id: str, return_id: str) -> Mapping[str, Any]:
        """Wait until a return is on record, or refused; returns where it stands.

        Raises:
            ReturnConflict, ReturnRefused: as `return_result`.
            ReturnUnknown: there is no such return.
        """
        handle = self._return(order_id, return_id)
        while (await handle.describe()).status is WorkflowExecutionStatus.RUNNING:
            status = await _asked(handle)
            if status["opened"]:
                return status
            await asyncio.sleep(_LOOK_AGAIN_S)
        return (await self.return_result(order_id, return_id)).details

    async def return_result(self, order_id: str, return_id: str) -> ReturnOutcome:
        """Wait until both decisions are made and carried out.

        Raises:
            ReturnConflict: the return id belongs to a return with other content.
            ReturnRefused: what was shipped or captured does not allow the return.
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
        """Where a return stands; needs a running worker; raises ReturnUnknown."""
        return await _asked(self._return(order_id, return_id))

    async def decide_refund(
        self, order_id: str, return_id: str, refund: Refund, *, actor: str, reason: str
    ) -> int:
        """Grant or deny a refund; returns what was granted, in minor units.

        Raises:
            ReturnRefused: it is decided already, or more than is left of what was captured.
            ReturnUnknown: there is no such return, or it has ended.
        """
        message = {"refund": refund, "actor": actor, "reason": reason}
        answer = await self._tell_return(order_id, return_id, "decide_refund", message)
        return int(answer["amount_minor"])

    async def decide_restock(
        self, order_id: str, return_id: str, restock: Restock, *, actor: str, reason: str
    ) -> None:
        """Decide what goes back into stock; raises as `decide_refund`."""
        message = {"restock": restock, "actor": actor, "reason": reason}
        await self._tell_return(order_id, return_id, "decide_restock", message)

    async def retry_return(self, order_id: str, return_id: str, *, actor: str, reason: str) -> None:
        """Try a refund that failed again, now; raises as `decide_refund`."""
        message = {"actor": actor, "reason": reason}
        await self._tell_return(order_id, return_id, "retry", message)

    async def resolve_return(self, order_id: str, return_id: str, *, actor: str, note: str) -> None:
        """Say that a refund was made by hand; raises as `decide_refund`."""
        await self._tell_return(order_id, return_id, "resolve", {"actor": actor, "note": note})

    async def retry_delivery(self, order_id: str, *, actor: str, reason: str) -> None:
        """Record again, or wait on, what a followed parcel waits for; raises as `decide_refund`."""
        await _told(self._delivery(order_id), "retry", {"actor": actor, "reason": reason})

    async def resolve_delivery(self, order_id: str, *, actor: str, note: str) -> None:
        """Say that a person has looked after the parcel; raises as `decide_refund`."""
        await _told(self._delivery(order_id), "resolve", {"actor": actor, "note": note})

    def _delivery(self, order_id: str) -> WorkflowHandle[Any, Any]:
        return self._client.get_workflow_handle(delivery_workflow(parse_order_id(order_id)))

    def _return(self, order_id: str, return_id: str) -> WorkflowHandle[Any, Any]:
        known = return_workflow(parse_order_id(order_id), parse_return_id(return_id))
        return self._client.get_workflow_handle(known)

    async def _tell_return(
        self, order_id: str, return_id: str, update: str, message: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        return await _told(self._return(order_id, return_id), update, message)

    async def _require_same_return(self, given: ReturnDocument) -> None:
        known = await self.return_status(given.order_id, given.return_id)
        if known.get("content_digest") != return_digest(given):
            raise ReturnConflict(f"return {given.return_id} is open already with other content")


def checked_return(document: ReturnDocument | Mapping[str, Any]) -> ReturnDocument:
    """The return that a document describes; raises ReturnRefused naming every wrong field."""
    raw = return_to_json(document) if isinstance(document, ReturnDocument) else document
    try:
        return parse_return(raw)
    except InvalidDocument as error:
        raise ReturnRefused(str(error)) from None


async def _asked(handle: WorkflowHandle[Any, Any]) -> Mapping[str, Any]:
    try:
        answer: Mapping[str, Any] = await handle.query("status")
    except RPCError as error:
        raise _unknown_if_missing(error) from error
    return answer


async def _told(
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
    return ReturnUnknown("it has ended already" if ended else _NO_RUN)


def _failure(error: WorkflowFailureError) -> OrderSagaError:
    cause = error.cause
    if not isinstance(cause, ApplicationError):
        return ReturnFailed(str(cause))
    return (ReturnConflict if cause.type == RETURN_CONFLICT else ReturnRefused)(cause.message)

"""A typed client for Python services that place orders.

sagas = await OrderSagaClient.connect("localhost:7233")
placed = await sagas.place(document)
result = await sagas.result(placed.order_id)
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self, cast

from temporalio.client import (
    Client,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowUpdateFailedError,
)
from temporalio.envconfig import ClientConfig
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from activities.failures import INVALID_DOCUMENT, ORDER_CONFLICT
from activities.messages import OrderDocument
from domain.ids import OrderId, order_stream, parse_order_id
from domain.values import Outcome, Reason
from ordersaga.client.errors import (
    DocumentRefused,
    OrderConflict,
    SagaFailed,
    SagaRefused,
    SagaUnknown,
)
from ordersaga.client.placing import Placed, place
from ordersaga.client.returns import ReturnsClient
from ordersaga.errors import OrderSagaError
from workers.converter import DATA_CONVERTER
from workflows.documents.order import document_to_json, parse_document
from workflows.documents.validation import InvalidDocument


@dataclass(frozen=True, slots=True)
class SagaResult:
    """How an order ended.

    Attributes:
        reason: why it was cancelled; None if it was completed.
        detail: the reason in words; may be empty.
        payment_reference: the provider's, if the order was paid.
        tracking_number: the carrier's, if the order was shipped.
    """

    order_id: OrderId
    outcome: Outcome
    reason: Reason | None
    detail: str
    payment_reference: str | None
    tracking_number: str | None


@dataclass(frozen=True, slots=True)
class SagaStatus:
    """The status of a saga.

    Attributes:
        step: a step, a compensation, or ``starting``, ``awaiting_choice``, ``awaiting_stock``,
            ``awaiting_payment``, ``amend_order``, ``settle_payment``, ``on_hold``,
            ``turning_back``, ``closing``, ``closed``.
        waits_for: what it waits for, in one sentence.
        can_cancel: whether `cancel` would be accepted now.
        attention: what a person must do; None: nothing.
        details: the whole answer of the saga.
    """

    order_id: OrderId
    step: str
    waits_for: str
    can_cancel: bool
    needs_attention: bool
    attention: str | None
    outcome: Outcome | None
    details: Mapping[str, Any]


class OrderSagaClient:
    """Starts, queries, steers and awaits sagas.

    Attributes:
        returns: the client for parcels and returns.

    Every method raises RPCError when Temporal does not answer.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self.returns = ReturnsClient(client)

    @classmethod
    async def connect(cls, address: str | None = None, **options: Any) -> Self:
        """Connect to Temporal.

        Args:
            address: host and port; None: from TEMPORAL_ADDRESS or Temporal's configuration.
            **options: passed to `temporalio.client.Client.connect` (namespace, tls, api_key).

        Raises:
            RuntimeError: Temporal does not answer.
        """
        config = {"target_host": "localhost:7233", **ClientConfig.load_client_connect_config()}
        if address is not None:
            config["target_host"] = address
        return cls(await Client.connect(**{**config, "data_converter": DATA_CONVERTER, **options}))

    async def place(self, document: OrderDocument | Mapping[str, Any]) -> Placed:
        """Place an order, once: the same document again changes nothing.

        Args:
            document: an `OrderDocument`, or its JSON form.

        Raises:
            DocumentRefused: names the fields that are wrong; nothing was started.
            OrderConflict: names the fields in which the order with this id differs.
            PlacingUnanswered: nothing answered in time; place it again.
        """
        return await place(self._client, _checked(document))

    async def result(self, order_id: str) -> SagaResult:
        """Wait until the order has ended.

        A run that another document started under the same id is left out.

        Raises:
            OrderConflict: that is the only run that Temporal knows, and the order is open.
            SagaUnknown: there is no such saga.
            SagaFailed: it failed, was terminated or timed out.
        """
        try:
            answer = await self._handle(order_id).result()
        except WorkflowFailureError as error:
            answer = await self._owners_result(order_id, error)
        except RPCError as error:
            raise _unknown_if_missing(error, order_id) from error
        return _result(answer)

    async def status(self, order_id: str) -> SagaStatus:
        """Query the status of the saga; needs a running worker.

        Raises:
            SagaUnknown: there is no such saga.
        """
        try:
            answer = await self._handle(order_id).query("status")
        except RPCError as error:
            raise _unknown_if_missing(error, order_id) from error
        return _status(parse_order_id(order_id), await self._owners_status(order_id, answer))

    async def cancel(
        self, order_id: str, *, actor: str, reason: str, requested_by: str = "customer"
    ) -> None:
        """Cancel the order and undo what was done; accepted until the saga can only go forward.

        Args:
            order_id: the order.
            actor: who cancels, for the audit trail.
            reason: why, for the audit trail.
            requested_by: ``customer`` or ``operator``.

        Raises:
            SagaRefused: the order can no longer be cancelled, or the saga has ended.
            SagaUnknown: there is no such saga.
        """
        message = {"actor": actor, "reason": reason, "requested_by": requested_by}
        await self.update(order_id, "cancel", message)

    async def update(self, order_id: str, update: str, message: Mapping[str, Any]) -> None:
        """Send any update of the saga with its message; raises as `cancel`."""
        try:
            await self._handle(order_id).execute_update(update, message)
        except WorkflowUpdateFailedError as error:
            raise SagaRefused(_text(error.cause)) from error
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND and "completed" in error.message:
                raise SagaRefused(f"the saga of order {order_id} has ended") from error
            raise _unknown_if_missing(error, order_id) from error

    async def hold(self, order_id: str, *, actor: str, reason: str) -> None:
        """Keep the saga from starting its next step; raises as `cancel`."""
        await self.update(order_id, "hold", {"actor": actor, "reason": reason})

    async def resume(self, order_id: str, *, actor: str, reason: str) -> None:
        """Let a held saga continue; raises as `cancel`."""
        await self.update(order_id, "resume", {"actor": actor, "reason": reason})

    async def retry(self, order_id: str, *, actor: str, reason: str) -> None:
        """Try a failed step or compensation again, now; raises as `cancel`."""
        await self.update(order_id, "retry", {"actor": actor, "reason": reason})

    async def resolve(
        self, order_id: str, *, actor: str, note: str, goods: str | None = None
    ) -> None:
        """State that a person has settled what the saga waits for; raises as `cancel`.

        Args:
            order_id: the order.
            actor: who settled it, for the audit trail.
            note: how, for the audit trail.
            goods: if the parcel has left: ``lost``, ``coming_back``, or ``ship_and_collect``.
        """
        message = {"actor": actor, "note": note, **({"goods": goods} if goods else {})}
        await self.update(order_id, "resolve", message)

    async def change_address(
        self, order_id: str, address: Mapping[str, str], *, actor: str, reason: str
    ) -> None:
        """Change the delivery address; accepted until the label is bought; raises as `cancel`."""
        message = {"actor": actor, "reason": reason, "address": dict(address)}
        await self.update(order_id, "change_address", message)

    async def choose(self, order_id: str, choice: str, *, actor: str, reason: str) -> None:
        """Choose what happens to unavailable items: ship_available, wait or cancel.

        Accepted while the saga waits for the choice or the items; raises as `cancel`.
        """
        message = {"actor": actor, "reason": reason, "choice": choice}
        await self.update(order_id, "choose", message)

    async def pay(
        self,
        order_id: str,
        token: str | None = None,
        *,
        confirmed: str | None = None,
        actor: str,
        reason: str,
    ) -> None:
        """Pay in another way after a decline, while the order waits for that; raises as `cancel`.

        `token` is the provider's, `confirmed` its reference of a payment confirmed at checkout.
        """
        message: dict[str, object] = {"actor": actor, "reason": reason}
        if token is not None:
            message["token"] = token
        if confirmed is not None:
            message["confirmed"] = {"reference": confirmed}
        await self.update(order_id, "pay", message)

    async def amend(
        self, order_id: str, pieces: Mapping[str, int], *, actor: str, reason: str
    ) -> None:
        """Reduce the order; accepted until the label is bought; raises as `cancel`.

        Args:
            order_id: the order.
            pieces: the new quantity of each line that changes, by its id; 0 removes it.
            actor: who amends it, for the audit trail.
            reason: why, for the audit trail.
        """
        lines = [{"line_id": line, "quantity": quantity} for line, quantity in pieces.items()]
        await self.update(order_id, "amend", {"actor": actor, "reason": reason, "lines": lines})

    def _handle(self, order_id: str, run_id: str | None = None) -> WorkflowHandle[Any, Any]:
        workflow_id = order_stream(parse_order_id(order_id))
        return self._client.get_workflow_handle(workflow_id, run_id=run_id)

    async def _owners_result(self, order_id: str, error: WorkflowFailureError) -> Any:
        """The result of the order that has the id, if the latest run was refused because of it."""
        conflict = _conflict_of(error)
        if conflict.get("result"):
            return conflict["result"]
        if conflict.get("run_id"):
            with suppress(
                RPCError, WorkflowFailureError
            ):  # Temporal has forgotten it, or it is lost
                return await self._handle(order_id, conflict["run_id"]).result()
        raise _failure(error) from error

    async def _owners_status(self, order_id: str, latest: Mapping[str, Any]) -> Mapping[str, Any]:
        """The status of the run that took the order on, unless Temporal has forgotten it."""
        conflict = latest["conflict"]
        if not conflict or not conflict["run_id"]:
            return latest
        with suppress(RPCError):
            owner: Mapping[str, Any] = await self._handle(order_id, conflict["run_id"]).query(
                "status"
            )
            if owner["outcome"] == latest["outcome"]:  # else a later run has ended the order
                return owner
        return latest


def _checked(document: OrderDocument | Mapping[str, Any]) -> OrderDocument:
    raw = document_to_json(document) if isinstance(document, OrderDocument) else document
    try:
        return parse_document(raw, None)
    except InvalidDocument as error:
        raise DocumentRefused(str(error)) from None


def _failure(error: WorkflowFailureError) -> OrderSagaError:
    cause = error.cause
    if isinstance(cause, ApplicationError) and cause.type == ORDER_CONFLICT:
        return OrderConflict(cause.message, tuple(_conflict_of(error).get("fields", ())))
    if isinstance(cause, ApplicationError) and cause.type == INVALID_DOCUMENT:
        return DocumentRefused(cause.message)
    return SagaFailed(_text(cause))


def _conflict_of(error: WorkflowFailureError) -> Mapping[str, Any]:
    """What a run that was refused as a conflict says of it; empty for any other failure."""
    cause = error.cause
    if not isinstance(cause, ApplicationError) or cause.type != ORDER_CONFLICT:
        return {}
    details: Mapping[str, Any] = cause.details[0] if cause.details else {}
    return details


def _text(cause: BaseException | None) -> str:
    return getattr(cause, "message", None) or str(cause)


def _unknown_if_missing(error: RPCError, order_id: str) -> Exception:
    if error.status is RPCStatusCode.NOT_FOUND:
        return SagaUnknown(f"Temporal has no saga of order {order_id}")
    return error


def _result(answer: Mapping[str, Any]) -> SagaResult:
    reason = answer["reason"]
    return SagaResult(
        order_id=OrderId(answer["order_id"]),
        outcome=Outcome(answer["outcome"]),
        reason=Reason(reason) if reason else None,
        detail=answer["detail"],
        payment_reference=answer["payment_reference"],
        tracking_number=answer["tracking_number"],
    )


def _status(order_id: OrderId, answer: Mapping[str, Any]) -> SagaStatus:
    outcome = answer["outcome"]
    return SagaStatus(
        order_id=order_id,
        step=answer["step"],
        waits_for=answer["waits_for"],
        can_cancel=answer["can_cancel"],
        needs_attention=answer["needs_attention"],
        attention=cast("str | None", answer["attention"]),
        outcome=Outcome(outcome) if outcome else None,
        details=answer,
    )

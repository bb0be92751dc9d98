"""The verbs: place, status, result, and every update of an order."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Literal, Self

from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.service import RPCError

from ordersaga_client import placing
from ordersaga_client.calls import Json, send_update, status_of
from ordersaga_client.documents import (
    Address,
    OrderDocument,
    OrderResult,
    OrderStatus,
    Placed,
    UpdateAnswer,
)
from ordersaga_client.failures import details_of, failure, missing_order
from ordersaga_client.parcels import ParcelsClient
from ordersaga_client.returns import ReturnsClient


class OrderSagaClient:
    """Places, watches and steers orders.

    Every method raises temporalio's RPCError when Temporal does not answer.

    Attributes:
        parcels: the client for parcels.
        returns: the client for returns.
    """

    def __init__(self, client: Client) -> None:
        """Use a connection that the service has already."""
        self._client = client
        self.parcels = ParcelsClient(client)
        self.returns = ReturnsClient(client)

    @classmethod
    async def connect(cls, address: str = "localhost:7233", **options: Any) -> Self:
        """Connect to Temporal; `options` are those of `temporalio.client.Client.connect`.

        Raises:
            RuntimeError: Temporal does not answer.
        """
        return cls(await Client.connect(address, **options))

    async def place(self, document: OrderDocument | Json) -> Placed:
        """Place an order, once: the same order again changes nothing.

        Raises:
            InvalidDocument: names every wrong field; nothing was changed.
            OrderConflict: the order id belongs to another order.
            NotPossibleNow: too many calls wait for the event store.
            TemporalUnavailable: nothing answered within a minute; place it again.
        """
        return await placing.place(self._client, document)

    async def result(self, order_id: str) -> OrderResult:
        """Wait until the order has ended.

        A run that another document started under the same id is left out.

        Raises:
            SagaUnknown: Temporal has no such order.
            InvalidDocument, OrderConflict: the order was started without `place`, and refused.
            RunFailed: the run failed or was terminated.
        """
        try:
            answer = await self._handle(order_id).result()
        except WorkflowFailureError as error:
            answer = await self._owners_result(order_id, error)
        except RPCError as error:
            raise missing_order(error, order_id) from error
        return OrderResult.model_validate(answer)

    async def status(self, order_id: str) -> OrderStatus:
        """Where the order stands; needs a running worker.

        A run that another document started under the same id is left out.

        Raises:
            SagaUnknown: Temporal has no such order.
            TemporalUnavailable: nothing answered within a minute.
        """
        handle = self._handle(order_id)
        answer = await status_of(handle, lambda error: missing_order(error, order_id))
        status = OrderStatus.model_validate(answer)
        if not (status.conflict and status.conflict.run_id):
            return status
        with suppress(RPCError):  # Temporal may have forgotten the run that took the order on
            handle = self._handle(order_id, status.conflict.run_id)
            owners = OrderStatus.model_validate(await status_of(handle, lambda error: error))
            if owners.outcome == status.outcome:  # else a later run has ended the order
                return owners
        return status

    async def update(self, order_id: str, update: str, message: Json) -> UpdateAnswer:
        """Send any update with its message.

        Raises:
            InvalidDocument: the message is wrong.
            NotPossibleNow: the order does not allow it now, or it has ended.
            SagaUnknown: Temporal has no such order.
            TemporalUnavailable: nothing answered within a minute; it may be done.
        """
        handle = self._handle(order_id)
        answer = await send_update(
            handle, update, message, lambda error: missing_order(error, order_id)
        )
        return UpdateAnswer.model_validate(answer)

    async def cancel(
        self,
        order_id: str,
        *,
        actor: str,
        reason: str,
        requested_by: Literal["customer", "operator"] = "customer",
    ) -> UpdateAnswer:
        """Cancel the order and undo what was done; raises as `update`."""
        message = {"actor": actor, "reason": reason, "requested_by": requested_by}
        return await self.update(order_id, "cancel", message)

    async def hold(self, order_id: str, *, actor: str, reason: str) -> UpdateAnswer:
        """Start no further step; raises as `update`."""
        return await self.update(order_id, "hold", {"actor": actor, "reason": reason})

    async def resume(self, order_id: str, *, actor: str, reason: str) -> UpdateAnswer:
        """Go on after a hold; raises as `update`."""
        return await self.update(order_id, "resume", {"actor": actor, "reason": reason})

    async def retry(self, order_id: str, *, actor: str, reason: str) -> UpdateAnswer:
        """Try again now what fails; raises as `update`."""
        return await self.update(order_id, "retry", {"actor": actor, "reason": reason})

    async def resolve(
        self,
        order_id: str,
        *,
        actor: str,
        note: str,
        goods: Literal["ship_and_collect", "lost", "coming_back"] | None = None,
    ) -> UpdateAnswer:
        """State that a person has settled what the order waits for; raises as `update`."""
        message = {"actor": actor, "note": note, **({"goods": goods} if goods else {})}
        return await self.update(order_id, "resolve", message)

    async def change_address(
        self, order_id: str, address: Address, *, actor: str, reason: str
    ) -> UpdateAnswer:
        """Deliver to another address, until the label is requested; raises as `update`."""
        message = {"actor": actor, "reason": reason, "address": address}
        return await self.update(order_id, "change_address", message)

    async def amend(
        self, order_id: str, pieces: Mapping[str, int], *, actor: str, reason: str
    ) -> UpdateAnswer:
        """Remove pieces; `pieces` is what stays of each line, by its id; raises as `update`."""
        lines = [{"line_id": line, "quantity": quantity} for line, quantity in pieces.items()]
        message = {"actor": actor, "reason": reason, "lines": lines}
        return await self.update(order_id, "amend", message)

    async def choose(
        self,
        order_id: str,
        choice: Literal["ship_available", "wait", "cancel"],
        *,
        actor: str,
        reason: str,
    ) -> UpdateAnswer:
        """Choose what to do about unavailable items; raises as `update`."""
        message = {"actor": actor, "reason": reason, "choice": choice}
        return await self.update(order_id, "choose", message)

    async def pay(
        self,
        order_id: str,
        token: str | None = None,
        *,
        confirmed: str | None = None,
        actor: str,
        reason: str,
    ) -> UpdateAnswer:
        """Pay in another way after a decline; raises as `update`.

        Args:
            order_id: the order.
            token: the provider's token for a payment method.
            confirmed: or the provider's reference of a payment that was confirmed at checkout.
            actor: who gives it.
            reason: why.
        """
        message: dict[str, Any] = {"actor": actor, "reason": reason}
        if token is not None:
            message["token"] = token
        if confirmed is not None:
            message["confirmed"] = {"reference": confirmed}
        return await self.update(order_id, "pay", message)

    def _handle(self, order_id: str, run_id: str | None = None) -> WorkflowHandle[Any, Any]:
        return self._client.get_workflow_handle(placing.workflow_id(order_id), run_id=run_id)

    async def _owners_result(self, order_id: str, error: WorkflowFailureError) -> Any:
        """The result of the order that has the id, if the latest run was refused because of it."""
        conflict = details_of(error)
        if conflict.get("result"):
            return conflict["result"]
        if conflict.get("run_id"):
            with suppress(
                RPCError, WorkflowFailureError
            ):  # Temporal has forgotten it, or it is lost
                return await self._handle(order_id, conflict["run_id"]).result()
        raise failure(error) from error

"""Goods or money of a completed order that go back."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowUpdateFailedError,
)
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from ordersaga_client.calls import PAUSE_S, Json, Missing, answered, send_update, status_of
from ordersaga_client.documents import (
    Amount,
    Pieces,
    RefundAnswer,
    ReturnDocument,
    ReturnResult,
    ReturnStatus,
    UpdateAnswer,
)
from ordersaga_client.failures import failure, invalid, missing, refusal
from ordersaga_client.placing import QUEUE

WORKFLOW: Final = "OrderReturn"
Refund = Literal["full", "none"] | Amount
"""``full``: what was paid for the pieces; ``{"amount_minor": n}``: n minor units."""
Restock = Literal["all", "none"] | Sequence[Pieces]
"""``[{"line_id": ..., "quantity": ...}]`` for a part of what comes back."""


class ReturnsClient:
    """Opens, watches and steers returns. `OrderSagaClient.returns` is one.

    Every method raises temporalio's RPCError when Temporal does not answer.
    """

    def __init__(self, client: Client) -> None:
        """Use a connection that the service has already."""
        self._client = client

    async def open(self, document: ReturnDocument | Json) -> UpdateAnswer:
        """Open a return, once: the same one again changes nothing.

        The answer is pending if the event store does not answer soon; the return is opened unless
        the order does not allow it.

        Raises:
            InvalidDocument: names every wrong field; nothing was changed.
            ReturnConflict: the return id belongs to another return.
            ReturnRefused: what was shipped or returned does not allow it.
            NotPossibleNow: too many calls wait for the event store.
            TemporalUnavailable: nothing answered within a minute; open it again.
        """
        order_id, return_id = (_id_in(document, name) for name in ("order_id", "return_id"))
        problem = f"nothing answered for return {return_id}: it may be open; open it again"
        async with answered(problem):
            while True:
                try:
                    return await self._open_once(_workflow_id(order_id, return_id), document)
                except RPCError as error:
                    if error.status is not RPCStatusCode.NOT_FOUND:
                        raise  # else the return ended while it was asked
                await asyncio.sleep(PAUSE_S)

    async def status(self, order_id: str, return_id: str) -> ReturnStatus:
        """Where the return stands; needs a running worker.

        Raises:
            NotFound: Temporal has no such return.
        """
        handle = self._handle(order_id, return_id)
        return ReturnStatus.model_validate(await status_of(handle, _missing(return_id)))

    async def result(self, order_id: str, return_id: str) -> ReturnResult:
        """Wait until refund and restock are decided and carried out.

        Raises:
            NotFound: Temporal has no such return.
            InvalidDocument, ReturnConflict, ReturnRefused: it was refused.
            RunFailed: it failed or was terminated.
        """
        try:
            answer = await self._handle(order_id, return_id).result()
        except WorkflowFailureError as error:
            raise failure(error) from error
        except RPCError as error:
            raise _missing(return_id)(error) from error
        return ReturnResult.model_validate(answer)

    async def refund(
        self, order_id: str, return_id: str, refund: Refund, *, actor: str, reason: str
    ) -> RefundAnswer:
        """Grant or deny a refund.

        Raises:
            InvalidDocument: the message is wrong.
            NotPossibleNow: it is decided already, or the return has ended.
            ReturnRefused: it exceeds what was captured and not refunded.
            NotFound: Temporal has no such return.
        """
        message = {"refund": refund, "actor": actor, "reason": reason}
        answer = await self._update(order_id, return_id, "decide_refund", message)
        return RefundAnswer.model_validate(answer)

    async def restock(
        self, order_id: str, return_id: str, restock: Restock, *, actor: str, reason: str
    ) -> UpdateAnswer:
        """Decide what goes back into stock; raises as `refund`."""
        message = {"restock": restock, "actor": actor, "reason": reason}
        answer = await self._update(order_id, return_id, "decide_restock", message)
        return UpdateAnswer.model_validate(answer)

    async def retry(
        self, order_id: str, return_id: str, *, actor: str, reason: str
    ) -> UpdateAnswer:
        """Try a failed refund again, now; raises as `refund`."""
        message = {"actor": actor, "reason": reason}
        return UpdateAnswer.model_validate(
            await self._update(order_id, return_id, "retry", message)
        )

    async def resolve(
        self, order_id: str, return_id: str, *, actor: str, note: str
    ) -> UpdateAnswer:
        """State that a refund was made by hand; raises as `refund`."""
        message = {"actor": actor, "note": note}
        return UpdateAnswer.model_validate(
            await self._update(order_id, return_id, "resolve", message)
        )

    async def _open_once(self, workflow_id: str, document: Json) -> UpdateAnswer:
        start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
            WORKFLOW,
            document,
            id=workflow_id,
            task_queue=QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )
        try:
            answer = await self._client.execute_update_with_start_workflow(
                "open", document, start_workflow_operation=start
            )
        except WorkflowUpdateFailedError as error:
            raise refusal(error) from error
        return UpdateAnswer.model_validate(answer)

    async def _update(self, order_id: str, return_id: str, update: str, message: Json) -> Any:
        handle = self._handle(order_id, return_id)
        return await send_update(handle, update, message, _missing(return_id))

    def _handle(self, order_id: str, return_id: str) -> WorkflowHandle[Any, Any]:
        return self._client.get_workflow_handle(_workflow_id(order_id, return_id))


def _workflow_id(order_id: str, return_id: str) -> str:
    return f"return-{order_id}-{return_id}"


def _id_in(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str):
        raise invalid(name, "missing", "is missing")
    return value


def _missing(return_id: str) -> Missing:
    return lambda error: missing(error, f"return {return_id}")

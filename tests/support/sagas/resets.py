"""What an operator can do to a run in Temporal itself, and what must stay as it is."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import CancelledError
from temporalio.service import RPCError, RPCStatusCode

from tests.support.sagas.sagas import Handle
from tests.support.sagas.shop import Shop

ENDS_WITHIN_S: Final = 120
_NOT_THERE: Final = (RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.FAILED_PRECONDITION)
# What a run may still record about an order that has ended: what was done to the run itself.
_ABOUT_THE_RUN: Final = {"OperatorActed"}


@dataclass(frozen=True)
class Effects:
    """Everything that an order has done to the world."""

    story: tuple[str, ...]
    payments: tuple[Any, ...]
    labels: tuple[Any, ...]
    stock: tuple[int, int]
    status: str | None


async def effects_of(shop: Shop, order_id: str) -> Effects:
    """What the order has done so far."""
    story = await shop.story(order_id)
    stock = await shop.stock(f"{order_id}-sku")
    return Effects(
        tuple(event for event in story if event not in _ABOUT_THE_RUN),
        tuple([p async for p in shop.payments.payments() if p.order_id == order_id]),
        tuple([label async for label in shop.carrier.labels() if label.order_id == order_id]),
        (stock.on_hand, stock.reserved),
        await shop.status(order_id),
    )


async def reset(client: Client, workflow_id: str, run_id: str, event_id: int) -> str | None:
    """Reset a run to an event, as the button does; returns the new run, None if it is refused."""
    request = ResetWorkflowExecutionRequest(
        namespace=client.namespace,
        workflow_execution=WorkflowExecution(workflow_id=workflow_id, run_id=run_id),
        reason="an operator tries the button",
        workflow_task_finish_event_id=event_id,
        request_id=str(uuid4()),
    )
    try:
        answer = await client.workflow_service.reset_workflow_execution(request)
    except RPCError as error:
        if error.status not in _NOT_THERE:
            raise
        return None
    return answer.run_id


async def reset_everywhere(client: Client, handle: Handle) -> AsyncIterator[tuple[int, Handle]]:
    """Reset a run to each event where that is possible; gives the event and the new run."""
    run_id = str((await handle.describe()).run_id)
    first: WorkflowHandle[Any, Any] = client.get_workflow_handle(handle.id, run_id=run_id)
    events = len((await first.fetch_history()).events)
    for event_id in range(1, events + 1):
        if new := await reset(client, handle.id, run_id, event_id):
            yield event_id, client.get_workflow_handle(handle.id, run_id=new)


async def end_of(run: Handle) -> Any:
    """The result of a run; the exception's type and text if it has none."""
    try:
        async with asyncio.timeout(ENDS_WITHIN_S):
            return await run.result()
    except WorkflowFailureError as failed:
        if isinstance(failed.cause, CancelledError):
            return "cancelled"
        return f"{type(failed.cause).__name__}: {failed.cause}"
    except TimeoutError:
        return f"does not end: {await run.query('status')}"

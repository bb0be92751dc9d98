"""Temporal's own copies: the history of a saga holds the order document it was started with."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from temporalio.api.common.v1 import WorkflowExecution as ExecutionId
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from activities.messages import WORKFLOW_TYPE
from domain.ids import CustomerId, OrderId, order_stream
from workflows.common.search_attributes import CUSTOMER_ID
from workflows.fulfillment.visibility import GUEST

_AT_ONCE = 10
_ORDERS_IN_A_QUERY = 50


@dataclass(frozen=True, slots=True)
class DeletedHistories:
    """How many runs were deleted, and the workflow ids of those that still run."""

    deleted: int
    running: Sequence[str]


async def delete_histories(
    client: Client, customer_id: CustomerId | None, order_ids: Sequence[OrderId]
) -> DeletedHistories:
    """Delete every closed run of the sagas of a customer, or of the order of a guest.

    Raises:
        RPCError: Temporal does not answer, or refuses.
    """
    runs: dict[str, WorkflowExecution] = {}
    for query in _queries(customer_id, order_ids):
        async for found in client.list_workflows(query):
            runs[found.run_id] = found
    # What has just ended is not in a listing yet, or stands there as running.
    slots = asyncio.Semaphore(_AT_ONCE)
    suspects = {(order_stream(order_id), "") for order_id in order_ids}
    suspects |= {(run.id, run.run_id) for run in runs.values() if _runs(run)}
    for now in await asyncio.gather(*(_describe(client, slots, *one) for one in suspects)):
        if now is not None:
            runs[now.run_id] = now
    closed = [run for run in runs.values() if not _runs(run)]
    await asyncio.gather(*(_delete(client, slots, run) for run in closed))
    return DeletedHistories(len(closed), sorted({run.id for run in runs.values() if _runs(run)}))


def _queries(customer_id: CustomerId | None, order_ids: Sequence[OrderId]) -> list[str]:
    of_type = f"WorkflowType = '{WORKFLOW_TYPE}'"
    queries = []
    if customer_id not in (None, GUEST):  # a customer of that name is found by the orders alone
        queries.append(f"{of_type} AND {CUSTOMER_ID.name} = '{customer_id}'")
    for start in range(0, len(order_ids), _ORDERS_IN_A_QUERY):
        some = order_ids[start : start + _ORDERS_IN_A_QUERY]
        names = ", ".join(f"'{order_stream(order_id)}'" for order_id in some)
        queries.append(f"{of_type} AND WorkflowId IN ({names})")
    return queries


def _runs(run: WorkflowExecution) -> bool:
    return run.status is WorkflowExecutionStatus.RUNNING


async def _describe(
    client: Client, slots: asyncio.Semaphore, workflow_id: str, run_id: str
) -> WorkflowExecution | None:
    async with slots:
        try:
            return await client.get_workflow_handle(workflow_id, run_id=run_id or None).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise


async def _delete(client: Client, slots: asyncio.Semaphore, run: WorkflowExecution) -> None:
    request = DeleteWorkflowExecutionRequest(
        namespace=client.namespace,
        workflow_execution=ExecutionId(workflow_id=run.id, run_id=run.run_id),
    )
    async with slots:
        try:
            await client.workflow_service.delete_workflow_execution(request)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise

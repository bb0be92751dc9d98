"""Deletes saga histories from Temporal; they hold the order document of the start."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from temporalio.api.common.v1 import WorkflowExecution as ExecutionId
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from activities.messages import WORKFLOW_TYPE
from domain.ids import CustomerId, OrderId, order_stream
from ordersaga.errors import Unreachable
from workflows.common.search_attributes import CUSTOMER_ID
from workflows.fulfillment.visibility import GUEST

_AT_ONCE = 10
_ORDERS_IN_A_QUERY = 50


@dataclass(frozen=True, slots=True)
class DeletedHistories:
    """How many runs were deleted, and the workflow ids of those still running."""

    deleted: int
    running: Sequence[str]


async def delete_histories(
    client: Client, customer_id: CustomerId | None, order_ids: Sequence[OrderId]
) -> DeletedHistories:
    """Delete every closed run of a customer's sagas, or of the saga of a guest's order.

    Raises:
        Unreachable: Temporal does not answer, or refuses.
    """
    try:
        return await _delete_histories(client, customer_id, order_ids)
    except RPCError as error:
        raise Unreachable(f"Temporal: {error.message}") from error


async def _delete_histories(
    client: Client, customer_id: CustomerId | None, order_ids: Sequence[OrderId]
) -> DeletedHistories:
    runs: dict[str, WorkflowExecution] = {}
    for query in _queries(customer_id, order_ids):
        async for run in client.list_workflows(query):
            runs[run.run_id] = run
    # A run that has just ended is missing in lists, or still listed as running.
    slots = asyncio.Semaphore(_AT_ONCE)
    unsure = {(order_stream(order_id), "") for order_id in order_ids}
    unsure |= {(run.id, run.run_id) for run in runs.values() if _runs(run)}
    for now in await asyncio.gather(*(_describe(client, slots, *one) for one in unsure)):
        if now is not None:
            runs[now.run_id] = now
    closed = [run for run in runs.values() if not _runs(run)]
    await asyncio.gather(*(_delete(client, slots, run) for run in closed))
    return DeletedHistories(len(closed), sorted({run.id for run in runs.values() if _runs(run)}))


def _queries(customer_id: CustomerId | None, order_ids: Sequence[OrderId]) -> list[str]:
    of_type = f"WorkflowType = '{WORKFLOW_TYPE}'"
    queries = []
    if customer_id not in (None, GUEST):  # the orders of a customer with that id are selected below
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

"""Deletes saga histories from Temporal; they hold the order document of the start."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from temporalio.api.common.v1 import WorkflowExecution as ExecutionId
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities.messages import WORKFLOW_TYPE
from domain.ids import CustomerId, OrderId, order_stream
from ordersaga.errors import Unreachable
from ordersaga.operations.temporal_runs import Run, find_run, list_runs
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
    runs: dict[str, Run] = {}
    for query in _queries(customer_id, order_ids):
        async for run in list_runs(client, query):
            runs[run.run_id] = run
    slots = asyncio.Semaphore(_AT_ONCE)

    async def update(workflow_id: str, run_id: str) -> None:
        async with slots:
            run = await find_run(client, workflow_id, run_id)
        if run is not None:
            runs[run.run_id] = run

    async def delete(run: Run) -> None:
        async with slots:
            await _delete(client, run)

    # A run that has just ended is missing in lists, or still listed as running.
    unsure = {(order_stream(order_id), "") for order_id in order_ids}
    unsure |= {(run.workflow_id, run.run_id) for run in runs.values() if run.is_open}
    await asyncio.gather(*(update(*one) for one in unsure))
    closed = [run for run in runs.values() if not run.is_open]
    await asyncio.gather(*map(delete, closed))
    running = sorted({run.workflow_id for run in runs.values() if run.is_open})
    return DeletedHistories(len(closed), running)


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


async def _delete(client: Client, run: Run) -> None:
    request = DeleteWorkflowExecutionRequest(
        namespace=client.namespace,
        workflow_execution=ExecutionId(workflow_id=run.workflow_id, run_id=run.run_id),
    )
    try:
        await client.workflow_service.delete_workflow_execution(request)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise

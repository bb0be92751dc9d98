"""Starting sagas in tests and reading what became of them."""

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Literal

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.common import TypedSearchAttributes
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from activities.messages import ORDERS_QUEUE, WORKFLOW_TYPE
from tests.support.sagas.shop import Shop, document
from tests.support.schemas.answers import as_published
from workflows.documents.order import parse_document
from workflows.documents.validation import InvalidDocument
from workflows.fulfillment.visibility import initial_attributes

Handle = WorkflowHandle[Any, Any]

_numbers = itertools.count(1)
PATIENCE_S = 120.0  # a busy machine may take long; nobody waits where it is quick


def new_order_id() -> str:
    """An order id that no other test of this run uses."""
    return f"T{next(_numbers)}"


async def start(client: Client, order_id: str, content: Any = None, **options: Any) -> Handle:
    """Start a saga with the usual document, or with `content`, as ordersaga's own client would.

    `search_attributes=None` starts it as a client does that knows nothing of them.
    """
    content = document(order_id) if content is None else content
    return await client.start_workflow(
        WORKFLOW_TYPE,
        content,
        id=f"order-{order_id}",
        task_queue=ORDERS_QUEUE,
        **{"search_attributes": _attributes(content, order_id), **options},
    )


def _attributes(content: Any, order_id: str) -> TypedSearchAttributes | None:
    try:
        return initial_attributes(parse_document(content, f"order-{order_id}"))
    except InvalidDocument:
        return None


async def result(handle: Handle) -> Any:
    """What the run ended with, in the form that is published."""
    async with asyncio.timeout(PATIENCE_S):
        answer = await handle.result()
    return as_published(f"{handle.id.partition('-')[0]}.result", answer)


async def stocked_saga(
    client: Client, shop: Shop, stock: int = 10, **changes: Any
) -> tuple[str, Handle]:
    """A saga over an order whose only item is in stock."""
    order_id = new_order_id()
    await shop.receive(f"{order_id}-sku", stock)
    return order_id, await start(client, order_id, document(order_id, **changes))


async def failure(handle: Handle) -> ApplicationError:
    """The ApplicationError that the run failed with."""
    try:
        outcome = await result(handle)
    except WorkflowFailureError as error:
        if isinstance(error.cause, ApplicationError):
            return error.cause
        raise
    raise AssertionError(f"the run did not fail: {outcome}")


async def until(
    condition: Callable[[], Awaitable[bool]], patience_s: float = PATIENCE_S, pause_s: float = 0.02
) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(patience_s):
        while not await condition():  # noqa: ASYNC110  a server is asked, nothing here can wake us
            await asyncio.sleep(pause_s)


async def until_status(
    handle: Handle, patience_s: float = PATIENCE_S, **expected: Any
) -> dict[str, Any]:
    """Wait until the saga's status has these values; returns it."""
    status: dict[str, Any] = {}

    async def reached() -> bool:
        answer = await handle.query("status")
        status.update(as_published(f"{handle.id.partition('-')[0]}.status", answer))
        return all(status[name] == value for name, value in expected.items())

    await until(reached, patience_s, pause_s=0.02 if patience_s == PATIENCE_S else 0.25)
    return status


async def forget(client: Client, workflow_id: str) -> None:
    """Delete every run of a workflow, as Temporal's retention does."""

    async def is_forgotten() -> bool:
        query = f"WorkflowId = '{workflow_id}'"
        listed = [run.run_id async for run in client.list_workflows(query)]
        try:
            latest = await client.get_workflow_handle(workflow_id).describe()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            runs = set(listed)
        else:
            runs = {*listed, latest.run_id}
        for run_id in runs:
            await _delete(client, WorkflowExecution(workflow_id=workflow_id, run_id=run_id))
        return not runs

    await until(is_forgotten, pause_s=0.2)


async def _delete(client: Client, run: WorkflowExecution) -> None:
    request = DeleteWorkflowExecutionRequest(namespace=client.namespace, workflow_execution=run)
    with suppress(RPCError):  # it is gone already, though still on the list
        await client.workflow_service.delete_workflow_execution(request)


async def until_listed(client: Client, query: str, workflow_id: str) -> None:
    """Wait until Temporal's list finds the run by a query."""

    async def is_listed() -> bool:
        return workflow_id in [run.id async for run in client.list_workflows(query)]

    await until(is_listed)


async def until_listed_as(handle: Handle, order_status: str) -> None:
    """Wait until the search attribute `OrderStatus` has had this value."""

    async def is_shown() -> bool:
        return order_status in await statuses_shown(handle)

    await until(is_shown)


async def activities_of(handle: Handle) -> list[str]:
    """The ids of the activities that the saga scheduled, in order."""
    return [
        event.activity_task_scheduled_event_attributes.activity_id
        for event in (await handle.fetch_history()).events
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    ]


async def until_activity(
    handle: Handle, activity_id: str, event: Literal["completed", "cancel_requested"]
) -> None:
    """Wait until an activity of the workflow has completed, or was asked to stop."""
    attributes = f"activity_task_{event}_event_attributes"

    async def is_in_the_history() -> bool:
        events = (await handle.fetch_history()).events
        scheduled = {
            each.event_id: each.activity_task_scheduled_event_attributes.activity_id
            for each in events
        }
        return activity_id in {
            scheduled[getattr(each, attributes).scheduled_event_id]
            for each in events
            if each.HasField(attributes)
        }

    await until(is_in_the_history)


async def upserts_of(handle: Handle) -> int:
    """How often the saga wrote its search attributes."""
    history = await handle.fetch_history()
    upsert = EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES
    return sum(event.event_type == upsert for event in history.events)


async def statuses_shown(handle: Handle) -> list[str]:
    """All values that the search attribute `OrderStatus` has had, in order."""
    wrote = [
        attributes.indexed_fields["OrderStatus"].data
        for event in (await handle.fetch_history()).events
        for attributes in (
            event.workflow_execution_started_event_attributes.search_attributes,
            event.upsert_workflow_search_attributes_event_attributes.search_attributes,
        )
        if "OrderStatus" in attributes.indexed_fields
    ]
    return [json.loads(value) for value in wrote]


_OF_THE_SERVER = {
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND,  # a message had come in
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND,  # too many had
}
"""With these causes a server ends tasks of a flooded run; the next task does their work."""


async def failed_tasks(*runs: Handle) -> list[str]:
    """Why workflow tasks of these runs failed by what the worker answered: cause and message."""
    attributes = [
        event.workflow_task_failed_event_attributes
        for run in runs
        for event in (await run.fetch_history()).events
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
    ]
    return [
        f"{WorkflowTaskFailedCause.Name(each.cause)}: {each.failure.message}"
        for each in attributes
        if each.cause not in _OF_THE_SERVER
    ]

"""The side of Temporal: suspicious runs, the latest run of an order, task queues.

No call lists all open sagas. Suspects come from visibility queries by status and time, each for at
most `SUSPECTS` runs; a description is one call a workflow, `AT_ONCE` at a time.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import (
    EventType,
    PendingActivityState,
    TaskQueueType,
    WorkflowTaskFailedCause,
)
from temporalio.api.history.v1 import HistoryEvent, WorkflowTaskFailedEventAttributes
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.api.workflowservice.v1 import (
    DescribeTaskQueueRequest,
    DescribeTaskQueueResponse,
    GetWorkflowExecutionHistoryReverseRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities.messages import ALL_QUEUES, ORDERS_QUEUE, WORKFLOW_TYPE
from domain.errors import InvalidValue
from domain.ids import OrderId, order_stream, parse_order_id
from ordersaga.operations.temporal_runs import Run, find_run, list_runs
from ordersaga.operations.watchdog.comparison import QUIET_AFTER, QueueFacts, RunFacts
from workflows.common.search_attributes import NEEDS_ATTENTION, SAGA_STEP
from workflows.fulfillment.state import AWAITING_CHOICE, AWAITING_STOCK, ON_HOLD

SUSPECTS: Final = 100
AT_ONCE: Final = 20
_PREFIX: Final = order_stream(OrderId(""))
_WAITING_STEPS: Final = frozenset({ON_HOLD, AWAITING_CHOICE, AWAITING_STOCK})
_PAUSED: Final = frozenset(
    {
        PendingActivityState.PENDING_ACTIVITY_STATE_PAUSED,
        PendingActivityState.PENDING_ACTIVITY_STATE_PAUSE_REQUESTED,
    }
)
_FAILED: Final = EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
_LAST_EVENTS: Final = 10
_OUR_ID: Final = f"WorkflowId STARTS_WITH '{_PREFIX}'"
_LISTED: Final = f"WorkflowType = '{WORKFLOW_TYPE}' AND "
_QUEUES: Final = (
    (ORDERS_QUEUE, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW),
    *((queue, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY) for queue in ALL_QUEUES),
)


async def suspects(client: Client, since: datetime, now: datetime) -> set[OrderId]:
    """Orders whose runs visibility shows as suspicious.

    These are: runs that ended badly since a time, paused ones, those under another type, those
    whose workflow task the server reports as failing, and those that were started since that time
    and are not finished soon.

    Args:
        client: Temporal.
        since: when the look before this one began, or somewhat earlier: visibility may lag.
        now: by the clock of Temporal.

    Raises:
        RPCError: Temporal does not answer.
    """
    ended = f"CloseTime > '{_text(since)}'"
    began = f"StartTime BETWEEN '{_text(since)}' AND '{_text(now - QUIET_AFTER)}'"
    queries = (
        f"{_LISTED}ExecutionStatus IN ('Terminated', 'TimedOut') AND {ended}",
        f"{_LISTED}ExecutionStatus = 'Failed' AND {ended}",  # apart: refused documents may be many
        f"{_LISTED}ExecutionStatus = 'Running' AND {began}",
        f"{_LISTED}ExecutionStatus = 'Running' AND TemporalReportedProblems IS NOT NULL",
        f"{_LISTED}ExecutionStatus = 'Paused'",
        f"WorkflowType != '{WORKFLOW_TYPE}' AND {_OUR_ID} AND CloseTime IS NULL",
    )
    return {
        order_id
        for query in queries
        async for run in _selected(client, query)
        if (order_id := _order_of(run.workflow_id)) is not None
    }


async def _selected(client: Client, query: str) -> AsyncIterator[Run]:
    try:
        async for run in list_runs(client, query, SUSPECTS):
            yield run
    except RPCError as error:
        # An older server knows neither paused runs nor reported problems, and has none.
        if error.status is not RPCStatusCode.INVALID_ARGUMENT:
            raise


def _order_of(workflow_id: str) -> OrderId | None:
    try:
        return parse_order_id(workflow_id.removeprefix(_PREFIX))
    except InvalidValue:
        return None


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


async def describe_runs(
    client: Client, order_ids: Collection[OrderId]
) -> Mapping[OrderId, RunFacts | None]:
    """The latest run of each order; None if Temporal does not know it.

    Raises:
        RPCError: Temporal does not answer.
    """
    slots = asyncio.Semaphore(AT_ONCE)

    async def describe(order_id: OrderId) -> RunFacts | None:
        async with slots:
            return await _run_facts(client, order_id)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = {each: group.create_task(describe(each)) for each in order_ids}
    except ExceptionGroup as failures:
        first = failures.exceptions[0]
        raise first from first.__cause__  # without the group, with what caused it
    return {order_id: task.result() for order_id, task in tasks.items()}


async def _run_facts(client: Client, order_id: OrderId) -> RunFacts | None:
    run = await find_run(client, order_stream(order_id))
    if run is None:
        return None
    return RunFacts(
        run_id=run.run_id,
        workflow_type=run.workflow_type,
        status=run.status,
        failing_task=await _failing_task(client, run),
        waits=_waits(run),
    )


def _waits(run: Run) -> bool:
    """Whether the saga shows what it waits for, or tries again something that failed."""
    shown = run.attributes.get(NEEDS_ATTENTION) or run.attributes.get(SAGA_STEP) in _WAITING_STEPS
    return bool(shown) or any(map(_is_tried_again, run.pending))


def _is_tried_again(activity: PendingActivityInfo) -> bool:
    return activity.state not in _PAUSED and activity.HasField("last_failure")


async def _failing_task(client: Client, run: Run) -> str | None:
    """Why the pending workflow task fails; None if it does not.

    Its attempt rises also when a worker dies. Only a failure is in the history, and only the first
    one: later attempts are left to run into their time limit.
    """
    if run.task_attempt < 2:
        return None
    request = GetWorkflowExecutionHistoryReverseRequest(
        namespace=client.namespace,
        execution=WorkflowExecution(workflow_id=run.workflow_id, run_id=run.run_id),
        maximum_page_size=_LAST_EVENTS,
    )
    page = await client.workflow_service.get_workflow_execution_history_reverse(request, retry=True)
    return _last_failure(page.history.events)


def _last_failure(latest_first: "Collection[HistoryEvent]") -> str | None:
    ends = (_FAILED, EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT)
    for event in latest_first:
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
            return None
        if event.event_type in ends:
            failed = event.event_type == _FAILED
            return _cause(event.workflow_task_failed_event_attributes) if failed else None
    return None


def _cause(failed: WorkflowTaskFailedEventAttributes) -> str:
    """The kind of the failure; its message may quote what a client sent."""
    name = WorkflowTaskFailedCause.Name(failed.cause)
    cause = name.removeprefix("WORKFLOW_TASK_FAILED_CAUSE_").replace("_", " ").lower()
    kind = failed.failure.application_failure_info.type
    return f"{cause}, {kind}" if kind else cause


async def describe_queues(client: Client) -> list[QueueFacts]:
    """All task queues of ordersaga.

    Raises:
        RPCError: Temporal does not answer.
    """
    return [await _queue_facts(client, name, kind) for name, kind in _QUEUES]


async def _queue_facts(client: Client, name: str, kind: "TaskQueueType.ValueType") -> QueueFacts:
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=name),
        task_queue_type=kind,
        report_stats=True,
    )
    described = await client.workflow_service.describe_task_queue(request, retry=True)
    return QueueFacts(
        name=name,
        backlog=described.stats.approximate_backlog_count,
        backlog_age=described.stats.approximate_backlog_age.ToTimedelta(),
        last_poll_age=_last_poll_age(described),
    )


def _last_poll_age(described: DescribeTaskQueueResponse) -> timedelta | None:
    polls = [poller.last_access_time.ToDatetime(UTC) for poller in described.pollers]
    return datetime.now(UTC) - max(polls) if polls else None

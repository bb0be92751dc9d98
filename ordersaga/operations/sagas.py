"""Sagas as Temporal knows them: lists, and one in detail."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from temporalio.api.enums.v1 import PendingActivityState
from temporalio.client import Client, RPCError, WorkflowQueryFailedError, WorkflowQueryRejectedError
from temporalio.service import RPCStatusCode

from activities.messages import WORKFLOW_TYPE
from activities.returns.messages import DELIVERY_WORKFLOW_TYPE, RETURN_WORKFLOW_TYPE
from domain.ids import OrderId, order_stream
from domain.values import Compensation, Step
from ordersaga.errors import Refused, WrongUsage
from ordersaga.findings.table import Finding
from ordersaga.operations.saga_views import ListedSaga, RunningActivity, SagaDetails, SagaFilter
from ordersaga.operations.temporal_runs import Run, find_run, list_runs
from workflows.common.search_attributes import NEEDS_ATTENTION, ORDER_STATUS, SAGA_STEP, STARTING
from workflows.fulfillment.state import (
    AMENDING,
    AWAITING_CHOICE,
    AWAITING_PAYMENT,
    AWAITING_STOCK,
    CLOSED,
    CLOSING,
    ON_HOLD,
    SETTLING,
    TURNING_BACK,
)

if TYPE_CHECKING:
    from ordersaga.bootstrap.settings import Settings


STATUSES: Final = (
    "submitted",
    "backordered",
    "reserved",
    "awaiting_payment",
    "processing",
    "compensating",
    "refund_pending",
    "waiting_for_provider",
    "waiting_for_event_store",
    "completed",
    "cancelled",
)
STEPS: Final = (
    *(step.value for step in Step),
    *(compensation.value for compensation in Compensation),
    *(STARTING, AWAITING_CHOICE, AWAITING_STOCK, AWAITING_PAYMENT, AMENDING, SETTLING),
    *(ON_HOLD, TURNING_BACK, CLOSING, CLOSED),
)
_ANSWER_S: Final = 5
AT_ONCE: Final = 20


async def list_sagas(client: Client, conditions: SagaFilter) -> list[ListedSaga]:
    """Sagas from Temporal's visibility store, which may lag by a second.

    Raises:
        WrongUsage: there is no such status or step, or Temporal does not understand the condition.
    """
    runs = list_runs(client, query_of(conditions), conditions.limit)
    try:
        # A condition that closes our bracket could select workflows of other types.
        return [listed(run) async for run in runs if run.workflow_type == WORKFLOW_TYPE]
    except RPCError as error:
        if conditions.condition and error.status is RPCStatusCode.INVALID_ARGUMENT:
            raise WrongUsage(f"--filter: {error.message}") from None
        raise


def query_of(conditions: SagaFilter) -> str:
    """The visibility query that selects these sagas, also in Temporal's UI and command line.

    Raises:
        WrongUsage: there is no such status or step.
    """
    # A run that has gone on as a new one is no saga of its own.
    parts = [f"WorkflowType = '{WORKFLOW_TYPE}'", "ExecutionStatus != 'ContinuedAsNew'"]
    for option, key, value, allowed in (
        ("--status", ORDER_STATUS, conditions.order_status, STATUSES),
        ("--step", SAGA_STEP, conditions.step, STEPS),
    ):
        if value is not None and value not in allowed:
            raise WrongUsage(f"{option}: must be one of {', '.join(allowed)}")
        if value is not None:
            parts.append(f"{key.name} = '{value}'")
    if conditions.needs_attention:
        parts.append(f"{NEEDS_ATTENTION.name} = true")
    if conditions.needs_attention or conditions.running:
        parts.append("CloseTime IS NULL")
    if conditions.condition:
        parts.append(f"({conditions.condition})")
    return " AND ".join(parts)


def listed(run: Run) -> ListedSaga:
    """A run as a row of a list."""
    return ListedSaga(
        order_id=run.workflow_id.partition("-")[2],
        run_status=run.status,
        order_status=run.attributes.get(ORDER_STATUS),
        step=run.attributes.get(SAGA_STEP),
        needs_attention=bool(run.attributes.get(NEEDS_ATTENTION)),
        started_at=run.started_at,
        closed_at=run.closed_at,
    )


async def show_saga(
    client: Client,
    settings: "Settings",
    order_id: OrderId,
    findings: Sequence[Finding] = (),
) -> SagaDetails:
    """One saga: Temporal's description, its own status answer, and what the watchdog sees of it.

    Raises:
        Refused: Temporal has no saga of this order.
    """
    workflow_id = order_stream(order_id)
    run = await find_run(client, workflow_id)
    if run is None:
        hints = "".join(f"; {finding.detail}: {finding.action}" for finding in findings)
        raise Refused(f"Temporal has no saga of order {order_id}{hints}")
    run, answer, note = await _of_the_owner(client, run)
    return SagaDetails(
        order_id=order_id,
        workflow_id=workflow_id,
        run_id=run.run_id,
        run_status=run.status,
        order_status=run.attributes.get(ORDER_STATUS),
        step=answer.get("step") or run.attributes.get(SAGA_STEP),
        waits_for=answer.get("waits_for"),
        attention=answer.get("attention"),
        held_by=answer.get("held_by"),
        turning_back_because=answer.get("reason") if answer.get("turning_back") else None,
        compensations=() if answer.get("outcome") else answer.get("compensations", ()),
        outcome=answer.get("outcome"),
        started_at=run.started_at,
        closed_at=run.closed_at,
        link=settings.saga_link(workflow_id),
        activities=_activities(run),
        missing=tuple(answer.get("missing", ())),
        answer_by=answer.get("answer_by"),
        declined=answer.get("declined"),
        choices=tuple(answer.get("choices", ())),
        goods=tuple(answer.get("goods", ())),
        actions=tuple(answer.get("actions", ())),
        amended_total_minor=answer.get("amended_total_minor"),
        findings=findings,
        waiting=tuple(answer.get("waiting", ())),
        note=note,
    )


async def _of_the_owner(client: Client, latest: Run) -> tuple[Run, dict[str, Any], str | None]:
    """The run that carries out the order, and its status answer; see `ask_status`.

    The latest run may have been started with another document, and refused. It says which run took
    the order on; a later one may have ended it, or Temporal may have forgotten it.
    """
    answer, note = await ask_status(client, latest)
    run_id = (answer.get("conflict") or {}).get("run_id")
    run = await find_run(client, latest.workflow_id, run_id) if run_id else None
    if run is None:
        return latest, answer, note
    owners, owners_note = await ask_status(client, run)
    if owners.get("outcome") != answer["outcome"]:
        return latest, answer, note
    return run, owners, owners_note


async def ask_status(client: Client, run: Run) -> tuple[dict[str, Any], str | None]:
    """The status answer of a workflow, or a sentence that says why there is none."""
    if run.status == "paused":
        return {}, "it is paused in Temporal: `temporal workflow unpause` lets it continue"
    handle = client.get_workflow_handle(run.workflow_id, run_id=run.run_id)
    try:
        async with asyncio.timeout(_ANSWER_S):
            return await handle.query("status"), None
    except (TimeoutError, RPCError, WorkflowQueryFailedError, WorkflowQueryRejectedError):
        return {}, "the saga did not answer: is a worker for the queue `orders` running?"


def _activities(run: Run) -> tuple[RunningActivity, ...]:
    return tuple(
        RunningActivity(
            name=pending.activity_type.name,
            state=_state(pending.state),
            attempt=pending.attempt,
            last_failure=pending.last_failure.message or None,
            next_try_at=(
                pending.next_attempt_schedule_time.ToDatetime(UTC)
                if pending.HasField("next_attempt_schedule_time")
                else None
            ),
        )
        for pending in run.pending
    )


def _state(number: int) -> str:
    name = PendingActivityState.Name(number)  # type: ignore[arg-type]  # the generated enum is an int
    return name.removeprefix("PENDING_ACTIVITY_STATE_").replace("_", " ").lower()


_TYPES: Final = {
    "order": WORKFLOW_TYPE,
    "delivery": DELIVERY_WORKFLOW_TYPE,
    "return": RETURN_WORKFLOW_TYPE,
}


def is_of_its_type(run: Run) -> bool:
    """Whether a workflow is of the type that its id calls for; any client may take an id."""
    return run.workflow_type == _TYPES.get(run.workflow_id.partition("-")[0])


async def running_workflows(client: Client, workflow_ids: Collection[str]) -> set[str]:
    """Which of these workflows are open, and of their type. Each is described: lists may lag."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def is_running(workflow_id: str) -> bool:
        async with slots:
            run = await find_run(client, workflow_id)
        return run is not None and run.is_open and is_of_its_type(run)

    ids = list(workflow_ids)
    answers = await asyncio.gather(*(is_running(workflow_id) for workflow_id in ids))
    return {workflow_id for workflow_id, running in zip(ids, answers, strict=True) if running}

"""What Temporal knows about sagas, as the command line shows it."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from temporalio.client import (
    Client,
    RPCError,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
)
from temporalio.service import RPCStatusCode

from activities.messages import WORKFLOW_TYPE
from domain.ids import OrderId, order_stream
from domain.values import Compensation, Step
from ordersaga.errors import Refused, WrongUsage
from ordersaga.operations.temporal_runs import Run, describe_run, list_runs
from workflows.common.search_attributes import NEEDS_ATTENTION, ORDER_STATUS, SAGA_STEP
from workflows.fulfillment.state import (
    AMENDING,
    AWAITING_CHOICE,
    AWAITING_STOCK,
    CLOSED,
    CLOSING,
    ON_HOLD,
    SETTLING,
    STARTING,
    TURNING_BACK,
)

if TYPE_CHECKING:
    from ordersaga.bootstrap.settings import Settings


STATUSES: Final = (
    "submitted",
    "backordered",
    "reserved",
    "processing",
    "compensating",
    "refund_pending",
    "completed",
    "cancelled",
)
STEPS: Final = (
    *(step.value for step in Step),
    *(compensation.value for compensation in Compensation),
    *(STARTING, AWAITING_CHOICE, AWAITING_STOCK, AMENDING, SETTLING),
    *(ON_HOLD, TURNING_BACK, CLOSING, CLOSED),
)
_ANSWER_S: Final = 5
_AT_ONCE: Final = 20


@dataclass(frozen=True, slots=True)
class ListingWish:
    """Which sagas are wanted: those that fit everything that is given.

    Attributes:
        running: only those that have not ended; paused ones are among them.
        condition: a visibility query of Temporal, such as ``OrderTotalMinor > 10000``.
        limit: at most so many; None: all.
    """

    order_status: str | None = None
    needs_attention: bool = False
    running: bool = False
    limit: int | None = 50
    step: str | None = None
    condition: str | None = None


@dataclass(frozen=True, slots=True)
class ListedSaga:
    """A saga in a listing; `run_status` is Temporal's word, `order_status` the order's."""

    order_id: str
    run_status: str
    order_status: str | None
    step: str | None
    needs_attention: bool
    started_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class RunningActivity:
    """An activity that a saga waits for."""

    name: str
    state: str
    attempt: int
    last_failure: str | None
    next_try_at: datetime | None


@dataclass(frozen=True, slots=True)
class SagaDetails:
    """Everything about one saga; `note` says what could not be asked, and why.

    `missing` are items that its order waits for until `answer_by`, with sku, ordered and missing;
    `choices` is what can be chosen about them now.
    """

    order_id: str
    workflow_id: str
    run_id: str
    run_status: str
    order_status: str | None
    step: str | None
    waits_for: str | None
    attention: str | None
    held_by: str | None
    turning_back_because: str | None
    compensations: Sequence[str]
    outcome: str | None
    started_at: datetime
    closed_at: datetime | None
    link: str
    activities: Sequence[RunningActivity] = field(default_factory=tuple)
    missing: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    answer_by: str | None = None
    choices: Sequence[str] = field(default_factory=tuple)
    amended_total_minor: int | None = None
    note: str | None = None


async def list_sagas(client: Client, wish: ListingWish) -> list[ListedSaga]:
    """Sagas as visibility knows them, which may be a second behind.

    Raises:
        WrongUsage: the status or step is none that a saga shows, or Temporal does not understand
            the condition.
    """
    found = list_runs(client, query_of(wish), wish.limit)
    try:
        # A condition with brackets of its own could reach workflows of other types.
        return [_listed(run) async for run in found if run.workflow_type == WORKFLOW_TYPE]
    except RPCError as error:
        if wish.condition and error.status is RPCStatusCode.INVALID_ARGUMENT:
            raise WrongUsage(f"--filter: {error.message}") from None
        raise


def query_of(wish: ListingWish) -> str:
    """The visibility query for Temporal's UI and command line that finds the same sagas.

    Raises:
        WrongUsage: the status or step is none that a saga shows.
    """
    parts = [f"WorkflowType = '{WORKFLOW_TYPE}'"]
    for option, key, value, known in (
        ("--status", ORDER_STATUS, wish.order_status, STATUSES),
        ("--step", SAGA_STEP, wish.step, STEPS),
    ):
        if value is not None and value not in known:
            raise WrongUsage(f"{option}: there are {', '.join(known)}")
        if value is not None:
            parts.append(f"{key.name} = '{value}'")
    if wish.needs_attention:
        parts.append(f"{NEEDS_ATTENTION.name} = true")
    if wish.needs_attention or wish.running:
        parts.append("CloseTime IS NULL")
    if wish.condition:
        parts.append(f"({wish.condition})")
    return " AND ".join(parts)


def _listed(run: Run) -> ListedSaga:
    return ListedSaga(
        order_id=run.workflow_id.partition("-")[2],
        run_status=run.status,
        order_status=run.get(ORDER_STATUS),
        step=run.get(SAGA_STEP),
        needs_attention=bool(run.get(NEEDS_ATTENTION)),
        started_at=run.started_at,
        closed_at=run.closed_at,
    )


async def show_saga(client: Client, settings: "Settings", order_id: OrderId) -> SagaDetails:
    """One saga: Temporal's description of it and its own answer.

    Raises:
        Refused: Temporal knows no saga of this order.
    """
    workflow_id = order_stream(order_id)
    try:
        run = await describe_run(client, workflow_id)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise Refused(f"Temporal knows no saga of order {order_id}") from None
        raise
    answer, note = await _ask(client, run)
    return SagaDetails(
        order_id=order_id,
        workflow_id=workflow_id,
        run_id=run.run_id,
        run_status=run.status,
        order_status=run.get(ORDER_STATUS),
        step=answer.get("step") or run.get(SAGA_STEP),
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
        choices=tuple(answer.get("choices", ())),
        amended_total_minor=answer.get("amended_total_minor"),
        note=note,
    )


async def _ask(client: Client, run: Run) -> tuple[dict[str, Any], str | None]:
    """The saga's own answer; a sentence instead if there is none."""
    if run.status == "paused":
        return {}, "it is paused in Temporal: `temporal workflow unpause` lets it go on"
    handle = client.get_workflow_handle(run.workflow_id, run_id=run.run_id)
    try:
        async with asyncio.timeout(_ANSWER_S):
            return await handle.query("status"), None
    except (TimeoutError, RPCError, WorkflowQueryFailedError, WorkflowQueryRejectedError):
        return {}, "the saga itself did not answer: is a worker for the queue `orders` running?"


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
    from temporalio.api.enums.v1 import PendingActivityState

    name = PendingActivityState.Name(number)  # type: ignore[arg-type]  # the generated enum is an int
    return name.removeprefix("PENDING_ACTIVITY_STATE_").replace("_", " ").lower()


async def running_sagas(client: Client, workflow_ids: Collection[str]) -> set[str]:
    """Of these sagas, those that are open, asked one by one: no listing is behind the truth."""
    slots = asyncio.Semaphore(_AT_ONCE)

    async def is_running(workflow_id: str) -> bool:
        async with slots:
            try:
                return (await describe_run(client, workflow_id)).is_open
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    return False
                raise

    wanted = list(workflow_ids)
    answers = await asyncio.gather(*(is_running(workflow_id) for workflow_id in wanted))
    return {workflow_id for workflow_id, running in zip(wanted, answers, strict=True) if running}

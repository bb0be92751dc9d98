"""Compares what the event store and Temporal say; pure, so that a table of all cases proves it.

An order is judged only once it has been quiet for a while: the two sides never change at the same
moment. What an order waits for and knows about (a hold, a backorder, a provider that does not
answer, a person) is no finding.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from activities.messages import WORKFLOW_TYPE
from domain.ids import OrderId, order_stream
from ordersaga.findings.observation import Kind, Observation

QUIET_AFTER: Final = timedelta(seconds=10)
"""An order is judged after this time without an event: its saga is started, or ends, meanwhile."""

UNTAKEN_AFTER: Final = timedelta(seconds=5)
"""A task in a queue is overdue after this time."""

UNPOLLED_AFTER: Final = timedelta(seconds=12)
"""Longer than any attempt, after which even the busiest worker asks for the next task."""

_ENDS: Final = "`ordersaga recover` starts it again, `ordersaga order cancel {}` ends the order"
_SHOWN: Final = 80  # characters of a name that a client chose
_CLOSED: Final = {
    "terminated": (Kind.TERMINATED, "was terminated: nothing was undone"),
    "failed": (Kind.FAILED, "failed"),
    "timed_out": (Kind.TIMED_OUT, "ran into a time limit that its client set"),
}


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """An order in the event store.

    Attributes:
        is_open: it was submitted and has not ended.
        is_waiting: it waits for stock, for its customer's choice, or for another payment.
        last_event_at: when its last event was recorded, by the clock of the database.
    """

    is_open: bool
    is_waiting: bool
    last_event_at: datetime


@dataclass(frozen=True, slots=True)
class RunFacts:
    """The latest run under the workflow id of an order.

    Attributes:
        status: Temporal's, in lower case.
        failing_task: why its workflow task fails, if it does.
        waits: the saga shows what it waits for, or a step is being tried again.
    """

    run_id: str
    workflow_type: str
    status: str
    failing_task: str | None = None
    waits: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.status in {"running", "paused"}


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """A task queue.

    Attributes:
        backlog: tasks that no worker has taken.
        backlog_age: age of the oldest of them.
        last_poll_age: when a worker last asked for a task; None: not for minutes.
    """

    name: str
    backlog: int
    backlog_age: timedelta
    last_poll_age: timedelta | None


def judge_order(
    order_id: OrderId,
    order: OrderFacts | None,
    run: RunFacts | None,
    now: datetime,
    silent_after: timedelta,
) -> Observation | None:
    """What is wrong with an order and its saga; None if nothing is.

    Args:
        order_id: the order.
        order: None: the event store does not know it.
        run: None: Temporal does not know it. It must have been read before `order`.
        now: by the clock of the database.
        silent_after: how long an order may go without an event.
    """
    if run is not None and run.is_open:
        return _judge_open_run(order_id, order, run, now, silent_after)
    if order is None or not order.is_open or now - order.last_event_at < QUIET_AFTER:
        return None
    if run is None:
        detail = "the order is open, and Temporal has no saga of it"
        return _seen(Kind.NO_SAGA, order_id, detail, _ENDS.format(order_id), None)
    kind, what = _CLOSED.get(run.status, (Kind.NO_SAGA, f"ended as {run.status}"))
    detail = f"the order is open, and its saga {what}"
    return _seen(kind, order_id, detail, _ENDS.format(order_id), run)


def _judge_open_run(
    order_id: OrderId,
    order: OrderFacts | None,
    run: RunFacts,
    now: datetime,
    silent_after: timedelta,
) -> Observation | None:
    temporal = f"`temporal workflow {{}} -w {order_stream(order_id)}`"
    if run.workflow_type != WORKFLOW_TYPE:
        detail = f"a workflow of type {run.workflow_type[:_SHOWN]} holds the id of its saga"
        action = f"{temporal.format('terminate')}, then `ordersaga recover` if the order is open"
        return _seen(Kind.WRONG_TYPE, order_id, detail, action, run)
    if run.status == "paused":
        detail, action = "somebody paused its saga in Temporal", temporal.format("unpause")
        return _seen(Kind.PAUSED, order_id, detail, action, run)
    if run.failing_task is not None:
        detail = f"its workflow task fails each time: {run.failing_task}"
        action = "deploy a build that can run it; if its input can never be read: "
        return _seen(
            Kind.TASK_FAILING, order_id, detail, action + temporal.format("terminate"), run
        )
    if order is None or not _is_silent(order, run, now, silent_after):
        return None
    minutes = (now - order.last_event_at).total_seconds() / 60
    detail = f"its saga runs and waits for nothing, but its last event is {minutes:.0f} minutes old"
    action = f"`ordersaga saga show {order_id}` says where it stands"
    return _seen(Kind.SILENT, order_id, detail, action, run)


def _is_silent(order: OrderFacts, run: RunFacts, now: datetime, silent_after: timedelta) -> bool:
    waits = order.is_waiting or run.waits
    return order.is_open and not waits and now - order.last_event_at >= silent_after


def judge_queues(queues: Sequence[QueueFacts]) -> list[Observation]:
    """The task queues whose tasks nobody takes."""
    names = dict.fromkeys(queue.name for queue in queues if _is_without_workers(queue))
    return [_without_workers(name) for name in names]


def _is_without_workers(queue: QueueFacts) -> bool:
    polled = queue.last_poll_age is not None and queue.last_poll_age < UNPOLLED_AFTER
    return queue.backlog > 0 and queue.backlog_age >= UNTAKEN_AFTER and not polled


def _without_workers(name: str) -> Observation:
    detail = "tasks wait in this queue, and no worker takes any"
    return Observation(Kind.NO_WORKERS, name, detail, f"start one: `ordersaga worker {name}`")


def _seen(
    kind: Kind, order_id: OrderId, detail: str, action: str, run: RunFacts | None
) -> Observation:
    run_id = run.run_id if run else None
    return Observation(kind, order_stream(order_id), detail, action, order_id, run_id)

"""What the watchdog sees in one look: an order or a task queue that is not as it should be."""

from dataclasses import dataclass
from enum import StrEnum

from domain.ids import OrderId


class Kind(StrEnum):
    """The kinds of findings."""

    TERMINATED = "saga_terminated"
    FAILED = "saga_failed"
    TIMED_OUT = "saga_timed_out"
    PAUSED = "saga_paused"
    TASK_FAILING = "workflow_task_failing"
    WRONG_TYPE = "wrong_workflow_type"
    NO_SAGA = "order_without_saga"
    SILENT = "order_without_event"
    NO_WORKERS = "queue_without_workers"


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing that is wrong now.

    Attributes:
        subject: a workflow id or a task queue.
        order_id: the order; None for a task queue.
        run_id: the run that it is about, if there is one.
        detail: what is wrong, in one sentence without personal data.
        action: what ends it.
    """

    kind: Kind
    subject: str
    detail: str
    action: str
    order_id: OrderId | None = None
    run_id: str | None = None

    @property
    def key(self) -> tuple[Kind, str]:
        """Identifies the finding over several looks."""
        return self.kind, self.subject

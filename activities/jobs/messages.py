"""What a job asks of its activities, and what they answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from domain.ids import JobId, OrderId

JOB_WORKFLOW_TYPE: Final = "OperatorJob"


class JobAct(StrEnum):
    """What can be asked of many sagas at once; the values are the names of their updates.

    Acts whose content belongs to one order (another address, fewer pieces) are not among them.
    """

    HOLD = "hold"
    RESUME = "resume"
    RETRY = "retry"
    CANCEL = "cancel"
    RESOLVE = "resolve"
    CHOOSE = "choose"


class OrderOutcome(StrEnum):
    """What became of an order of a job.

    pending: the act was accepted, and how it ends is not certain yet. refused: it was not possible
    (any more). unanswered: no worker took it in time, and one may still take it. failed: it met an
    error that says nothing about the order. skipped: the job ended before it.
    """

    DONE = "done"
    PENDING = "pending"
    REFUSED = "refused"
    UNANSWERED = "unanswered"
    FAILED = "failed"
    SKIPPED = "skipped"

    @property
    def is_success(self) -> bool:
        """Whether the saga has accepted the act."""
        return self in (OrderOutcome.DONE, OrderOutcome.PENDING)


@dataclass(frozen=True, slots=True)
class LookAtOrders:
    """Say of each order whether the act is possible now."""

    act: JobAct
    orders: tuple[OrderId, ...]


@dataclass(frozen=True, slots=True)
class Possibility:
    """Whether an act on an order is possible now.

    Attributes:
        why: why it is not.
        run_id: the run of the saga that said so; None: there is none.
    """

    order_id: OrderId
    is_possible: bool
    why: str = ""
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class ChosenOrder:
    """An order to act on; `run_id` is the run that the act is sent to, or was sent to before."""

    order_id: OrderId
    run_id: str | None


@dataclass(frozen=True, slots=True)
class ActOnOrders:
    """Ask the sagas of some orders for the act of a job.

    Attributes:
        message: the argument of the update.
    """

    job_id: JobId
    act: JobAct
    message: Mapping[str, Any]
    orders: tuple[ChosenOrder, ...]

    def request_id(self, order_id: OrderId) -> str:
        """The id of the update: the same however often the order is asked."""
        return f"job-{self.job_id}-{order_id}"


@dataclass(frozen=True, slots=True)
class ActResult:
    """What became of an act on an order.

    Attributes:
        outcome: None: the saga runs as `run_id` now. Nothing was sent: the job notes the run first,
            so that it finds out later what became of the act.
    """

    order_id: OrderId
    outcome: OrderOutcome | None
    why: str = ""
    run_id: str | None = None

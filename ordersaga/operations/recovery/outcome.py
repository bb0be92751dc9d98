"""What a recovery did with an order, a parcel or a return."""

from dataclasses import dataclass
from enum import StrEnum

from domain.ids import OrderId


class RecoveryOutcome(StrEnum):
    """What a recovery did; ``left`` and ``failed_again`` need a person."""

    STARTED = "started"
    WOULD_START = "would_start"
    RUNNING = "running"
    ENDED = "ended"
    LEFT = "left"
    FAILED_AGAIN = "failed_again"

    @property
    def needs_person(self) -> bool:
        """Whether nothing goes on by itself."""
        return self in (RecoveryOutcome.LEFT, RecoveryOutcome.FAILED_AGAIN)


@dataclass(frozen=True, slots=True)
class Recovered:
    """The outcome for an order or for one of its parcels or returns, and the reason.

    Attributes:
        became: what has become of a workflow that was started; None: it was not.
        workflow_id: of a workflow that was started.
    """

    order_id: OrderId
    outcome: RecoveryOutcome
    why: str
    became: str | None = None
    workflow_id: str | None = None

"""What a recovery did with an order, a parcel or a return."""

from dataclasses import dataclass
from enum import StrEnum

from domain.ids import OrderId


class RecoveryOutcome(StrEnum):
    """What a recovery did; ``left`` needs a person."""

    STARTED = "started"
    WOULD_START = "would_start"
    RUNNING = "running"
    ENDED = "ended"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Recovered:
    """The outcome for an order or for one of its parcels or returns, and the reason."""

    order_id: OrderId
    outcome: RecoveryOutcome
    why: str

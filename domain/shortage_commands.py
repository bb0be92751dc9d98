"""What can be asked about unavailable items; `domain.commands` has these in its unions."""

from dataclasses import dataclass
from datetime import datetime

from domain.ids import OrderId, Sku
from domain.shortages import MissingItem, Pieces

# --- order ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReportUnavailable:
    """Record what is missing, and until when the order waits for stock or for an answer."""

    missing: tuple[MissingItem, ...]
    asking: bool
    deadline: datetime


@dataclass(frozen=True, slots=True)
class AcceptBackorder:
    """Record that the customer waits for the missing pieces, until `deadline`."""

    deadline: datetime


@dataclass(frozen=True, slots=True)
class AmendOrder:
    """Leave pieces out: each SKU named keeps `quantity` pieces, 0 drops its line.

    SKUs that are not named stay as they are. Never more than before, never nothing at all.
    """

    pieces: tuple[Pieces, ...]


OrderShortageCommand = ReportUnavailable | AcceptBackorder | AmendOrder

# --- stock ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BackorderStock:
    """Set aside what is there of `quantity` pieces, and queue for the rest."""

    sku: Sku
    order_id: OrderId
    quantity: int


@dataclass(frozen=True, slots=True)
class ReduceClaim:
    """Let an order keep at most `quantity` pieces: those it waits for go before those it holds."""

    order_id: OrderId
    quantity: int


StockQueueCommand = BackorderStock | ReduceClaim

"""The facts about unavailable items: what is missing, who waits for it, what was left out.

They belong to the order's stream and to the stock streams; `domain.events` has them in its unions.
"""

from dataclasses import dataclass
from datetime import datetime

from domain.ids import OrderId, Sku
from domain.money import Money
from domain.shortages import MissingItem
from domain.values import OrderLine

# --- order ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ItemsUnavailable:
    """The stock did not suffice: `missing` is not there; what is there is set aside.

    `asking`: its customer is to choose. At `deadline` the order's default decides.
    """

    missing: tuple[MissingItem, ...]
    asking: bool
    deadline: datetime


@dataclass(frozen=True, slots=True)
class BackorderAccepted:
    """The customer chose to wait for the missing pieces, until `deadline`."""

    deadline: datetime


@dataclass(frozen=True, slots=True)
class OrderAmended:
    """Pieces were left out after submission: these lines and this total are what counts now."""

    lines: tuple[OrderLine, ...]
    total: Money


OrderShortageEvent = ItemsUnavailable | BackorderAccepted | OrderAmended

# --- stock ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StockBackordered:
    """An order queued for `quantity` pieces that are not there."""

    sku: Sku
    order_id: OrderId
    quantity: int


@dataclass(frozen=True, slots=True)
class StockAllocated:
    """`quantity` pieces that came free were set aside for the order that waited longest."""

    sku: Sku
    order_id: OrderId
    quantity: int


@dataclass(frozen=True, slots=True)
class BackorderWithdrawn:
    """An order waits for `quantity` pieces less."""

    sku: Sku
    order_id: OrderId
    quantity: int


StockQueueEvent = StockBackordered | StockAllocated | BackorderWithdrawn

"""Facts about the stock of one SKU."""

from dataclasses import dataclass

from domain.ids import OrderId, ReturnId, Sku

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


@dataclass(frozen=True, slots=True)
class StockReturned:
    """`quantity` pieces of a shipped order came back into the house; in the stock stream."""

    sku: Sku
    order_id: OrderId
    return_id: ReturnId
    quantity: int


# --- stock ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StockReceived:
    """`quantity` pieces came in; `reference` names the delivery, so that it counts once."""

    sku: Sku
    quantity: int
    reference: str


@dataclass(frozen=True, slots=True)
class StockAdjusted:
    """A count found `delta` pieces more (or, negative, fewer) than the ledger said."""

    sku: Sku
    delta: int
    reason: str


@dataclass(frozen=True, slots=True)
class StockReserved:
    """`quantity` pieces are set aside for an order."""

    sku: Sku
    order_id: OrderId
    quantity: int


@dataclass(frozen=True, slots=True)
class StockReleased:
    """`quantity` pieces that an order held were set free."""

    sku: Sku
    order_id: OrderId
    quantity: int


@dataclass(frozen=True, slots=True)
class StockShipped:
    """An order's reserved pieces left the house."""

    sku: Sku
    order_id: OrderId
    quantity: int


StockEvent = (
    StockReceived
    | StockAdjusted
    | StockReserved
    | StockReleased
    | StockShipped
    | StockQueueEvent
    | StockReturned
)

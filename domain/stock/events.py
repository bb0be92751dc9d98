"""Events of the stock of one SKU."""

from dataclasses import dataclass

from domain.ids import OrderId, ReturnId, Sku


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
    """`quantity` pieces were reserved for an order."""

    sku: Sku
    order_id: OrderId
    quantity: int


@dataclass(frozen=True, slots=True)
class StockBackordered:
    """An order queued for `quantity` pieces that are not available."""

    sku: Sku
    order_id: OrderId
    quantity: int


@dataclass(frozen=True, slots=True)
class StockAllocated:
    """`quantity` pieces that became available were reserved for the first order in the queue."""

    sku: Sku
    order_id: OrderId
    quantity: int


@dataclass(frozen=True, slots=True)
class StockDeallocated:
    """`quantity` pieces that were reserved for an order are not there: it waits for them.

    It waits ahead of all orders that have never had theirs.
    """

    sku: Sku
    order_id: OrderId
    quantity: int


@dataclass(frozen=True, slots=True)
class BackorderWithdrawn:
    """An order waits for `quantity` fewer pieces."""

    sku: Sku
    order_id: OrderId
    quantity: int


@dataclass(frozen=True, slots=True)
class StockReleased:
    """`quantity` pieces that were reserved for an order became available."""

    sku: Sku
    order_id: OrderId
    quantity: int


@dataclass(frozen=True, slots=True)
class StockShipped:
    """The pieces reserved for an order were shipped."""

    sku: Sku
    order_id: OrderId
    quantity: int


@dataclass(frozen=True, slots=True)
class StockReturned:
    """`quantity` pieces of a shipped order came back."""

    sku: Sku
    order_id: OrderId
    return_id: ReturnId
    quantity: int


StockEvent = (
    StockReceived
    | StockAdjusted
    | StockReserved
    | StockBackordered
    | StockAllocated
    | StockDeallocated
    | BackorderWithdrawn
    | StockReleased
    | StockShipped
    | StockReturned
)

"""Commands to the stock of one SKU."""

from dataclasses import dataclass

from domain.ids import OrderId, ReturnId, Sku

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


@dataclass(frozen=True, slots=True)
class ReturnStock:
    """Book pieces of a shipped order in again; the returns of the order see to it that it is once.

    So it must be decided in one append with `RecordRestocked`.
    """

    sku: Sku
    order_id: OrderId
    return_id: ReturnId
    quantity: int


# --- stock ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReceiveStock:
    """Book pieces in; the same `reference` books once."""

    sku: Sku
    quantity: int
    reference: str


@dataclass(frozen=True, slots=True)
class AdjustStock:
    """Correct the ledger after a count; never below what is reserved."""

    sku: Sku
    delta: int
    reason: str


@dataclass(frozen=True, slots=True)
class ReserveStock:
    """Set pieces aside for an order; more than is available is refused."""

    sku: Sku
    order_id: OrderId
    quantity: int


@dataclass(frozen=True, slots=True)
class ReleaseStock:
    """Set free all that an order holds and waits for; nothing happens if that is nothing."""

    order_id: OrderId


@dataclass(frozen=True, slots=True)
class ShipStock:
    """Let an order's reserved pieces leave the house."""

    order_id: OrderId


StockCommand = (
    ReceiveStock
    | AdjustStock
    | ReserveStock
    | ReleaseStock
    | ShipStock
    | StockQueueCommand
    | ReturnStock
)

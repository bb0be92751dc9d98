"""Commands of the stock of one SKU."""

from dataclasses import dataclass

from domain.ids import OrderId, ReturnId, Sku


@dataclass(frozen=True, slots=True)
class ReceiveStock:
    """Book in a delivery; each `reference` is booked once."""

    sku: Sku
    quantity: int
    reference: str


@dataclass(frozen=True, slots=True)
class AdjustStock:
    """Correct the ledger after a count, never below nothing.

    If fewer pieces are left than are reserved, the latest reservations become short: their orders
    wait for the missing pieces, ahead of all others.
    """

    sku: Sku
    delta: int
    reason: str


@dataclass(frozen=True, slots=True)
class ReserveStock:
    """Reserve pieces for an order; more than is available is refused."""

    sku: Sku
    order_id: OrderId
    quantity: int


@dataclass(frozen=True, slots=True)
class BackorderStock:
    """Reserve what is available of `quantity` pieces, and queue for the rest."""

    sku: Sku
    order_id: OrderId
    quantity: int


@dataclass(frozen=True, slots=True)
class ReduceClaim:
    """Let an order keep at most `quantity` pieces; those it waits for are given up first."""

    order_id: OrderId
    quantity: int


@dataclass(frozen=True, slots=True)
class ReleaseStock:
    """Release everything that an order holds or waits for."""

    order_id: OrderId


@dataclass(frozen=True, slots=True)
class ShipStock:
    """Ship the pieces reserved for an order."""

    order_id: OrderId


@dataclass(frozen=True, slots=True)
class ReturnStock:
    """Book in pieces of a shipped order that came back.

    Stock does not detect a repeated command. Append the events together with those of
    `RecordRestocked`, which does.
    """

    sku: Sku
    order_id: OrderId
    return_id: ReturnId
    quantity: int


StockCommand = (
    ReceiveStock
    | AdjustStock
    | ReserveStock
    | BackorderStock
    | ReduceClaim
    | ReleaseStock
    | ShipStock
    | ReturnStock
)

"""Commands of an order."""

from dataclasses import dataclass
from datetime import datetime

from domain.ids import CustomerId, OrderId, Sku
from domain.money import Money
from domain.order.outage import OutageTerms
from domain.order.unavailable import CANCEL_AT_ONCE, UnavailableTerms
from domain.values import Address, MissingItem, PaymentTerms, Pieces, Reason


@dataclass(frozen=True, slots=True)
class CreateOrder:
    """Create a draft."""

    order_id: OrderId
    customer_id: CustomerId | None
    currency: str
    placed_at: datetime


@dataclass(frozen=True, slots=True)
class AddItem:
    """Add pieces of a SKU to the draft; more of the same add up if the price is the same."""

    sku: Sku
    description: str
    quantity: int
    unit_price: Money


@dataclass(frozen=True, slots=True)
class RemoveItem:
    """Remove a SKU from the draft."""

    sku: Sku


@dataclass(frozen=True, slots=True)
class ChangeQuantity:
    """Set the number of pieces (at least 1) of a SKU on the draft."""

    sku: Sku
    quantity: int


@dataclass(frozen=True, slots=True)
class SetAddress:
    """Set the draft's delivery address."""

    address: Address


@dataclass(frozen=True, slots=True)
class SubmitOrder:
    """Freeze the draft so that it can be fulfilled."""

    payment: PaymentTerms
    unavailable: UnavailableTerms = CANCEL_AT_ONCE
    on_outage: OutageTerms | None = None


@dataclass(frozen=True, slots=True)
class ChangeDeliveryAddress:
    """Correct the address of a submitted order that has no label yet."""

    address: Address


@dataclass(frozen=True, slots=True)
class MarkReserved:
    """Record that stock for every line is reserved."""


@dataclass(frozen=True, slots=True)
class ReportUnavailable:
    """Record what is missing, and until when the order waits for stock or a choice."""

    missing: tuple[MissingItem, ...]
    asking: bool
    deadline: datetime


@dataclass(frozen=True, slots=True)
class AcceptBackorder:
    """Record that the customer chose to wait for the missing pieces, until `deadline`."""

    deadline: datetime


@dataclass(frozen=True, slots=True)
class AmendOrder:
    """Remove pieces: each SKU named keeps `quantity` pieces; 0 removes its line.

    SKUs that are not named stay as they are. No piece can be added, and something must be left.
    """

    pieces: tuple[Pieces, ...]


@dataclass(frozen=True, slots=True)
class StartProcessing:
    """Record that the payment was authorised or captured."""

    payment_reference: str


@dataclass(frozen=True, slots=True)
class CompleteOrder:
    """Record that the order is paid and shipped."""

    tracking_number: str


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Cancel the order; possible until it is completed."""

    reason: Reason
    detail: str


DraftCommand = AddItem | RemoveItem | ChangeQuantity | SetAddress
ProgressCommand = MarkReserved | StartProcessing | CompleteOrder
ShortageCommand = ReportUnavailable | AcceptBackorder | AmendOrder
OrderCommand = (
    CreateOrder
    | DraftCommand
    | SubmitOrder
    | ChangeDeliveryAddress
    | ProgressCommand
    | ShortageCommand
    | CancelOrder
)

"""Commands to an order."""

from dataclasses import dataclass
from datetime import datetime

from domain.ids import CustomerId, OrderId, Sku
from domain.money import Money
from domain.order.unavailable import CANCEL_AT_ONCE, UnavailableTerms
from domain.values import (
    Address,
    MissingItem,
    PaymentTerms,
    Pieces,
    Reason,
)

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

# --- order ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CreateOrder:
    """Open a draft."""

    order_id: OrderId
    customer_id: CustomerId | None
    currency: str
    placed_at: datetime


@dataclass(frozen=True, slots=True)
class AddItem:
    """Put pieces of a SKU on the draft; more of the same adds up if the price is the same."""

    sku: Sku
    description: str
    quantity: int
    unit_price: Money


@dataclass(frozen=True, slots=True)
class RemoveItem:
    """Take a SKU off the draft."""

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
    """Freeze the draft and hand it to fulfilment."""

    payment: PaymentTerms
    unavailable: UnavailableTerms = CANCEL_AT_ONCE


@dataclass(frozen=True, slots=True)
class ChangeDeliveryAddress:
    """Correct the address of a submitted order that has no label yet."""

    address: Address


@dataclass(frozen=True, slots=True)
class MarkReserved:
    """Record that stock for every line is reserved."""


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
    """End the order; allowed until it is completed."""

    reason: Reason
    detail: str


OrderCommand = (
    CreateOrder
    | AddItem
    | RemoveItem
    | ChangeQuantity
    | SetAddress
    | SubmitOrder
    | ChangeDeliveryAddress
    | MarkReserved
    | StartProcessing
    | CompleteOrder
    | CancelOrder
    | OrderShortageCommand
)

"""Events of an order."""

from dataclasses import dataclass
from datetime import datetime

from domain.ids import CustomerId, OrderId, Sku
from domain.money import Money
from domain.order.outage import OutageTerms
from domain.order.unavailable import CANCEL_AT_ONCE, UnavailableTerms
from domain.values import Address, MissingItem, OrderLine, PaymentTerms, Reason, Redacted


@dataclass(frozen=True, slots=True)
class OrderCreated:
    """A draft was created; `customer_id` is None for a guest; `placed_at` is the shop's time."""

    order_id: OrderId
    customer_id: CustomerId | None
    currency: str
    placed_at: datetime


@dataclass(frozen=True, slots=True)
class ItemAdded:
    """`quantity` more pieces of a SKU were added to the draft."""

    sku: Sku
    description: str
    quantity: int
    unit_price: Money


@dataclass(frozen=True, slots=True)
class ItemRemoved:
    """A SKU was removed from the draft with all its pieces."""

    sku: Sku


@dataclass(frozen=True, slots=True)
class QuantityChanged:
    """The draft now holds `quantity` pieces of the SKU."""

    sku: Sku
    quantity: int


@dataclass(frozen=True, slots=True)
class AddressSet:
    """The draft's delivery address was set."""

    address: Address | Redacted


@dataclass(frozen=True, slots=True)
class OrderSubmitted:
    """The draft was frozen with these lines, address, total and payment terms."""

    order_id: OrderId
    customer_id: CustomerId | None
    lines: tuple[OrderLine, ...]
    address: Address | Redacted
    total: Money
    payment: PaymentTerms
    unavailable: UnavailableTerms = CANCEL_AT_ONCE
    on_outage: OutageTerms | None = None


@dataclass(frozen=True, slots=True)
class DeliveryAddressChanged:
    """The delivery address was corrected after submission, before a label was bought."""

    address: Address | Redacted


@dataclass(frozen=True, slots=True)
class OrderReserved:
    """Stock for every line is reserved."""


@dataclass(frozen=True, slots=True)
class ItemsUnavailable:
    """Stock did not suffice: `missing` is not available, and the rest is reserved.

    `asking`: the customer is asked to choose. At `deadline` the order's default applies.
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
    """Pieces were removed after submission: these lines and this total count from now on."""

    lines: tuple[OrderLine, ...]
    total: Money


@dataclass(frozen=True, slots=True)
class OrderProcessingStarted:
    """The payment was authorised or captured; `payment_reference` is the provider's."""

    payment_reference: str


@dataclass(frozen=True, slots=True)
class OrderCompleted:
    """The order is paid and its label is bought."""

    tracking_number: str


@dataclass(frozen=True, slots=True)
class OrderCancelled:
    """The order ended without delivery, after all its effects had been undone."""

    reason: Reason
    detail: str


DraftEvent = ItemAdded | ItemRemoved | QuantityChanged | AddressSet
ProgressEvent = OrderReserved | OrderProcessingStarted | OrderCompleted
ShortageEvent = ItemsUnavailable | BackorderAccepted | OrderAmended
OrderEvent = (
    OrderCreated
    | DraftEvent
    | OrderSubmitted
    | DeliveryAddressChanged
    | ProgressEvent
    | ShortageEvent
    | OrderCancelled
)

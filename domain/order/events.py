"""Events of an order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from domain.ids import CustomerId, LineId, OrderId, Sku
from domain.lines import Adjustment, Content, LineKind, LineShare, OrderLine
from domain.money import Money
from domain.order.terms import CANCEL_AT_ONCE, OutageTerms, UnavailableTerms
from domain.parcel_left import IfLeft
from domain.values import Address, Contact, MissingItem, PaymentTerms, Reason, Redacted


@dataclass(frozen=True, slots=True)
class OrderCreated:
    """A draft was created.

    `customer_id` is None for a guest; `placed_at` is the shop's time, `reference` its own number.
    """

    order_id: OrderId
    customer_id: CustomerId | None
    currency: str
    placed_at: datetime
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class ItemAdded:
    """A line was added to the draft, or `quantity` more pieces to the line with this id."""

    line_id: LineId
    code: Sku | None
    description: str
    quantity: int
    unit_price: Money
    kind: LineKind = LineKind.GOODS
    adjustments: tuple[Adjustment, ...] = ()


@dataclass(frozen=True, slots=True)
class ItemRemoved:
    """A line was removed from the draft with all its pieces."""

    line_id: LineId


@dataclass(frozen=True, slots=True)
class QuantityChanged:
    """The line of the draft now has `quantity` pieces."""

    line_id: LineId
    quantity: int


@dataclass(frozen=True, slots=True)
class AdjustmentsSet:
    """The draft, or a line of it, now has these adjustments and no others."""

    adjustments: tuple[Adjustment, ...]
    line_id: LineId | None = None


@dataclass(frozen=True, slots=True)
class AddressSet:
    """The draft's delivery address was set."""

    address: Address | Redacted


def _keep_country(event: "OrderSubmitted | DeliveryAddressChanged") -> None:
    if isinstance(event.address, Address):
        object.__setattr__(event, "country", event.address.country)


@dataclass(frozen=True, slots=True)
class OrderSubmitted:
    """The draft was frozen with this content.

    `total` is the sum of `lines` and `adjustments`. No address: nothing is to be shipped; no
    payment: nothing is to be paid. `country` is that of the address: it tells nothing of a person,
    and stays when the address is erased.
    """

    order_id: OrderId
    customer_id: CustomerId | None
    lines: tuple[OrderLine, ...]
    address: Address | Redacted | None
    total: Money
    payment: PaymentTerms | None
    unavailable: UnavailableTerms = CANCEL_AT_ONCE
    on_outage: OutageTerms | None = None
    adjustments: tuple[Adjustment, ...] = ()
    customer: Contact | Redacted | None = None
    metadata: Mapping[str, str] = field(default_factory=dict, hash=False)
    if_left: IfLeft | None = None
    country: str | None = None

    def __post_init__(self) -> None:
        """Take the country of the address."""
        _keep_country(self)

    @property
    def content(self) -> Content:
        """Lines and adjustments together."""
        return Content(self.total.currency, self.lines, self.adjustments)


@dataclass(frozen=True, slots=True)
class DeliveryAddressChanged:
    """The delivery address was corrected after submission, before a label was bought.

    `country` is that of the address, and stays when the address is erased.
    """

    address: Address | Redacted
    country: str | None = None

    def __post_init__(self) -> None:
        """Take the country of the address."""
        _keep_country(self)


@dataclass(frozen=True, slots=True)
class OrderReserved:
    """Stock for every line is reserved."""


@dataclass(frozen=True, slots=True)
class ItemsUnavailable:
    """Stock did not suffice, or a count found less: `missing` is not there, the rest is reserved.

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
    """Pieces were removed after submission: what is left, and what it costs from now on."""

    lines: tuple[LineShare, ...]
    total: Money


@dataclass(frozen=True, slots=True)
class PaymentAsked:
    """The payment was declined, `code` says why; another one is waited for until `deadline`."""

    code: str
    deadline: datetime


@dataclass(frozen=True, slots=True)
class PaymentReplaced:
    """Another way to pay came, to be tried now: by a token or a confirmed payment.

    See `PaymentTerms`; `repr` omits the secret token.
    """

    token: str | Redacted | None = field(default=None, repr=False)
    confirmed: str | None = None


@dataclass(frozen=True, slots=True)
class OrderProcessingStarted:
    """The payment was authorised or captured; `payment_reference` is the provider's.

    None: there was nothing to pay.
    """

    payment_reference: str | None


@dataclass(frozen=True, slots=True)
class OrderCompleted:
    """The order is paid and its label is bought; no tracking number: it needed no label."""

    tracking_number: str | None


@dataclass(frozen=True, slots=True)
class OrderCancelled:
    """The order ended without delivery, after all its effects had been undone."""

    reason: Reason
    detail: str


DraftEvent = ItemAdded | ItemRemoved | QuantityChanged | AdjustmentsSet | AddressSet
ProgressEvent = OrderReserved | OrderProcessingStarted | OrderCompleted
ShortageEvent = ItemsUnavailable | BackorderAccepted | OrderAmended
DeclineEvent = PaymentAsked | PaymentReplaced
SetbackEvent = ShortageEvent | DeclineEvent
OrderEvent = (
    OrderCreated
    | DraftEvent
    | OrderSubmitted
    | DeliveryAddressChanged
    | ProgressEvent
    | SetbackEvent
    | OrderCancelled
)

"""Commands of an order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from domain.ids import CustomerId, LineId, OrderId, Sku
from domain.lines import Adjustment, LineKind, OrderLine, Pieces
from domain.money import Money
from domain.order.terms import CANCEL_AT_ONCE, OutageTerms, UnavailableTerms
from domain.parcel_left import IfLeft
from domain.values import Address, Contact, MissingItem, PaymentTerms, Reason


@dataclass(frozen=True, slots=True)
class CreateOrder:
    """Create a draft; `reference` is the shop's own number of the order."""

    order_id: OrderId
    customer_id: CustomerId | None
    currency: str
    placed_at: datetime
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class AddItem:
    """Add a line to the draft.

    Without a `line_id` more of the same goods or service at the same price add up, and a new line
    gets its number as its id.
    """

    code: Sku | None
    description: str
    quantity: int
    unit_price: Money
    kind: LineKind = LineKind.GOODS
    adjustments: tuple[Adjustment, ...] = ()
    line_id: LineId | None = None


@dataclass(frozen=True, slots=True)
class AddItems:
    """Add lines to the draft, each under the id that it has."""

    lines: tuple[OrderLine, ...]


@dataclass(frozen=True, slots=True)
class RemoveItem:
    """Remove a line from the draft."""

    line_id: LineId


@dataclass(frozen=True, slots=True)
class ChangeQuantity:
    """Set the number of pieces (at least 1) of a line of the draft."""

    line_id: LineId
    quantity: int


@dataclass(frozen=True, slots=True)
class SetAdjustments:
    """Set all adjustments of the draft, or of one of its lines."""

    adjustments: tuple[Adjustment, ...]
    line_id: LineId | None = None


@dataclass(frozen=True, slots=True)
class SetAddress:
    """Set the draft's delivery address."""

    address: Address


@dataclass(frozen=True, slots=True)
class SubmitOrder:
    """Freeze the draft so that it can be fulfilled.

    `payment` may only be missing if nothing is to be paid, the address if nothing is to be shipped.
    """

    payment: PaymentTerms | None
    unavailable: UnavailableTerms = CANCEL_AT_ONCE
    on_outage: OutageTerms | None = None
    customer: Contact | None = None
    metadata: Mapping[str, str] = field(default_factory=dict, hash=False)
    if_left: IfLeft | None = None


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
    """Remove pieces: each line named keeps `quantity` pieces; 0 removes it.

    Lines that are not named stay as they are. No piece can be added, and something must be left.
    """

    pieces: tuple[Pieces, ...]


@dataclass(frozen=True, slots=True)
class StartProcessing:
    """Record that the payment was authorised or captured; None: there was nothing to pay."""

    payment_reference: str | None


@dataclass(frozen=True, slots=True)
class CompleteOrder:
    """Record that the order is paid and shipped; None: there was nothing to ship."""

    tracking_number: str | None


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Cancel the order; possible until it is completed."""

    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class AskForPayment:
    """Record that the payment was declined, and that another one is waited for until `deadline`.

    The deadline of the first time counts.
    """

    code: str
    deadline: datetime


@dataclass(frozen=True, slots=True)
class ReplacePayment:
    """Record another way to pay, by a token or a confirmed payment; see `PaymentTerms`.

    The token is a secret: `repr` omits it.
    """

    token: str | None = field(default=None, repr=False)
    confirmed: str | None = None


DraftCommand = AddItem | AddItems | RemoveItem | ChangeQuantity | SetAdjustments | SetAddress
ProgressCommand = MarkReserved | StartProcessing | CompleteOrder
ShortageCommand = ReportUnavailable | AcceptBackorder | AmendOrder
DeclineCommand = AskForPayment | ReplacePayment
SetbackCommand = ShortageCommand | DeclineCommand
OrderCommand = (
    CreateOrder
    | DraftCommand
    | SubmitOrder
    | ChangeDeliveryAddress
    | ProgressCommand
    | SetbackCommand
    | CancelOrder
)

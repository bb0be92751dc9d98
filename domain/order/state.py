"""The states of an order.

    draft -> submitted ------------------> reserved -> processing -> completed
      │          └───────> backordered <──────> │ <──────> │
      └──────────┴──────────────┴───────────────┴───────────┴──────> cancelled

Each status has its own type, which holds only what is known at that point.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from domain.errors import NotFound
from domain.ids import CustomerId, LineId, OrderId, Sku
from domain.lines import Adjustment, Content, LineShare, OrderLine, adjusted, pieces_by_sku
from domain.money import Money
from domain.order.status import OrderStatus
from domain.order.terms import CANCEL_AT_ONCE, OutageTerms, UnavailableTerms
from domain.parcel_left import IfLeft
from domain.shares import Shares, gift_card_of
from domain.values import (
    Address,
    CaptureMode,
    Contact,
    MissingItem,
    PaymentDue,
    PaymentTerms,
    Reason,
    Redacted,
)


@dataclass(frozen=True, slots=True)
class NoOrder:
    """There is no such order yet."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An order that is still being edited; `subtotal` is always the sum of `lines`."""

    order_id: OrderId
    customer_id: CustomerId | None
    placed_at: datetime
    subtotal: Money
    reference: str | None = None
    lines: Mapping[LineId, OrderLine] = field(default_factory=dict)
    adjustments: tuple[Adjustment, ...] = ()
    address: Address | Redacted | None = None

    @property
    def currency(self) -> str:
        """Currency of every price of the order."""
        return self.subtotal.currency

    @property
    def total(self) -> Money:
        """What the order would cost; below zero as long as more is taken off than there is."""
        return self.subtotal + adjusted(self.adjustments, self.currency)


@dataclass(frozen=True, slots=True)
class FrozenOrder:
    """What was submitted, without the pieces removed since.

    Attributes:
        reference: the shop's own number of the order.
        lines: what is to be delivered; `total` is what it costs.
        submitted: lines and adjustments as submitted.
        submitted_address: the address as submitted; `address` is where the parcel goes now.
        payment: how it is paid, as submitted; None: nothing is to be paid.
        unavailable: what to do if stock does not suffice.
        on_outage: what to do if a provider fails for long; None: what the installation says.
        customer: how the customer is reached; None: the order does not say.
        metadata: what the shop attached for its own use.
        if_left: what to do if its parcel has left before it is undone; None: what the installation
            says.
        totals: every amount that may have been asked for it; the last one counts now.
        payment_due: its payment was declined or will lapse, and another one is wanted; None: it
            was not, or another one came.
        pay_by: until when payments can come, since the first one was declined; None: it is paid.
        other_payment: the way to pay that came last after a decline; None: none came.
    """

    order_id: OrderId
    customer_id: CustomerId | None
    placed_at: datetime
    lines: tuple[OrderLine, ...]
    submitted: Content
    submitted_address: Address | Redacted | None
    address: Address | Redacted | None
    total: Money
    payment: PaymentTerms | None
    unavailable: UnavailableTerms = CANCEL_AT_ONCE
    on_outage: OutageTerms | None = None
    reference: str | None = None
    customer: Contact | Redacted | None = None
    metadata: Mapping[str, str] = field(default_factory=dict, hash=False)
    if_left: IfLeft | None = None
    totals: tuple[Money, ...] = ()
    payment_due: PaymentDue | None = None
    pay_by: datetime | None = None
    other_payment: PaymentTerms | None = None

    @property
    def currency(self) -> str:
        """Currency of every price of the order."""
        return self.total.currency

    @property
    def skus(self) -> tuple[Sku, ...]:
        """The SKUs that are to be delivered; none if all lines are services."""
        return tuple(pieces_by_sku(self.lines))

    @property
    def capture(self) -> CaptureMode:
        """When its money is captured; without goods there is no shipment to wait for."""
        if self.payment is None or not self.skus:
            return CaptureMode.AUTOMATIC
        return self.payment.capture

    @property
    def is_free(self) -> bool:
        """Whether nothing is to be paid."""
        return self.total.minor == 0

    @property
    def token(self) -> str | Redacted | None:
        """The provider's token for the payment method that counts; None: it is paid without."""
        return self._means.token

    @property
    def confirmed(self) -> str | None:
        """The provider's reference of the confirmed payment that counts; None: there is none."""
        return self._means.confirmed

    @property
    def _means(self) -> PaymentTerms:
        return self.other_payment or self.payment or PaymentTerms()

    @property
    def asks_for_payment(self) -> bool:
        """Whether another payment is asked for if one is declined."""
        return self.payment is not None and self.payment.asks and not self.is_free

    @property
    def deadline_of_payment(self) -> timedelta:
        """How long another payment is waited for."""
        hours = self.payment.on_decline.deadline_hours if self.payment else 0
        return timedelta(hours=hours)

    @property
    def has_another_payment(self) -> bool:
        """Whether another payment came after the last one was declined."""
        return self.pay_by is not None and self.payment_due is None

    @property
    def is_amended(self) -> bool:
        """Whether pieces were removed since it was submitted."""
        return self.lines != self.submitted.lines

    @property
    def shares(self) -> tuple[LineShare, ...]:
        """What is to be delivered, and what it costs by line."""
        return Shares(self.submitted).of_all(self.lines)

    @property
    def gift_card(self) -> Money:
        """What a gift card pays for what is to be delivered."""
        return gift_card_of(self.shares, self.currency)


@dataclass(frozen=True, slots=True)
class Submitted:
    """Frozen; fulfilment can begin."""

    order: FrozenOrder


@dataclass(frozen=True, slots=True)
class Backordered:
    """Some items are unavailable; what is available is reserved.

    Attributes:
        missing: what was missing when it was noticed; the stock streams know what still is.
        asking: whether the customer is asked to choose; otherwise the order waits for stock.
        deadline: when the order's default decides.
        counted: a count took away what was reserved.
        processing: before that its payment was made, if it needs one, under `payment_reference`.
    """

    order: FrozenOrder
    missing: tuple[MissingItem, ...]
    asking: bool
    deadline: datetime
    counted: bool = False
    processing: bool = False
    payment_reference: str | None = None


@dataclass(frozen=True, slots=True)
class Reserved:
    """All its stock is reserved."""

    order: FrozenOrder


@dataclass(frozen=True, slots=True)
class Processing:
    """Its payment is authorised or captured; no reference: there was nothing to pay."""

    order: FrozenOrder
    payment_reference: str | None


@dataclass(frozen=True, slots=True)
class Completed:
    """Paid and shipped, as far as there was something to pay and to ship: the successful end."""

    order: FrozenOrder
    payment_reference: str | None
    tracking_number: str | None


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Ended without delivery; `order` is a draft if it was never submitted."""

    order: Draft | FrozenOrder
    reason: Reason
    detail: str


OrderState = (
    NoOrder | Draft | Submitted | Backordered | Reserved | Processing | Completed | Cancelled
)

INITIAL: Final[OrderState] = NoOrder()

_STATUS: Final = {
    Draft: OrderStatus.DRAFT,
    Submitted: OrderStatus.SUBMITTED,
    Backordered: OrderStatus.BACKORDERED,
    Reserved: OrderStatus.RESERVED,
    Processing: OrderStatus.PROCESSING,
    Completed: OrderStatus.COMPLETED,
    Cancelled: OrderStatus.CANCELLED,
}


def status_of(state: OrderState) -> OrderStatus | None:
    """The status of the order; None if there is no order."""
    return None if isinstance(state, NoOrder) else _STATUS[type(state)]


def frozen_order(state: OrderState) -> FrozenOrder | None:
    """What was submitted; None if there is no order or it was never submitted."""
    match state:
        case NoOrder() | Draft():
            return None
        case Cancelled():
            return state.order if isinstance(state.order, FrozenOrder) else None
        case _:
            return state.order


def is_handed_in(state: OrderState) -> bool:
    """Whether it is to be paid by a payment that the shop has confirmed at checkout."""
    order = frozen_order(state)
    return order is not None and order.confirmed is not None


def payable_order(state: OrderState) -> FrozenOrder | None:
    """What can be paid, or paid in another way; None if its stock is not reserved, or it ended."""
    match state:
        case Reserved() | Processing() | Backordered(counted=True):
            return state.order
        case _:
            return None


def submitted_order(state: OrderState, order_id: OrderId) -> FrozenOrder:
    """What was submitted.

    Raises:
        NotFound: the order was never submitted.
    """
    order = frozen_order(state)
    if order is None:
        raise NotFound("submitted order", order_id)
    return order


def claimed_skus(state: OrderState) -> tuple[Sku, ...]:
    """The SKUs that an order can hold or wait for: all that were submitted; none for a draft."""
    order = frozen_order(state)
    return tuple(pieces_by_sku(order.submitted.lines)) if order else ()

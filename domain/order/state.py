"""The states of an order, and how they follow from its events.

    draft -> submitted ------------------> reserved -> processing -> completed
      │          └───────> backordered ───────^ │           │
      └──────────┴──────────────┴───────────────┴───────────┴──────> cancelled

Each status has its own type, which holds only what is known at that point.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, assert_never

from domain.errors import ImpossibleHistory, NotFound
from domain.ids import CustomerId, OrderId, Sku
from domain.money import Money
from domain.order import events
from domain.order.outage import OutageTerms
from domain.order.unavailable import CANCEL_AT_ONCE, UnavailableTerms
from domain.values import Address, MissingItem, OrderLine, PaymentTerms, Reason, Redacted


class OrderStatus(StrEnum):
    """Where an order stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    BACKORDERED = "backordered"
    RESERVED = "reserved"
    PROCESSING = "processing"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class NoOrder:
    """There is no such order yet."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An order that is still being edited; `total` is always the sum of `lines`."""

    order_id: OrderId
    customer_id: CustomerId | None
    placed_at: datetime
    total: Money
    lines: Mapping[Sku, OrderLine] = field(default_factory=dict)
    address: Address | Redacted | None = None

    @property
    def currency(self) -> str:
        """Currency of every price of the order."""
        return self.total.currency


@dataclass(frozen=True, slots=True)
class Content:
    """Lines and what they cost."""

    lines: tuple[OrderLine, ...]
    total: Money


@dataclass(frozen=True, slots=True)
class FrozenOrder:
    """What was submitted, without the pieces removed since.

    Attributes:
        lines: what is to be delivered; `total` is what it costs.
        submitted_address: the address as submitted; `address` is where the parcel goes now.
        unavailable: what to do if stock does not suffice.
        on_outage: what to do if a provider fails for long; None: what the installation says.
        amended_from: the content as submitted; None if the order was never amended.
        totals: every amount that may have been asked for it; the last one counts now.
    """

    order_id: OrderId
    customer_id: CustomerId | None
    placed_at: datetime
    lines: tuple[OrderLine, ...]
    submitted_address: Address | Redacted
    address: Address | Redacted
    total: Money
    payment: PaymentTerms
    unavailable: UnavailableTerms = CANCEL_AT_ONCE
    on_outage: OutageTerms | None = None
    amended_from: Content | None = None
    totals: tuple[Money, ...] = ()

    @property
    def currency(self) -> str:
        """Currency of every price of the order."""
        return self.total.currency

    @property
    def skus(self) -> tuple[Sku, ...]:
        """The SKUs that are to be delivered."""
        return tuple(line.sku for line in self.lines)

    @property
    def submitted(self) -> Content:
        """The content as the customer submitted it."""
        return self.amended_from or Content(self.lines, self.total)


@dataclass(frozen=True, slots=True)
class Submitted:
    """Frozen; fulfilment can begin."""

    order: FrozenOrder


@dataclass(frozen=True, slots=True)
class Backordered:
    """Some items are unavailable; what is available is reserved.

    Attributes:
        missing: what was missing at first; the stock streams know what still is.
        asking: whether the customer is asked to choose; otherwise the order waits for stock.
        deadline: when the order's default decides.
    """

    order: FrozenOrder
    missing: tuple[MissingItem, ...]
    asking: bool
    deadline: datetime


@dataclass(frozen=True, slots=True)
class Reserved:
    """All its stock is reserved."""

    order: FrozenOrder


@dataclass(frozen=True, slots=True)
class Processing:
    """Its payment is authorised or captured."""

    order: FrozenOrder
    payment_reference: str


@dataclass(frozen=True, slots=True)
class Completed:
    """Paid and shipped: the successful end."""

    order: FrozenOrder
    payment_reference: str
    tracking_number: str


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
    return tuple(line.sku for line in order.submitted.lines) if order else ()


# --- evolve --------------------------------------------------------------------------------------


def evolve(state: OrderState, event: events.OrderEvent) -> OrderState:
    """The state after an event; raises ImpossibleHistory if it cannot follow on `state`."""
    match event:
        case (
            events.ItemAdded()
            | events.ItemRemoved()
            | events.QuantityChanged()
            | events.AddressSet()
        ):
            return _edited(state, event)
        case events.OrderCreated():
            return _drafted(state, event)
        case events.OrderSubmitted():
            return _frozen(state, event)
        case events.DeliveryAddressChanged():
            return _redirected(state, event)
        case events.OrderReserved() | events.OrderProcessingStarted() | events.OrderCompleted():
            return _advanced(state, event)
        case events.ItemsUnavailable() | events.BackorderAccepted() | events.OrderAmended():
            return _shortened(state, event)
        case events.OrderCancelled():
            return _cancelled(state, event)
        case _:
            assert_never(event)


def _drafted(state: OrderState, event: events.OrderCreated) -> Draft:
    if not isinstance(state, NoOrder):
        raise ImpossibleHistory(event, state)
    zero = Money.zero(event.currency)
    return Draft(event.order_id, event.customer_id, event.placed_at, zero)


def _edited(state: OrderState, event: events.DraftEvent) -> Draft:
    if not isinstance(state, Draft):
        raise ImpossibleHistory(event, state)
    match event:
        case events.ItemAdded():
            return _with_line(state, _added_line(state, event))
        case events.ItemRemoved():
            rest = {sku: line for sku, line in state.lines.items() if sku != event.sku}
            return replace(state, lines=rest, total=state.total - state.lines[event.sku].amount)
        case events.QuantityChanged():
            return _with_line(state, replace(state.lines[event.sku], quantity=event.quantity))
        case events.AddressSet():
            return replace(state, address=event.address)
        case _:
            assert_never(event)


def _added_line(draft: Draft, event: events.ItemAdded) -> OrderLine:
    line = draft.lines.get(event.sku)
    if line is None:
        return OrderLine(event.sku, event.description, event.quantity, event.unit_price)
    return replace(line, quantity=line.quantity + event.quantity)


def _with_line(draft: Draft, line: OrderLine) -> Draft:
    before = draft.lines.get(line.sku)
    added = line.quantity - (before.quantity if before else 0)
    total = draft.total + line.unit_price * added
    return replace(draft, lines={**draft.lines, line.sku: line}, total=total)


def _frozen(state: OrderState, event: events.OrderSubmitted) -> Submitted:
    if not isinstance(state, Draft):
        raise ImpossibleHistory(event, state)
    return Submitted(
        FrozenOrder(
            order_id=event.order_id,
            customer_id=event.customer_id,
            placed_at=state.placed_at,
            lines=event.lines,
            submitted_address=event.address,
            address=event.address,
            total=event.total,
            payment=event.payment,
            unavailable=event.unavailable,
            on_outage=event.on_outage,
            totals=(event.total,),
        )
    )


def _redirected(state: OrderState, event: events.DeliveryAddressChanged) -> OrderState:
    match state:
        case Submitted() | Backordered() | Reserved() | Processing():
            return replace(state, order=replace(state.order, address=event.address))
        case _:
            raise ImpossibleHistory(event, state)


def _advanced(state: OrderState, event: events.ProgressEvent) -> OrderState:
    match event, state:
        case events.OrderReserved(), Submitted() | Backordered():
            return Reserved(state.order)
        case events.OrderProcessingStarted(), Reserved():
            return Processing(state.order, event.payment_reference)
        case events.OrderCompleted(), Processing():
            return Completed(state.order, state.payment_reference, event.tracking_number)
    raise ImpossibleHistory(event, state)


def _shortened(state: OrderState, event: events.ShortageEvent) -> OrderState:
    match event, state:
        case events.ItemsUnavailable(), Submitted():
            return Backordered(state.order, event.missing, event.asking, event.deadline)
        case events.BackorderAccepted(), Backordered():
            return replace(state, asking=False, deadline=event.deadline)
        case events.OrderAmended(), Backordered() | Reserved() | Processing():
            return replace(state, order=_amended(state.order, event))
    raise ImpossibleHistory(event, state)


def _amended(order: FrozenOrder, event: events.OrderAmended) -> FrozenOrder:
    return replace(
        order,
        lines=event.lines,
        total=event.total,
        amended_from=order.submitted,
        totals=(*order.totals, event.total),
    )


def _cancelled(state: OrderState, event: events.OrderCancelled) -> Cancelled:
    match state:
        case Draft():
            return Cancelled(state, event.reason, event.detail)
        case Submitted() | Backordered() | Reserved() | Processing():
            return Cancelled(state.order, event.reason, event.detail)
        case _:
            raise ImpossibleHistory(event, state)

"""What an order is at each moment, and how it follows from the order's events.

    draft -> submitted ------------------> reserved -> processing -> completed
      │          └───────> backordered ───────^ │           │
      └──────────┴──────────────┴───────────────┴───────────┴──────> cancelled

Each status is a type of its own and holds only what is known by then.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, assert_never

from domain.errors import ImpossibleHistory, NotFound
from domain.ids import CustomerId, OrderId, Sku
from domain.money import Money
from domain.order.events import (
    AddressSet,
    BackorderAccepted,
    DeliveryAddressChanged,
    ItemAdded,
    ItemRemoved,
    ItemsUnavailable,
    OrderAmended,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderEvent,
    OrderProcessingStarted,
    OrderReserved,
    OrderSubmitted,
    QuantityChanged,
)
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
    """Nothing happened yet."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An order that is being put together; `total` is always the sum of `lines`."""

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

    @property
    def skus(self) -> tuple[Sku, ...]:
        """The SKUs of the lines, each once."""
        return _skus(self.lines)


@dataclass(frozen=True, slots=True)
class FrozenOrder:
    """What was submitted, less what was left out afterwards.

    Attributes:
        lines: what is to be delivered, `total` what it costs.
        address: where the parcel goes now; `submitted_address` is what the customer first gave.
        unavailable: what is to happen when the stock does not suffice.
        amended_from: the content as it was submitted; None unless it was amended.
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
    amended_from: Content | None = None

    @property
    def currency(self) -> str:
        """Currency of every price of the order."""
        return self.total.currency

    @property
    def skus(self) -> tuple[Sku, ...]:
        """The SKUs that are to be delivered, each once."""
        return _skus(self.lines)

    @property
    def submitted(self) -> Content:
        """The content as the customer submitted it."""
        return self.amended_from or Content(self.lines, self.total)


def _skus(lines: tuple[OrderLine, ...]) -> tuple[Sku, ...]:
    return tuple(dict.fromkeys(line.sku for line in lines))


@dataclass(frozen=True, slots=True)
class Submitted:
    """Frozen and handed to fulfilment."""

    order: FrozenOrder


@dataclass(frozen=True, slots=True)
class Backordered:
    """Some of its items are unavailable; what is there is set aside.

    Attributes:
        missing: what was not there at first; the stock streams say what still is not.
        asking: its customer is to choose; else it waits for the stock.
        deadline: when its default decides.
    """

    order: FrozenOrder
    missing: tuple[MissingItem, ...]
    asking: bool
    deadline: datetime


@dataclass(frozen=True, slots=True)
class Reserved:
    """All its stock is set aside."""

    order: FrozenOrder


@dataclass(frozen=True, slots=True)
class Processing:
    """Its payment is authorised or captured."""

    order: FrozenOrder
    payment_reference: str


@dataclass(frozen=True, slots=True)
class Completed:
    """Paid and shipped; the good end."""

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
    """The order's status in one word, None if there is no order."""
    return None if isinstance(state, NoOrder) else _STATUS[type(state)]


def frozen_order(state: OrderState) -> FrozenOrder | None:
    """What was submitted, None if there is no order or it was never submitted."""
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
    return order.submitted.skus if order else ()


# --- evolve --------------------------------------------------------------------------------------


def evolve(state: OrderState, event: OrderEvent) -> OrderState:
    """The state after an event; raises ImpossibleHistory if it cannot follow on `state`."""
    match event:
        case ItemAdded() | ItemRemoved() | QuantityChanged() | AddressSet():
            return _edited(state, event)
        case OrderCreated():
            return _drafted(state, event)
        case OrderSubmitted():
            return _frozen(state, event)
        case DeliveryAddressChanged():
            return _redirected(state, event)
        case OrderReserved() | OrderProcessingStarted() | OrderCompleted():
            return _advanced(state, event)
        case ItemsUnavailable() | BackorderAccepted() | OrderAmended():
            return _short(state, event)
        case OrderCancelled():
            return _cancelled(state, event)
        case _:
            assert_never(event)


def _drafted(state: OrderState, event: OrderCreated) -> Draft:
    if not isinstance(state, NoOrder):
        raise ImpossibleHistory(event, state)
    zero = Money.zero(event.currency)
    return Draft(event.order_id, event.customer_id, event.placed_at, zero)


def _edited(
    state: OrderState, event: ItemAdded | ItemRemoved | QuantityChanged | AddressSet
) -> Draft:
    if not isinstance(state, Draft):
        raise ImpossibleHistory(event, state)
    match event:
        case ItemAdded():
            return _with_line(state, _added_line(state, event))
        case ItemRemoved():
            rest = {sku: line for sku, line in state.lines.items() if sku != event.sku}
            return replace(state, lines=rest, total=state.total - state.lines[event.sku].amount)
        case QuantityChanged():
            return _with_line(state, replace(state.lines[event.sku], quantity=event.quantity))
        case AddressSet():
            return replace(state, address=event.address)
        case _:
            assert_never(event)


def _added_line(draft: Draft, event: ItemAdded) -> OrderLine:
    there = draft.lines.get(event.sku)
    if there is None:
        return OrderLine(event.sku, event.description, event.quantity, event.unit_price)
    return replace(there, quantity=there.quantity + event.quantity)


def _with_line(draft: Draft, line: OrderLine) -> Draft:
    there = draft.lines.get(line.sku)
    more = line.quantity - (there.quantity if there else 0)
    total = draft.total + line.unit_price * more
    return replace(draft, lines={**draft.lines, line.sku: line}, total=total)


def _frozen(state: OrderState, event: OrderSubmitted) -> Submitted:
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
        )
    )


def _redirected(state: OrderState, event: DeliveryAddressChanged) -> OrderState:
    match state:
        case Submitted() | Backordered() | Reserved() | Processing():
            return replace(state, order=replace(state.order, address=event.address))
        case _:
            raise ImpossibleHistory(event, state)


def _advanced(
    state: OrderState, event: OrderReserved | OrderProcessingStarted | OrderCompleted
) -> OrderState:
    match event, state:
        case OrderReserved(), Submitted() | Backordered():
            return Reserved(state.order)
        case OrderProcessingStarted(), Reserved():
            return Processing(state.order, event.payment_reference)
        case OrderCompleted(), Processing():
            return Completed(state.order, state.payment_reference, event.tracking_number)
    raise ImpossibleHistory(event, state)


def _short(
    state: OrderState, event: ItemsUnavailable | BackorderAccepted | OrderAmended
) -> OrderState:
    match event, state:
        case ItemsUnavailable(), Submitted():
            return Backordered(state.order, event.missing, event.asking, event.deadline)
        case BackorderAccepted(), Backordered():
            return replace(state, asking=False, deadline=event.deadline)
        case OrderAmended(), Backordered() | Reserved() | Processing():
            return replace(state, order=_amended(state.order, event))
    raise ImpossibleHistory(event, state)


def _amended(order: FrozenOrder, event: OrderAmended) -> FrozenOrder:
    return replace(order, lines=event.lines, total=event.total, amended_from=order.submitted)


def _cancelled(state: OrderState, event: OrderCancelled) -> Cancelled:
    match state:
        case Draft():
            return Cancelled(state, event.reason, event.detail)
        case Submitted() | Backordered() | Reserved() | Processing():
            return Cancelled(state.order, event.reason, event.detail)
        case _:
            raise ImpossibleHistory(event, state)

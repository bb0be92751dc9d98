"""Folds the events of each order and SKU for verification.

On purpose it shares no code with the aggregates, so that it finds their mistakes.
"""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from domain import events as domain_events
from domain.ids import OrderId, ReturnId, Sku
from domain.money import Money
from domain.order import events as order_events
from domain.payment import events as payment_events
from domain.returns import events as returns_events
from domain.saga import events as saga_events
from domain.shipment import events as shipment_events
from domain.stock import events as stock_events
from domain.values import FailureKind


class Stage(StrEnum):
    """The stage of an order, as the invariants need it; DRAFT and NEVER have no saga."""

    NEVER = "never created"
    DRAFT = "draft"
    SUBMITTED = "submitted"
    BACKORDERED = "backordered"
    RESERVED = "reserved"
    PROCESSING = "processing"
    COMPLETED = "completed"
    CANCELLED = "cancelled"

    @property
    def is_open(self) -> bool:
        """Whether it is submitted and has not ended: it must have a saga."""
        return self in _OPEN


_OPEN = frozenset({Stage.SUBMITTED, Stage.BACKORDERED, Stage.RESERVED, Stage.PROCESSING})


@dataclass(slots=True)
class ReturnFacts:
    """The returns of one order: pieces, and minor units by return."""

    returned: Counter[Sku] = field(default_factory=Counter)
    restocked: Counter[Sku] = field(default_factory=Counter)
    granted: dict[ReturnId, int] = field(default_factory=dict)
    refunded: dict[ReturnId, int] = field(default_factory=dict)
    open: set[ReturnId] = field(default_factory=set)

    @property
    def granted_minor(self) -> int:
        """Refunds that are granted, in minor units."""
        return sum(self.granted.values())

    @property
    def refunded_minor(self) -> int:
        """Refunds that are made, in minor units."""
        return sum(self.refunded.values())


@dataclass(slots=True)
class OrderFacts:
    """The facts about one order, from all its streams.

    `pieces` (of goods) and `total` are those after all amendments, `totals` all that it has cost,
    beginning with `submitted_total`; `sum_minor` is what its lines and adjustments made when it was
    submitted. `waiting` are pieces that it queues for.
    `cancelled_for` is the reason of its cancellation; `step_failures` are the kinds and reasons of
    the steps that failed; `says_wait` is true if it wants to wait for any outage.
    `holds` are authorised amounts by provider reference; `labels` is True for live labels;
    `given_up`: it was undone after its parcel had left.
    """

    stage: Stage = Stage.NEVER
    pieces: Counter[Sku] = field(default_factory=Counter)
    total: Money | None = None
    totals: set[Money] = field(default_factory=set)
    reserved: Counter[Sku] = field(default_factory=Counter)
    waiting: Counter[Sku] = field(default_factory=Counter)
    shipped: Counter[Sku] = field(default_factory=Counter)
    holds: dict[str, Money] = field(default_factory=dict)
    captures: list[payment_events.PaymentCaptured] = field(default_factory=list)
    refunds: list[Money] = field(default_factory=list)
    labels: dict[str, bool] = field(default_factory=dict)
    returns: ReturnFacts = field(default_factory=ReturnFacts)
    given_up: bool = False
    cancelled_for: str | None = None
    step_failures: list[tuple[FailureKind, str]] = field(default_factory=list)
    says_wait: bool = False
    submitted_total: Money | None = None
    sum_minor: int = 0

    @property
    def live_labels(self) -> list[str]:
        """Ids of the labels that were bought and not cancelled."""
        return [label for label, live in self.labels.items() if live]

    @property
    def owed(self) -> Money | None:
        """The money that a completed order must have kept: its total less refunds of returns."""
        total = self.total
        return total and Money(total.minor - self.returns.refunded_minor, total.currency)

    @property
    def kept_money(self) -> list[Money]:
        """What is left of each capture; a completed order has exactly one."""
        if len(self.captures) != 1:
            return [capture.amount for capture in self.captures]
        return [Money(self.kept_minor, self.captures[0].amount.currency)]

    @property
    def kept_minor(self) -> int:
        """Minor units that were captured and not refunded."""
        captured = sum(capture.amount.minor for capture in self.captures)
        return captured - self.refunded_minor

    @property
    def refunded_minor(self) -> int:
        """Minor units that were refunded."""
        return sum(refund.minor for refund in self.refunds)


@dataclass(slots=True)
class StockFacts:
    """Pieces of one SKU; `lowest` is the minimum of available, reserved and waiting so far."""

    on_hand: int = 0
    reserved: int = 0
    waiting: int = 0
    lowest: int = 0

    def change(self, on_hand: int = 0, reserved: int = 0, waiting: int = 0) -> None:
        """Apply a change and update the minimum."""
        self.on_hand += on_hand
        self.reserved += reserved
        self.waiting += waiting
        available = self.on_hand - self.reserved
        self.lowest = min(self.lowest, available, self.reserved, self.waiting)


class Facts:
    """Folds the feed; `apply` must see every event once, in the order of the feed."""

    def __init__(self) -> None:
        self.orders: dict[OrderId, OrderFacts] = {}
        self.stock: dict[Sku, StockFacts] = {}
        self.events = 0

    def order(self, order_id: OrderId) -> OrderFacts:
        """The facts of an order; empty for an unknown id."""
        return self.orders.setdefault(order_id, OrderFacts())

    def apply(self, stream: str, event: domain_events.Event) -> None:
        """Fold one event of `stream`."""
        self.events += 1
        category, _, key = stream.partition("-")
        match category:
            case "order":
                _apply_order(self.order(OrderId(key)), event)
            case "stock":
                self._apply_stock(self.stock.setdefault(Sku(key), StockFacts()), event)
            case "payment":
                _apply_payment(self.order(OrderId(key)), event)
            case "shipment":
                _apply_shipment(self.order(OrderId(key)), event)
            case "fulfillment":
                _apply_trail(self.order(OrderId(key)), event)
            case "returns":
                _apply_return(self.order(OrderId(key)).returns, event)

    def _apply_stock(self, stock: StockFacts, event: domain_events.Event) -> None:
        match event:
            case (
                stock_events.StockReceived(quantity=pieces)
                | stock_events.StockAdjusted(delta=pieces)
            ):
                stock.change(on_hand=pieces)
            case stock_events.StockReserved(sku, order_id, pieces):
                stock.change(reserved=pieces)
                self.order(order_id).reserved[sku] += pieces
            case stock_events.StockReleased(sku, order_id, pieces):
                stock.change(reserved=-pieces)
                self.order(order_id).reserved[sku] -= pieces
            case stock_events.StockShipped(sku, order_id, pieces):
                stock.change(on_hand=-pieces, reserved=-pieces)
                self.order(order_id).reserved[sku] -= pieces
                self.order(order_id).shipped[sku] += pieces
            case stock_events.StockReturned(sku, order_id, _, pieces):
                stock.change(on_hand=pieces)
                self.order(order_id).returns.restocked[sku] += pieces
            case (
                stock_events.StockBackordered()
                | stock_events.StockAllocated()
                | stock_events.StockDeallocated()
                | stock_events.BackorderWithdrawn()
            ):
                self._apply_queue(stock, event)

    def _apply_queue(
        self,
        stock: StockFacts,
        event: stock_events.StockBackordered
        | stock_events.StockAllocated
        | stock_events.StockDeallocated
        | stock_events.BackorderWithdrawn,
    ) -> None:
        order, pieces = self.order(event.order_id), event.quantity
        waits, reserved = -pieces, 0
        match event:
            case stock_events.StockBackordered():
                waits = pieces
            case stock_events.StockDeallocated():
                waits, reserved = pieces, -pieces
            case stock_events.StockAllocated():
                reserved = pieces
        stock.change(reserved=reserved, waiting=waits)
        order.waiting[event.sku] += waits
        order.reserved[event.sku] += reserved


_STAGE_AFTER: dict[type[domain_events.Event], Stage] = {
    order_events.OrderCreated: Stage.DRAFT,
    order_events.OrderSubmitted: Stage.SUBMITTED,
    order_events.ItemsUnavailable: Stage.BACKORDERED,
    order_events.OrderReserved: Stage.RESERVED,
    order_events.OrderProcessingStarted: Stage.PROCESSING,
    order_events.OrderCompleted: Stage.COMPLETED,
    order_events.OrderCancelled: Stage.CANCELLED,
}


def _apply_order(order: OrderFacts, event: domain_events.Event) -> None:
    if not (
        # It was paid while a count took pieces away.
        isinstance(event, order_events.OrderProcessingStarted) and order.stage is Stage.BACKORDERED
    ):
        order.stage = _STAGE_AFTER.get(type(event), order.stage)
    if isinstance(event, order_events.OrderSubmitted | order_events.OrderAmended):
        order.total, order.pieces = event.total, Counter()
        order.totals.add(event.total)
        for line in event.lines:
            if line.sku is not None:
                order.pieces[line.sku] += line.quantity
    if isinstance(event, order_events.OrderSubmitted):
        order.submitted_total, order.sum_minor = event.total, _sum(event)
        order.says_wait = event.on_outage is not None and event.on_outage.cancel_after_s is None
    if isinstance(event, order_events.OrderCancelled):
        order.cancelled_for = event.reason


def _sum(event: order_events.OrderSubmitted) -> int:
    """What lines and adjustments make, in minor units."""
    prices = sum(line.quantity * line.unit_price.minor for line in event.lines)
    lists = [event.adjustments, *(line.adjustments for line in event.lines)]
    return prices + sum(x.amount.minor for each in lists for x in each if not x.included)


def _apply_trail(order: OrderFacts, event: domain_events.Event) -> None:
    if isinstance(event, saga_events.StepFailed):
        order.step_failures.append((event.kind, event.reason))


def _apply_payment(order: OrderFacts, event: domain_events.Event) -> None:
    match event:
        case payment_events.PaymentAuthorised():
            order.holds[event.reference] = event.amount
        case payment_events.PaymentCaptured():
            order.holds.pop(event.reference, None)
            order.captures.append(event)
        case payment_events.PaymentVoided() | payment_events.PaymentExpired():
            order.holds.pop(event.reference, None)
        case payment_events.PaymentRefunded():
            order.refunds.append(event.amount)
        case payment_events.RefundReversed():
            if event.amount in order.refunds:  # else the comparison with the provider shows it
                order.refunds.remove(event.amount)


def _apply_shipment(order: OrderFacts, event: domain_events.Event) -> None:
    match event:
        case shipment_events.LabelBought():
            order.labels[event.label_id] = True
        case shipment_events.LabelCancelled():
            order.labels[event.label_id] = False
        case shipment_events.ParcelGivenUp():
            order.given_up = True


def _apply_return(returns: ReturnFacts, event: domain_events.Event) -> None:
    match event:
        case returns_events.ReturnOpened():
            returns.open.add(event.return_id)
            for line in event.lines:
                if line.sku is not None:
                    returns.returned[line.sku] += line.quantity
        case returns_events.RefundGranted():
            returns.granted[event.return_id] = event.amount.minor
        case returns_events.ReturnRefunded():
            returns.refunded[event.return_id] = event.amount.minor
        case returns_events.ReturnClosed():
            returns.open.discard(event.return_id)

"""What the events say about each order and each SKU, folded for verification.

This fold is written apart from the aggregates' own on purpose: a mistake there must not hide here.
"""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from domain import events as e
from domain import return_events as r
from domain.ids import OrderId, ReturnId, Sku
from domain.money import Money


class Standing(StrEnum):
    """Where an order stands, as far as the invariants care; DRAFT and NEVER need no saga."""

    NEVER = "never created"
    DRAFT = "draft"
    SUBMITTED = "submitted"
    RESERVED = "reserved"
    PROCESSING = "processing"
    COMPLETED = "completed"
    CANCELLED = "cancelled"

    @property
    def is_open(self) -> bool:
        """Submitted and not ended: a saga must be carrying it."""
        return self in _OPEN


_OPEN = frozenset({Standing.SUBMITTED, Standing.RESERVED, Standing.PROCESSING})


@dataclass(slots=True)
class ReturnFacts:
    """What came back of one order: pieces, and minor units by return."""

    returned: Counter[Sku] = field(default_factory=Counter)
    restocked: Counter[Sku] = field(default_factory=Counter)
    granted: dict[ReturnId, int] = field(default_factory=dict)
    refunded: dict[ReturnId, int] = field(default_factory=dict)
    open: set[ReturnId] = field(default_factory=set)

    @property
    def granted_minor(self) -> int:
        """What all returns together give back."""
        return sum(self.granted.values())

    @property
    def refunded_minor(self) -> int:
        """What of it has gone back."""
        return sum(self.refunded.values())


@dataclass(slots=True)
class OrderFacts:
    """All that is known about one order, from all its streams.

    `captures` and `holds` are minor units by provider reference, `labels` is True while live.
    """

    standing: Standing = Standing.NEVER
    pieces: Counter[Sku] = field(default_factory=Counter)
    total: Money | None = None
    reserved: Counter[Sku] = field(default_factory=Counter)
    shipped: Counter[Sku] = field(default_factory=Counter)
    holds: dict[str, Money] = field(default_factory=dict)
    captures: list[e.PaymentCaptured] = field(default_factory=list)
    refunds: list[Money] = field(default_factory=list)
    labels: dict[str, bool] = field(default_factory=dict)
    returns: ReturnFacts = field(default_factory=ReturnFacts)

    @property
    def live_labels(self) -> list[str]:
        """Ids of the labels that were bought and not cancelled."""
        return [label for label, live in self.labels.items() if live]

    @property
    def kept_minor(self) -> int:
        """Minor units that were taken and not given back."""
        taken = sum(capture.amount.minor for capture in self.captures)
        return taken - self.refunded_minor

    @property
    def refunded_minor(self) -> int:
        """Minor units that were given back."""
        return sum(refund.minor for refund in self.refunds)


@dataclass(slots=True)
class StockFacts:
    """Pieces of one SKU; `lowest` is the least that was ever available or reserved."""

    on_hand: int = 0
    reserved: int = 0
    lowest: int = 0

    def change(self, on_hand: int = 0, reserved: int = 0) -> None:
        """Book a change and remember how low it went."""
        self.on_hand += on_hand
        self.reserved += reserved
        self.lowest = min(self.lowest, self.on_hand - self.reserved, self.reserved)


class Facts:
    """Folds the feed; `apply` must see every event once, in the order of the feed."""

    def __init__(self) -> None:
        self.orders: dict[OrderId, OrderFacts] = {}
        self.stock: dict[Sku, StockFacts] = {}
        self.events = 0

    def order(self, order_id: OrderId) -> OrderFacts:
        """The facts of an order, empty ones for an unknown id."""
        return self.orders.setdefault(order_id, OrderFacts())

    def apply(self, stream: str, event: e.Event) -> None:
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
            case "returns":
                _apply_return(self.order(OrderId(key)).returns, event)

    def _apply_stock(self, stock: StockFacts, event: e.Event) -> None:
        match event:
            case e.StockReceived(quantity=pieces) | e.StockAdjusted(delta=pieces):
                stock.change(on_hand=pieces)
            case e.StockReserved(sku, order_id, pieces):
                stock.change(reserved=pieces)
                self.order(order_id).reserved[sku] += pieces
            case e.StockReleased(sku, order_id, pieces):
                stock.change(reserved=-pieces)
                self.order(order_id).reserved[sku] -= pieces
            case e.StockShipped(sku, order_id, pieces):
                stock.change(on_hand=-pieces, reserved=-pieces)
                self.order(order_id).reserved[sku] -= pieces
                self.order(order_id).shipped[sku] += pieces
            case r.StockReturned(sku, order_id, _, pieces):
                stock.change(on_hand=pieces)
                self.order(order_id).returns.restocked[sku] += pieces


_STANDING_AFTER: dict[type[e.Event], Standing] = {
    e.OrderCreated: Standing.DRAFT,
    e.OrderSubmitted: Standing.SUBMITTED,
    e.OrderReserved: Standing.RESERVED,
    e.OrderProcessingStarted: Standing.PROCESSING,
    e.OrderCompleted: Standing.COMPLETED,
    e.OrderCancelled: Standing.CANCELLED,
}


def _apply_order(order: OrderFacts, event: e.Event) -> None:
    order.standing = _STANDING_AFTER.get(type(event), order.standing)
    if isinstance(event, e.OrderSubmitted):
        order.total = event.total
        for line in event.lines:
            order.pieces[line.sku] += line.quantity


def _apply_payment(order: OrderFacts, event: e.Event) -> None:
    match event:
        case e.PaymentAuthorised():
            order.holds[event.reference] = event.amount
        case e.PaymentCaptured():
            order.holds.pop(event.reference, None)
            order.captures.append(event)
        case e.PaymentVoided():
            order.holds.pop(event.reference, None)
        case e.PaymentRefunded():
            order.refunds.append(event.amount)


def _apply_shipment(order: OrderFacts, event: e.Event) -> None:
    match event:
        case e.LabelBought():
            order.labels[event.label_id] = True
        case e.LabelCancelled():
            order.labels[event.label_id] = False


def _apply_return(returns: ReturnFacts, event: e.Event) -> None:
    match event:
        case r.ReturnOpened():
            returns.open.add(event.return_id)
            for line in event.lines:
                returns.returned[line.sku] += line.quantity
        case r.RefundGranted():
            returns.granted[event.return_id] = event.amount.minor
        case r.ReturnRefunded():
            returns.refunded[event.return_id] = event.amount.minor
        case r.ReturnClosed():
            returns.open.discard(event.return_id)

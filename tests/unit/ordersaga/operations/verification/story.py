"""Small true stories of orders, to be spoilt in one place by each test."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from activities.keys import OrderKeys
from activities.payment_port import PaymentStatus, ProviderPayment
from activities.ports import CarrierLabel, LabelStatus
from domain.ids import LineId, OrderId, ReturnId, Sku
from domain.lines import LineShare, OrderLine
from domain.money import Money
from domain.order import events as order_events
from domain.payment import events as payment_events
from domain.returns import events as returns_events
from domain.returns.values import ReturnKind
from domain.saga import events as saga_events
from domain.shipment import events as shipment_events
from domain.stock import events as stock_events
from domain.values import Address, Outcome, PaymentTerms, Reason
from ordersaga.operations.verification.facts import Facts
from ordersaga.operations.verification.ownership import Owner

OURS = "0f8fad5b-d9cb-469f-a165-70867728950e"
NOW = datetime(2026, 1, 31, 14, 5, tzinfo=UTC)
DONE, GONE, BUSY = OrderId("done"), OrderId("gone"), OrderId("busy")
LAMP, MUG = Sku("10001"), Sku("10002")
PRICE = Money(250, "GBP")
TOTAL = Money(1000, "GBP")
ADDRESS = Address("Customer 1", "1 Example Street", "Example City", "00000", "GB")
FIRST, SECOND = LineId("1"), LineId("2")
LINES = (OrderLine(FIRST, LAMP, "LAMP", 3, PRICE), OrderLine(SECOND, MUG, "MUG", 1, PRICE))

Recorded = tuple[str, Any]
"""A stream and an event in it."""


def taken_in(order_id: OrderId) -> list[Recorded]:
    stream = f"order-{order_id}"
    return [
        (stream, order_events.OrderCreated(order_id, None, "GBP", NOW)),
        *(
            (
                stream,
                order_events.ItemAdded(
                    line.line_id, line.code, line.description, line.quantity, line.unit_price
                ),
            )
            for line in LINES
        ),
        (stream, order_events.AddressSet(ADDRESS)),
        (
            stream,
            order_events.OrderSubmitted(
                order_id, None, LINES, ADDRESS, TOTAL, PaymentTerms("tok_visa")
            ),
        ),
    ]


def reserved(order_id: OrderId) -> list[Recorded]:
    return [
        (f"stock-{LAMP}", stock_events.StockReserved(LAMP, order_id, 3)),
        (f"stock-{MUG}", stock_events.StockReserved(MUG, order_id, 1)),
        (f"order-{order_id}", order_events.OrderReserved()),
        (
            f"fulfillment-{order_id}",
            saga_events.FulfillmentStarted(order_id, f"order-{order_id}", "run-1"),
        ),
    ]


def captured(order_id: OrderId) -> list[Recorded]:
    reference = f"pay-{order_id}"
    return [
        (f"payment-{order_id}", payment_events.PaymentCaptured(order_id, TOTAL, reference, "key")),
        (f"order-{order_id}", order_events.OrderProcessingStarted(reference)),
    ]


def labelled(order_id: OrderId) -> Recorded:
    return (
        f"shipment-{order_id}",
        shipment_events.LabelBought(order_id, "acme", f"label-{order_id}", "T1", "k"),
    )


STORY: list[Recorded] = [
    (f"stock-{LAMP}", stock_events.StockReceived(LAMP, 10, "first")),
    (f"stock-{MUG}", stock_events.StockReceived(MUG, 10, "first")),
    # one that was completed
    *taken_in(DONE),
    *reserved(DONE),
    *captured(DONE),
    labelled(DONE),
    (f"stock-{LAMP}", stock_events.StockShipped(LAMP, DONE, 3)),
    (f"stock-{MUG}", stock_events.StockShipped(MUG, DONE, 1)),
    (f"order-{DONE}", order_events.OrderCompleted("T1")),
    (f"fulfillment-{DONE}", saga_events.FulfillmentClosed(Outcome.COMPLETED, None, "")),
    # one that was undone after it was paid and labelled
    *taken_in(GONE),
    *reserved(GONE),
    *captured(GONE),
    labelled(GONE),
    (f"shipment-{GONE}", shipment_events.LabelCancelled(GONE, f"label-{GONE}")),
    (f"payment-{GONE}", payment_events.PaymentRefunded(GONE, TOTAL, f"pay-{GONE}", "refund-1")),
    (f"stock-{LAMP}", stock_events.StockReleased(LAMP, GONE, 3)),
    (f"stock-{MUG}", stock_events.StockReleased(MUG, GONE, 1)),
    (f"order-{GONE}", order_events.OrderCancelled(Reason.CUSTOMER_REQUEST, "")),
    # one that is on its way
    *taken_in(BUSY),
    *reserved(BUSY),
    *captured(BUSY),
    # a draft
    ("order-draft", order_events.OrderCreated(OrderId("draft"), None, "GBP", NOW)),
]

R1 = ReturnId("R1")
LAMPS_BACK = (LineShare(FIRST, LAMP, 2, Money(500, "GBP"), Money(0, "GBP")),)
RETURN_OPENED: Recorded = (
    f"returns-{DONE}",
    returns_events.ReturnOpened(DONE, R1, ReturnKind.CUSTOMER, LAMPS_BACK, False, "ann", "broken"),
)
"""Two lamps of the completed order come back."""


def facts_of(story: list[Recorded]) -> Facts:
    facts = Facts()
    for stream, event in story:
        facts.apply(stream, event)
    return facts


def without(kind: type, order_id: OrderId, sku: Sku | None = None) -> list[Recorded]:
    """The story without the events of a kind that belong to an order (and a SKU)."""
    return [item for item in STORY if not _is(item, kind, order_id, sku)]


def changed(kind: type, order_id: OrderId, **changes: Any) -> list[Recorded]:
    """The story with other values in the events of a kind of an order."""
    return [
        (stream, replace(event, **changes)) if _is((stream, event), kind, order_id) else item
        for item in STORY
        for stream, event in [item]
    ]


def _is(item: Recorded, kind: type, order_id: OrderId, sku: Sku | None = None) -> bool:
    stream, event = item
    owner = getattr(event, "order_id", None) or stream.partition("-")[2]
    fits = sku is None or stream == f"stock-{sku}"
    return isinstance(event, kind) and owner == order_id and fits


# --- the providers' ledgers ----------------------------------------------------------------------


def payment(order_id: OrderId, **changes: Any) -> ProviderPayment:
    return replace(
        ProviderPayment(
            reference=f"pay-{order_id}",
            installation=OURS,
            idempotency_key=OrderKeys(OURS, order_id).payment,
            order_id=order_id,
            status=PaymentStatus.CAPTURED,
            asked=TOTAL,
            amount=TOTAL,
            refunded=Money(0, "GBP"),
        ),
        **changes,
    )


def label(order_id: OrderId, **changes: Any) -> CarrierLabel:
    return replace(
        CarrierLabel(
            label_id=f"label-{order_id}",
            installation=OURS,
            idempotency_key=OrderKeys(OURS, order_id).labels[0],
            order_id=order_id,
            status=LabelStatus.LIVE,
            carrier="acme",
            tracking_number="T1",
            pieces=4,
        ),
        **changes,
    )


PAYMENTS = [
    payment(DONE),
    payment(GONE, status=PaymentStatus.REFUNDED, refunded=TOTAL),
    payment(BUSY),
]
LABELS = [label(DONE), label(GONE, status=LabelStatus.CANCELLED)]


async def own(records: Sequence[ProviderPayment] | Sequence[CarrierLabel]) -> Any:
    """A ledger's records that are our orders' own, by order."""

    async def listed() -> AsyncIterator[Any]:
        for record in records:
            yield record

    return (await Owner(OURS, facts_of(STORY)).sort(listed())).own

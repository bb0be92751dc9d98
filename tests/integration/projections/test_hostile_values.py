"""What the domain accepts every read model can hold: no event parks its stream."""

import random
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from typing import Any

import asyncpg
import pytest

from adapters.events.codec import EVENT_CLASSES
from domain import fields as domain_fields
from domain.customer.events import CustomerErased
from domain.fields import EARLIEST, LATEST, MAX_AMOUNT, MAX_QUANTITY, parse_moment, parse_text
from domain.ids import OrderId, Sku
from domain.lines import Adjustment, AdjustmentKind
from domain.notes import cut
from domain.order import events as order_events
from domain.parcel_left import IfLeft
from domain.payment import events as payment_events
from domain.request.events import OrderRequested
from domain.returns import events as returns_events
from domain.saga import events as saga_events
from domain.shipment import events as shipment_events
from domain.stock import events as stock_events
from domain.values import Address
from eventstore.postgres.store import PostgresEventStore
from projections.operations import operate
from projections.read_models.customer_orders import model as customer_orders
from projections.read_models.product_demand import model as product_demand
from projections.read_models.product_demand.model import Measure
from projections.registry import ALL
from tests.support.stores.read_models import (
    BY,
    R1,
    Append,
    Order,
    append_events,
    gbp,
    line_of,
    receipt,
    runner_of,
)

# One line of text that the domain accepts, up to what a field may hold.
TEXTS = [
    *[
        "'; DROP TABLE events;--",
        "{schema}",
        "$1",
        "%s",
        "\\x00",
        "\\",
        '"',
        "NULL",
        "\u00ad.",
        "٣",
    ],
    *["👩\u200d🚀" * 30, "\U0010ffff.", "\ufffe\uffff.", "e" + "\u0301" * 90, "ﷺ" * 100],
]
IDS = frozenset(
    {
        *("order_id", "customer_id", "line_id", "sku", "return_id"),
        *("subject", "workflow_id", "status"),
    }
)
DEAR = (("71053", MAX_QUANTITY, MAX_AMOUNT // MAX_QUANTITY // 2), ("POST", 1, MAX_AMOUNT // 2))


def hostile(event: Any, chance: random.Random) -> Any:
    """The event with texts and times at the edge of what is accepted."""
    changes = {field.name: getattr(event, field.name) for field in fields(event)}
    for name, value in changes.items():
        if isinstance(value, datetime):
            changes[name] = parse_moment(chance.choice([EARLIEST, LATEST]), name)
        elif isinstance(value, Address):
            changes[name] = domain_fields.parse_address(hostile(value, chance))
        elif isinstance(value, tuple) and value and is_dataclass(value[0]):
            changes[name] = tuple(hostile(one, chance) for one in value)
        elif type(value) is str and name not in IDS | {"country", "currency", "postal_code"}:
            text = chance.choice(TEXTS)
            changes[name] = cut(text * 100) if name in NOTES else parse_text(text, name, 200)[:100]
    return replace(event, **changes)


NOTES = frozenset({"detail", "message", "waiting_for"})


def stories() -> Iterator[list[Append]]:
    """Histories that have every event type, of the dearest order on the first and last days."""
    for number, placed in enumerate((EARLIEST, LATEST)):
        yield Order(f"C{number}", lines=DEAR, placed=placed).cancelled()
        yield Order(f"B{number}", lines=DEAR, placed=placed).completed_after_backorder()
        yield _sent_back(Order(f"R{number}", lines=DEAR, placed=placed))
        yield _edited(Order(f"D{number}", lines=DEAR, placed=placed))


def _sent_back(order: Order) -> list[Append]:
    parcel, case, paid = f"shipment-{order.id}", f"returns-{order.id}", f"payment-{order.id}"
    address = order_events.DeliveryAddressChanged(Address("A", "1", "York", "YO1", "GB"))
    attempts = [
        payment_events.PaymentKeyTaken(order.oid, "key"),
        payment_events.PaymentNotClaimed(order.oid, order.total, "code", "pay", "key"),
        payment_events.PaymentClaimed(order.oid, order.total, "pay", "key"),
        payment_events.PaymentPrepared(order.oid, order.total, "pay", "key"),
        payment_events.PaymentDeclined(order.oid, order.total, "code", "key"),
        payment_events.PaymentAuthorised(order.oid, order.total, "pay", "key-2"),
        payment_events.PaymentVoided(order.oid, order.total, "pay"),
        payment_events.PaymentExpired(order.oid, order.total, "pay"),
    ]
    refund = (order.oid, order.total, f"pay-{order.id}", "refund")
    refunds = [
        payment_events.RefundPending(*refund, "re_1"),
        payment_events.RefundFailed(*refund, "expired_card"),
        payment_events.PaymentRefunded(*refund),
        payment_events.RefundReversed(*refund, "closed_account"),
    ]
    returned = [
        returns_events.ReturnRefundPending(R1, order.total, "refund"),
        returns_events.ReturnRefundFailed(R1, "refund"),
        returns_events.ReturnOperatorActed(R1, "ann", "retry", "again"),
    ]
    notes = [
        saga_events.CompensationWithdrawn("the parcel has left"),
        saga_events.NoteAdded("ann", "the customer called"),
    ]
    parcels = [
        shipment_events.ShipmentHandedOver(order.placed),
        shipment_events.ShipmentInTransit(order.placed),
        shipment_events.ShipmentDelivered(order.placed),
        shipment_events.ScanContradicted("lost", order.placed),
        shipment_events.DeliveryAttentionRequired("following", "find out"),
        shipment_events.DeliveryOperatorActed("ann", "resolve", "found"),
    ]
    asked = [
        order_events.PaymentAsked("card_declined", order.placed),
        order_events.PaymentReplaced("tok_other"),
    ]
    draft, submitted, reserved, pay, ship = order.completed()
    return [
        *[draft, submitted, [(order.stream, address)], reserved],
        *[order.need_attention(), order.operate()],
        [(f"fulfillment-{order.id}", event) for event in notes],
        [(paid, event) for event in attempts],
        [(order.stream, event) for event in asked],
        [*pay, *((paid, event) for event in refunds)],
        *[ship, [(parcel, event) for event in parcels]],
        [*order.open_return(), *((case, event) for event in returned)],
        order.complete_return(),
        [(f"customer-{order.id}", CustomerErased(f"customer-{order.id}", ("1",), "asked"))],
    ]


def _edited(order: Order) -> list[Append]:
    sku, pieces, _price = order.lines[0]
    edits = [
        order_events.QuantityChanged(line_of(sku), pieces - 1),
        order_events.ItemRemoved(line_of(order.lines[1][0])),
        order_events.ItemAdded(line_of("NEW"), Sku("NEW"), "NEW", 1, gbp(1)),
        order_events.AdjustmentsSet((Adjustment(AdjustmentKind.DISCOUNT, gbp(-1)),)),
    ]
    label = shipment_events.LabelBought(order.oid, "parcels", "L1", "TN", "key")
    parcels = [label, shipment_events.LabelCancelled(order.oid, "L1")]
    lost = [
        shipment_events.ScanKept("in_transit", order.placed),
        replace(label, label_id="L2"),
        shipment_events.ShipmentLost(order.placed),
        shipment_events.ParcelGivenUp(IfLeft.LOST, "ann", "it burned"),
    ]
    unpaid = payment_events.PaymentForbidden(order.oid)
    back = [shipment_events.ShipmentReturned(order.placed)]
    short = [
        *order.fall_short(),
        (order.stream, order_events.BackorderAccepted(order.placed)),
    ]
    return [
        [*order.draft(), *((order.stream, event) for event in edits)],
        order.submit(),
        short,
        [(f"shipment-{order.id}", event) for event in parcels],
        [(f"shipment-{order.id}-lost", event) for event in lost],
        [(f"shipment-{order.id}-back", event) for event in [label, *back]],
        [(f"payment-{order.id}", unpaid)],
        [(f"returns-{order.id}", event) for event in _denied(order.oid)],
        [(f"stock-{sku}", stock_events.StockAdjusted(Sku(sku), -1, "counted"))],
        [(f"stock-{sku}", stock_events.StockDeallocated(Sku(sku), order.oid, 1))],
        [(f"claim-{order.id}", payment_events.ReferenceClaimed(order.oid))],
        [(f"request-{order.id}", OrderRequested(order.oid, "service:shop", "00ff", True))],
    ]


def _denied(order_id: OrderId) -> list[Any]:
    opened = Order(order_id).open_return()[0][1]
    return [opened, returns_events.RefundDenied(R1, *BY)]


@pytest.mark.parametrize("seed", range(5))
async def test_no_accepted_event_parks_a_stream(
    pool: asyncpg.Pool, store: PostgresEventStore, seed: int
) -> None:
    chance = random.Random(seed)
    appends = [receipt(sku, MAX_QUANTITY) for sku, _, _ in DEAR for _ in range(20)]
    appends += [append for story in stories() for append in story]
    assert {type(event) for append in appends for _, event in append} == set(EVENT_CLASSES)
    await append_events(
        store,
        *([(stream, hostile(event, chance)) for stream, event in append] for append in appends),
    )
    await runner_of(pool, store).catch_up()
    assert (await operate.list_parked(pool, ALL)).items == ()
    head = await store.head()
    assert head > 0


async def test_sums_beyond_64_bits_are_shown(pool: asyncpg.Pool, store: PostgresEventStore) -> None:
    odd = (("71053", 1, 5 * 10**18),)
    for number in range(3):
        order = Order(f"A{number}", lines=odd)
        await append_events(store, *order.completed())
    await runner_of(pool, store).catch_up()
    totals = await customer_orders.customer_totals(pool, "17850")
    assert [total.completed_minor for total in totals] == [15 * 10**18]
    page = await product_demand.top_products(pool, Measure.ORDERED_VALUE, limit=1)
    assert [product.ordered_value_minor for product in page.items] == [15 * 10**18]

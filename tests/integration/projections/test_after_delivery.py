"""The read models of parcels and returns."""

from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from domain.ids import LineId, OrderId, ReturnId, Sku
from domain.lines import LineShare, Pieces
from domain.returns import events as returns_events
from domain.returns.values import ReturnKind
from domain.shipment import events as shipment_events
from domain.stock import events as stock_events
from eventstore.postgres.store import PostgresEventStore
from projections.errors import InvalidCursor
from projections.paging import Page
from projections.read_models.audit_log import model as audit_log
from projections.read_models.order_history import model as order_history
from projections.read_models.parcels import model as parcels
from projections.read_models.returns import model as returns
from tests.support.stores.read_models import (
    PLACED,
    Order,
    append_events,
    gbp,
    receipt,
    row_of,
    runner_of,
)

Store = PostgresEventStore
BY = ("ann", "broken")


async def _project(pool: asyncpg.Pool, store: Store) -> None:
    await runner_of(pool, store).catch_up()


def _opened(order_id: str, return_id: str) -> tuple[str, Any]:
    line = LineShare(LineId("1"), Sku("71053"), 2, gbp(678), gbp(0))
    return (
        f"returns-{order_id}",
        returns_events.ReturnOpened(
            OrderId(order_id), ReturnId(return_id), ReturnKind.CUSTOMER, (line,), False, *BY
        ),
    )


async def test_a_parcel_moves_is_contradicted_and_is_resolved(
    pool: asyncpg.Pool, store: Store
) -> None:
    stream = "shipment-A1"
    await append_events(
        store, *Order("A1").completed(), [(stream, shipment_events.ShipmentDelivered(PLACED))]
    )
    asked = shipment_events.DeliveryAttentionRequired(
        "contradiction", "lost, but delivered is on record"
    )
    await append_events(
        store, [(stream, shipment_events.ScanContradicted("lost", PLACED)), (stream, asked)]
    )
    await _project(pool, store)
    parcel = await parcels.get_parcel(pool, "A1")
    assert parcel is not None
    assert (parcel.status, parcel.scanned_at, parcel.tracking_number) == (
        "delivered",
        PLACED,
        "TN-A1",
    )
    assert (parcel.contradicted_by, parcel.needs_attention) == ("lost", True)
    assert parcel.waiting_for == "lost, but delivered is on record"
    await append_events(
        store, [(stream, shipment_events.DeliveryOperatorActed("ann", "resolve", "has it"))]
    )
    await _project(pool, store)
    after = await parcels.get_parcel(pool, "A1")
    assert after is not None
    assert (after.contradicted_by, after.needs_attention, after.last_operator) == (
        None,
        False,
        "ann",
    )


async def test_parcels_are_filtered_and_paged(pool: asyncpg.Pool, store: Store) -> None:
    for number in range(3):
        await append_events(store, *Order(f"A{number}").completed())
    later = PLACED + timedelta(days=1)
    await append_events(store, [("shipment-A1", shipment_events.ShipmentInTransit(later))])
    lonely = shipment_events.DeliveryAttentionRequired("recording", "the order has no parcel")
    await append_events(store, [("shipment-nobody", lonely)])
    await _project(pool, store)
    moving = await parcels.list_parcels(pool, status="in_transit")
    assert [x.order_id for x in moving.items] == ["A1"]
    needing = await parcels.list_parcels(pool, needs_attention=True)
    assert [(x.order_id, x.status) for x in needing.items] == [("nobody", "unknown")]
    assert await parcels.count_needing_attention(pool) == 1
    first = await parcels.list_parcels(pool, limit=3)
    second = await parcels.list_parcels(pool, limit=3, cursor=first.next_cursor)
    assert len({x.order_id for page in (first, second) for x in page.items}) == 4
    with pytest.raises(InvalidCursor):
        await parcels.list_parcels(pool, cursor="nonsense")
    assert await parcels.get_parcel(pool, "A9") is None


async def test_returns_show_both_decisions_and_what_is_done_of_them(
    pool: asyncpg.Pool, store: Store
) -> None:
    r1, stream = ReturnId("R1"), "returns-A1"
    await append_events(store, receipt("71053", 20), receipt("84029E", 20))
    await append_events(store, *Order("A1").completed())
    question = returns_events.ReturnAttentionRequired(
        r1, "decision", "decide about refund and restock"
    )
    await append_events(store, [_opened("A1", "R1"), (stream, question), _opened("A1", "R2")])
    await _project(pool, store)
    [row] = (await returns.list_returns(pool, needs_attention=True)).items
    assert await returns.count_needing_attention(pool) == 0  # to decide is ordinary business
    assert (row.return_id, row.refund, row.restock, row.pieces) == (
        "R1",
        "undecided",
        "undecided",
        2,
    )
    await append_events(
        store,
        [
            (stream, returns_events.RefundGranted(r1, gbp(678), *BY)),
            (stream, returns_events.RestockDecided(r1, (Pieces(LineId("1"), 1),), *BY)),
            ("stock-71053", stock_events.StockReturned(Sku("71053"), OrderId("A1"), r1, 1)),
            (stream, returns_events.ReturnRestocked(r1)),
        ],
    )
    await _project(pool, store)
    assert await _summary(pool, "R1") == ("granted", 678, "restocked", 1, False, True)
    stuck = returns_events.ReturnAttentionRequired(r1, "refund", "give it back by hand")
    await append_events(store, [(stream, stuck)])
    await _project(pool, store)
    assert await returns.count_needing_attention(pool) == 1
    await append_events(
        store,
        [
            (stream, returns_events.ReturnRefunded(r1, gbp(678), "key")),
            (stream, returns_events.ReturnClosed(r1)),
        ],
    )
    await append_events(store, [(stream, returns_events.RefundDenied(ReturnId("R2"), *BY))])
    await append_events(store, [(stream, returns_events.RestockDecided(ReturnId("R2"), (), *BY))])
    await _project(pool, store)
    assert await _summary(pool, "R1") == ("refunded", 678, "restocked", 1, False, False)
    assert await _summary(pool, "R2") == ("denied", 0, "none", 0, False, True)
    stock = await row_of(pool, "stock_levels", sku="71053")
    assert stock is not None
    assert (stock.on_hand, stock.shipped, stock.received) == (15, 6, 20)


async def _summary(pool: asyncpg.Pool, return_id: str) -> tuple[object, ...]:
    page: Page[returns.ReturnRow] = await returns.list_returns(pool, order_id="A1")
    row = next(x for x in page.items if x.return_id == return_id)
    return (
        row.refund,
        row.refund_minor,
        row.restock,
        row.restock_pieces,
        row.needs_attention,
        row.closed_at is None,
    )


async def test_open_returns_are_listed_page_by_page(pool: asyncpg.Pool, store: Store) -> None:
    for number in range(5):
        await append_events(store, [_opened(f"A{number}", "R1")])
    await append_events(store, [("returns-A0", returns_events.ReturnClosed(ReturnId("R1")))])
    await _project(pool, store)
    first = await returns.list_returns(pool, open_only=True, limit=3)
    second = await returns.list_returns(pool, open_only=True, limit=3, cursor=first.next_cursor)
    assert [len(page.items) for page in (first, second)] == [3, 1]
    assert {x.order_id for x in (*first.items, *second.items)} == {"A1", "A2", "A3", "A4"}
    with pytest.raises(InvalidCursor):
        await returns.list_returns(pool, cursor="nonsense")


async def test_a_return_is_in_the_orders_history_and_in_the_audit_log(
    pool: asyncpg.Pool, store: Store
) -> None:
    await append_events(store, *Order("A1").completed(), [_opened("A1", "R1")])
    returned = stock_events.StockReturned(Sku("71053"), OrderId("A1"), ReturnId("R1"), 1)
    await append_events(store, [("stock-71053", returned)])
    granted = returns_events.RefundGranted(ReturnId("R1"), gbp(678), "bob", "kindness")
    await append_events(store, [("returns-A1", granted)])
    await _project(pool, store)
    timeline = (await order_history.list_history(pool, "A1")).items[-3:]
    assert [row.line for row in timeline] == [
        "return R1 opened (customer) over 2 pieces: broken",
        "1 of 71053 back in stock (return R1)",
        "bob granted 6.78 GBP for return R1: kindness",
    ]
    audit = (await audit_log.list_audit(pool, audit_log.of_order(OrderId("A1")))).items
    assert (audit[-1].actor, audit[-1].reason) == ("bob", "kindness")

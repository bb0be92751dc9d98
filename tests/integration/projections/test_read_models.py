"""The content of each read model after a few orders."""

from datetime import UTC, date, timedelta

import asyncpg
import pytest

from domain.ids import OrderId, Sku
from domain.order import events as order_events
from domain.stock import events as stock_events
from eventstore.model import Metadata
from eventstore.postgres.store import PostgresEventStore
from projections.errors import InvalidCursor
from projections.read_models.audit_log import model as audit_log
from projections.read_models.audit_log.model import AuditFilter
from projections.read_models.current_orders import model as current_orders
from projections.read_models.current_orders.model import OrderFilter, StatusCount
from projections.read_models.customer_orders import model as customer_orders
from projections.read_models.fulfillments import model as fulfillments
from projections.read_models.order_history import model as order_history
from projections.read_models.product_demand import model as product_demand
from projections.read_models.product_demand.model import DemandFilter, Measure
from projections.read_models.stock_levels import model as stock_levels
from tests.support.stores.read_models import (
    PLACED,
    SECRET_NAME,
    Order,
    append_events,
    append_raw,
    gbp,
    line_of,
    receipt,
    row_of,
    runner_of,
    tables,
)

Store = PostgresEventStore


async def _project(pool: asyncpg.Pool, store: Store) -> None:
    await runner_of(pool, store).catch_up()


async def test_a_completed_order_shows_total_pieces_and_tracking_number(
    pool: asyncpg.Pool, store: Store
) -> None:
    await append_events(store, *Order("A1").completed())
    await _project(pool, store)
    order = await row_of(pool, "current_orders", order_id="A1")
    assert order is not None
    assert (order.status, order.total_minor, order.currency) == ("completed", 4034, "GBP")
    assert (order.line_count, order.item_count, order.customer_id) == (2, 8, "17850")
    assert (order.tracking_number, order.payment_reference) == ("TN-A1", "pay-A1")
    assert order.placed_at == PLACED
    assert order.closed_at == order.updated_at
    assert order.reason is None


async def test_a_draft_follows_its_items(pool: asyncpg.Pool, store: Store) -> None:
    draft = Order("A1")
    await append_events(store, draft.draft())
    await _project(pool, store)
    changes = [
        (draft.stream, order_events.QuantityChanged(line_of("71053"), 1)),
        (draft.stream, order_events.ItemRemoved(line_of("84029E"))),
        (draft.stream, order_events.ItemAdded(line_of("NEW"), Sku("NEW"), "NEW", 2, gbp(5))),
        (draft.stream, order_events.ItemAdded(line_of("NEW"), Sku("NEW"), "NEW", 1, gbp(5))),
    ]
    await append_events(store, changes)
    await _project(pool, store)
    order = await row_of(pool, "current_orders", order_id="A1")
    assert order is not None
    assert (order.status, order.total_minor) == ("draft", 339 + 15)
    assert (order.line_count, order.item_count) == (2, 4)


async def test_orders_are_filtered_and_paged_without_gaps_or_duplicates(
    pool: asyncpg.Pool, store: Store
) -> None:
    for number in range(7):
        placed = PLACED + timedelta(days=number // 3)
        order = Order(f"A{number}", "C1" if number % 2 else None, placed=placed)
        await append_events(store, *(order.completed() if number < 4 else order.cancelled()))
    await _project(pool, store)
    seen: list[str] = []
    cursor = None
    while True:
        page = await current_orders.list_orders(pool, limit=2, cursor=cursor)
        seen += [order.order_id for order in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == ["A6", "A5", "A4", "A3", "A2", "A1", "A0"]
    for criteria, expected in [
        (OrderFilter(status="cancelled"), ["A6", "A5", "A4"]),
        (OrderFilter(customer_id="C1"), ["A5", "A3", "A1"]),
        (OrderFilter(reason="payment_declined", customer_id="C1"), ["A5"]),
        (OrderFilter(placed_from=PLACED + timedelta(days=2)), ["A6"]),
        (OrderFilter(placed_before=PLACED + timedelta(days=1)), ["A2", "A1", "A0"]),
        (OrderFilter(status="nonsense'; DROP TABLE x"), []),
    ]:
        page = await current_orders.list_orders(pool, criteria)
        assert [order.order_id for order in page.items] == expected
    assert await current_orders.count_orders(pool) == [
        StatusCount("cancelled", "payment_declined", 3),
        StatusCount("completed", None, 4),
    ]


@pytest.mark.parametrize(
    "cursor", ["", "x", "é", "WzFd", "WyJhIiwgImIiXQ", "bnVsbA", "W1tdLCJhIl0"]
)
async def test_a_foreign_cursor_is_refused(pool: asyncpg.Pool, cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        await current_orders.list_orders(pool, cursor=cursor)


async def test_the_history_shows_the_events_of_all_streams_of_an_order(
    pool: asyncpg.Pool, store: Store
) -> None:
    await append_events(store, *Order("A1").completed(), *Order("B2").cancelled())
    await _project(pool, store)
    page = await order_history.list_history(pool, "A1")
    positions = [row.position for row in page.items]
    assert positions == sorted(positions)
    assert {row.stream for row in page.items} == {
        "order-A1",
        "payment-A1",
        "shipment-A1",
        "fulfillment-A1",
        "stock-71053",
        "stock-84029E",
    }
    lines = [row.line for row in page.items]
    assert lines[0] == "draft opened"
    assert "order completed, tracking number TN-A1" in lines
    assert all(row.actor == "saga" for row in page.items)
    first = await order_history.list_history(pool, "A1", limit=3)
    rest = await order_history.list_history(pool, "A1", cursor=first.next_cursor)
    assert first.items + rest.items == page.items
    early = await order_history.list_history(pool, "A1", until=page.items[3].recorded_at)
    assert early.items == page.items[:4]


async def test_customers_have_orders_and_totals_and_guests_have_none(
    pool: asyncpg.Pool, store: Store
) -> None:
    await append_events(store, *Order("A1", "C1").completed(), *Order("A2", "C1").cancelled())
    await append_events(store, *Order("G1", None).completed(), Order("A3", "C1").draft())
    await append_events(store, *Order("A4", "C1").completed()[:3], *Order("B1", "C2").completed())
    await _project(pool, store)
    page = await customer_orders.list_customer_orders(pool, "C1")
    assert [(o.order_id, o.status, o.total_minor) for o in page.items] == [
        ("A4", "reserved", 4034),
        ("A3", "draft", 0),
        ("A2", "cancelled", 4034),
        ("A1", "completed", 4034),
    ]
    (totals,) = await customer_orders.customer_totals(pool, "C1")
    assert (totals.orders, totals.completed, totals.cancelled) == (3, 1, 1)
    assert (totals.completed_minor, totals.open_minor) == (4034, 4034)
    assert await pool.fetchval("SELECT count(*) FROM read_models.customer_orders") == 5


async def test_demand_counts_every_quantity_on_the_day_of_the_order(
    pool: asyncpg.Pool, store: Store
) -> None:
    later = PLACED + timedelta(days=1)
    await append_events(store, *Order("A1").completed(), *Order("A2").cancelled())
    await append_events(
        store, *Order("A3", placed=later, lines=(("71053", 1, 400),)).completed()[:3]
    )
    await _project(pool, store)
    days = await pool.fetch(
        "SELECT day, orders, ordered, reserved, shipped, cancelled"
        " FROM read_models.product_demand WHERE sku = '71053' ORDER BY day"
    )
    assert [tuple(row) for row in days] == [
        (date(2011, 12, 1), 2, 12, 0, 6, 6),
        (date(2011, 12, 2), 1, 1, 1, 0, 0),
    ]
    top = (await product_demand.top_products(pool, Measure.ORDERED_VALUE)).items
    assert [(p.sku, p.ordered_value_minor, p.orders) for p in top] == [
        ("71053", 6 * 339 + 400, 3),
        ("84029E", 2000, 2),
    ]
    only = DemandFilter(since=date(2011, 12, 2), until=date(2011, 12, 3), currency="GBP")
    top = (await product_demand.top_products(pool, Measure.ORDERED, only)).items
    assert [(p.sku, p.ordered) for p in top] == [("71053", 1)]


@pytest.mark.parametrize("measure", list(Measure))
async def test_ranked_products_are_paged_without_gaps_or_duplicates(
    pool: asyncpg.Pool, store: Store, measure: Measure
) -> None:
    lines = tuple((f"S{n}", n // 2 + 1, 10) for n in range(6))
    await append_events(store, *Order("A1", lines=lines).completed())
    await _project(pool, store)
    whole = await product_demand.top_products(pool, measure)
    first = await product_demand.top_products(pool, measure, limit=4)
    rest = await product_demand.top_products(pool, measure, cursor=first.next_cursor)
    assert first.items + rest.items == whole.items
    assert len(whole.items) == 6


async def test_stock_levels_add_up_and_scarce_products_come_first(
    pool: asyncpg.Pool, store: Store
) -> None:
    await append_events(store, receipt("71053", 10), receipt("84029E", 50), receipt("FULL", 99))
    await append_events(store, *Order("A1").completed(), *Order("A2").completed()[:3])
    await append_events(
        store, [("stock-84029E", stock_events.StockAdjusted(Sku("84029E"), -40, "count"))]
    )
    await append_events(store, *Order("A3").cancelled())
    await _project(pool, store)
    level = await row_of(pool, "stock_levels", sku="71053")
    assert level is not None
    assert (level.on_hand, level.reserved, level.available) == (4, 6, -2)
    assert (level.received, level.shipped) == (10, 6)
    assert await row_of(pool, "stock_levels", sku="none") is None
    scarce = await stock_levels.list_stock(pool, available_below=20, limit=1)
    assert [row.sku for row in scarce.items] == ["71053"]
    rest = await stock_levels.list_stock(pool, available_below=20, cursor=scarce.next_cursor)
    assert [(row.sku, row.available) for row in rest.items] == [("84029E", 6)]
    named = await stock_levels.list_stock(pool, limit=2)
    assert [row.sku for row in named.items] == ["71053", "84029E"]


async def test_a_saga_shows_failure_attention_and_end(pool: asyncpg.Pool, store: Store) -> None:
    order = Order("A1")
    await append_events(
        store, *order.cancelled()[:4], order.need_attention(), *Order("B1").completed()
    )
    await _project(pool, store)
    saga = await row_of(pool, "fulfillments", order_id="A1")
    assert saga is not None
    assert (saga.status, saga.workflow_id, saga.run_id) == ("compensating", "order-A1", "run-1")
    assert (saga.needs_attention, saga.at_step) == (True, "release_inventory")
    assert saga.waiting_for == "release the stock by hand"
    assert (saga.failed_step, saga.failure, saga.reason) == (
        "release_inventory",
        "down",
        "payment_declined",
    )
    assert await fulfillments.count_needing_attention(pool) == 1
    await append_events(store, order.operate(), order.cancel())
    await _project(pool, store)
    saga = await row_of(pool, "fulfillments", order_id="A1")
    assert saga is not None
    assert (saga.status, saga.outcome, saga.needs_attention) == ("cancelled", "cancelled", False)
    assert (saga.last_operator, saga.last_action) == ("grace", "retry")
    assert saga.closed_at == saga.updated_at
    assert await fulfillments.count_needing_attention(pool) == 0
    done = await row_of(pool, "fulfillments", status="completed")
    assert done is not None
    assert done.order_id == "B1"


async def test_the_audit_log_says_who_what_and_why(pool: asyncpg.Pool, store: Store) -> None:
    order = Order("A1")
    person = Metadata("order-A1", "command-7", "cli:ada")
    await append_events(store, order.draft(), metadata=person)
    await append_events(store, *order.cancelled()[1:4], order.operate())
    position = await append_raw(store, "order-Z", "FromTheFuture", {"reason": "because"})
    await _project(pool, store)
    whole = await audit_log.list_audit(pool)
    assert whole.items[-1].position == position
    assert (whole.items[-1].event_type, whole.items[-1].reason) == ("FromTheFuture", "because")
    ada = await audit_log.list_audit(pool, AuditFilter(actor="cli:ada"))
    assert {row.causation_id for row in ada.items} == {"command-7"}
    assert len(ada.items) == 4
    (acted,) = (await audit_log.list_audit(pool, AuditFilter(actor="grace"))).items
    assert (acted.event_type, acted.reason, acted.run_id) == (
        "OperatorActed",
        "it is up again",
        "run-1",
    )
    of_order = await audit_log.list_audit(pool, audit_log.of_order(OrderId("A1")))
    assert {row.category for row in of_order.items} == {"order", "fulfillment"}
    middle = whole.items[3].recorded_at
    since = await audit_log.list_audit(pool, AuditFilter(since=middle), limit=1)
    assert since.items[0].recorded_at >= middle
    none = await audit_log.list_audit(pool, AuditFilter(until=whole.items[0].recorded_at))
    assert none.items == ()
    one_type = await audit_log.list_audit(pool, AuditFilter(event_type="OrderSubmitted"))
    assert len(one_type.items) == 1
    assert one_type.items[0].recorded_at.tzinfo == UTC


async def test_no_read_model_holds_personal_data_or_payment_tokens(
    pool: asyncpg.Pool, store: Store
) -> None:
    await append_events(store, *Order("A1").completed())
    await _project(pool, store)
    everything = repr(await tables(pool))
    assert "TN-A1" in everything
    for secret in (SECRET_NAME, "Hidden Lane", "LS99", "tok_secret"):
        assert secret not in everything


async def test_placed_times_keep_their_moment(pool: asyncpg.Pool, store: Store) -> None:
    await append_events(store, Order("A1").draft())
    await _project(pool, store)
    order = await row_of(pool, "current_orders", order_id="A1")
    assert order is not None
    assert order.placed_at.astimezone(UTC) == PLACED

"""Read models with orders that wait for stock, and with amended ones."""

import asyncpg

from eventstore.postgres.store import PostgresEventStore
from projections.read_models.customer_orders import model as customer_orders
from projections.read_models.order_history import model as order_history
from projections.read_models.product_demand import model as product_demand
from tests.support.stores.read_models import Order, append_events, gbp, receipt, row_of, runner_of

LAMPS = (("71053", 6, 339), ("84029E", 2, 1000))
SHORT_OF_ONE = (("71053", 6, 339),)


async def _project(pool: asyncpg.Pool, store: PostgresEventStore) -> None:
    await runner_of(pool, store).catch_up()


async def test_an_order_that_waits_and_its_pieces_are_backordered(
    pool: asyncpg.Pool, store: PostgresEventStore
) -> None:
    order = Order("A1", lines=SHORT_OF_ONE)
    await append_events(
        store, receipt("71053", 5), order.draft(), order.submit(), order.fall_short()
    )
    await _project(pool, store)
    row = await row_of(pool, "current_orders", order_id="A1")
    assert row is not None
    assert row.status == "backordered"
    [own] = (await customer_orders.list_customer_orders(pool, "17850")).items
    assert own.status == "backordered"
    level = await row_of(pool, "stock_levels", sku="71053")
    assert level is not None
    assert (level.on_hand, level.reserved, level.available, level.backordered) == (5, 5, 0, 1)


async def test_allocated_pieces_are_no_longer_backordered(
    pool: asyncpg.Pool, store: PostgresEventStore
) -> None:
    order = Order("A1", lines=SHORT_OF_ONE)
    await append_events(
        store, receipt("71053", 5), order.draft(), order.submit(), order.fall_short()
    )
    await _project(pool, store)
    await append_events(store, receipt("71053", 1), order.allocate(), order.pay(), order.ship())
    await _project(pool, store)
    level = await row_of(pool, "stock_levels", sku="71053")
    assert level is not None
    assert (level.on_hand, level.reserved, level.backordered, level.shipped) == (0, 0, 0, 6)
    row = await row_of(pool, "current_orders", order_id="A1")
    assert row is not None
    assert (row.status, row.item_count) == ("completed", 6)


async def test_an_amended_order_shows_its_new_total_everywhere(
    pool: asyncpg.Pool, store: PostgresEventStore
) -> None:
    order = Order("A1", lines=LAMPS)
    await append_events(store, order.draft(), order.submit(), order.reserve())
    await _project(pool, store)
    less, amended = order.amend()
    await append_events(store, amended[1:], less.pay(), less.ship())
    await _project(pool, store)
    row = await row_of(pool, "current_orders", order_id="A1")
    assert row is not None
    assert (row.total_minor, row.item_count, row.line_count) == (less.total.minor, 7, 2)
    [own] = (await customer_orders.list_customer_orders(pool, "17850")).items
    assert (own.total_minor, own.item_count) == (less.total.minor, 7)
    story = (await order_history.list_history(pool, "A1")).items
    assert any("order amended: 2 lines, 7 pieces" in entry.line for entry in story)


async def test_demand_counts_amended_pieces_as_cancelled(
    pool: asyncpg.Pool, store: PostgresEventStore
) -> None:
    order = Order("A1", lines=LAMPS)
    less, amended = order.amend()
    await append_events(store, order.draft(), order.submit(), order.reserve(), amended[1:])
    await _project(pool, store)
    demand = {row.sku: row for row in (await product_demand.top_products(pool)).items}
    lamp = demand["71053"]
    assert (lamp.ordered, lamp.cancelled, lamp.reserved) == (6, 1, 5)
    assert lamp.ordered_value_minor == gbp(5 * 339).minor
    await append_events(store, less.pay(), less.ship())
    await _project(pool, store)
    demand = {row.sku: row for row in (await product_demand.top_products(pool)).items}
    lamp = demand["71053"]
    assert (lamp.ordered, lamp.shipped + lamp.cancelled, lamp.reserved) == (6, 6, 0)

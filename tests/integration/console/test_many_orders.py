"""With many orders a page stays light, and no statement behind it reads a whole table."""

import zlib
from collections.abc import AsyncIterator
from dataclasses import astuple, fields
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from eventstore.postgres.connection import survey
from ordersaga.access.roles import Role
from ordersaga.embedded.postgres import EmbeddedPostgres
from projections.engine.sql_files import statement
from projections.read_models.current_orders.model import OrderFilter, OrderSort
from tests.support.api.pages import Reader
from tests.support.api.shop import ApiShop, opened_api
from tests.support.stores.event_store import opened_pool
from tests.support.stores.logins import as_processes
from tests.support.stores.postgres import fresh_database

ORDERS = 10_000
MOST_BYTES = 60_000
NOBODY: tuple[Any, ...] = (None,) * len(fields(OrderFilter))
YEAR = datetime(2026, 1, 1, tzinfo=UTC)

FILL_ORDERS = """
INSERT INTO read_models.current_orders
    (order_id, customer_id, status, currency, total_minor, line_count, item_count, reason,
     placed_at, submitted_at, updated_at, version, skus)
SELECT 'many-' || n, 'c' || n % 500,
       (ARRAY['completed', 'completed', 'completed', 'cancelled', 'processing'])[1 + n % 5], 'GBP',
       n, 1, 1, CASE WHEN n % 5 = 3 THEN 'out_of_stock' END,
       $1::timestamptz + n * interval '1 minute', $1, $1, 5, ARRAY['usual', 's' || n % 500]
FROM generate_series(1, $2::integer) AS n
"""
FILL_AUDIT = """
INSERT INTO read_models.audit_log
    (position, recorded_at, stream, category, version, event_type, actor, correlation_id,
     causation_id, event_id)
SELECT 1000000 + n, $1::timestamptz + n * interval '10 seconds', 'order-many-' || n / 4, 'order',
       1 + n % 4,
       (ARRAY['OrderSubmitted', 'OrderReserved', 'OrderProcessingStarted', 'OrderCompleted'])
           [1 + n % 4],
       'saga', 'order-many-' || n / 4, 'x', gen_random_uuid()
FROM generate_series(0, 4 * $2::integer - 1) AS n
"""
audit = partial(statement, "projections.read_models.audit_log")


def orders(name: str, sort: OrderSort = OrderSort.LATEST) -> str:
    """A statement about orders, in one of the orders of a list."""
    return sort.apply_to(statement("projections.read_models.current_orders", name))


@pytest.fixture(scope="module")
async def shop(postgres_server: EmbeddedPostgres) -> AsyncIterator[ApiShop]:
    async with fresh_database(postgres_server) as database, opened_api(database) as opened:
        async with opened_pool(await as_processes(database), 1) as pool:
            with survey():
                for fill in (FILL_ORDERS, FILL_AUDIT):
                    await pool.execute(fill, YEAR, ORDERS)
                await pool.execute("ANALYZE read_models.current_orders, read_models.audit_log")
        yield opened


IN_POUNDS = astuple(OrderFilter(currency="GBP"))  # the product is its last condition
LATE = YEAR + timedelta(seconds=40 * ORDERS) - timedelta(hours=24)
STATEMENTS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "all orders": (orders("list"), (*NOBODY, None, None, 51)),
    "by status": (orders("list"), ("cancelled", *NOBODY[1:], None, None, 51)),
    "by customer": (orders("list"), (None, "c7", *NOBODY[2:], None, None, 51)),
    "by time": (orders("list"), (*NOBODY[:3], LATE, None, *NOBODY[5:], None, None, 51)),
    "the next page": (orders("list"), (*NOBODY, YEAR + timedelta(days=3), "many-4320", 51)),
    **{
        f"{name}, {sort}": (orders("list", sort), (*conditions, None, None, 51))
        for sort in OrderSort
        for name, conditions in {
            "all": IN_POUNDS,
            "a usual product": (*IN_POUNDS[:-1], "usual"),
            "a rare product": (*IN_POUNDS[:-1], "s7"),
            "a product without orders": (*IN_POUNDS[:-1], "none"),
        }.items()
    },
    "the next page by total": (
        orders("list", OrderSort.HIGHEST_TOTAL),
        (*IN_POUNDS, 5000, "many-5000", 51),
    ),
    "open ones": (orders("count_open"), ()),
    "by hour": (audit("hours"), (LATE,)),
    "pace": (audit("pace"), (200,)),
}


@pytest.mark.parametrize("name", STATEMENTS)
async def test_no_whole_table_is_read(shop: ApiShop, name: str) -> None:
    query, values = STATEMENTS[name]
    plan = "\n".join(row[0] for row in await shop.services.pool.fetch(f"EXPLAIN {query}", *values))
    assert "Seq Scan" not in plan, plan


async def test_a_statement_that_reads_a_whole_table_would_be_found(shop: ApiShop) -> None:
    rows = await shop.services.pool.fetch(
        "EXPLAIN SELECT * FROM read_models.current_orders WHERE line_count = 1"
    )
    assert "Seq Scan" in "\n".join(row[0] for row in rows)


@pytest.mark.parametrize("path", ["/", "/orders", "/orders?status=completed", "/customers/c7"])
async def test_a_page_stays_light(shop: ApiShop, path: str) -> None:
    reply = await Reader.of(shop, Role.ADMIN).get(path)
    assert reply.status == 200
    assert len(zlib.compress(reply.text.encode())) < MOST_BYTES


async def test_pages_follow_each_other_to_the_end_of_a_filter(shop: ApiShop) -> None:
    reader, path, shown = Reader.of(shop, Role.ADMIN), "/orders?customer=c7", 0
    for _ in range(5):
        text = (await reader.get(path)).text
        shown += text.count('<td class="id"><a href="/console/orders/many-')
        if 'rel="next"' not in text:
            break
        path = (
            text.partition('rel="next" href="/console')[2].partition('"')[0].replace("&amp;", "&")
        )
    assert shown == ORDERS // 500

"""With many orders a page stays light, and no statement behind it reads a whole table."""

import zlib
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from ordersaga.access.roles import Role
from ordersaga.embedded.postgres import EmbeddedPostgres
from ordersaga.operations.statuses import FulfilmentProgress, PaymentProgress, ReturnProgress
from projections.engine.sql_files import statement
from projections.paging import encode_cursor
from projections.read_models.current_orders.model import OrderFilter, OrderSort, list_statement
from tests.support.api.many_orders import YEAR, fill
from tests.support.api.pages import Reader
from tests.support.api.shop import ApiShop, opened_api
from tests.support.stores.event_store import opened_pool
from tests.support.stores.logins import as_processes
from tests.support.stores.postgres import fresh_database

ORDERS = 100_000
AUDITED = 10_000
MOST_BYTES = 60_000

audit = partial(statement, "projections.read_models.audit_log")


def orders(
    sort: OrderSort = OrderSort.LATEST, cursor: str | None = None, **conditions: Any
) -> tuple[str, tuple[Any, ...]]:
    """The statement of a list of orders, and its values."""
    query, values = list_statement(OrderFilter(**conditions), sort, cursor)
    return query, (*values, 51)


@pytest.fixture(scope="module")
async def shop(postgres_server: EmbeddedPostgres) -> AsyncIterator[ApiShop]:
    async with fresh_database(postgres_server) as database, opened_api(database) as opened:
        async with opened_pool(await as_processes(database), 1) as pool:
            await fill(pool, ORDERS, audited=AUDITED)
        yield opened


LATE = YEAR + timedelta(seconds=40 * AUDITED) - timedelta(hours=24)
CONDITIONS: dict[str, dict[str, Any]] = {
    "all": {},
    **{f"{status}": {"status": status} for status in ("completed", "cancelled", "backordered")},
    **{f"paid: {each}": {"payment_status": each} for each in PaymentProgress},
    **{f"sent: {each}": {"fulfilment_status": each} for each in FulfilmentProgress},
    **{f"returned: {each}": {"return_status": each} for each in ReturnProgress},
    "a customer": {"customer_id": "c7"},
    "a reason": {"reason": "out_of_stock"},
    "of late": {"placed_from": LATE},
    "of one day": {"placed_from": YEAR, "placed_before": YEAR + timedelta(days=1)},
    "a usual product": {"sku": "usual"},
    "a rare product": {"sku": "s7"},
    "a product without orders": {"sku": "none"},
    "a usual country": {"country": "GB"},
    "a rare country": {"country": "IS"},
    "dear ones": {"total_from": ORDERS - 20},
    "cheap ones": {"total_until": 20},
}
STATEMENTS: dict[str, tuple[str, tuple[Any, ...]]] = {
    **{
        f"{name}, {sort}": orders(sort, currency="GBP" if sort.is_by_total else None, **conditions)
        for sort in OrderSort
        for name, conditions in CONDITIONS.items()
    },
    "the next page": orders(cursor=encode_cursor("latest", YEAR + timedelta(days=3), "many-4320")),
    "the next page by total": orders(
        OrderSort.HIGHEST_TOTAL,
        encode_cursor("highest_total", 5000, "many-5000"),
        currency="GBP",
    ),
    "open ones": (statement("projections.read_models.current_orders", "count_open"), ()),
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

"""Search by anything that names an order, a customer or a product."""

from datetime import timedelta

import pytest

from projections.engine.sql_files import statement
from tests.support.api.shop import ApiShop
from tests.support.stack.stack import order_document
from tests.support.stores.read_models import PLACED, Order, append_events

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture(scope="module")
async def filled(shop: ApiShop) -> ApiShop:
    await append_events(shop.services.log, *Order("A1", "C1").completed())
    later = PLACED + timedelta(days=1)
    await append_events(shop.services.log, *Order("A10", "C2", placed=later).completed())
    trace = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    document = order_document("T1", reference="SHOP 77/1", customer_id="C3")
    await shop.post("/orders", document, headers=trace)
    await shop.post("/stock/RARE-1/receive", {"quantity": 1, "reference": "d"})
    await shop.project()
    return shop


@pytest.mark.parametrize(
    ("text", "by", "order_ids"),
    [
        ("A1", "order_id", ["A10", "A1"]),
        ("A10", "order_id", ["A10"]),
        ("SHOP 77", "reference", ["T1"]),
        ("SHOP 77/1", "reference", ["T1"]),
        ("C2", "customer_id", ["A10"]),
        ("pay-A1", "payment_reference", ["A1"]),
        ("order-A1", "workflow_id", ["A1"]),
        ("delivery-A1", "workflow_id", ["A1"]),
        ("return-A1-R1", "workflow_id", ["A1"]),
        (TRACE, "trace_id", ["T1"]),
        (f"00-{TRACE}-b7ad6b7169203331-01", "trace_id", ["T1"]),
    ],
)
async def test_an_order_is_found_by(
    filled: ApiShop, text: str, by: str, order_ids: list[str]
) -> None:
    found = (await filled.get(f"/search?q={text.replace(' ', '%20')}")).json
    assert {match["by"] for match in found["matches"]} == {by}
    assert [order["order_id"] for order in found["orders"]] == order_ids
    assert found["orders"][0]["payment_status"] in ("captured", "unpaid")


async def test_a_tracking_number_finds_its_order(filled: ApiShop) -> None:
    (parcel,) = [
        row for row in (await filled.get("/parcels")).json["items"] if row["order_id"] == "A1"
    ]
    found = (await filled.get(f"/search?q={parcel['tracking_number']}")).json
    assert [order["order_id"] for order in found["orders"]] == ["A1"]


async def test_a_product_and_nothing_are_found(filled: ApiShop) -> None:
    found = (await filled.get("/search?q=RARE-1")).json
    assert [(match["by"], match["sku"]) for match in found["matches"]] == [("sku", "RARE-1")]
    for nothing in ("%25", "_", "a1", "A1%27--", "%E2%82%AC", "order-"):
        found = (await filled.get(f"/search?q={nothing}")).json
        assert found == {"matches": [], "orders": []}


@pytest.mark.parametrize("query", ["", "q=", "q=%00", f"q={'x' * 256}"])
async def test_a_text_that_names_nothing_is_refused(shop: ApiShop, query: str) -> None:
    assert (await shop.get(f"/search?{query}")).status == 422


async def test_no_table_is_read_from_end_to_end(filled: ApiShop) -> None:
    """Each part of the search has an index: with scans forbidden, the plan has none."""
    pool = filled.services.pool
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL enable_seqscan = off")
        await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        prepared = await connection.prepare(statement("ordersaga.operations.search", "matches"))
        plan = str(await prepared.explain("A1", [], TRACE, 20))
    assert "Seq Scan" not in plan

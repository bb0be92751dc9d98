"""A list shows what was written, or says that it does not yet."""

import asyncio

import pytest

from ordersaga.api import reading
from tests.support.api.shop import ApiShop, new_key
from tests.support.stack.stack import order_document
from tests.support.stores.read_models import Order, append_events


async def test_a_list_waits_for_what_was_written(shop: ApiShop) -> None:
    placed = await shop.post("/orders", order_document("R1", customer_id="READ"))
    position = placed.headers["Ordersaga-Position"]
    asked = asyncio.create_task(shop.get(f"/orders?customer=READ&position={position}"))
    await shop.project()
    reply = await asked
    assert (reply.status, [row["order_id"] for row in reply.json["items"]]) == (200, ["R1"])


async def test_a_list_that_does_not_show_it_in_time_says_so(
    shop: ApiShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "WAITS_FOR_S", 0.2)
    got = await shop.post("/stock/R1/receive", {"quantity": 1, "reference": "d"})
    position = got.headers["Ordersaga-Position"]
    for path in ("/stock", "/orders", "/payments/sums", "/search?q=R1", "/inbox"):
        mark = "&" if "?" in path else "?"
        reply = await shop.get(f"{path}{mark}position={position}")
        assert (reply.status, reply.code) == (202, "not_shown_yet")
        assert reply.headers["Retry-After"] == "1"
    await shop.project()
    assert (await shop.get(f"/stock?position={position}")).status == 200


async def test_an_answer_that_is_replayed_has_a_position_too(shop: ApiShop) -> None:
    key = new_key()
    for _ in range(2):
        got = await shop.post("/stock/R2/receive", {"quantity": 1, "reference": "d"}, key=key)
        assert int(got.headers["Ordersaga-Position"]) > 0


@pytest.mark.parametrize("position", ["-1", "x", str(2**63)])
async def test_a_position_is_a_number(shop: ApiShop, position: str) -> None:
    assert (await shop.get(f"/stock?position={position}")).status == 422


async def test_orders_are_listed_by_product_and_sorted_by_total(shop: ApiShop) -> None:
    for order_id, pieces in (("SORT1", 2), ("SORT2", 3), ("SORT3", 1)):
        order = Order(order_id, lines=(("SORT", pieces, 100),))
        await append_events(shop.services.log, order.draft(), order.submit())
    await shop.project()
    for sort, expected in (
        ("highest_total", ["SORT2", "SORT1", "SORT3"]),
        ("lowest_total", ["SORT3", "SORT1", "SORT2"]),
    ):
        path = f"/orders?sku=SORT&currency=GBP&limit=2&sort={sort}"
        first = await shop.get(path)
        rest = await shop.get(f"{path}&cursor={first.json['next_cursor']}")
        assert rest.status == 200, (first.text, rest.text)
        pages = (*first.json["items"], *rest.json["items"])
        assert [row["order_id"] for row in pages] == expected
        assert rest.json["next_cursor"] is None
    assert (await shop.get("/orders?sku=NONE")).json["items"] == []
    for query in ("sku=SORT&sort=highest_total", "sku=%20", "sort=best", "sort="):
        assert (await shop.get(f"/orders?{query}")).status == 422

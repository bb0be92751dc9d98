"""Orders over the API: placed once for each key, shown, acted on."""

import asyncio

import pytest

from ordersaga.access.roles import Role
from tests.support.api.shop import ApiShop, new_key
from tests.support.stack.stack import order_document


async def test_an_order_is_placed_and_shown_while_temporal_is_away(shop: ApiShop) -> None:
    placed = await shop.post("/orders", order_document("P1"), role=Role.SERVICE)
    assert (placed.status, placed.json) == (201, {"order_id": "P1", "created": True})
    assert placed.headers["Location"] == "/orders/P1"
    order = (await shop.get("/orders/P1?expand=payment,parcels,returns,saga,story,stock")).json
    assert (order["status"], order["total_minor"], order["version"]) == ("submitted", 678, 4)
    assert (order["payment_status"], order["fulfilment_status"]) == ("unpaid", "unfulfilled")
    assert (order["return_status"], order["kept_minor"]) == ("none", 0)
    assert [entry["actor"] for entry in order["story"]] == ["service:test-service"] * 4
    assert (order["payment"], order["parcels"], order["returns"]) == (None, [], [])
    assert "does not answer" in order["saga"]["note"]
    assert order["stock"][0]["sku"] == "71053"


async def test_the_same_request_gets_the_same_answer_and_another_is_refused(shop: ApiShop) -> None:
    key = new_key()
    first = await shop.post("/orders", order_document("P2"), key=key)
    again = await shop.post("/orders", order_document("P2"), key=key)
    assert (first.status, first.text) == (again.status, again.text) == (201, first.text)
    other = await shop.post("/orders", order_document("P2b"), key=key)
    assert (other.status, other.code) == (409, "idempotency_key_reused")
    assert (await shop.get("/orders/P2b")).code == "not_found"


async def test_keys_of_different_callers_do_not_meet(shop: ApiShop) -> None:
    key = new_key()
    await shop.post("/orders", order_document("P3"), key=key, role=Role.SERVICE)
    other = await shop.post("/orders", order_document("P4"), key=key, role=Role.ADMIN)
    assert other.status == 201


async def test_ten_at_once_under_one_key_place_one_order(shop: ApiShop) -> None:
    key = new_key()
    replies = await asyncio.gather(
        *(shop.post("/orders", order_document("P5"), key=key) for _ in range(10))
    )
    assert {(reply.status, reply.text) for reply in replies} == {(201, replies[0].text)}
    stored = await shop.services.log.read_stream("order-P5")
    assert [event.event_type for event in stored].count("OrderSubmitted") == 1


async def test_the_same_order_under_another_key_was_there(shop: ApiShop) -> None:
    document = order_document("P6")
    await shop.post("/orders", document)
    again = await shop.post("/orders", document)
    assert (again.status, again.json["created"]) == (200, False)
    changed = order_document("P6", currency="EUR")
    assert (await shop.post("/orders", changed)).code == "order_conflict"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (b"[]", "document"),
        (b"{", "document"),
        (b'{"order_id": "X", "order_id": "X"}', "order_id"),
        (b"[" * 100_000, "document"),
        (order_document("P7", currency="ZZZ"), "currency"),
        ({**order_document("P7"), "order_id": 7}, "order_id"),
        (order_document("P7", lines=[]), "lines"),
    ],
)
async def test_a_wrong_document_is_refused_and_names_the_field(
    shop: ApiShop, body: object, field: str
) -> None:
    reply = await shop.post("/orders", body)
    assert (reply.status, reply.code) == (422, "invalid_document")
    assert reply.json["errors"]
    assert field in {"body", reply.json["errors"][0]["field"].split(".")[0]}
    assert (await shop.get("/orders/P7")).status == 404


@pytest.mark.parametrize("key", ["", " ", "ä", "x" * 201, "a b"])
async def test_a_write_needs_a_usable_key(shop: ApiShop, key: str) -> None:
    url = f"{shop.url}/orders"
    sent = {"Authorization": f"Bearer {shop.tokens[Role.ADMIN]}"}
    if key:
        sent["Idempotency-Key"] = key
    async with shop.http.post(url, json=order_document("P8"), headers=sent) as answer:
        assert answer.status == 400
        assert (await answer.json(content_type=None))["code"] == "idempotency_key_missing"


async def test_an_act_waits_for_temporal_and_its_outage_is_no_answer(shop: ApiShop) -> None:
    await shop.post("/orders", order_document("P9"))
    key = new_key()
    for _ in range(2):
        reply = await shop.post("/orders/P9/hold", {"reason": "fraud check"}, key=key)
        assert (reply.status, reply.code) == (503, "temporal_unavailable")
        assert reply.json["repeat"] is True
        assert reply.headers["Retry-After"] == "2"
    other = await shop.post("/orders/P9/hold", {"reason": "another reason"}, key=key)
    assert other.code == "idempotency_key_reused"


async def test_an_act_on_another_version_is_refused(shop: ApiShop) -> None:
    await shop.post("/orders", order_document("P10"))
    body = {"reason": "fraud check"}
    old = await shop.post("/orders/P10/hold", body, headers={"If-Match": '"3"'})
    assert (old.status, old.code) == (412, "changed_meanwhile")
    etag = (await shop.get("/orders/P10")).headers["ETag"]
    fitting = await shop.post("/orders/P10/hold", body, headers={"If-Match": etag})
    assert fitting.code == "temporal_unavailable"


async def test_a_tag_covers_what_the_role_is_shown(shop: ApiShop) -> None:
    await shop.post("/orders", order_document("P11"))
    support = await shop.get("/orders/P11", role=Role.SUPPORT)
    finance = await shop.get("/orders/P11", role=Role.FINANCE)
    assert support.json["address"]["city"] == "Leeds"
    assert finance.json["address"] is None
    wider = await shop.get("/orders/P11?expand=payment", role=Role.SUPPORT)
    tags = [reply.headers["ETag"] for reply in (support, finance, wider)]
    assert len(set(tags)) == 3
    same = await shop.get("/orders/P11", role=Role.SUPPORT, headers={"If-None-Match": tags[0]})
    assert (same.status, same.text) == (304, "")
    other = await shop.get("/orders/P11", role=Role.FINANCE, headers={"If-None-Match": tags[0]})
    assert other.status == 200


async def test_an_order_is_shown_as_it_was(shop: ApiShop) -> None:
    await shop.post("/orders", order_document("P12"))
    draft = (await shop.get("/orders/P12?version=2")).json
    assert (draft["status"], draft["version"]) == ("draft", 2)
    assert (await shop.get("/orders/P12?at=2001-01-01T00:00:00Z")).status == 404
    assert (await shop.get("/orders/P12?at=2001-01-01T00:00:00")).status == 422
    assert (await shop.get("/orders/P12?expand=everything")).status == 422


async def test_stock_is_received_and_adjusted_once_for_each_key(shop: ApiShop) -> None:
    key = new_key()
    for _ in range(2):
        got = await shop.post("/stock/S1/receive", {"quantity": 5, "reference": "d1"}, key=key)
        assert (got.status, got.json["on_hand"]) == (200, 5)
    assert got.headers["Idempotency-Replayed"] == "true"
    key = new_key()
    replies = await asyncio.gather(
        *(
            shop.post("/stock/S1/adjust", {"by": -1, "reason": "counted"}, key=key)
            for _ in range(10)
        )
    )
    assert {reply.text for reply in replies} == {replies[0].text}
    assert (await shop.get("/stock/S1")).json["on_hand"] == 4
    refused = await shop.post("/stock/S1/adjust", {"by": -9, "reason": "counted"})
    assert refused.status == 409


async def test_lists_have_cursors_and_csv(shop: ApiShop) -> None:
    for number in range(3):
        await shop.post("/orders", order_document(f"L{number}", customer_id="LIST"))
    await shop.project()
    first = (await shop.get("/orders?customer=LIST&limit=2")).json
    rest = (await shop.get(f"/orders?customer=LIST&limit=2&cursor={first['next_cursor']}")).json
    ids = [row["order_id"] for page in (first, rest) for row in page["items"]]
    assert sorted(ids) == ["L0", "L1", "L2"]
    assert first["items"][0]["payment_status"] == "unpaid"
    sheet = await shop.get("/orders?customer=LIST&format=csv")
    lines = sheet.text.split("\r\n")
    assert lines[0].startswith("order_id,customer_id,status")
    assert len(lines) == 5
    assert (await shop.get("/orders?cursor=nonsense")).status == 422


@pytest.mark.parametrize(
    "path",
    [
        "/stock",
        "/returns",
        "/parcels",
        "/demand",
        "/customers/LIST",
        "/audit?limit=5",
        "/projections",
        "/notifications",
        "/notifications/status",
        "/openapi.json",
    ],
)
async def test_every_list_answers(shop: ApiShop, path: str) -> None:
    reply = await shop.get(path)
    assert reply.status == 200, reply.text
    assert reply.json


async def test_an_order_s_books_are_checked(shop: ApiShop) -> None:
    await shop.post("/orders", order_document("V1"))
    assert (await shop.get("/orders/V1/verification")).json["clean"] is True


@pytest.mark.parametrize("query", ["staus=draft", "limit=1&limit=2", "Limit=1", "=", "%00=1"])
async def test_a_parameter_that_nobody_reads_is_refused(shop: ApiShop, query: str) -> None:
    reply = await shop.get(f"/orders?{query}")
    assert (reply.status, reply.code) == (422, "invalid_document")
    assert reply.json["errors"][0]["field"] in ("staus", "limit", "Limit", "query")

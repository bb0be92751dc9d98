"""Changes as they happen: nothing is skipped, whatever becomes of connections and tokens."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from ordersaga.access.roles import Role
from ordersaga.api import callers, guard, live
from tests.support.api.shop import ApiShop
from tests.support.stack.stack import order_document, until

WITHIN_S = 60


class Listener:
    """A client of a stream."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer
        self.last_id: str | None = None

    async def next(self) -> dict[str, Any] | None:
        """The next change; None when the stream has ended."""
        data = None
        async with asyncio.timeout(WITHIN_S):
            while line := (await self.answer.content.readline()).decode():
                name, _, value = line.rstrip("\n").partition(": ")
                if name == "id":
                    self.last_id = value
                elif name == "data":
                    data = json.loads(value)
                elif not line.strip() and data is not None:
                    return data
        return None

    async def until(self, event_type: str) -> list[dict[str, Any]]:
        """All changes up to the first of a type."""
        got = []
        while change := await self.next():
            got.append(change)
            if change["event_type"] == event_type:
                return got
        raise AssertionError("the stream ended")


@asynccontextmanager
async def listening(
    shop: ApiShop, query: str = "", *, token: str | None = None, last_id: str | None = None
) -> AsyncIterator[Listener]:
    sent = {"Authorization": f"Bearer {token or shop.tokens[Role.SUPPORT]}"}
    if last_id is not None:
        sent["Last-Event-ID"] = last_id
    async with shop.http.get(f"{shop.url}/changes{query}", headers=sent) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        yield Listener(answer)


async def test_a_change_is_shown_to_whoever_listens(shop: ApiShop) -> None:
    async with listening(shop) as first, listening(shop, "?order_id=W1") as second:
        await shop.post("/orders", order_document("W0"), role=Role.SERVICE)
        await shop.post("/orders", order_document("W1"), role=Role.SERVICE)
        await shop.post("/stock/W1/receive", {"quantity": 1, "reference": "d"})
        seen = await first.until("StockReceived")
        assert {change["order_id"] for change in seen} == {"W0", "W1", None}
        assert seen[-1]["sku"] == "W1"
        own = await second.until("OrderSubmitted")
    assert {change["order_id"] for change in own} == {"W1"}
    assert own[-1]["actor"] == "service:test-service"
    assert set(own[0]) == set(live.Change.__dataclass_fields__)


async def test_a_client_that_comes_back_misses_nothing_and_gets_nothing_twice(
    shop: ApiShop,
) -> None:
    async with listening(shop) as listener:
        await shop.post("/orders", order_document("W2"))
        await listener.next()
        last_id = listener.last_id
    await shop.post("/orders", order_document("W3"))
    async with listening(shop, last_id=last_id) as listener:
        seen = await listener.until("OrderSubmitted")
        seen += await listener.until("OrderSubmitted")
    stored = [
        event.position
        for order_id in ("W2", "W3")
        for event in await shop.services.log.read_stream(f"order-{order_id}")
    ]
    assert [change["position"] for change in seen] == stored[1:]


async def test_a_stream_begins_at_the_end_or_where_it_is_told(shop: ApiShop) -> None:
    await shop.post("/orders", order_document("W4"))
    async with listening(shop, "?lasts_s=1") as listener:
        assert await listener.next() is None
        assert listener.last_id is not None
    async with listening(shop, "?after=0&order_id=W4") as listener:
        assert (await listener.until("OrderSubmitted"))[0]["event_type"] == "OrderCreated"
    async with listening(shop, f"?after={2**62}&lasts_s=1") as listener:
        assert await listener.next() is None
        assert int(listener.last_id or 0) < 2**62


async def test_a_quiet_stream_says_that_it_is_alive(
    shop: ApiShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "SIGN_EVERY_S", 0.2)
    async with listening(shop, "?order_id=nobody") as listener:
        signs = [await listener.answer.content.readline() for _ in range(8)]
    assert sum(line.startswith(b"id: ") for line in signs) >= 3


async def test_a_stream_ends_when_its_token_is_revoked(
    shop: ApiShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callers, "CACHED_FOR_S", 0.1)
    token = await shop.new_token(Role.SUPPORT)
    async with listening(shop, token=token) as listener:
        await shop.post("/orders", order_document("W5"))
        assert await listener.until("OrderSubmitted")
        await shop.revoke(token)
        assert await listener.next() is None
    assert (await shop.get("/changes", token=token)).status == 401


async def test_streams_have_a_limit_and_one_that_ends_makes_room(
    shop: ApiShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_OF_A_TOKEN", 1)
    token = await shop.new_token(Role.SUPPORT)
    async with listening(shop, token=token) as listener:
        await listener.answer.content.readline()
        refused = await shop.get("/changes", token=token)
        assert (refused.status, refused.code) == (429, "too_many_streams")
        assert int(refused.headers["Retry-After"]) >= 1
        async with listening(shop, "?lasts_s=1") as other:
            assert await other.next() is None

    async def has_room() -> bool:
        return (await shop.get("/changes?lasts_s=1", token=token)).status == 200

    await until(has_room)


@pytest.mark.parametrize("query", ["after=-1", "after=x", "lasts_s=0", "order_id=%00"])
async def test_a_wrong_place_to_begin_is_refused(shop: ApiShop, query: str) -> None:
    assert (await shop.get(f"/changes?{query}")).status == 422


async def test_a_stream_outlives_the_time_for_a_body(
    shop: ApiShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "BODY_WITHIN_S", 0.2)
    async with listening(shop, "?lasts_s=2") as listener:
        assert await listener.next() is None
        assert listener.answer.content.is_eof()

"""Asking for replays and rebuilds: by whom, once for a key, and what came of it."""

import asyncio

from eventstore.postgres.store import PostgresEventStore
from ordersaga.access.roles import Role
from projections.operations.repairs.carrying_out import Repairer
from projections.registry import ALL
from tests.support.api.shop import ApiShop, new_key
from tests.support.stores.event_store import opened_pool, opened_store
from tests.support.stores.logins import as_only
from tests.support.stores.read_models import CODEC, append_raw

WHY = {"reason": "rows are wrong"}
REBUILD = "/projections/current_orders/rebuild"
REPLAY = "/projections/current_orders/replay"


async def carry_out(shop: ApiShop) -> int:
    """Everything that was asked for, as a process of projections does."""
    done = 0
    async with opened_pool(await as_only(shop.database, "projector"), 12) as pool:
        store = PostgresEventStore(pool)
        repairer = Repairer(pool, store, CODEC, ALL)
        while await repairer.work(asyncio.Event(), lambda: None):
            done += 1
        await store.close()
    return done


async def test_a_rebuild_is_asked_for_once_and_shown_to_its_end(shop: ApiShop) -> None:
    key = new_key()
    asked = await shop.post(REBUILD, WHY, role=Role.OPERATOR, key=key)
    assert asked.status == 200, asked.text
    assert (asked.json["state"], asked.json["requested_by"], asked.json["reason"]) == (
        "waiting",
        "operator:test-operator",
        "rows are wrong",
    )
    again = await shop.post(REBUILD, WHY, role=Role.OPERATOR, key=key)
    assert (again.text, again.headers["Idempotency-Replayed"]) == (asked.text, "true")
    other = await shop.post(REBUILD, {"reason": "they still are"})
    assert other.json["id"] == asked.json["id"]
    assert await carry_out(shop) == 1
    shown = await shop.get(f"/projections/repairs/{asked.json['id']}")
    assert (shown.json["state"], shown.json["unattended"]) == ("done", False)
    assert "switched over" in shown.json["outcome"]
    listed = await shop.get("/projections/repairs?limit=1")
    assert listed.json["items"][0]["id"] == asked.json["id"]
    assert "rows are wrong" in (await shop.get("/projections/repairs?format=csv")).text


async def test_a_replay_needs_something_that_is_parked(shop: ApiShop) -> None:
    stream = {"stream": "order-future"}
    for body in (WHY, WHY | stream):
        reply = await shop.post(REPLAY, body)
        assert (reply.status, reply.code) == (409, "not_possible_now"), reply.text
    async with opened_store(shop.database) as store:
        await append_raw(store, "order-future", "FromTheFuture", {})
    await shop.project()
    assert (await shop.post(REPLAY, WHY | {"stream": "order-other"})).status == 409
    asked = await shop.post(REPLAY, WHY | stream)
    assert (asked.status, asked.json["stream"]) == (200, "order-future"), asked.text
    assert await carry_out(shop) == 1
    shown = await shop.get(f"/projections/repairs/{asked.json['id']}")
    assert shown.json["state"] == "failed"
    assert "UnknownEventType" in shown.json["outcome"]


async def test_what_is_unknown_or_wrong_is_refused(shop: ApiShop) -> None:
    assert (await shop.post("/projections/nothing/rebuild", WHY)).status == 404
    assert (await shop.post("/projections/nothing/replay", WHY)).status == 404
    assert (await shop.get("/projections/repairs/4711")).status == 404
    for body in ({}, {"reason": " "}, WHY | {"stream": ""}, WHY | {"more": 1}):
        assert (await shop.post(REPLAY, body)).status == 422, body
    assert (await shop.post(REBUILD, WHY | {"stream": "order-A1"})).status == 422

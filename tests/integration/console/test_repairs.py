"""Parked streams are applied again and read models rebuilt by clicks."""

from ordersaga.access.roles import Access, Area, Role, Scope
from tests.integration.api.test_repairs import carry_out
from tests.support.api.pages import Reader
from tests.support.api.shop import ApiShop
from tests.support.stores.event_store import opened_pool, opened_store
from tests.support.stores.logins import as_operator
from tests.support.stores.read_models import append_raw

PAGE = "/projections"
REBUILD = "/projections/stock_levels/rebuild"
REPLAY = "/projections/current_orders/replay"


async def test_a_read_model_is_rebuilt_by_clicks(shop: ApiShop) -> None:
    reader = Reader.of(shop, Role.OPERATOR)
    assert f"/console{REBUILD}" in (await reader.get(PAGE)).text
    assert "Replays and rebuilds" not in (await reader.get(PAGE)).text
    empty = await reader.send(REBUILD, REBUILD, reason=" ")
    assert (empty.status, "reason" in empty.text) == (422, True)
    sent = await reader.send(REBUILD, REBUILD, reason="levels are odd")
    assert (sent.status, sent.headers["Location"]) == (303, "/console/projections")
    text = (await reader.get(PAGE)).text
    assert all(each in text for each in ("levels are odd", "operator:test-operator", "<progress"))
    assert "No process works on it" not in text
    async with opened_pool(await as_operator(shop.database), 1) as pool:
        await pool.execute(
            "UPDATE read_models.repairs SET requested_at = requested_at - interval '1 minute'"
        )
    assert "No process works on it" in (await reader.get(PAGE)).text
    assert await carry_out(shop) == 1
    text = (await reader.get(PAGE)).text
    assert "switched over" in text
    assert "<progress" not in text


async def test_a_parked_stream_is_applied_again_by_clicks(shop: ApiShop) -> None:
    reader = Reader.of(shop, Role.OPERATOR)
    form = f"{REPLAY}?stream=order-future"
    early = await reader.send(form, REPLAY, reason="repaired", stream="order-future")
    assert (early.status, "has not parked order-future" in early.text) == (409, True)
    async with opened_store(shop.database) as store:
        await append_raw(store, "order-future", "FromTheFuture", {})
    await shop.project()
    assert f'href="/console{form}"' in (await reader.get(PAGE)).text
    sent = await reader.send(form, REPLAY, reason="repaired", stream="order-future")
    assert sent.status == 303, sent.text
    assert await carry_out(shop) == 1
    assert "failed again and stayed parked" in (await reader.get(PAGE)).text


async def test_who_may_only_look_gets_no_button(shop: ApiShop) -> None:
    looks = await shop.new_token(Role.OPERATOR, Scope(Area.SYSTEM, Access.READ))
    reader = Reader(shop, looks)
    assert "/rebuild" not in (await reader.get(PAGE)).text
    assert (await reader.get(REBUILD)).status == 403
    assert (await reader.post(REBUILD, {"reason": "x"})).status == 403
    assert (await Reader.of(shop, Role.ADMIN).get("/projections/nothing/rebuild")).status == 404

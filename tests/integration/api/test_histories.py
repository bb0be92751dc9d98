"""What clients kept of a history that the database does not have any more."""

from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from eventstore.errors import StoreUnavailable
from ordersaga.embedded.postgres import EmbeddedPostgres
from ordersaga.installation.history import HistoryTable
from tests.support.api.shop import ApiShop, opened_api
from tests.support.stack.stack import order_document, until
from tests.support.stores.event_store import opened_operator_pool
from tests.support.stores.postgres import fresh_database


@pytest.fixture
async def shop(postgres_server: EmbeddedPostgres) -> AsyncIterator[ApiShop]:
    async with fresh_database(postgres_server) as database, opened_api(database) as opened:
        yield opened


async def begin_another(shop: ApiShop) -> int:
    """Another history begins, and the API's connections are new; returns the last shared position.

    What was committed after it, nobody has: the position after it stands for that.
    """
    async with opened_operator_pool(shop.database) as pool:
        found = await HistoryTable(pool).announce("cli:ann", "a test")
    services = shop.services
    await services.pool.expire_connections()
    await services.log.close()  # gives back the connections that it keeps

    async def knows() -> bool:
        with suppress(StoreUnavailable):  # the first session is refused
            await services.history_table.list()
        return services.histories.number == len(found)

    await until(knows)
    return found[-1].known_up_to


async def test_what_is_of_another_history_is_refused(shop: ApiShop) -> None:
    for order_id in ("H1", "H2", "H3"):
        await shop.post("/orders", order_document(order_id))
    await shop.project()
    page = (await shop.get("/orders?limit=1")).json
    assert (await shop.get(f"/orders?limit=1&cursor={page['next_cursor']}")).status == 200
    last = await begin_another(shop)
    for path, headers in (
        (f"/orders?limit=1&cursor={page['next_cursor']}", {}),
        (f"/orders?position={last + 1}", {}),
        (f"/changes?after={last + 1}", {}),
        ("/changes", {"Last-Event-ID": str(last + 1)}),
    ):
        refused = await shop.get(path, headers=headers)
        assert (refused.status, refused.code) == (409, "other_history"), path
    assert f"up to position {last}" in refused.json["detail"]


async def test_what_both_histories_have_in_common_goes_on(shop: ApiShop) -> None:
    await shop.post("/orders", order_document("H4"))
    await shop.project()
    before = await shop.get("/orders/H4")
    last = await begin_another(shop)
    tag = before.headers["ETag"]
    assert (await shop.get("/orders/H4", headers={"If-None-Match": tag})).status == 304
    assert (await shop.get(f"/orders?position={last}")).status == 200
    placed = await shop.post("/orders", order_document("H5"))
    assert int(placed.headers["Ordersaga-Position"]) > 10**12
    body = {"reason": "fraud check"}
    fitting = await shop.post("/orders/H4/hold", body, headers={"If-Match": tag})
    assert fitting.code == "temporal_unavailable"  # it got past the comparison
    version = tag.strip('"').partition(".")[0]
    lost = f'"{version}.{last + 1}-0123456789abcdef"'
    refused = await shop.post("/orders/H4/hold", body, headers={"If-Match": lost})
    assert (refused.status, refused.code) == (412, "changed_meanwhile")


async def test_a_cursor_that_is_none_is_a_wrong_parameter(shop: ApiShop) -> None:
    for cursor in ("abc", "x.abc", "1.", ".abc", "1.abc", "٣.abc"):
        refused = await shop.get(f"/orders?cursor={cursor}")
        assert (refused.status, refused.code) == (422, "invalid_document"), cursor

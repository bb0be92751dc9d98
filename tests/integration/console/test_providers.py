"""The page of providers says whether calls pass, what failed, and whether anybody looks."""

from dataclasses import replace
from uuid import uuid4

from adapters.providers.provider import Condition
from ordersaga.access.roles import Role
from ordersaga.incidents.table import report
from tests.support.api.pages import Reader
from tests.support.api.shop import ApiShop
from tests.support.stores.event_store import opened_pool
from tests.support.stores.logins import as_processes

FAILS = Condition(
    "carrier",
    failing_s=12.0,
    is_incident=True,
    is_refused=False,
    failed_s=1.0,
    worked_s=None,
    works_s=None,
    failure="carrier /labels: HTTP 503",
    waiting=40,
)
WORKS = replace(
    FAILS, failing_s=None, is_incident=False, failed_s=40.0, worked_s=1.0, works_s=35.0, waiting=0
)
EARLIER = "UPDATE incidents.reports SET reported_at = reported_at - interval '31 s'"


async def page(shop: ApiShop) -> str:
    return (await Reader.of(shop, Role.OPERATOR).get("/providers")).text


async def test_a_provider_that_fails_is_shown_until_it_works(shop: ApiShop) -> None:
    text = await page(shop)
    assert "No provider has failed" in text
    assert "No worker has called a provider" in text
    process = uuid4()
    async with opened_pool(await as_processes(shop.database), 2) as pool:
        await report(pool, process, FAILS, "worker-shipping on one")
        text = await page(shop)
        assert "calls are held back" in text
        assert text.count(FAILS.failure) == 2
        assert "worker-shipping on one" in text
        assert "is one running?" not in text
        await pool.execute(EARLIER)
        assert "is one running?" in await page(shop)
        await report(pool, process, WORKS)
        text = await page(shop)
        assert "calls pass" in text
        assert "held back" not in text
        await pool.execute(EARLIER)
        assert "is one running?" not in await page(shop)  # it has ended: nobody has to look


async def test_the_api_says_the_same(shop: ApiShop) -> None:
    seen = replace(FAILS, provider="payment provider")
    async with opened_pool(await as_processes(shop.database), 2) as pool:
        await report(pool, uuid4(), seen, "worker-all on two")
    answer = (await shop.get("/providers", role=Role.OPERATOR)).json
    (incident,) = [each for each in answer["incidents"] if each["provider"] == seen.provider]
    (view,) = [each for each in answer["processes"] if each["provider"] == seen.provider]
    assert (incident["ended_at"], view["process"]) == (None, "worker-all on two")
    assert view["failing_since"] is not None
    assert (await shop.get("/providers", role=Role.SUPPORT)).status == 403

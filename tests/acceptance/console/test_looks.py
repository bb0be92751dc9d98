"""Every page at three widths in both themes: nothing cut, nothing sideways, no barrier."""

import json
import re
from pathlib import Path

import pytest
from ordersaga_client import OrderSagaClient
from playwright.async_api import Browser
from temporalio.client import Client

from ordersaga.operations.jobs.jobs import start_job
from tests.support.stack.reader import WIDTHS, signed_in
from tests.support.stack.stack import Up, order_document
from workflows.documents.jobs import JobDocument

pytestmark = pytest.mark.system  # it needs Chromium

PAGES = (
    "/",
    "/inbox",
    "/orders",
    "/orders?status=completed",
    "/orders/looks",
    "/orders/refunded",
    "/orders/refunded/why",
    "/orders/looks/why",
    "/orders/looks/events",
    "/orders/looks/open-return",
    "/returns",
    "/parcels",
    "/stock",
    "/stock/looks-lamp",
    "/money",
    "/providers",
    "/projections",
    "/projections/current_orders/rebuild",
    "/notifications",
    "/audit",
    "/jobs",
    "/jobs/looks",
    "/search?q=looks",
    "/orders/nothing",
)
JOB = JobDocument.model_validate_json(
    json.dumps(
        {
            "job_id": "looks",
            "act": "cancel",
            "actor": "operator:ann",
            "reason": "the carrier is on strike",
            "selection": "orders by name",
            "orders": ["looks", "refunded", "nobody"],
        }
    )
)
MOST_BYTES = 60_000
MIDDLE = 1024  # the same page as the widest, for axe, which takes most of the time
FOLDER = Path(__file__).parents[3] / "build" / "pictures" / "console"
"""Each page as it was seen; the documents show some of them."""


def _name(path: str) -> str:
    return re.sub("[^a-z]+", "-", path).strip("-") or "today"


@pytest.fixture(scope="module")
async def stack(running_stack: Up) -> Up:
    assert (await running_stack.ordersaga("stock", "receive", "looks-lamp", "10")).code == 0
    sagas = OrderSagaClient(await Client.connect(running_stack.state().temporal_address))
    line = {"sku": "looks-lamp", "description": "Lamp", "quantity": 2, "unit_price_minor": 500}
    await sagas.place(order_document("looks", lines=[line]))
    address = {**order_document("x")["address"], "postal_code": "NOSHIP"}
    await sagas.place(order_document("refunded", lines=[line], address=address))
    assert (await sagas.result("looks")).outcome == "completed"
    assert (await sagas.result("refunded")).outcome == "cancelled"
    await start_job(await Client.connect(running_stack.state().temporal_address), JOB)
    return running_stack


@pytest.mark.timeout(900)
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
async def test_nothing_is_cut_and_nobody_is_shut_out(
    browser: Browser, stack: Up, width: int, theme: str
) -> None:
    size = {"width": width, "height": 900}
    found: dict[str, list[str]] = {}
    async with signed_in(browser, stack, viewport=size, color_scheme=theme) as person:
        for path in PAGES:
            await person.open(path)
            found[path] = await person.spilled()
            if width != MIDDLE:
                found[path] += await person.severe_barriers()
            await person.page.screenshot(path=FOLDER / f"{_name(path)}-{width}-{theme}.png")
        assert person.complaints == []
    assert {path: wrong for path, wrong in found.items() if wrong} == {}


async def test_a_page_is_light_and_its_control_is_found(browser: Browser, stack: Up) -> None:
    async with signed_in(browser, stack) as person:
        for path in PAGES:
            async with person.page.expect_response(f"**/console{path}") as waiting:
                await person.open(path)
            sizes = await (await waiting.value).request.sizes()
            assert sizes["responseBodySize"] < MOST_BYTES, path
        await person.page.evaluate("document.body.style.width = '3000px'")
        assert "the page scrolls sideways" in await person.spilled()
        await person.page.evaluate("document.querySelector('h1').innerHTML = '<img src=x>'")
        assert await person.severe_barriers() != []

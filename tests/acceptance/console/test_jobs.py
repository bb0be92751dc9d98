"""Many orders at once by clicks: all that match a filter, what it would do, progress, end."""

from collections.abc import AsyncIterator

import pytest
from ordersaga_client import OrderSagaClient
from playwright.async_api import Browser
from temporalio.client import Client

from tests.support.stack.reader import Person, opened_browser, signed_in
from tests.support.stack.stack import Up, order_document, until

pytestmark = pytest.mark.system  # it needs Chromium

CUSTOMER = "console-job"


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with opened_browser() as opened:
        yield opened


async def test_all_that_match_a_filter_are_held_by_clicks(
    browser: Browser, running_stack: Up
) -> None:
    sagas = OrderSagaClient(await Client.connect(running_stack.state().temporal_address))
    lines = [{**order_document("x")["lines"][0], "sku": "console-job-never"}]
    ids = [f"console-job-{number}" for number in range(3)]
    for order_id in ids:
        document = order_document(
            order_id, customer_id=CUSTOMER, lines=lines, unavailable={"policy": "wait"}
        )
        await sagas.place(document)
    async with signed_in(browser, running_stack) as person:
        page = person.page

        async def all_are_listed() -> bool:
            await person.open(f"/orders?customer={CUSTOMER}&status=backordered")
            return await page.locator("tr[data-row]").count() == len(ids)

        await until(all_are_listed)
        await page.locator("select[name=scope]").select_option("all")
        await page.locator("select[name=act]").select_option("hold")
        await page.get_by_label("Reason").fill("the carrier is on strike")
        await person.click("button", "Look what it would do")
        await person.sees("It is possible now for 3 of 3.")
        assert await person.severe_barriers() == []
        assert await person.spilled() == []
        await person.click("button", "Hold: 3 orders")
        await person.sees("Carried out where it was possible")  # it renews itself
        await person.open("/jobs")
        await person.sees("the carrier is on strike")
        assert await person.severe_barriers() == []
        await _are_resumed_in_the_inbox(person, ids)
        assert person.complaints == []
    for order_id in ids:

        async def is_held(order_id: str = order_id) -> bool:
            return bool((await sagas.status(order_id)).held_by)

        await until(is_held)
        await sagas.update(order_id, "cancel", {"actor": "test", "reason": "over"})


async def _are_resumed_in_the_inbox(person: Person, ids: list[str]) -> None:
    """Entries of one kind are chosen there, and a job looks what an act would do to them."""
    page = person.page

    async def all_wait() -> bool:
        await person.open("/inbox?kind=on_hold")
        boxes = [page.get_by_label(f"Choose {order_id}", exact=True) for order_id in ids]
        return all([await box.count() for box in boxes])

    await until(all_wait)
    assert await person.severe_barriers() == []
    assert await person.spilled() == []
    for order_id in ids:
        await page.get_by_label(f"Choose {order_id}", exact=True).check()
    await page.get_by_label("With the chosen orders do").select_option("resume")
    await page.get_by_label("Reason").fill("the strike is over")
    await person.click("button", "Look what it would do")
    await person.sees("It is possible now for 3 of 3.")

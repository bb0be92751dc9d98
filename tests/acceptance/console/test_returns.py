"""A return is opened, refunded and closed by clicks and reasons, in a real browser."""

import pytest
from ordersaga_client import OrderSagaClient

from tests.support.stack.reader import Person
from tests.support.stack.stack import Up, order_document

pytestmark = pytest.mark.system  # it needs Chromium


async def test_a_return_is_opened_refunded_and_closed(
    person: Person, running_stack: Up, sagas: OrderSagaClient
) -> None:
    line = {"sku": "c-return-lamp", "description": "Lamp", "quantity": 2, "unit_price_minor": 500}
    await running_stack.receive("c-return-lamp", 2, "delivery of c-return")
    await sagas.place(order_document("c-return", lines=[line]))
    assert (await sagas.result("c-return")).outcome == "completed"
    await person.open("/orders/c-return")
    await person.click("link", "Open a return")
    await person.page.get_by_label("Pieces of line 1").fill("1")
    await person.page.get_by_label("Reason").fill("one is broken")
    await person.click("button", "Open a return")
    await person.page.wait_for_url("**done=open_return*")

    await person.click("link", "Decide the refund")
    await person.click("radio", "This much:")
    await person.page.get_by_label("Amount in GBP").fill("10.01")
    await person.page.get_by_label("Reason").fill("far too much")
    await person.click("button", "Decide the refund: R1")
    await person.sees("only 1000 minor units")  # the form again, with why it is refused
    await person.click("radio", "All that was paid for what comes back")
    await person.click("button", "Decide the refund: R1")
    await person.page.wait_for_url("**done=refund_return*")
    await person.sees("5.00 GBP refunded")

    await person.click("link", "Decide the restock")
    await person.click("radio", "Nothing")
    await person.page.get_by_label("Reason").fill("it cannot be sold")
    await person.click("button", "Decide the restock: R1")
    await person.page.wait_for_url("**done=restock_return*")
    ended = await sagas.returns.result("c-return", "R1")
    assert (ended.outcome, ended.refund_minor, ended.restocked) == ("closed", 500, False)
    await person.page.get_by_role("link", name="Decide the restock").wait_for(state="detached")

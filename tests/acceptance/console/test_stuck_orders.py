"""Stuck orders are solved by clicks and a reason, in a real browser, by who knows no Temporal."""

import pytest
from ordersaga_client import OrderSagaClient
from playwright.async_api import Browser
from temporalio.client import Client

from adapters.providers.faults import Fault, FaultKind
from tests.support.stack.reader import Person, signed_in
from tests.support.stack.stack import Up, order_document, until

pytestmark = pytest.mark.system  # it needs Chromium

MOST_CLICKS = 3


async def start(up: Up, sagas: OrderSagaClient, order_id: str, **changes: object) -> None:
    """Start an order for which there is stock."""
    sku = f"{order_id}-lamp"
    ended = await up.ordersaga("stock", "receive", sku, "10")
    assert ended.code == 0, ended.err
    line = {"sku": sku, "description": "Lamp", "quantity": 2, "unit_price_minor": 500}
    await sagas.place(order_document(order_id, **{"lines": [line], **changes}))


async def until_step(sagas: OrderSagaClient, order_id: str, step: str) -> None:
    async def reached() -> bool:
        return (await sagas.status(order_id)).step == step

    await until(reached)


async def test_an_order_on_hold_is_resumed(
    person: Person, running_stack: Up, sagas: OrderSagaClient
) -> None:
    hold = await running_stack.payment.add(Fault(FaultKind.HOLD_BEFORE, "confirm", "c-held"))
    await start(running_stack, sagas, "c-held")
    await running_stack.payment.wait_until_holding(hold)
    await person.open("/orders/c-held")
    await person.act("Hold", "fraud check")
    await running_stack.payment.remove(hold)
    await until_step(sagas, "c-held", "on_hold")
    await person.open("/inbox")
    person.clicks = 0
    await person.click("link", "c-held")
    await person.act("Resume", "the customer is known")
    assert person.clicks <= MOST_CLICKS
    result = await sagas.result("c-held")
    assert result.outcome == "completed"
    await person.sees("order completed, tracking number")  # without being opened again


async def test_a_customer_s_choice_is_made(
    person: Person, running_stack: Up, sagas: OrderSagaClient
) -> None:
    short = {"sku": "c-short-lamp", "description": "Lamp", "quantity": 20, "unit_price_minor": 500}
    await start(running_stack, sagas, "c-short", lines=[short], unavailable={"policy": "ask"})
    await until_step(sagas, "c-short", "awaiting_choice")
    await person.open("/orders/c-short")
    person.clicks = 0
    await person.click("link", "Choose for the customer")
    await person.click("radio", "Ship what is there, and take the money for that")
    await person.page.get_by_label("Reason").fill("she said so on the phone")
    await person.click("button", "Choose for the customer")
    await person.page.wait_for_url("**done=*")
    assert person.clicks <= MOST_CLICKS
    assert (await sagas.result("c-short")).outcome == "completed"


async def test_a_refund_that_fails_is_tried_again(
    person: Person, running_stack: Up, sagas: OrderSagaClient
) -> None:
    refused = await running_stack.payment.add(Fault(FaultKind.INVALID, "refund", "c-refund"))
    address = {**order_document("x")["address"], "postal_code": "NOSHIP"}
    await start(running_stack, sagas, "c-refund", address=address)

    async def needs_a_person() -> bool:
        return (await sagas.status("c-refund")).needs_attention

    await until(needs_a_person)
    await running_stack.payment.remove(refused)
    await person.open("/inbox")
    person.clicks = 0
    await person.click("link", "c-refund")
    await person.sees("A person must act")
    await person.act("Try again now", "the provider has repaired it")
    assert person.clicks <= MOST_CLICKS
    assert (await sagas.result("c-refund")).outcome == "cancelled"
    await person.open("/orders/c-refund/why")
    await person.sees("Cancelled, because the carrier refused the address.")
    await person.sees("10.00 GBP went back")


async def test_an_order_whose_saga_was_terminated_is_started_again(
    person: Person, running_stack: Up, sagas: OrderSagaClient
) -> None:
    hold = await running_stack.payment.add(Fault(FaultKind.HOLD_BEFORE, "confirm", "c-gone"))
    await start(running_stack, sagas, "c-gone")
    await running_stack.payment.wait_until_holding(hold)
    client = await Client.connect(running_stack.state().temporal_address)
    await client.get_workflow_handle("order-c-gone").terminate("by mistake")
    await running_stack.payment.remove(hold)
    await person.open("/orders/c-gone")
    person.clicks = 0
    await person.act("Start its saga again", "it was terminated by mistake")
    assert person.clicks <= MOST_CLICKS
    assert (await sagas.result("c-gone")).outcome == "completed"
    await person.sees("did recover: it was terminated by mistake")


async def test_what_a_cancellation_would_do_is_what_it_does(
    person: Person, running_stack: Up, sagas: OrderSagaClient
) -> None:
    hold = await running_stack.carrier.add(Fault(FaultKind.HOLD_BEFORE, "buy_label", "c-what-if"))
    await start(running_stack, sagas, "c-what-if")
    await running_stack.carrier.wait_until_holding(hold)
    await person.open("/orders/c-what-if")
    await person.click("link", "Cancel the order")
    await person.page.locator("dialog[open] .effects").first.wait_for()
    effects = await person.page.locator("dialog .effects li").all_inner_texts()
    assert "10.00 GBP goes back to the customer" in effects
    assert "2 of c-what-if-lamp become free" in effects
    assert any("label is being bought now" in each for each in effects)
    await person.page.get_by_label("Reason").fill("the customer has changed her mind")
    await person.click("button", "Cancel the order")
    await running_stack.carrier.remove(hold)
    await person.page.wait_for_url("**done=*")
    assert (await sagas.result("c-what-if")).outcome == "cancelled"
    await person.sees("10.00 GBP refunded")
    await person.sees("2 of c-what-if-lamp released")


async def test_by_keys_alone(person: Person, running_stack: Up, sagas: OrderSagaClient) -> None:
    await start(
        running_stack,
        sagas,
        "c-keys",
        lines=[
            {"sku": "c-keys-none", "description": "Lamp", "quantity": 1, "unit_price_minor": 500}
        ],
        unavailable={"policy": "wait"},
    )
    await until_step(sagas, "c-keys", "awaiting_stock")
    keys = person.page.keyboard
    await keys.press("/")
    await keys.type("c-keys")
    await keys.press("Enter")
    await person.page.wait_for_url("**/orders/c-keys")
    await person.page.get_by_role("link", name="Cancel the order").focus()
    await keys.press("Enter")
    await person.page.locator("dialog[open]").wait_for()
    await person.page.get_by_label("Reason").focus()
    await keys.type("no stock will come")
    await keys.press("Tab")
    await keys.press("Enter")
    await person.page.wait_for_url("**done=*")
    assert (await sagas.result("c-keys")).outcome == "cancelled"


async def test_two_people_at_the_same_order_see_what_the_other_did(
    person: Person, browser: Browser, running_stack: Up, sagas: OrderSagaClient
) -> None:
    hold = await running_stack.payment.add(Fault(FaultKind.HOLD_BEFORE, "confirm", "c-two"))
    await start(running_stack, sagas, "c-two")
    await running_stack.payment.wait_until_holding(hold)
    async with signed_in(browser, running_stack) as other:
        for each in (person, other):
            await each.open("/orders/c-two")
            await each.page.get_by_role("link", name="Hold", exact=True).wait_for()
        await other.click("link", "Hold")
        await other.page.get_by_label("Reason").fill("second")
        await person.act("Hold", "first")
        await other.click("button", "Hold")
        await other.page.wait_for_url("**")
        assert other.complaints == []
    await person.sees("did hold: first")
    await running_stack.payment.remove(hold)
    await until_step(sagas, "c-two", "on_hold")
    await person.act("Resume", "both have looked")
    assert (await sagas.result("c-two")).outcome == "completed"


async def test_everything_works_without_a_script(
    browser: Browser, running_stack: Up, sagas: OrderSagaClient
) -> None:
    hold = await running_stack.payment.add(Fault(FaultKind.HOLD_BEFORE, "confirm", "c-plain"))
    await start(running_stack, sagas, "c-plain")
    await running_stack.payment.wait_until_holding(hold)
    async with signed_in(browser, running_stack, java_script_enabled=False) as somebody:
        await somebody.open("/orders/c-plain")
        await somebody.act("Cancel the order", "the customer has called")
        await running_stack.payment.remove(hold)
        assert (await sagas.result("c-plain")).outcome == "cancelled"
        await somebody.open("/orders/c-plain")
        await somebody.sees("Cancelled: an operator decided it")


async def test_a_lost_connection_is_said_and_made_good(
    person: Person, running_stack: Up, sagas: OrderSagaClient
) -> None:
    await start(
        running_stack,
        sagas,
        "c-lost",
        lines=[
            {"sku": "c-lost-none", "description": "Lamp", "quantity": 1, "unit_price_minor": 500}
        ],
        unavailable={"policy": "wait"},
    )
    await until_step(sagas, "c-lost", "awaiting_stock")
    await person.open("/orders/c-lost")
    await person.page.locator(".lag.is-live").wait_for()
    await person.page.context.set_offline(True)
    await person.page.evaluate("dispatchEvent(new Event('offline'))")
    await sagas.cancel("c-lost", actor="test", reason="meanwhile")
    await sagas.result("c-lost")
    await person.page.context.set_offline(False)
    await person.sees("order cancelled")

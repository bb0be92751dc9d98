"""`ordersaga up --stripe-sandbox`: real orders paid by the stand-in, its books against ours."""

import re
import shlex
import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest
from ordersaga_client import OrderSagaClient

from adapters.providers.rules import POSTAL_CODE_MARKER
from tests.support.repository.source_tree import ROOT
from tests.support.stack.stack import Up, free_ports, order_document, run_program, until
from tests.support.stack.stripe_sandbox import StripeControl

SKU = "71053"


@pytest.fixture(scope="module")
async def stripe_stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Up]:
    port = str(free_ports(1)[0])
    folder = tmp_path_factory.mktemp("stripe stack") / "data"
    up = Up(folder, "--stripe-sandbox", "--stripe-port", port)
    await up.start()
    try:
        yield up
    finally:
        await up.stop(signal.SIGTERM)


def control(up: Up) -> StripeControl:
    return StripeControl(up.state().stripe_url)


async def fulfil(up: Up, order_id: str, card: str, **changes: Any) -> str:
    """Fulfil an order of 6.78 GBP; returns the outcome."""
    await up.receive(SKU, 2, f"delivery for {order_id}")
    capture = changes.pop("capture", "automatic")
    document = order_document(order_id, payment={"token": card, "capture": capture}, **changes)
    async with up.services() as services:
        sagas = OrderSagaClient(await services.temporal())
        await sagas.place(document)
        return (await sagas.result(order_id)).outcome


def unshippable() -> dict[str, str]:
    """An address that the carrier refuses."""
    address: dict[str, str] = order_document("any")["address"]
    return {**address, "postal_code": f"{POSTAL_CODE_MARKER} 1"}


async def give_back(up: Up, order_id: str) -> None:
    """One of the two pieces of a delivered order comes back and is refunded: 3.39 GBP."""
    for status in ("handed_over", "delivered"):
        assert (await up.ordersaga("parcel", "report", order_id, "--status", status)).code == 0
    line = ("--line", "1=1", "--reason", "broken")
    assert (await up.ordersaga("return", "open", order_id, "R1", *line)).code == 0
    refund = ("return", "refund", order_id, "R1", "full", "--reason", "broken")
    assert (await up.ordersaga(*refund)).code == 0
    restock = ("return", "restock", order_id, "R1", "none", "--reason", "broken")
    assert (await up.ordersaga(*restock)).code == 0

    async def refunded() -> bool:
        listed = await up.ordersaga("return", "list", "--order", order_id, "--json")
        return bool(listed.json()["items"][0]["refund"] == "refunded")

    await until(refunded)


async def money_kept(up: Up) -> str:
    """What our events say was kept, once everything is as it has to be."""
    verified = await up.ordersaga("verify", "--json")
    assert verified.code == 0, verified.out + verified.err
    comparisons = {row["what"]: row for row in verified.json()["comparisons"]}
    assert comparisons["money kept, GBP"]["equal"]
    return str(comparisons["money kept, GBP"]["ours"])


async def test_up_says_where_the_stand_in_is(stripe_stack: Up) -> None:
    state = stripe_stack.state()
    assert state.stripe_url in "".join(stripe_stack.printed)
    assert "stripe-sandbox" in state.pids
    doctor = await stripe_stack.ordersaga("doctor")
    assert (doctor.code, "Stripe" in doctor.out) == (0, True), doctor.out


async def test_orders_of_each_course_leave_equal_books(stripe_stack: Up) -> None:
    up = stripe_stack
    assert await fulfil(up, "S1", "pm_card_visa") == "completed"
    assert await fulfil(up, "S2", "pm_card_visa", capture="on_shipment") == "completed"
    assert await fulfil(up, "S3", "pm_card_chargeDeclinedInsufficientFunds") == "cancelled"
    assert await fulfil(up, "S4", "pm_card_authenticationRequired") == "cancelled"
    assert await fulfil(up, "S5", "pm_card_visa", address=unshippable()) == "cancelled"
    held = {"capture": "on_shipment", "address": unshippable()}
    assert await fulfil(up, "S6", "pm_card_visa", **held) == "cancelled"
    await give_back(up, "S1")
    ledger = await control(up).ledger()
    kept = ledger["captured"]["gbp"] - ledger["refunded"]["gbp"]
    assert kept == 2 * 678 - 339
    assert ledger["held"] == {}
    assert ledger["payment_intents"].get("requires_capture", 0) == 0
    assert await money_kept(up) == "10.17 GBP"


def documented_commands() -> list[str]:
    """The lines of all shell blocks of the page about Stripe."""
    page = (ROOT / "docs" / "stripe.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    return [line for block in blocks for line in block.splitlines()]


async def test_every_command_of_the_page_about_stripe_works(stripe_stack: Up) -> None:
    up, url = stripe_stack, stripe_stack.state().stripe_url
    first, *commands = documented_commands()
    assert first == "ordersaga up --stripe-sandbox"  # which is what this stack runs on
    assert len(commands) > 12
    for line in commands:
        program, *arguments = shlex.split(line.replace("http://127.0.0.1:8183", url))
        if program == "ordersaga":
            ended = await up.ordersaga(*arguments)
        else:
            ended = await run_program(program, "--fail", *arguments, env=up.env)
        assert ended.code == 0, line + ended.out + ended.err
        if "submit" in arguments:
            await until(lambda: is_completed(up, "A1"))


async def is_completed(up: Up, order_id: str) -> bool:
    shown = await up.ordersaga("order", "show", order_id, "--json")
    return bool(shown.json()["status"] == "completed")

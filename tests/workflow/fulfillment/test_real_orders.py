"""Orders as shops have them, through the saga: money to the penny, and the books agree."""

from typing import Any

import pytest
from temporalio.client import Client, WorkflowFailureError

from adapters.providers.faults import Fault, FaultKind
from domain.money import Money
from domain.payment.state import Captured
from ordersaga.operations.verification.ledgers import kept
from tests.support.sagas.real_orders import SHAPES, Shape, goods, off, service
from tests.support.sagas.returns import open_return
from tests.support.sagas.sagas import (
    Handle,
    activities_of,
    new_order_id,
    result,
    start,
    until,
    until_status,
)
from tests.support.sagas.shop import Shop, document
from tests.workflow.fulfillment.test_foreign_records import verified

BY = {"actor": "anna", "reason": "as agreed"}


async def placed(
    client: Client, shop: Shop, content: dict[str, Any], **options: Any
) -> tuple[str, Handle]:
    """The saga of an order with this content; ten pieces of each of its SKUs are there."""
    usual = document(new_order_id())
    order = Shape(content, total=0).document(usual)
    if "confirmed" in (order.get("payment") or {}):
        made = shop.payments.checkout(Money(order["total_minor"], "GBP"))
        order["payment"] = {"confirmed": {"reference": made.reference}}
    for sku in {line["sku"] for line in order["lines"] if line.get("kind", "goods") == "goods"}:
        await shop.receive(sku, 10)
    return usual["order_id"], await start(client, usual["order_id"], order, **options)


async def captured(shop: Shop, order_id: str) -> int:
    """Minor units that the provider holds for an order."""
    payments = [one async for one in shop.payments.payments() if one.order_id == order_id]
    return sum(map(kept, payments))


@pytest.mark.parametrize("shape", SHAPES)
async def test_an_order_of_a_real_shape_is_paid_shipped_and_given_back_to_the_penny(
    client: Client, shop: Shop, shape: str
) -> None:
    expected = SHAPES[shape]
    order_id, handle = await placed(client, shop, expected.content)
    outcome = await result(handle)
    assert outcome["outcome"] == "completed"
    assert await captured(shop, order_id) == expected.total
    assert (outcome["payment_reference"] is None) == (expected.total == 0)
    assert (outcome["tracking_number"] is None) == (not expected.pieces)
    for name, pieces in expected.pieces.items():
        assert (await shop.stock(f"{order_id}-{name}")).on_hand == 10 - pieces
    if not expected.pieces:
        assert not [label async for label in shop.carrier.labels()]
        assert "create-shipment" not in await activities_of(handle)
    left = expected.total
    for number, (lines, refund) in enumerate(expected.back, start=1):
        case = await open_return(
            client, order_id, f"R{number}", lines=[lines], refund="full", restock="all"
        )
        assert (await result(case))["refund_minor"] == refund
        left -= refund
        assert await captured(shop, order_id) == left
    report = await verified(shop)
    assert (report.findings, [x for x in report.comparisons if not x.equal]) == ([], [])


async def test_what_is_left_of_a_discounted_order_is_given_back_to_the_last_penny(
    client: Client, shop: Shop
) -> None:
    order_id, handle = await placed(client, shop, SHAPES["discount, tax and shipping"].content)
    await result(handle)
    part = [{"line_id": "466157049", "quantity": 2}]
    for number, lines in enumerate((part, "all")):
        case = await open_return(
            client, order_id, f"R{number}", lines=lines, refund="full", restock="all"
        )
        await result(case)
    assert await captured(shop, order_id) == 0


async def test_the_gift_cards_part_of_a_return_is_told_to_the_shop(
    client: Client, shop: Shop
) -> None:
    order_id, handle = await placed(client, shop, SHAPES["gift card for a part"].content)
    await result(handle)
    parts = [
        await result(await open_return(client, order_id, f"R{n}", refund="full", restock="all"))
        for n in range(3)
    ]
    assert [part["gift_card_minor"] for part in parts] == [333, 333, 334]
    assert [part["refund_minor"] for part in parts] == [666, 667, 667]


async def test_a_service_comes_back_as_money_but_not_as_stock(client: Client, shop: Shop) -> None:
    content = {"lines": [goods("a", 1, 1000), service("shipping", 499)]}
    order_id, handle = await placed(client, shop, content)
    await result(handle)
    case = await open_return(client, order_id, "R1", lines="all", refund="full", restock="all")
    outcome = await result(case)
    assert (outcome["refund_minor"], outcome["restock"]) == (
        1499,
        [{"line_id": "1", "quantity": 1}],
    )
    assert (await shop.stock(f"{order_id}-a")).on_hand == 10


async def test_an_amended_order_costs_the_shares_of_what_is_left(
    client: Client, shop: Shop
) -> None:
    order_id, handle = await placed(
        client,
        shop,
        {
            "lines": [goods("a", 3, 1000), goods("b", 1, 1000), service("shipping", 400)],
            "adjustments": [off("discount", -440)],
            "payment": {"token": "tok_visa", "capture": "on_shipment"},
        },
        start_signal="hold",
        start_signal_args=[BY],
    )
    await handle.execute_update("amend", {**BY, "lines": [{"line_id": "1", "quantity": 1}]})
    await handle.execute_update("resume", BY)
    assert (await result(handle))["outcome"] == "completed"
    assert await captured(shop, order_id) == 900 + 900 + 360
    assert (await verified(shop)).findings == []


@pytest.mark.parametrize("capture", ["automatic", "on_shipment"])
async def test_an_order_that_is_amended_to_nothing_to_pay_gives_the_money_back(
    client: Client, shop: Shop, capture: str
) -> None:
    held = shop.payments.faults.add(Fault(FaultKind.HOLD_BEFORE, operation="confirm"))
    content = {
        "lines": [goods("a", 1, 900), goods("a", 1, 0)],
        "payment": {"token": "tok_visa", "capture": capture},
    }
    order_id, handle = await placed(client, shop, content)

    async def is_paying() -> bool:
        return held.holding > 0

    await until(is_paying)
    await handle.execute_update("hold", BY)
    shop.payments.faults.clear()
    await until_status(handle, step="on_hold")
    await handle.execute_update("amend", {**BY, "lines": [{"line_id": "1", "quantity": 0}]})
    await handle.execute_update("resume", BY)
    assert (await result(handle))["outcome"] == "completed"
    assert await captured(shop, order_id) == 0
    assert (await shop.stock(f"{order_id}-a")).on_hand == 9
    assert (await verified(shop)).findings == []


async def test_a_free_order_that_is_cancelled_asks_no_payment_provider(
    client: Client, shop: Shop
) -> None:
    content = {"lines": [goods("a", 1, 0)], "payment": None}
    order_id = new_order_id()
    await shop.receive(f"{order_id}-a", 10)
    order = Shape(content, total=0).document(document(order_id))
    order["address"] = {**order["address"], "postal_code": "NOSHIP"}
    outcome = await result(await start(client, order_id, order))
    assert (outcome["outcome"], outcome["reason"]) == ("cancelled", "address_refused")
    assert [call for call in shop.payments.calls if order_id in str(call)] == []
    assert (await verified(shop)).findings == []


async def test_a_payment_that_is_declined_cancels_an_order_of_services(
    client: Client, shop: Shop
) -> None:
    content = {"lines": [service("digital", 900)], "payment": {"token": "tok_declined"}}
    order_id, handle = await placed(client, shop, content)
    outcome = await result(handle)
    assert (outcome["outcome"], outcome["reason"]) == ("cancelled", "payment_declined")
    assert not isinstance(await shop.payment(order_id), Captured)


async def test_a_stated_total_that_is_not_the_sum_fails_at_once(client: Client, shop: Shop) -> None:
    _, handle = await placed(client, shop, {"lines": [goods("a", 1, 900)], "total_minor": 899})
    with pytest.raises(WorkflowFailureError) as failure:
        await result(handle)
    assert "total_minor: is 899, but lines and adjustments make 900" in str(failure.value.cause)

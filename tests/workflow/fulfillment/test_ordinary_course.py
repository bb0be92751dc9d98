"""Orders without technical failures: completed, or cancelled for a business reason."""

from temporalio.client import Client

from activities.payment_port import PaymentStatus
from tests.support.sagas.sagas import (
    activities_of,
    new_order_id,
    result,
    start,
    stocked_saga,
    upserts_of,
)
from tests.support.sagas.shop import Shop, document


async def test_a_happy_saga_costs_three_activities_and_a_small_history(
    client: Client, shop: Shop
) -> None:
    order_id, handle = await stocked_saga(client, shop)
    outcome = await result(handle)
    assert outcome["outcome"] == "completed"
    assert outcome["reason"] is None
    assert outcome["order_id"] == order_id
    assert await activities_of(handle) == [
        "reserve-inventory",
        "process-payment",
        "create-shipment",
    ]
    assert len((await handle.fetch_history()).events) <= 24
    assert await upserts_of(handle) == 1


async def test_a_saga_whose_client_gave_no_search_attributes_writes_them_itself(
    client: Client, shop: Shop
) -> None:
    order_id = new_order_id()
    await shop.receive(f"{order_id}-sku", 10)
    handle = await start(client, order_id, search_attributes=None)
    assert (await result(handle))["outcome"] == "completed"
    assert len((await handle.fetch_history()).events) <= 30
    assert await upserts_of(handle) == 2


async def test_a_completed_order_is_paid_and_shipped_once(client: Client, shop: Shop) -> None:
    order_id, handle = await stocked_saga(client, shop)
    outcome = await result(handle)
    [payment] = [p async for p in shop.payments.payments()]
    [label] = [label async for label in shop.carrier.labels()]
    assert (payment.status, payment.amount.minor) == (PaymentStatus.CAPTURED, 300)
    assert outcome["payment_reference"] == payment.reference
    assert outcome["tracking_number"] == label.tracking_number
    stock = await shop.stock(f"{order_id}-sku")
    assert (stock.on_hand, stock.reserved) == (8, 0)
    assert await shop.status(order_id) == "completed"


async def test_every_event_of_a_saga_names_its_run_and_activity(client: Client, shop: Shop) -> None:
    order_id, handle = await stocked_saga(client, shop)
    await result(handle)
    for stream in (f"order-{order_id}", f"payment-{order_id}", f"shipment-{order_id}"):
        for event in await shop.store.read_stream(stream):
            assert event.metadata.correlation_id == f"order-{order_id}"
            assert event.metadata.actor == "saga"
            assert event.metadata.extra["run_id"] == handle.first_execution_run_id
            run_id, _, activity_id = event.metadata.causation_id.partition("/")
            assert run_id == handle.first_execution_run_id
            assert activity_id in {"reserve-inventory", "process-payment", "create-shipment"}


async def test_capture_on_shipment_holds_the_money_until_the_label_is_bought(
    client: Client, shop: Shop
) -> None:
    payment = {"token": "tok_visa", "capture": "on_shipment"}
    order_id, handle = await stocked_saga(client, shop, payment=payment)
    assert (await result(handle))["outcome"] == "completed"
    assert await activities_of(handle) == [
        "reserve-inventory",
        "process-payment",
        "create-shipment",
        "capture-payment",
    ]
    story = await shop.story(order_id)
    assert story.index("PaymentAuthorised") < story.index("LabelBought")
    assert story.index("LabelBought") < story.index("PaymentCaptured")
    assert story.index("PaymentCaptured") < story.index("OrderCompleted")


async def test_an_order_out_of_stock_is_cancelled_and_never_charged(
    client: Client, shop: Shop
) -> None:
    order_id, handle = await stocked_saga(client, shop, stock=1)
    outcome = await result(handle)
    assert (outcome["outcome"], outcome["reason"]) == ("cancelled", "out_of_stock")
    assert "2 ordered, 1 available" in outcome["detail"]
    assert shop.payments.calls == []
    assert await shop.status(order_id) == "cancelled"
    story = await shop.story(order_id)
    assert story[-4:] == [
        "FulfillmentStarted",
        "StepFailed",
        "CompensationStarted",
        "FulfillmentClosed",
    ]
    assert story.index("OrderSubmitted") < story.index("OrderCancelled")


async def test_an_order_out_of_stock_ends_in_its_first_step(client: Client, shop: Shop) -> None:
    _, handle = await stocked_saga(client, shop, stock=1)
    assert (await result(handle))["outcome"] == "cancelled"
    assert await activities_of(handle) == ["reserve-inventory"]


async def test_a_declined_card_is_recorded_and_the_stock_returns(
    client: Client, shop: Shop
) -> None:
    order_id, handle = await stocked_saga(client, shop, payment={"token": "tok_declined"})
    outcome = await result(handle)
    assert (outcome["outcome"], outcome["reason"]) == ("cancelled", "payment_declined")
    assert "card_declined" in outcome["detail"]
    assert "PaymentDeclined" in await shop.story(order_id)
    assert (await shop.stock(f"{order_id}-sku")).reserved == 0
    assert shop.payments.count("confirm") == 1


async def test_a_refused_address_gives_money_and_stock_back(client: Client, shop: Shop) -> None:
    order_id = new_order_id()
    await shop.receive(f"{order_id}-sku", 10)
    content = document(order_id)
    content["address"]["postal_code"] = "NOSHIP 1"
    handle = await start(client, order_id, content)
    outcome = await result(handle)
    assert (outcome["outcome"], outcome["reason"]) == ("cancelled", "address_refused")
    [payment] = [p async for p in shop.payments.payments()]
    assert payment.status is PaymentStatus.REFUNDED
    assert (await shop.stock(f"{order_id}-sku")).reserved == 0
    assert await activities_of(handle) == [
        "reserve-inventory",
        "process-payment",
        "create-shipment",
        "turn-back",
        "cancel-shipment",
        "undo-payment",
        "release-inventory",
        "close-cancelled",
    ]


async def test_a_refused_address_voids_money_that_is_only_held(client: Client, shop: Shop) -> None:
    order_id = new_order_id()
    await shop.receive(f"{order_id}-sku", 10)
    content = document(order_id, payment={"token": "tok_visa", "capture": "on_shipment"})
    content["address"]["country"] = "AQ"
    outcome = await result(await start(client, order_id, content))
    assert outcome["reason"] == "address_refused"
    [payment] = [p async for p in shop.payments.payments()]
    assert payment.status is PaymentStatus.VOIDED
    assert (await shop.story(order_id)).count("PaymentVoided") == 1

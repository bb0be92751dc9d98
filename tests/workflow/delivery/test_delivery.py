"""Scans by the carrier: duplicated, late, out of order, before and after everything."""

import asyncio

import pytest
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import CancelledError

from adapters.providers.faults import Fault, FaultKind
from tests.support.sagas.returns import (
    AT,
    BY,
    completed,
    on_hand,
    parcel,
    refunded_minor,
    return_handle,
    scan,
    until_parcel,
)
from tests.support.sagas.sagas import (
    activities_of,
    failure,
    new_order_id,
    result,
    start,
    stocked_saga,
    until,
    until_status,
)
from tests.support.sagas.shop import Shop, running_workers

SCANS_WHILE_ENDING = 40


async def test_a_parcel_is_followed_until_it_is_delivered(client: Client, shop: Shop) -> None:
    order_id = await completed(client, shop)
    for status in ("handed_over", "in_transit", "delivered"):
        handle = await scan(client, order_id, status)
        await until_parcel(shop, order_id, status)
    assert await result(handle) == {"order_id": order_id, "status": "delivered"}
    assert (await shop.story(order_id))[-3:] == [
        "ShipmentHandedOver",
        "ShipmentInTransit",
        "ShipmentDelivered",
    ]


async def test_scans_twice_and_out_of_order_never_move_a_parcel_back(
    client: Client, shop: Shop
) -> None:
    order_id = await completed(client, shop)
    for status in ("in_transit", "handed_over", "in_transit", "delivered", "handed_over"):
        handle = await scan(client, order_id, status)
    assert (await result(handle))["status"] == "delivered"
    story = await shop.story(order_id)
    assert (story.count("ShipmentDelivered"), story.count("ShipmentHandedOver")) == (1, 0)


async def test_a_late_duplicate_starts_a_run_that_finds_nothing_to_do(
    client: Client, shop: Shop
) -> None:
    order_id = await completed(client, shop)
    first = await scan(client, order_id, "delivered")
    await result(first)
    before = await shop.story(order_id)
    again = await scan(client, order_id, "delivered")
    assert again.first_execution_run_id != first.first_execution_run_id
    assert (await result(again))["status"] == "delivered"
    assert await activities_of(again) == ["record-scan"]
    assert await shop.story(order_id) == before


async def test_a_parcel_with_very_many_scans_goes_on_in_a_new_run(
    client: Client, shop: Shop
) -> None:
    order_id = await completed(client, shop)
    handle = await scan(client, order_id, "in_transit")
    first = handle.first_execution_run_id

    async def runs_anew() -> bool:
        await handle.signal("carrier_update", {"status": "in_transit", "at": AT})
        return (await handle.describe()).run_id != first

    await until(runs_anew)
    await handle.signal("carrier_update", {"status": "delivered", "at": AT})
    assert (await result(handle))["status"] == "delivered"
    assert (await shop.story(order_id)).count("ShipmentInTransit") == 1


async def test_malformed_scans_are_ignored_and_the_good_one_counts(
    client: Client, shop: Shop
) -> None:
    order_id = await completed(client, shop)
    handle = await scan(client, order_id, "teleported")
    await handle.signal("carrier_update", args=[1, 2])
    await handle.signal("carrier_update", {"status": "delivered"})
    await handle.signal("carrier_update", {"status": "delivered", "at": AT})
    assert (await result(handle))["status"] == "delivered"


async def test_a_scan_ahead_of_its_label_is_recorded_once_there_is_one(
    client: Client, shop: Shop
) -> None:
    order_id = new_order_id()
    handle = await scan(client, order_id, "in_transit")
    await shop.receive(f"{order_id}-sku", 10)
    await result(await start(client, order_id))
    await until_parcel(shop, order_id, "in_transit")
    await handle.signal("carrier_update", {"status": "delivered", "at": AT})
    assert (await result(handle))["status"] == "delivered"


async def test_a_scan_of_an_order_that_never_gets_a_parcel_ends_at_a_person(
    client: Client, shop: Shop
) -> None:
    handle = await scan(client, "never-ordered", "in_transit")
    status = await until_status(handle, needs_attention=True)
    assert "no parcel" in status["attention"]
    await handle.execute_update("resolve", {"actor": "anna", "note": "a typing mistake"})
    assert (await result(handle))["status"] is None
    story = await shop.story("never-ordered")
    assert story == ["ScanKept", "DeliveryAttentionRequired", "DeliveryOperatorActed"]


async def test_a_long_silence_needs_attention_once_and_news_ends_it(
    client: Client, shop: Shop
) -> None:
    order_id = await completed(client, shop)
    handle = await scan(client, order_id, "in_transit")
    status = await until_status(handle, needs_attention=True)
    assert "no news of the parcel for 14 days" in status["attention"]
    await handle.signal("carrier_update", {"status": "delivered", "at": AT})
    assert (await result(handle))["status"] == "delivered"
    assert (await shop.story(order_id)).count("DeliveryAttentionRequired") == 1


async def test_a_person_may_wait_on_through_a_silence_or_stop_following(
    client: Client, shop: Shop
) -> None:
    order_id = await completed(client, shop)
    handle = await scan(client, order_id, "in_transit")
    await until_status(handle, needs_attention=True)
    await handle.execute_update("retry", BY)
    await until_status(handle, needs_attention=True)
    await handle.execute_update("resolve", {"actor": "anna", "note": "the customer has it"})
    assert (await result(handle))["status"] == "in_transit"


async def test_a_lost_parcel_becomes_a_return_that_gives_the_money_back(
    client: Client, shop: Shop
) -> None:
    order_id = await completed(client, shop)
    assert (await result(await scan(client, order_id, "lost")))["status"] == "lost"
    case = return_handle(client, order_id, "lost")
    status = await until_status(case, undecided=["refund"], needs_attention=True)
    assert status["lines"] == [{"line_id": "1", "quantity": 2}]
    await case.execute_update("decide_refund", {"refund": "full", **BY})
    assert (await result(case))["refund_minor"] == 300
    assert (await refunded_minor(shop, order_id), await on_hand(shop, order_id)) == (300, 8)
    assert (await result(await scan(client, order_id, "lost")))["status"] == "lost"
    assert (await shop.story(order_id)).count("ReturnOpened") == 1


async def test_a_parcel_returned_to_sender_goes_into_stock_without_a_refund(
    client: Client, shop: Shop
) -> None:
    order_id = await completed(client, shop)
    await result(await scan(client, order_id, "returned"))
    case = return_handle(client, order_id, "returned_to_sender")
    await case.execute_update("decide_restock", {"restock": "all", **BY})
    await case.execute_update("decide_refund", {"refund": "none", **BY})
    outcome = await result(case)
    assert (outcome["restocked"], outcome["refund_minor"]) == (True, 0)
    assert (await refunded_minor(shop, order_id), await on_hand(shop, order_id)) == (0, 10)


async def test_a_carrier_that_contradicts_itself_needs_a_person_and_changes_nothing(
    client: Client, shop: Shop
) -> None:
    order_id = await completed(client, shop)
    await result(await scan(client, order_id, "delivered"))
    handle = await scan(client, order_id, "lost")
    status = await until_status(handle, needs_attention=True)
    assert "says lost, but delivered is on record" in status["attention"]
    await handle.execute_update("resolve", {"actor": "anna", "note": "delivered indeed"})
    assert (await result(handle))["status"] == "delivered"
    assert (await result(await scan(client, order_id, "lost")))["status"] == "delivered"
    assert (await parcel(shop, order_id)).status.value == "delivered"
    story = await shop.story(order_id)
    assert (story.count("ScanContradicted"), "ReturnOpened" in story) == (1, False)


async def test_scans_that_reach_the_saga_itself_are_handed_over_before_it_ends(
    client: Client, shop: Shop
) -> None:
    shop.payments.faults.add(Fault(FaultKind.HOLD_BEFORE, operation="confirm"))
    order_id, saga = await stocked_saga(client, shop)
    await until_status(saga, step="process_payment")
    await saga.signal("carrier_update", {"status": "in_transit", "at": AT})
    await saga.signal("carrier_update", {"status": "delivered", "at": AT})
    shop.payments.faults.clear()
    assert (await result(saga))["outcome"] == "completed"
    await until_parcel(shop, order_id, "delivered")


async def test_a_scan_that_comes_before_the_saga_has_run_is_not_lost(client: Client) -> None:
    shop, order_id = Shop(), new_order_id()
    await shop.receive(f"{order_id}-sku", 10)
    update = {"status": "in_transit", "at": AT}
    saga = await start(client, order_id, start_signal="carrier_update", start_signal_args=[update])
    follower = await scan(client, order_id, "handed_over")
    async with running_workers(client, shop):
        assert (await result(saga))["outcome"] == "completed"
        await until_parcel(shop, order_id, "in_transit")
        await follower.signal("carrier_update", {"status": "delivered", "at": AT})
        assert (await result(follower))["status"] == "delivered"


async def test_scans_that_arrive_while_the_saga_ends_are_not_lost(
    client: Client, shop: Shop
) -> None:
    order_id, saga = await stocked_saga(client, shop)

    # Bounded: on a slow machine an endless stream would keep the saga from ever ending.
    for _ in range(SCANS_WHILE_ENDING):
        try:
            await saga.signal("carrier_update", {"status": "in_transit", "at": AT})
        except Exception:
            break
        await asyncio.sleep(0.02)
    await result(saga)
    await until_parcel(shop, order_id, "in_transit")


async def test_scans_to_a_saga_whose_document_is_refused_reach_the_parcel(
    client: Client, shop: Shop
) -> None:
    order_id = await completed(client, shop)
    update = {"status": "delivered", "at": AT}
    saga = await start(
        client, order_id, {}, start_signal="carrier_update", start_signal_args=[update]
    )
    assert (await failure(saga)).type == "InvalidDocument"
    await until_parcel(shop, order_id, "delivered")


async def test_following_cancelled_through_temporal_keeps_what_was_reported(
    client: Client, shop: Shop
) -> None:
    order_id = await completed(client, shop)
    handle = await scan(client, order_id, "in_transit")
    await handle.cancel()
    with pytest.raises(WorkflowFailureError) as ended:
        await result(handle)
    assert isinstance(ended.value.cause, CancelledError)
    await until_parcel(shop, order_id, "in_transit")


async def test_a_run_under_another_id_is_refused(client: Client, shop: Shop) -> None:
    handle = await client.start_workflow("OrderDelivery", id="parcel-1", task_queue="orders")
    assert (await failure(handle)).message == "workflow_id: must be delivery- and the order id"

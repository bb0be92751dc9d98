"""Waiting and amended orders after a crash: what was done and decided still counts."""

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from adapters.providers.faults import Fault, FaultKind
from ordersaga.operations.recovery.orders import Recovery, open_orders
from ordersaga.operations.recovery.outcome import RecoveryOutcome
from tests.support.sagas.sagas import (
    Handle,
    activities_of,
    new_order_id,
    result,
    start,
    until_status,
)
from tests.support.sagas.shop import Shop, document, running_workers
from tests.support.sagas.shortages import BY, arrive, lines, short_order, taken, tell_news

ALL, LESS = 2 * 150 + 3 * 400, 2 * 150 + 400


async def _waiting(
    temporal: WorkflowEnvironment, shop: Shop, policy: str = "ask", **more: object
) -> tuple[str, Handle]:
    with temporal.with_time_skipping_disabled():
        order_id, handle = await short_order(temporal.client, shop, policy, **more)  # type: ignore[arg-type]  # pieces and terms
    await until_status(handle, step="awaiting_choice" if policy == "ask" else "awaiting_stock")
    return order_id, handle


async def _recovered(temporal: WorkflowEnvironment, shop: Shop, order_id: str) -> Handle:
    """The saga of an open order, started again from the event store."""
    with temporal.with_time_skipping_disabled():
        recovery = Recovery(shop.handler, shop.store, temporal.client)
        recovered = await recovery.run(await open_orders(shop.store))
    assert [(each.order_id, each.outcome) for each in recovered] == [
        (order_id, RecoveryOutcome.STARTED)
    ]
    return temporal.client.get_workflow_handle(f"order-{order_id}")


async def test_a_waiting_order_goes_on_waiting_with_the_same_deadline(
    temporal: WorkflowEnvironment, shop: Shop
) -> None:
    order_id, lost = await _waiting(temporal, shop)
    before = await lost.query("status")
    await lost.terminate("Temporal lost it")
    handle = await _recovered(temporal, shop, order_id)
    status = await until_status(handle, step="awaiting_choice")
    for name in ("missing", "answer_by", "choices"):
        assert status[name] == before[name]
    await arrive(temporal.client, shop, f"{order_id}-b", 2, "second")
    assert (await result(handle))["outcome"] == "completed"
    story = await shop.story(order_id)
    assert (story.count("ItemsUnavailable"), story.count("OrderReserved")) == (1, 1)
    assert await taken(shop, order_id) == (ALL, 0)


async def test_a_choice_to_wait_is_remembered(temporal: WorkflowEnvironment, shop: Shop) -> None:
    order_id, lost = await _waiting(temporal, shop)
    await lost.execute_update("choose", {**BY, "choice": "wait"})
    before = await until_status(lost, step="awaiting_stock")
    await lost.terminate("Temporal lost it")
    handle = await _recovered(temporal, shop, order_id)
    status = await until_status(handle, step="awaiting_stock")
    assert status["answer_by"] == before["answer_by"]
    await handle.execute_update("choose", {**BY, "choice": "ship_available"})
    assert (await result(handle))["outcome"] == "completed"
    assert await taken(shop, order_id) == (LESS, 0)


async def test_stock_that_arrives_while_there_is_no_saga_is_found_at_its_start(
    temporal: WorkflowEnvironment, shop: Shop
) -> None:
    order_id, lost = await _waiting(temporal, shop, "wait")
    await lost.terminate("Temporal lost it")
    await arrive(temporal.client, shop, f"{order_id}-b", 2, "second")
    handle = await _recovered(temporal, shop, order_id)
    assert (await result(handle))["outcome"] == "completed"
    assert "review-shortage" not in await activities_of(handle)


@pytest.mark.parametrize("capture", ["automatic", "on_shipment"])
async def test_an_amended_order_that_is_recovered_keeps_its_amended_total(
    temporal: WorkflowEnvironment, shop: Shop, capture: str
) -> None:
    shop.carrier.faults.add(Fault(FaultKind.UNAVAILABLE, operation="buy_label"))
    payment = {"token": "tok_visa", "capture": capture}
    order_id, lost = await short_order(temporal.client, shop, "ship_available", payment=payment)
    await until_status(lost, step="create_shipment")
    await lost.terminate("Temporal lost it")
    handle = await _recovered(temporal, shop, order_id)
    shop.carrier.faults.clear()  # not before: the lost run's last attempt might end the order
    assert (await result(handle))["outcome"] == "completed"
    assert await taken(shop, order_id) == (LESS, 0)
    assert (await handle.query("status"))["amended_total_minor"] == LESS


async def test_a_refund_that_was_still_owed_is_made_after_the_recovery(
    temporal: WorkflowEnvironment, shop: Shop
) -> None:
    held = shop.payments.faults.add(Fault(FaultKind.HOLD_BEFORE, operation="confirm"))
    order_id, lost = await short_order(temporal.client, shop, "cancel", b=3)
    await until_status(lost, step="process_payment")
    await lost.execute_update("hold", BY)
    assert held
    shop.payments.faults.clear()
    shop.payments.faults.add(Fault(FaultKind.UNAVAILABLE, operation="refund"))
    await until_status(lost, step="on_hold")
    line = {"line_id": "2", "quantity": 1}
    await lost.execute_update("amend", {**BY, "lines": [line]})
    await lost.execute_update("resume", BY)
    await until_status(lost, step="settle_payment")
    await lost.terminate("Temporal lost it")
    shop.payments.faults.clear()
    handle = await _recovered(temporal, shop, order_id)
    assert (await result(handle))["outcome"] == "completed"
    assert await taken(shop, order_id) == (ALL, ALL - LESS)
    assert shop.payments.count("confirm") == 1


async def test_cancelling_a_recovered_order_lets_go_of_what_the_lost_saga_claimed(
    temporal: WorkflowEnvironment, shop: Shop
) -> None:
    order_id, lost = await _waiting(temporal, shop)
    await lost.terminate("Temporal lost it")
    content = document(order_id, lines=lines(order_id), unavailable={"policy": "ask"})
    handle = await start(
        temporal.client, order_id, content, start_signal="cancel", start_signal_args=[BY]
    )
    assert (await result(handle))["outcome"] == "cancelled"
    for name, pieces in (("a", 2), ("b", 1)):
        stock = await shop.stock(f"{order_id}-{name}")
        assert (stock.available, len(stock.waiting)) == (pieces, 0)


async def test_workers_that_die_while_an_order_waits_lose_nothing(
    temporal: WorkflowEnvironment, client: Client
) -> None:
    shop = Shop()
    async with running_workers(client, shop):
        order_id, handle = await _waiting(temporal, shop)
    await arrive(client, shop, f"{order_id}-b", 1, "second")
    await handle.signal("choose", {**BY, "choice": "ship_available"})
    await arrive(client, shop, f"{order_id}-b", 1, "third")
    async with running_workers(client, shop):
        assert (await result(handle))["outcome"] == "completed"
    assert await taken(shop, order_id) == (ALL, 0), "everything was there when it was looked at"
    await tell_news(client, shop)


async def test_a_choice_that_comes_with_the_start_is_carried_out_once_items_are_missing(
    client: Client, shop: Shop
) -> None:
    order_id = new_order_id()
    await shop.receive(f"{order_id}-a", 2)
    handle = await start(
        client,
        order_id,
        document(order_id, lines=lines(order_id), unavailable={"policy": "ask"}),
        start_signal="choose",
        start_signal_args=[{**BY, "choice": "ship_available"}],
    )
    assert (await result(handle))["outcome"] == "completed"
    assert await taken(shop, order_id) == (300, 0)

"""Outages of what is ours: workers, and the event store. Orders wait; nothing is undone for them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from activities.messages import (
    ALL_QUEUES,
    INVENTORY_QUEUE,
    ORDERS_QUEUE,
    PAYMENTS_QUEUE,
    SHIPPING_QUEUE,
)
from tests.support.fault_matrix import Trap, TrappedShop, store_is_down
from tests.support.sagas import new_order_id, result, start, stocked_saga, until_status
from tests.support.shop import Shop, running_workers
from workers.factory import build_worker

BY = {"actor": "anna", "reason": "no longer wanted", "requested_by": "customer"}


@asynccontextmanager
async def workers_of(client: Client, shop: Shop, queues: Sequence[str]) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        for queue in queues:
            worker = build_worker(client, queue, shop.outside, grace=timedelta(seconds=1))
            await stack.enter_async_context(worker)
        yield


@pytest.mark.parametrize("missing", [INVENTORY_QUEUE, PAYMENTS_QUEUE, SHIPPING_QUEUE])
async def test_an_order_waits_for_workers_longer_than_any_budget(
    temporal: WorkflowEnvironment, missing: str
) -> None:
    shop, order_id = Shop(), new_order_id()
    await shop.receive(f"{order_id}-sku", 10)
    others = [queue for queue in ALL_QUEUES if queue != missing]
    async with workers_of(temporal.client, shop, others):
        with temporal.with_time_skipping_disabled():
            handle = await start(temporal.client, order_id)
        await until_status(handle, step=STEP_OF[missing])
        await temporal.fast_forward(handle, timedelta(hours=6))
        status = await handle.query("status")
        assert (status["turning_back"], status["needs_attention"]) == (False, False)
        async with workers_of(temporal.client, shop, [missing]):
            assert (await result(handle))["outcome"] == "completed"


STEP_OF = {
    INVENTORY_QUEUE: "reserve_inventory",
    PAYMENTS_QUEUE: "process_payment",
    SHIPPING_QUEUE: "create_shipment",
}


async def test_an_order_that_waits_for_workers_can_be_cancelled(client: Client) -> None:
    shop = Shop()
    async with workers_of(client, shop, [ORDERS_QUEUE, INVENTORY_QUEUE, PAYMENTS_QUEUE]):
        _, handle = await stocked_saga(client, shop)
        await until_status(handle, step="create_shipment")
        await handle.execute_update("cancel", BY)
        await until_status(handle, step="cancel_shipment")
        async with workers_of(client, shop, [SHIPPING_QUEUE]):
            outcome = await result(handle)
    assert (outcome["outcome"], outcome["reason"]) == ("cancelled", "customer_request")
    assert shop.carrier.count("buy_label") == 0


@pytest.mark.usefixtures("few_attempts")
async def test_an_order_waits_for_the_event_store_and_can_be_cancelled_meanwhile(
    client: Client,
) -> None:
    shop = TrappedShop()
    async with running_workers(client, shop, interceptors=[shop.traps]):
        order_id = new_order_id()
        await shop.receive(f"{order_id}-sku", 10)
        down = Trap(f"order-{order_id}", "process-payment", "append", None, store_is_down)
        shop.traps.set.append(down)
        handle = await start(client, order_id)
        await until_status(handle, waits_for="the event store, which does not answer")
        assert not (await handle.query("status"))["turning_back"]
        await handle.execute_update("cancel", BY)
        outcome = await result(handle)
    assert (outcome["outcome"], outcome["reason"]) == ("cancelled", "customer_request")
    [payment] = [p async for p in shop.payments.payments()]
    assert payment.refunded == payment.amount


@pytest.mark.usefixtures("few_attempts")
async def test_a_cancel_from_temporal_itself_ends_the_wait_for_the_event_store(
    client: Client,
) -> None:
    shop = TrappedShop()
    async with running_workers(client, shop, interceptors=[shop.traps]):
        order_id = new_order_id()
        await shop.receive(f"{order_id}-sku", 10)
        down = Trap(f"order-{order_id}", "process-payment", "append", None, store_is_down)
        shop.traps.set.append(down)
        handle = await start(client, order_id)
        await until_status(handle, waits_for="the event store, which does not answer")
        await handle.cancel()
        await until_status(handle, outcome="cancelled")
    assert await shop.status(order_id) == "cancelled"


async def test_a_cancel_that_comes_too_late_says_so_although_the_answer_was_lost(
    client: Client,
) -> None:
    """The capture was recorded, but its attempt never reported: the order is completed."""
    shop = TrappedShop()
    async with running_workers(client, shop, interceptors=[shop.traps]):
        order_id = new_order_id()
        await shop.receive(f"{order_id}-sku", 10)
        lost = Trap(f"order-{order_id}", "create-shipment", "report", 1, _report_fails)
        shop.traps.set.append(lost)
        handle = await start(client, order_id)
        assert (await result(handle))["outcome"] == "completed"
    assert shop.carrier.count("buy_label") == 1


def _report_fails(_: object) -> Exception:
    return RuntimeError("the report is lost")

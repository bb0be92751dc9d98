"""Outages of workers and of the event store: orders wait, and none is cancelled for them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowUpdateFailedError

from activities.messages import (
    ALL_QUEUES,
    INVENTORY_QUEUE,
    ORDERS_QUEUE,
    PAYMENTS_QUEUE,
    SHIPPING_QUEUE,
)
from activities.payment_port import PaymentStatus
from adapters.providers.faults import Fault, FaultKind
from tests.support.faults.traps import Trap, TrappedShop, store_is_down
from tests.support.sagas.sagas import (
    Handle,
    activities_of,
    new_order_id,
    result,
    start,
    stocked_saga,
    until,
    until_listed,
    until_status,
)
from tests.support.sagas.shop import Shop, running_workers
from workers.factory import build_worker
from workflows import policies

BY = {"actor": "anna", "reason": "no longer wanted", "requested_by": "customer"}


@asynccontextmanager
async def workers_of(client: Client, shop: Shop, queues: Sequence[str]) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        for queue in queues:
            worker = build_worker(client, queue, shop.dependencies, grace=timedelta(seconds=1))
            await stack.enter_async_context(worker)
        yield


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("started", [{}, {"search_attributes": None}], ids=["ours", "another"])
@pytest.mark.parametrize("missing", [INVENTORY_QUEUE, PAYMENTS_QUEUE, SHIPPING_QUEUE])
async def test_an_order_waits_without_a_limit_for_a_worker_to_begin_its_step(
    client: Client, missing: str, started: dict[str, Any]
) -> None:
    shop = Shop()
    others = [queue for queue in ALL_QUEUES if queue != missing]
    async with workers_of(client, shop, others):
        order_id = new_order_id()
        await shop.receive(f"{order_id}-sku", 10)
        handle = await start(client, order_id, **started)
        if not started:
            listed = f'SagaStep="{STEP_OF[missing]}" AND WorkflowId="{handle.id}"'
            await until_listed(client, listed, handle.id)
        await until_status(handle, step=STEP_OF[missing])

        async def waits_for_a_worker() -> bool:
            waiting = (await handle.query("status"))["waiting"]
            return [one["trouble"] for one in waiting] == ["worker"]

        await until(waits_for_a_worker)
        assert await limits_of_the_wait(handle) == ()
        async with workers_of(client, shop, [missing]):
            assert (await result(handle))["outcome"] == "completed"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An attempt waits one second for a worker, and takes at most one second."""
    moment = timedelta(seconds=1)
    monkeypatch.setattr(policies, "USUAL", replace(policies.USUAL, attempt=moment))
    monkeypatch.setattr(policies, "NO_WORKER_FOR", moment)


@pytest.mark.usefixtures("impatient")
async def test_one_attempt_that_takes_too_long_makes_a_saga_a_slow_one(client: Client) -> None:
    shop = Shop()
    # The second try hangs as well, or the saga may end before it is listed.
    held = shop.payments.faults.add(Fault(FaultKind.HOLD_BEFORE, operation="confirm"))
    async with running_workers(client, shop):
        _, handle = await stocked_saga(client, shop)
        listed = f'SagaStep="process_payment" AND WorkflowId="{handle.id}"'
        await until_listed(client, listed, handle.id)
        assert "process-payment.2" in await activities_of(handle)
        shop.payments.faults.remove(held.number)
        assert (await result(handle))["outcome"] == "completed"
    assert [payment.status async for payment in shop.payments.payments()] == ["captured"]


async def limits_of_the_wait(handle: Handle) -> tuple[timedelta, ...]:
    """The limits that end the last scheduled activity if no worker begins it."""
    asked = [
        event.activity_task_scheduled_event_attributes
        for event in (await handle.fetch_history()).events
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    ][-1]
    limits = (asked.schedule_to_close_timeout, asked.schedule_to_start_timeout)
    return tuple(limit.ToTimedelta() for limit in limits if limit.ToTimedelta())


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
    [payment] = [p async for p in shop.payments.payments()]  # not recorded, so never confirmed
    assert payment.status is PaymentStatus.UNCONFIRMED


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


async def test_a_cancel_is_refused_if_the_step_had_ended_the_order_unheard(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = replace(policies.USUAL, attempt=timedelta(seconds=2))
    monkeypatch.setattr(policies, "USUAL", short)
    shop = TrappedShop()
    async with running_workers(client, shop, interceptors=[shop.traps]):
        order_id = new_order_id()
        await shop.receive(f"{order_id}-sku", 10)
        shop.traps.set.append(Trap(f"order-{order_id}", "create-shipment", "report"))
        handle = await start(client, order_id)

        async def is_completed() -> bool:
            return await shop.status(order_id) == "completed"

        await until(is_completed)
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await handle.execute_update("cancel", BY)
        assert "completed in the meantime" in str(refused.value.cause)
        assert (await result(handle))["outcome"] == "completed"
    assert shop.carrier.count("buy_label") == 1

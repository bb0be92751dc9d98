"""Reservations under contention, and reservations that wait for too long."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from datetime import timedelta

from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from activities.messages import ALL_QUEUES, ORDERS_QUEUE
from tests.support.sagas.sagas import Handle, new_order_id, result, start, until_status
from tests.support.sagas.shop import Shop, document
from workers.factory import build_worker

BY = {"actor": "anna", "reason": "the customer asks for time"}


async def _held_before_payment(
    client: Client, shop: Shop, workers: AsyncExitStack
) -> tuple[str, Handle]:
    """A saga that was put on hold while its stock was being reserved."""
    order_id = new_order_id()
    await shop.receive(f"{order_id}-sku", 2)
    await _work(client, shop, workers, ORDERS_QUEUE)
    handle = await start(client, order_id)
    await until_status(handle, step="reserve_inventory")
    await handle.execute_update("hold", BY)
    for queue in ALL_QUEUES:
        if queue != ORDERS_QUEUE:
            await _work(client, shop, workers, queue)
    return order_id, handle


async def _work(client: Client, shop: Shop, workers: AsyncExitStack, queue: str) -> None:
    worker = build_worker(client, queue, shop.dependencies, grace=timedelta(seconds=1))
    await workers.enter_async_context(worker)


async def test_stock_that_an_order_on_hold_keeps_for_too_long_goes_back(client: Client) -> None:
    shop = Shop()
    async with AsyncExitStack() as workers:
        order_id, handle = await _held_before_payment(client, shop, workers)
        ended = await result(handle)
    assert (ended["outcome"], ended["reason"]) == ("cancelled", "reservation_expired")
    assert (await shop.stock(f"{order_id}-sku")).available == 2
    assert shop.payments.calls == [], "no money was asked for"
    story = await shop.story(order_id)
    assert "StepFailed" not in story
    assert story[-2:] == ["OrderCancelled", "FulfillmentClosed"]


async def test_an_order_that_is_resumed_in_time_goes_on(
    temporal: WorkflowEnvironment, client: Client
) -> None:
    shop = Shop()
    async with AsyncExitStack() as workers:
        with temporal.with_time_skipping_disabled():
            order_id, handle = await _held_before_payment(client, shop, workers)
        await until_status(handle, step="on_hold")
        assert (await shop.stock(f"{order_id}-sku")).available == 0
        await handle.execute_update("resume", BY)
        assert (await result(handle))["outcome"] == "completed"


async def test_of_many_buyers_of_few_pieces_exactly_as_many_are_served(
    client: Client, shop: Shop
) -> None:
    """The losers are told at once, hold nothing and are not charged."""
    await shop.receive("HOT", 7)
    buyers = [new_order_id() for _ in range(20)]
    line = {"sku": "HOT", "description": "Lamp", "quantity": 1, "unit_price_minor": 999}
    handles = [
        await start(client, order_id, document(order_id, lines=[line])) for order_id in buyers
    ]
    ended = await asyncio.gather(*(result(handle) for handle in handles))
    assert Counter(one["reason"] for one in ended) == {None: 7, "out_of_stock": 13}
    assert shop.payments.count("confirm") == 7
    stock = await shop.stock("HOT")
    assert (stock.on_hand, stock.reserved) == (0, 0)

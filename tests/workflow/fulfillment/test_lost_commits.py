"""The store has lost what a saga knows: the saga waits, and decides nothing on less."""

from collections.abc import AsyncIterator

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from adapters.providers.faults import Fault, FaultKind
from eventstore.commands.handler import CommandHandler
from ordersaga.operations.restoring.memory import remember
from ordersaga.operations.temporal_runs import find_run
from tests.support.sagas.sagas import Handle, result, stocked_saga, until_status
from tests.support.sagas.shop import Shop, running_workers


class ForgetfulShop(Shop):
    """A shop whose store may lose every position above one; they are only said to be lost."""

    def __init__(self) -> None:
        super().__init__()
        self.known_up_to = 10**6
        self.handler = CommandHandler(
            self.store, self.codec, is_lost=lambda position: position > self.known_up_to
        )


@pytest.fixture
async def forgetful(client: Client) -> AsyncIterator[ForgetfulShop]:
    shop = ForgetfulShop()
    async with running_workers(client, shop):
        yield shop


async def seen_by_requests(client: Client, handle: Handle) -> dict[str, int]:
    """Up to which position each request of the saga says that the saga has seen."""
    positions = {}
    async for event in handle.fetch_history_events():
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            asked = event.activity_task_scheduled_event_attributes
            [request] = await client.data_converter.decode(asked.input.payloads)
            positions[asked.activity_type.name] = request["saga"]["seen_up_to"]
    return positions


async def test_each_request_says_what_the_answers_before_it_rested_on(
    client: Client, forgetful: ForgetfulShop
) -> None:
    order_id, handle = await stocked_saga(client, forgetful)
    assert (await result(handle))["outcome"] == "completed"
    positions = await seen_by_requests(client, handle)
    reserved = await _position_of(forgetful, order_id, "OrderReserved")
    paid = await _position_of(forgetful, order_id, "OrderProcessingStarted")
    assert positions["reserve_inventory"] == 0
    assert positions["process_payment"] >= reserved
    assert positions["create_shipment"] >= paid > positions["process_payment"]
    run = await find_run(client, handle.id)
    assert run is not None
    memory = await remember(client, run, lambda _: False)
    assert memory.seen_up_to == await forgetful.store.head()
    assert (memory.outcome, memory.acts, memory.is_cancelled) == ("completed", [], False)


async def test_it_waits_and_neither_goes_on_nor_turns_back(
    client: Client, forgetful: ForgetfulShop
) -> None:
    forgetful.carrier.faults.add(Fault(FaultKind.UNAVAILABLE, operation="buy_label"))
    order_id, handle = await stocked_saga(client, forgetful)
    await until_status(handle, step="create_shipment")
    paid = await _position_of(forgetful, order_id, "OrderProcessingStarted")
    forgetful.known_up_to = paid - 1
    forgetful.carrier.faults.clear()
    asked = forgetful.carrier.count("buy_label")
    status = await until_status(handle, waits_for="the event store, which does not answer")
    assert status["turning_back"] is False
    assert forgetful.carrier.count("buy_label") - asked <= 1  # what was under way
    assert forgetful.payments.count("refund") == forgetful.payments.count("void") == 0
    forgetful.known_up_to = 10**6
    assert (await result(handle))["outcome"] == "completed"


async def _position_of(shop: Shop, order_id: str, event_type: str) -> int:
    events = await shop.store.read_stream(f"order-{order_id}")
    return next(each.position for each in events if each.event_type == event_type)

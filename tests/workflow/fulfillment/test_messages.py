"""Messages before `run` and at the end of a saga: none is lost or carried out in part."""

import asyncio
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateStage,
)
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment

from activities.messages import ORDERS_QUEUE, WORKFLOW_TYPE
from adapters.providers.faults import Fault, FaultKind
from tests.support.sagas.record_histories import PATHS, record
from tests.support.sagas.sagas import (
    Handle,
    failure,
    new_order_id,
    result,
    start,
    stocked_saga,
    until,
)
from tests.support.sagas.shop import Shop, document, running_workers

BY = {"actor": "anna", "reason": "as agreed on the phone"}
ELSEWHERE = {
    "name": "Jo Secretperson",
    "line1": "2 Other Street",
    "city": "York",
    "postal_code": "YO1 7HH",
    "country": "GB",
}


async def _acts(shop: Shop, order_id: str) -> list[str]:
    events = await shop.store.read_stream(f"fulfillment-{order_id}")
    return [event.data["action"] for event in events if event.event_type == "OperatorActed"]


# --- before run ----------------------------------------------------------------------------------


async def test_a_cancel_that_comes_with_the_start_cancels_before_anything_is_reserved(
    client: Client, shop: Shop
) -> None:
    order_id = new_order_id()
    await shop.receive(f"{order_id}-sku", 10)
    handle = await start(client, order_id, start_signal="cancel", start_signal_args=[BY])
    assert (await result(handle))["outcome"] == "cancelled"
    story = await shop.story(order_id)
    assert "OrderReserved" not in story
    assert shop.payments.count("confirm") == 0
    assert story[-2:] == ["OrderCancelled", "FulfillmentClosed"]


async def test_every_message_sent_before_the_first_worker_starts_is_carried_out(
    client: Client,
) -> None:
    shop, order_id = Shop(), new_order_id()
    await shop.receive(f"{order_id}-sku", 10)
    handle = await start(client, order_id, start_signal="hold", start_signal_args=[BY])
    await handle.signal("change_address", {**BY, "address": ELSEWHERE})
    await handle.signal("carrier_update", {"status": "lost", "at": "2026-01-03T00:00:00Z"})
    await handle.signal("resume", BY)
    early = asyncio.create_task(handle.execute_update("retry", BY))
    async with running_workers(client, shop):
        assert (await result(handle))["outcome"] == "completed"
        with pytest.raises((WorkflowUpdateFailedError, RPCError)):
            await early
    assert await _acts(shop, order_id) == ["hold", "resume", "change_address"]
    order = getattr(await shop.order(order_id), "order")  # noqa: B009  a union without the field
    assert order.address.city == "York"


def _with_start(order_id: str, content: Any = None) -> WithStartWorkflowOperation[Any, Any]:
    return WithStartWorkflowOperation(
        WORKFLOW_TYPE,
        document(order_id) if content is None else content,
        id=f"order-{order_id}",
        task_queue=ORDERS_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )


async def test_an_update_that_starts_its_saga_is_answered_and_done_once(
    client: Client, shop: Shop
) -> None:
    order_id = new_order_id()
    await shop.receive(f"{order_id}-sku", 10)

    async def cancel() -> Any:
        return await client.execute_update_with_start_workflow(
            "cancel", BY, start_workflow_operation=_with_start(order_id), id="wish-1"
        )

    answers = await asyncio.gather(*(cancel() for _ in range(5)))
    assert answers == [{"accepted": True}] * 5
    handle: Handle = client.get_workflow_handle(f"order-{order_id}")
    assert (await result(handle))["outcome"] == "cancelled"
    assert await _acts(shop, order_id) == ["cancel"]


async def test_an_update_that_starts_a_saga_with_a_bad_document_is_answered_as_well(
    client: Client, shop: Shop
) -> None:
    order_id = new_order_id()
    with pytest.raises((WorkflowUpdateFailedError, RPCError)):
        await client.execute_update_with_start_workflow(
            "cancel", BY, start_workflow_operation=_with_start(order_id, {"order_id": order_id})
        )
    failed = await failure(client.get_workflow_handle(f"order-{order_id}"))
    assert failed.type == "InvalidDocument"
    assert await shop.story(order_id) == []


# --- while it ends -------------------------------------------------------------------------------


async def test_a_cancel_in_the_last_step_is_answered_before_the_run_completes(
    client: Client, shop: Shop
) -> None:
    held = shop.carrier.faults.add(Fault(FaultKind.HOLD_AFTER, operation="buy_label"))
    _, handle = await stocked_saga(client, shop)

    async def holding() -> bool:
        return held.holding > 0

    await until(holding)
    accepted = WorkflowUpdateStage.ACCEPTED
    wishes = [
        await handle.start_update("cancel", BY, wait_for_stage=accepted, id=f"wish-{n}")
        for n in range(3)
    ]
    shop.carrier.faults.clear()
    for wish in wishes:
        with pytest.raises(WorkflowUpdateFailedError) as refusal:
            await wish.result()
        assert isinstance(refusal.value.cause, ApplicationError)
        assert refusal.value.cause.type == "NotPossibleNow"
    assert (await result(handle))["outcome"] == "completed"


class _Bystander:
    """Sends updates to a saga at random moments until it has ended."""

    def __init__(self, handle: Handle, seed: int) -> None:
        self.handle = handle
        self.accepted: Counter[str] = Counter()
        self._dice = random.Random(seed)

    async def run(self) -> None:
        """Send until the saga accepts no more; hold it at times, and always resume it."""
        names = ("retry", "hold", "resume", "resume")
        while await self._tell(self._dice.choice(names)):  # noqa: ASYNC110  chance decides when
            await asyncio.sleep(self._dice.uniform(0, 0.03))

    async def _tell(self, name: str) -> bool:
        try:
            await self.handle.execute_update(name, BY)
        except WorkflowUpdateFailedError:
            return True
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return False
        self.accepted[name] += 1
        return True


@pytest.mark.parametrize("seed", range(4))
async def test_exactly_what_was_accepted_is_in_the_trail_however_close_to_the_end_it_came(
    temporal: WorkflowEnvironment, shop: Shop, seed: int
) -> None:
    refused = seed % 2 == 1
    address = {**ELSEWHERE, "postal_code": "NOSHIP" if refused else "YO1 7HH"}
    with temporal.with_time_skipping_disabled():  # nobody holds it for a day
        order_id, handle = await stocked_saga(temporal.client, shop, 10, address=address)
    senders = [_Bystander(handle, seed), _Bystander(handle, seed + 100)]
    await asyncio.gather(*(sender.run() for sender in senders))
    ended = await result(handle)
    assert ended["outcome"] == ("cancelled" if refused else "completed"), ended
    accepted = senders[0].accepted + senders[1].accepted
    assert Counter(await _acts(shop, order_id)) == accepted
    assert len((await handle.fetch_history()).events) < 500


# --- small histories -----------------------------------------------------------------------------

_MOST_EVENTS = {"happy": 30, "on-shipment": 36, "out-of-stock": 45, "short-deadline-passed": 160}
_MOST_OTHERWISE = 120


@pytest.mark.usefixtures("few_attempts")
@pytest.mark.parametrize("name", PATHS)
async def test_the_history_of_every_ordinary_saga_is_small(
    temporal: WorkflowEnvironment, name: str, tmp_path: Path
) -> None:
    recorded = await record(temporal, name, tmp_path)
    events = recorded.read_text().count('"eventId"')
    assert 10 < events <= _MOST_EVENTS.get(name, _MOST_OTHERWISE)


async def test_retries_of_a_provider_that_is_down_for_long_do_not_grow_the_history(
    client: Client, shop: Shop
) -> None:
    down = shop.payments.faults.add(Fault(FaultKind.UNAVAILABLE, operation="confirm"))
    _, handle = await stocked_saga(client, shop)

    async def tried_often() -> bool:
        return down.hits >= 12

    await until(tried_often)
    shop.payments.faults.clear()
    await result(handle)
    assert len((await handle.fetch_history()).events) < 100

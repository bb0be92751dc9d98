"""A call of the client that no worker answers has a limit, and can be given up before."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import pytest
from ordersaga_client import OrderSagaClient, calls
from ordersaga_client.errors import TemporalUnavailable
from temporalio.testing import WorkflowEnvironment

from activities.messages import WORKFLOW_TYPE
from tests.support.sagas.sagas import Handle, new_order_id

BY: Mapping[str, str] = {"actor": "anna", "reason": "customer called"}
Call = Callable[[OrderSagaClient, str], Awaitable[object]]

CALLS: Mapping[str, Call] = {
    "status": lambda client, order_id: client.status(order_id),
    "cancel": lambda client, order_id: client.cancel(order_id, **BY),
    "retry": lambda client, order_id: client.retry(order_id, **BY),
}


@pytest.fixture
async def unserved(temporal: WorkflowEnvironment) -> AsyncIterator[Handle]:
    """An order whose queue no worker serves."""
    handle = await temporal.client.start_workflow(
        WORKFLOW_TYPE, {}, id=f"order-{new_order_id()}", task_queue="served-by-nobody"
    )
    yield handle
    await handle.terminate()


@pytest.mark.parametrize("call", CALLS)
async def test_a_call_that_nothing_answers_ends_and_says_so(
    temporal: WorkflowEnvironment, unserved: Handle, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "ANSWER_WITHIN_S", 1.0)
    client = OrderSagaClient(temporal.client)
    with pytest.raises(TemporalUnavailable, match="nothing answered for order-"):
        await CALLS[call](client, unserved.id.removeprefix("order-"))


@pytest.mark.parametrize("call", CALLS)
async def test_a_caller_who_gives_up_is_not_told_that_temporal_is_away(
    temporal: WorkflowEnvironment, unserved: Handle, call: str
) -> None:
    client = OrderSagaClient(temporal.client)
    asked = asyncio.ensure_future(CALLS[call](client, unserved.id.removeprefix("order-")))
    await asyncio.sleep(0.5)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await CALLS[call](client, unserved.id.removeprefix("order-"))

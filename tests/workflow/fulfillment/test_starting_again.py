"""The same order id comes again: while the saga runs, after it ended, after Temporal forgot it."""

import pytest
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from adapters.providers.faults import Fault, FaultKind
from tests.support.sagas.sagas import (
    activities_of,
    failure,
    new_order_id,
    result,
    start,
    stocked_saga,
    until_status,
)
from tests.support.sagas.shop import Shop, document


async def test_the_same_order_started_twice_at_once_is_one_saga(client: Client, shop: Shop) -> None:
    order_id, handle = await stocked_saga(client, shop)
    again = await start(client, order_id, id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING)
    if again.first_execution_run_id != handle.first_execution_run_id:
        assert await activities_of(again) == ["reserve-inventory"]  # the first had ended by then
    await result(again)
    await result(handle)
    assert shop.payments.count("confirm") == 1
    with pytest.raises(WorkflowAlreadyStartedError):
        await start(client, order_id, id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE)


async def test_the_same_content_after_the_end_returns_the_recorded_result(
    client: Client, shop: Shop
) -> None:
    order_id, handle = await stocked_saga(client, shop)
    first = await result(handle)
    story = await shop.story(order_id)
    again = await start(client, order_id)
    assert await result(again) == first
    assert await activities_of(again) == ["reserve-inventory"]
    assert await shop.story(order_id) == story


async def test_the_same_content_after_a_cancellation_returns_why(
    client: Client, shop: Shop
) -> None:
    order_id, handle = await stocked_saga(client, shop, payment={"token": "tok_declined"})
    first = await result(handle)
    assert first["reason"] == "payment_declined"
    assert (
        await result(
            await start(client, order_id, document(order_id, payment={"token": "tok_declined"}))
        )
        == first
    )


@pytest.mark.parametrize(
    "changes",
    [{"customer_id": None}, {"currency": "EUR"}, {"payment": {"token": "tok_other"}}],
)
async def test_other_content_under_the_same_id_is_a_conflict_that_changes_nothing(
    client: Client, shop: Shop, changes: dict[str, object]
) -> None:
    order_id, handle = await stocked_saga(client, shop)
    await result(handle)
    story = await shop.story(order_id)
    error = await failure(await start(client, order_id, document(order_id, **changes)))
    assert error.type == "OrderConflict"
    assert order_id in error.message
    assert await shop.story(order_id) == story


async def test_a_saga_that_was_terminated_goes_on_where_it_was(client: Client, shop: Shop) -> None:
    shop.carrier.faults.add(Fault(FaultKind.UNAVAILABLE, operation="buy_label"))
    order_id, handle = await stocked_saga(client, shop)
    await until_status(handle, step="create_shipment")
    await handle.terminate("the operator made a mistake")
    shop.carrier.faults.clear()
    assert (await result(await start(client, order_id)))["outcome"] == "completed"
    assert shop.payments.count("confirm") == 1
    assert (await shop.story(order_id)).count("FulfillmentStarted") == 1


async def test_a_saga_that_was_terminated_while_undoing_goes_on_undoing(
    client: Client, shop: Shop
) -> None:
    shop.payments.faults.add(Fault(FaultKind.UNAVAILABLE, operation="refund"))
    shop.carrier.faults.add(Fault(FaultKind.INVALID, operation="buy_label"))
    order_id, handle = await stocked_saga(client, shop)
    await until_status(handle, step="undo_payment")
    await handle.terminate("the operator made a mistake")
    shop.payments.faults.clear()
    shop.carrier.faults.clear()
    outcome = await result(await start(client, order_id))
    assert (outcome["outcome"], outcome["reason"]) == ("cancelled", "not_fulfillable")
    assert shop.carrier.count("buy_label") == 1


async def test_an_order_without_a_time_of_its_own_is_the_same_when_it_comes_again(
    client: Client, shop: Shop
) -> None:
    order_id = new_order_id()
    await shop.receive(f"{order_id}-sku", 10)
    content = document(order_id)
    del content["placed_at"]
    first = await result(await start(client, order_id, content))
    assert await result(await start(client, order_id, content)) == first

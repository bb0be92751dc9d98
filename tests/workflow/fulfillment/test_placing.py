"""`place`: whose the order id is, told at once, whatever became of it before."""

import asyncio
from typing import Any

import pytest
from ordersaga_client import InvalidDocument, OrderConflict, OrderSagaClient, Placed
from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowUpdateFailedError,
)
from temporalio.common import RawValue, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError

from activities.messages import ORDERS_QUEUE, WORKFLOW_TYPE
from adapters.providers.faults import Fault, FaultKind
from tests.support.sagas.sagas import (
    Handle,
    activities_of,
    failure,
    forget,
    new_order_id,
    result,
    start,
    until_status,
)
from tests.support.sagas.shop import Shop, document

OTHER = {"customer_id": "customer-8", "payment": {"token": "tok_other"}}
NO_LABEL = Fault(FaultKind.UNAVAILABLE, operation="buy_label")


async def stocked(shop: Shop, stock: int = 10) -> str:
    order_id = new_order_id()
    await shop.receive(f"{order_id}-sku", stock)
    return order_id


def saga_of(client: Client, order_id: str) -> Handle:
    return client.get_workflow_handle(f"order-{order_id}")


async def ended(client: Client, shop: Shop) -> str:
    """An order that was placed and is completed."""
    order_id = await stocked(shop)
    await OrderSagaClient(client).place(document(order_id))
    assert (await result(saga_of(client, order_id)))["outcome"] == "completed"
    return order_id


async def place_raw(
    client: Client,
    told: Any,
    order_id: str,
    reuse: WorkflowIDReusePolicy = WorkflowIDReusePolicy.ALLOW_DUPLICATE,
) -> Any:
    """The call as any other client makes it: an update id of its own, every reuse allowed."""
    operation: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
        WORKFLOW_TYPE,
        told,
        id=f"order-{order_id}",
        task_queue=ORDERS_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=reuse,
    )
    return await client.execute_update_with_start_workflow(
        "place", told, start_workflow_operation=operation
    )


async def refusal(call: Any) -> ApplicationError:
    with pytest.raises(WorkflowUpdateFailedError) as raised:
        await call
    cause = raised.value.cause
    assert isinstance(cause, ApplicationError)
    return cause


# --- the first time, and again while the saga runs -----------------------------------------------


async def test_an_order_is_placed_and_the_same_again_changes_nothing(
    client: Client, shop: Shop
) -> None:
    shop.carrier.faults.add(NO_LABEL)
    sagas, order_id = OrderSagaClient(client), await stocked(shop)
    placed = await sagas.place(document(order_id))
    assert (placed.order_id, placed.created, placed.pending) == (order_id, True, None)
    assert await shop.status(order_id) is not None  # the event store has it by then
    assert (await sagas.place(document(order_id))).order_id == order_id
    again = await place_raw(client, document(order_id), order_id)
    assert again == {"order_id": order_id, "created": False}
    shop.carrier.faults.clear()
    assert (await sagas.result(order_id)).outcome == "completed"
    assert shop.payments.count("confirm") == 1


async def test_another_order_under_the_id_is_a_conflict_while_the_saga_runs(
    client: Client, shop: Shop
) -> None:
    shop.carrier.faults.add(NO_LABEL)
    sagas, order_id = OrderSagaClient(client), await stocked(shop)
    await sagas.place(document(order_id))
    with pytest.raises(OrderConflict) as conflict:
        await sagas.place(document(order_id, **OTHER))
    assert conflict.value.fields == ("customer_id", "payment")
    error = await refusal(place_raw(client, document(order_id, **OTHER), order_id))
    assert error.type == "OrderConflict"
    assert error.details[0] == {"fields": ["customer_id", "payment"], "confirmed": True}
    assert "tok_other" not in f"{error.message}{error.details}"
    shop.carrier.faults.clear()
    assert (await sagas.result(order_id)).outcome == "completed"


async def test_a_refused_call_leaves_no_personal_data_in_the_history(
    client: Client, shop: Shop
) -> None:
    order_id = await stocked(shop)
    await OrderSagaClient(client).place(document(order_id))
    address = {**document(order_id)["address"], "name": "Somebody Else"}
    with pytest.raises(OrderConflict, match="address"):
        await OrderSagaClient(client).place(document(order_id, address=address))
    history = await saga_of(client, order_id).fetch_history()
    assert b"Somebody Else" not in b"".join(each.SerializeToString() for each in history.events)


async def test_ten_different_orders_at_once_are_one_order_and_nine_conflicts(
    client: Client, shop: Shop
) -> None:
    sagas, order_id = OrderSagaClient(client), await stocked(shop)
    orders = [document(order_id, customer_id=f"racer-{n}") for n in range(10)]
    answers = await asyncio.gather(*map(sagas.place, orders), return_exceptions=True)
    placed = [answer for answer in answers if isinstance(answer, Placed)]
    conflicts = [answer for answer in answers if isinstance(answer, OrderConflict)]
    assert [(each.order_id, each.created) for each in placed] == [(order_id, True)]
    assert [conflict.fields for conflict in conflicts] == [("customer_id",)] * 9
    assert (await sagas.result(order_id)).outcome == "completed"
    assert (await shop.story(order_id)).count("OrderSubmitted") == 1


async def test_ten_times_the_same_order_at_once_is_one_saga(client: Client, shop: Shop) -> None:
    sagas, order_id = OrderSagaClient(client), await stocked(shop)
    answers = await asyncio.gather(*(sagas.place(document(order_id)) for _ in range(10)))
    assert {answer.order_id for answer in answers} == {order_id}
    await sagas.result(order_id)
    assert shop.payments.count("confirm") == 1


async def test_a_saga_that_was_started_without_place_answers_it(client: Client, shop: Shop) -> None:
    shop.carrier.faults.add(NO_LABEL)
    order_id = await stocked(shop)
    await until_status(await start(client, order_id), step="create_shipment")
    assert not (await OrderSagaClient(client).place(document(order_id))).created
    with pytest.raises(OrderConflict):
        await OrderSagaClient(client).place(document(order_id, **OTHER))
    shop.carrier.faults.clear()
    await result(saga_of(client, order_id))


# --- after the end -------------------------------------------------------------------------------


async def test_after_the_end_the_ended_run_compares(client: Client, shop: Shop) -> None:
    sagas, order_id = OrderSagaClient(client), await ended(client, shop)
    run = (await saga_of(client, order_id).describe()).run_id
    # The same call again gets its first answer, as the same update id does.
    assert await sagas.place(document(order_id)) == Placed(order_id=order_id, created=True)
    with pytest.raises(OrderConflict) as conflict:
        await sagas.place(document(order_id, **OTHER))
    assert conflict.value.fields == ("customer_id", "payment")
    assert (await saga_of(client, order_id).describe()).run_id == run  # nothing was started


async def test_a_saga_that_was_started_without_place_is_asked_after_its_end(
    client: Client, shop: Shop
) -> None:
    order_id = await stocked(shop)
    run = await start(client, order_id)
    await result(run)
    placed = await OrderSagaClient(client).place(document(order_id))
    assert placed == Placed(order_id=order_id, created=False)
    assert await activities_of(saga_of(client, order_id)) == await activities_of(run)
    assert (await saga_of(client, order_id).describe()).run_id == run.first_execution_run_id


async def test_after_the_end_a_client_that_allows_duplicates_is_answered_by_a_new_run(
    client: Client, shop: Shop
) -> None:
    sagas, order_id = OrderSagaClient(client), await ended(client, shop)
    owners, events = await sagas.result(order_id), await shop.store.head()
    error = await refusal(place_raw(client, document(order_id, **OTHER), order_id))
    assert (error.type, error.details[0]["fields"]) == ("OrderConflict", ["customer_id", "payment"])
    assert await sagas.result(order_id) == owners  # also what `temporal workflow result` shows
    same = await place_raw(client, document(order_id), order_id)
    assert same == {"order_id": order_id, "created": False}
    assert await shop.store.head() == events


async def test_the_owner_is_recognised_after_a_run_that_a_conflict_began(
    client: Client, shop: Shop
) -> None:
    sagas, order_id = OrderSagaClient(client), await ended(client, shop)
    await refusal(place_raw(client, document(order_id, **OTHER), order_id))
    assert not (await sagas.place(document(order_id))).created
    with pytest.raises(OrderConflict):
        await sagas.place(document(order_id, **OTHER))


async def test_our_readers_follow_the_owner_past_a_plain_start_of_another_order(
    client: Client, shop: Shop
) -> None:
    sagas, order_id = OrderSagaClient(client), await ended(client, shop)
    owners, status = await sagas.result(order_id), await sagas.status(order_id)
    error = await failure(await start(client, order_id, document(order_id, **OTHER)))
    assert error.type == "OrderConflict"
    assert error.details[0]["fields"] == ["customer_id", "payment"]
    latest = await saga_of(client, order_id).query("status")
    assert (latest["outcome"], latest["can_cancel"], latest["compensations"]) == (
        "completed",
        False,
        [],
    )
    assert await sagas.result(order_id) == owners
    assert await sagas.status(order_id) == status


# --- after Temporal has forgotten it -------------------------------------------------------------


async def test_after_retention_the_event_store_decides(client: Client, shop: Shop) -> None:
    sagas, order_id = OrderSagaClient(client), await ended(client, shop)
    owners, events = await sagas.result(order_id), await shop.store.head()
    await forget(client, f"order-{order_id}")
    with pytest.raises(OrderConflict) as conflict:
        await sagas.place(document(order_id, **OTHER))
    assert set(conflict.value.fields) == {"customer_id", "payment"}
    assert (await saga_of(client, order_id).describe()).status is WorkflowExecutionStatus.COMPLETED
    assert await sagas.result(order_id) == owners
    assert not (await sagas.place(document(order_id))).created
    assert await sagas.result(order_id) == owners
    assert await shop.store.head() == events


async def test_a_conflict_with_an_open_order_whose_saga_is_lost_fails_the_run(
    client: Client, shop: Shop
) -> None:
    shop.carrier.faults.add(NO_LABEL)
    sagas, order_id = OrderSagaClient(client), await stocked(shop)
    await sagas.place(document(order_id))
    await until_status(saga_of(client, order_id), step="create_shipment")
    await saga_of(client, order_id).terminate("by mistake")
    with pytest.raises(OrderConflict):
        await sagas.place(document(order_id, **OTHER))
    with pytest.raises(WorkflowFailureError):
        await result(saga_of(client, order_id))
    shop.carrier.faults.clear()
    assert not (await sagas.place(document(order_id))).created  # the owner's document goes on
    assert (await sagas.result(order_id)).outcome == "completed"


# --- what is refused, and what takes long --------------------------------------------------------


async def test_a_bad_document_is_refused_by_name_before_and_by_the_saga(
    client: Client, shop: Shop
) -> None:
    shop.carrier.faults.add(NO_LABEL)
    order_id = await stocked(shop)
    with pytest.raises(InvalidDocument, match="currency"):
        await OrderSagaClient(client).place(document(order_id, currency="pounds"))
    await OrderSagaClient(client).place(document(order_id))
    saga = saga_of(client, order_id)
    told = document(order_id, currency="pounds")
    error = await refusal(saga.execute_update("place", told))
    assert "currency" in error.message
    for arguments in ([], [document(order_id)] * 2, ["x"], [RawValue(b"x")] * 0):
        assert "document" in (await refusal(saga.execute_update("place", args=arguments))).message
    shop.carrier.faults.clear()
    assert (await result(saga))["outcome"] == "completed"


async def test_place_with_a_bad_start_names_the_fields_and_starts_nothing(
    client: Client, shop: Shop
) -> None:
    order_id = new_order_id()
    error = await refusal(place_raw(client, document(order_id, currency="pounds"), order_id))
    assert "currency" in error.message
    assert await shop.story(order_id) == []
    assert (await OrderSagaClient(client).place(document(order_id))).created


async def test_while_the_saga_is_held_before_its_first_step_it_answers_that_it_waits(
    client: Client, shop: Shop
) -> None:
    by = {"actor": "anna", "reason": "as agreed on the phone"}
    order_id = await stocked(shop)
    saga = await start(client, order_id, start_signal="hold", start_signal_args=[by])
    await until_status(saga, step="on_hold")
    answer = await saga.execute_update("place", document(order_id))
    assert answer == {"order_id": order_id, "created": True, "pending": True}
    error = await refusal(saga.execute_update("place", document(order_id, **OTHER)))
    assert error.details[0]["confirmed"] is False
    assert (await saga.query("same_order", document(order_id)))["same"] is None
    await saga.execute_update("resume", by)
    assert (await result(saga))["outcome"] == "completed"
    assert (await saga.query("same_order", document(order_id)))["same"] is True
    assert await activities_of(saga)

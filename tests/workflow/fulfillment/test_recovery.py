"""`ordersaga recover`: open orders get their saga back, and nothing is done twice."""

from collections.abc import Sequence

from ordersaga_client import OrderSagaClient
from temporalio.client import Client

from adapters.personal_data.fields import PERSONAL_FIELDS
from adapters.personal_data.reading import RedactedStore
from adapters.providers.faults import Fault, FaultKind
from domain.ids import OrderId
from domain.payment.state import Captured
from eventstore.commands.handler import CommandHandler
from ordersaga.operations.recovery.orders import Recovery, open_orders
from ordersaga.operations.recovery.outcome import Recovered, RecoveryOutcome
from tests.support.sagas.sagas import (
    Handle,
    activities_of,
    new_order_id,
    result,
    start,
    stocked_saga,
    until_status,
)
from tests.support.sagas.shop import Shop, document

BY = {"actor": "anna", "reason": "as agreed"}
NO_LABEL = Fault(FaultKind.UNAVAILABLE, operation="buy_label")


async def recover(client: Client, shop: Shop, *, dry_run: bool = False) -> Sequence[Recovered]:
    recovery = Recovery(shop.handler, shop.store, client, dry_run=dry_run)
    return await recovery.run(await open_orders(shop.store))


async def fates(client: Client, shop: Shop, *, dry_run: bool = False) -> dict[str, RecoveryOutcome]:
    return {each.order_id: each.outcome for each in await recover(client, shop, dry_run=dry_run)}


def saga_of(client: Client, order_id: str) -> Handle:
    return client.get_workflow_handle(f"order-{order_id}")


async def paid_and_terminated(client: Client, shop: Shop) -> str:
    """An order whose saga was terminated while it waited for the carrier."""
    shop.carrier.faults.add(NO_LABEL)
    order_id, handle = await stocked_saga(client, shop)
    await until_status(handle, step="create_shipment")
    await handle.terminate("by mistake")
    return order_id


async def test_a_terminated_saga_is_started_again_and_the_customer_is_charged_once(
    client: Client, shop: Shop
) -> None:
    order_id = await paid_and_terminated(client, shop)
    # Not before: the last attempt of the terminated run might buy the label and end the order.
    assert await fates(client, shop) == {order_id: RecoveryOutcome.STARTED}
    shop.carrier.faults.clear()
    assert (await result(saga_of(client, order_id)))["outcome"] == "completed"
    assert shop.payments.count("confirm") == 1
    story = await shop.story(order_id)
    assert [story.count(name) for name in ("OrderReserved", "PaymentCaptured")] == [1, 1]


async def test_a_second_recovery_finds_the_running_saga_and_starts_nothing(
    client: Client, shop: Shop
) -> None:
    order_id = await paid_and_terminated(client, shop)
    assert await fates(client, shop) == {order_id: RecoveryOutcome.STARTED}
    assert await fates(client, shop) == {order_id: RecoveryOutcome.RUNNING}
    shop.carrier.faults.clear()
    assert (await result(saga_of(client, order_id)))["outcome"] == "completed"
    assert await fates(client, shop) == {}


async def test_two_recoveries_at_once_start_one_saga(client: Client, shop: Shop) -> None:
    order_id = await paid_and_terminated(client, shop)
    twice = Recovery(shop.handler, shop.store, client)
    recovered = await twice.run([OrderId(order_id)] * 5)
    assert sorted(each.outcome for each in recovered) == [RecoveryOutcome.RUNNING] * 4 + [
        RecoveryOutcome.STARTED
    ]
    shop.carrier.faults.clear()
    assert (await result(saga_of(client, order_id)))["outcome"] == "completed"


async def test_a_dry_run_says_what_it_would_do_and_does_nothing(client: Client, shop: Shop) -> None:
    order_id = await paid_and_terminated(client, shop)
    assert await fates(client, shop, dry_run=True) == {order_id: RecoveryOutcome.WOULD_START}
    described = await saga_of(client, order_id).describe()
    assert described.status is not None
    assert described.status.name == "TERMINATED"


async def test_an_order_that_ended_in_the_meantime_is_left_alone(
    client: Client, shop: Shop
) -> None:
    order_id, handle = await stocked_saga(client, shop)
    await result(handle)
    story = await shop.story(order_id)
    recovered = await Recovery(shop.handler, shop.store, client).run([OrderId(order_id)])
    assert [each.outcome for each in recovered] == [RecoveryOutcome.ENDED]
    assert await shop.story(order_id) == story


async def test_a_saga_that_had_turned_back_goes_on_undoing(client: Client, shop: Shop) -> None:
    shop.payments.faults.add(Fault(FaultKind.UNAVAILABLE, operation="refund"))
    shop.carrier.faults.add(Fault(FaultKind.INVALID, operation="buy_label"))
    order_id, handle = await stocked_saga(client, shop)
    await until_status(handle, step="undo_payment")
    await handle.terminate("by mistake")
    shop.payments.faults.clear()
    shop.carrier.faults.clear()
    assert await fates(client, shop) == {order_id: RecoveryOutcome.STARTED}
    outcome = await result(saga_of(client, order_id))
    assert (outcome["outcome"], outcome["reason"]) == ("cancelled", "not_fulfillable")
    assert shop.carrier.count("buy_label") == 1
    assert (await shop.stock(f"{order_id}-sku")).reserved == 0


async def test_a_saga_that_was_on_hold_is_on_hold_again(client: Client, shop: Shop) -> None:
    order_id = await held_after_payment(client, shop)
    [recovered] = await recover(client, shop)
    assert recovered.outcome is RecoveryOutcome.STARTED
    assert "on hold for anna" in recovered.why
    await until_status(saga_of(client, order_id), step="on_hold")
    await saga_of(client, order_id).execute_update("resume", BY)
    assert (await result(saga_of(client, order_id)))["outcome"] == "completed"
    assert shop.payments.count("confirm") == 1


async def test_a_cancel_before_the_first_step_of_the_new_run_undoes_what_the_old_run_did(
    client: Client, shop: Shop
) -> None:
    order_id = await held_after_payment(client, shop)
    await recover(client, shop)
    handle = saga_of(client, order_id)
    await until_status(handle, step="on_hold")
    await handle.execute_update("cancel", BY)
    assert (await result(handle))["outcome"] == "cancelled"
    assert "reserve-inventory" not in await activities_of(handle)
    paid = await shop.payment(order_id)
    assert isinstance(paid, Captured)
    assert paid.refundable.minor == 0
    assert (await shop.stock(f"{order_id}-sku")).reserved == 0


async def held_after_payment(client: Client, shop: Shop) -> str:
    """A paid order whose saga was terminated while on hold."""
    held = Fault(FaultKind.HOLD_BEFORE, operation="confirm")
    shop.payments.faults.add(held)
    order_id, handle = await stocked_saga(client, shop)
    await until_status(handle, step="process_payment")
    await handle.execute_update("hold", BY)
    shop.payments.faults.clear()
    await until_status(handle, step="on_hold")
    assert "OperatorActed" in await shop.story(order_id)
    await handle.terminate("by mistake")
    return order_id


async def test_an_order_whose_personal_data_was_erased_is_named_and_left(
    client: Client, shop: Shop
) -> None:
    order_id = await paid_and_terminated(client, shop)
    unreadable = CommandHandler(RedactedStore(shop.store, PERSONAL_FIELDS), shop.codec)
    [left] = await Recovery(unreadable, shop.store, client).run(await open_orders(shop.store))
    assert (left.order_id, left.outcome) == (order_id, RecoveryOutcome.LEFT)
    assert "delivery address" in left.why
    assert "Hidden Lane" not in left.why


async def test_the_client_recognises_an_order_that_was_recovered(
    client: Client, shop: Shop
) -> None:
    """The saga's document is rebuilt from events: lines are merged and the time is filled in."""
    shop.carrier.faults.add(NO_LABEL)
    order_id = new_order_id()
    await shop.receive(f"{order_id}-sku", 10)
    content = document(order_id)
    content["lines"] = content["lines"] * 2
    del content["placed_at"]
    handle = await start(client, order_id, content)
    await until_status(handle, step="create_shipment")
    await handle.terminate("by mistake")
    await recover(client, shop)
    placed = await OrderSagaClient(client).place(content)
    assert (placed.order_id, placed.created) == (order_id, False)
    shop.carrier.faults.clear()
    assert (await result(saga_of(client, order_id)))["outcome"] == "completed"

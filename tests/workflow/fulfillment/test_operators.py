"""What operators can do to a running saga, and what it says of itself."""

from typing import Any

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.common import RawValue

from activities.payment_port import PaymentStatus
from adapters.providers.faults import ActiveFault, Fault, FaultKind
from domain.payment.state import Captured, holds_money
from tests.support.sagas.sagas import (
    Handle,
    activities_of,
    new_order_id,
    result,
    start,
    stocked_saga,
    until,
    until_status,
)
from tests.support.sagas.shop import Shop, running_workers

pytestmark = pytest.mark.usefixtures("few_attempts")

BY = {"actor": "anna", "reason": "as agreed on the phone"}
NOTE = {"actor": "anna", "note": "paid back by bank transfer"}
ELSEWHERE = {
    "name": "Jo Secretperson",
    "line1": "2 Other Street",
    "city": "York",
    "postal_code": "YO1 7HH",
    "country": "GB",
}


async def _held_before_payment(
    client: Client, shop: Shop, **changes: Any
) -> tuple[str, Handle, ActiveFault]:
    """A saga whose charge hangs until the fault is removed."""
    held = shop.payments.faults.add(Fault(FaultKind.HOLD_BEFORE, operation="confirm"))
    order_id, handle = await stocked_saga(client, shop, **changes)

    async def holding() -> bool:
        return held.holding > 0

    await until(holding)
    return order_id, handle, held


async def _stuck(client: Client, shop: Shop) -> tuple[str, Handle]:
    """A saga that cannot give the money back and needs attention."""
    shop.carrier.faults.add(Fault(FaultKind.INVALID, operation="buy_label"))
    shop.payments.faults.add(Fault(FaultKind.INVALID, operation="refund"))
    order_id, handle = await stocked_saga(client, shop)
    await until_status(handle, needs_attention=True)
    return order_id, handle


async def _acts(shop: Shop, order_id: str) -> list[tuple[str, str, str]]:
    events = await shop.store.read_stream(f"fulfillment-{order_id}")
    return [
        (event.data["actor"], event.data["action"], event.data["reason"])
        for event in events
        if event.event_type == "OperatorActed"
    ]


@pytest.mark.parametrize("by", ["update", "signal"])
async def test_a_saga_on_hold_starts_no_step_until_it_is_resumed(
    client: Client, shop: Shop, by: str
) -> None:
    async def say(name: str) -> None:
        if by == "update":
            await handle.execute_update(name, BY)
        else:
            await handle.signal(name, BY)

    order_id, handle, _ = await _held_before_payment(client, shop)
    await say("hold")
    shop.payments.faults.clear()
    status = await until_status(handle, step="on_hold")
    assert status["held_by"] == "anna"
    assert shop.carrier.calls == []
    await say("resume")
    assert (await result(handle))["outcome"] == "completed"
    assert await _acts(shop, order_id) == [
        ("anna", "hold", BY["reason"]),
        ("anna", "resume", BY["reason"]),
    ]


@pytest.mark.parametrize("operation", ["confirm", "buy_label"])
async def test_a_saga_on_hold_waits_out_a_provider_that_is_down_instead_of_turning_back(
    client: Client, shop: Shop, operation: str
) -> None:
    provider = shop.payments if operation == "confirm" else shop.carrier
    down = provider.faults.add(Fault(FaultKind.UNAVAILABLE, operation=operation))
    order_id, handle = await stocked_saga(client, shop)
    await _hold_once_tried(handle, down)
    await until_status(handle, step="on_hold")
    provider.faults.clear()
    await handle.execute_update("resume", BY)
    assert (await result(handle))["outcome"] == "completed"
    assert "StepFailed" not in await shop.story(order_id)
    assert [act for _, act, _ in await _acts(shop, order_id)] == ["hold", "resume"]


@pytest.mark.parametrize("natively", [False, True])
async def test_a_cancel_of_a_saga_on_hold_after_a_failing_step_undoes_the_order(
    client: Client, shop: Shop, natively: bool
) -> None:
    down = shop.payments.faults.add(Fault(FaultKind.UNAVAILABLE, operation="confirm"))
    order_id, handle = await stocked_saga(client, shop)
    await _hold_once_tried(handle, down)
    await until_status(handle, step="on_hold")
    shop.payments.faults.clear()
    if natively:
        await handle.cancel()
    else:
        await handle.execute_update("cancel", BY)

    async def is_closed() -> bool:
        return "FulfillmentClosed" in await shop.story(order_id)

    await until(is_closed)
    assert await shop.status(order_id) == "cancelled"
    assert shop.payments.count("confirm") == down.hits


async def _hold_once_tried(handle: Handle, fault: ActiveFault) -> None:
    async def tried() -> bool:
        return fault.hits > 0

    await until(tried)
    await handle.execute_update("hold", BY)


async def test_retry_tries_a_failing_step_at_once(client: Client, shop: Shop) -> None:
    down = shop.carrier.faults.add(Fault(FaultKind.UNAVAILABLE, operation="buy_label"))
    order_id, handle = await stocked_saga(client, shop)
    await until_status(handle, step="create_shipment")

    async def tried() -> bool:
        return down.hits > 0

    await until(tried)
    await handle.execute_update("retry", BY)
    shop.carrier.faults.clear()
    assert (await result(handle))["outcome"] == "completed"
    assert "create-shipment.2" in await activities_of(handle)
    assert [act for _, act, _ in await _acts(shop, order_id)] == ["retry"]


async def test_an_undo_that_fails_needs_attention_and_retry_ends_it(
    client: Client, shop: Shop
) -> None:
    order_id, handle = await _stuck(client, shop)
    state = await shop.payment(order_id)
    assert isinstance(state, Captured)
    assert await shop.status(order_id) == "processing"

    async def announced() -> bool:
        return bool(shop.notifications.notices)

    await until(announced)
    story = await shop.story(order_id)
    assert story[-2:] == ["CompensationFailed", "AttentionRequired"]
    shop.payments.faults.clear()
    await handle.execute_update("retry", BY)
    assert (await result(handle))["outcome"] == "cancelled"
    assert not holds_money(await shop.payment(order_id))
    [payment] = [p async for p in shop.payments.payments()]
    assert payment.status is PaymentStatus.REFUNDED


async def test_a_pager_that_is_down_does_not_keep_an_operator_from_acting(
    client: Client, shop: Shop
) -> None:
    shop.notifications.failures.extend([RuntimeError("the pager is down")] * 1000)
    _, handle = await _stuck(client, shop)
    shop.payments.faults.clear()
    await handle.execute_update("retry", BY)
    assert (await result(handle))["outcome"] == "cancelled"
    assert shop.notifications.notices == []


@pytest.mark.parametrize("by", ["update", "signal"])
async def test_resolve_takes_a_persons_word_where_the_provider_cannot_confirm(
    client: Client, shop: Shop, by: str
) -> None:
    order_id, handle = await _stuck(client, shop)
    if by == "update":
        await handle.execute_update("resolve", NOTE)
    else:
        await handle.signal("resolve", NOTE)
    assert (await result(handle))["outcome"] == "cancelled"
    state = await shop.payment(order_id)
    assert isinstance(state, Captured)
    assert list(state.refunds) == ["by-hand:anna"]
    assert ("anna", "resolve", NOTE["note"]) in await _acts(shop, order_id)


async def test_resolve_needs_a_note(client: Client, shop: Shop) -> None:
    _, handle = await _stuck(client, shop)
    with pytest.raises(WorkflowUpdateFailedError) as refusal:
        await handle.execute_update("resolve", {"actor": "anna"})
    assert "note: is missing" in str(refusal.value.cause)
    assert (await handle.query("status"))["needs_attention"]
    await handle.signal("resolve", NOTE)
    await result(handle)


async def test_the_address_can_change_until_the_label(client: Client, shop: Shop) -> None:
    order_id, handle, _ = await _held_before_payment(client, shop)
    await handle.execute_update("change_address", {**BY, "address": ELSEWHERE})
    shop.payments.faults.clear()
    assert (await result(handle))["outcome"] == "completed"
    story = await shop.story(order_id)
    assert story.index("DeliveryAddressChanged") < story.index("LabelBought")
    order = getattr(await shop.order(order_id), "order")  # noqa: B009  a union without the field
    assert order.address.city == "York"
    assert ("anna", "change_address", BY["reason"]) in await _acts(shop, order_id)


async def test_the_address_is_fixed_once_a_label_was_asked_for(client: Client, shop: Shop) -> None:
    shop.carrier.faults.add(Fault(FaultKind.UNAVAILABLE, operation="buy_label"))
    _, handle = await stocked_saga(client, shop)
    await until_status(handle, step="create_shipment")
    with pytest.raises(WorkflowUpdateFailedError) as refusal:
        await handle.execute_update("change_address", {**BY, "address": ELSEWHERE})
    assert "too late" in str(refusal.value.cause)
    shop.carrier.faults.clear()
    await result(handle)


async def test_a_wrong_address_is_refused_by_field_without_its_values(
    client: Client, shop: Shop
) -> None:
    _, handle, _ = await _held_before_payment(client, shop)
    address = {**ELSEWHERE, "country": "Secretland"}
    with pytest.raises(WorkflowUpdateFailedError) as refusal:
        await handle.execute_update("change_address", {**BY, "address": address})
    assert "address.country" in str(refusal.value.cause)
    assert "Secret" not in str(refusal.value.cause)
    shop.payments.faults.clear()
    await result(handle)


IMPOSSIBLE = {
    "resume": BY,
    "resolve": NOTE,
}


@pytest.mark.parametrize(("update", "message"), IMPOSSIBLE.items())
async def test_an_update_that_does_not_fit_is_refused_and_leaves_no_trace(
    client: Client, shop: Shop, update: str, message: dict[str, str]
) -> None:
    order_id, handle, _ = await _held_before_payment(client, shop)
    with pytest.raises(WorkflowUpdateFailedError):
        await handle.execute_update(update, message)
    shop.payments.faults.clear()
    assert (await result(handle))["outcome"] == "completed"
    assert await _acts(shop, order_id) == []


NO_JSON = RawValue(Payload(metadata={"encoding": b"json/plain"}, data=b'{"actor": '))
MALFORMED: list[list[Any]] = [
    [],
    [{}],
    [None],
    ["x"],
    [BY, BY],
    [NO_JSON, BY],
    [NO_JSON],
    [[BY]],
    [{**BY, "extra": 1}],
]


@pytest.mark.parametrize("arguments", MALFORMED)
async def test_malformed_messages_never_break_a_run(
    client: Client, shop: Shop, arguments: list[Any]
) -> None:
    order_id, handle, _ = await _held_before_payment(client, shop)
    names = ("cancel", "hold", "resume", "retry", "resolve", "change_address", "carrier_update")
    for name in names:
        await handle.signal(name, args=arguments)
    for name in names[:-1]:
        with pytest.raises(WorkflowUpdateFailedError):
            await handle.execute_update(name, args=arguments)
    shop.payments.faults.clear()
    assert (await result(handle))["outcome"] == "completed"
    assert await _acts(shop, order_id) == []


async def test_a_carrier_update_that_comes_early_is_harmless(client: Client, shop: Shop) -> None:
    _, handle, _ = await _held_before_payment(client, shop)
    await handle.signal("carrier_update", {"status": "lost", "at": "2026-01-03T00:00:00Z"})
    shop.payments.faults.clear()
    assert (await result(handle))["outcome"] == "completed"


async def test_a_hold_before_the_first_step_is_recorded_before_the_order_exists(
    client: Client,
) -> None:
    shop, order_id = Shop(), new_order_id()
    await shop.receive(f"{order_id}-sku", 10)
    handle = await start(client, order_id)
    await handle.signal("hold", BY)
    async with running_workers(client, shop):
        await until_status(handle, step="on_hold")
        assert await shop.story(order_id) == ["FulfillmentStarted", "OperatorActed"]
        await handle.execute_update("change_address", {**BY, "address": ELSEWHERE})
        await handle.execute_update("resume", BY)
        assert (await result(handle))["outcome"] == "completed"
    story = await shop.story(order_id)
    assert story.index("OrderReserved") < story.index("DeliveryAddressChanged")
    assert story.count("FulfillmentStarted") == 1


async def test_a_worker_that_remembers_no_saga_between_tasks_takes_the_same_way(
    client: Client,
) -> None:
    shop, order_id = Shop(), new_order_id()
    await shop.receive(f"{order_id}-sku", 10)
    shop.carrier.faults.add(Fault(FaultKind.INVALID, operation="buy_label"))
    shop.payments.faults.add(Fault(FaultKind.INVALID, operation="refund"))
    handle = await start(client, order_id)
    await handle.signal("hold", BY)
    async with running_workers(client, shop, max_cached_workflows=0):
        await until_status(handle, step="on_hold")
        await handle.execute_update("resume", BY)
        await until_status(handle, needs_attention=True)
        shop.payments.faults.clear()
        await handle.execute_update("retry", BY)
        assert (await result(handle))["outcome"] == "cancelled"


async def test_the_status_tells_the_saga_without_personal_data(client: Client, shop: Shop) -> None:
    order_id, handle, _ = await _held_before_payment(client, shop)
    status = await handle.query("status")
    assert status["order_id"] == order_id
    assert status["step"] == "process_payment"
    assert "payment provider" in status["waits_for"]
    assert status["can_cancel"] is True
    assert status["compensations"] == ["release_inventory", "undo_payment"]
    assert "Secretperson" not in str(status)
    shop.payments.faults.clear()
    await result(handle)

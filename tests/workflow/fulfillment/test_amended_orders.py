"""Orders from which pieces are removed, before and after the payment, and the refunds."""

from typing import Any

import pytest
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.testing import WorkflowEnvironment

from activities.payment_port import PaymentStatus
from adapters.providers.faults import Fault, FaultKind, FaultPlan
from tests.support.sagas.sagas import (
    Handle,
    new_order_id,
    result,
    start,
    statuses_shown,
    until,
    until_status,
)
from tests.support.sagas.shop import Shop, document
from tests.support.sagas.shortages import BY, content, lines, short_order, taken

pytestmark = pytest.mark.usefixtures("few_attempts")

ALL, LESS = 2 * 150 + 3 * 400, 2 * 150 + 400
ON_SHIPMENT = {"payment": {"token": "tok_visa", "capture": "on_shipment"}}
NO_SHIP = {
    "name": "Jo",
    "line1": "1 Lane",
    "city": "Leeds",
    "postal_code": "NOSHIP",
    "country": "GB",
}


async def _amend(handle: Handle, **pieces: int) -> None:
    changes = [{"line_id": {"a": "1", "b": "2"}[name], "quantity": n} for name, n in pieces.items()]
    await handle.execute_update("amend", {**BY, "lines": changes})


async def _at(
    client: Client, shop: Shop, faults: FaultPlan, operation: str, **changes: Any
) -> tuple[str, Handle]:
    """A saga whose call to a provider hangs until the fault is removed."""
    held = faults.add(Fault(FaultKind.HOLD_BEFORE, operation=operation))
    order_id, handle = await short_order(client, shop, "cancel", b=3, **changes)

    async def holding() -> bool:
        return held.holding > 0

    await until(holding)
    return order_id, handle


async def _held_after_payment(client: Client, shop: Shop, **changes: Any) -> tuple[str, Handle]:
    """A saga that is paid and on hold before its label."""
    order_id, handle = await _at(client, shop, shop.payments.faults, "confirm", **changes)
    await handle.execute_update("hold", BY)
    shop.payments.faults.clear()
    await until_status(handle, step="on_hold")
    return order_id, handle


async def _resume(handle: Handle) -> Any:
    await handle.execute_update("resume", BY)
    return await result(handle)


async def _stuck_settling(client: Client, shop: Shop) -> tuple[str, Handle]:
    """A saga that owes the customer money and cannot give it back."""
    order_id, handle = await _held_after_payment(client, shop)
    shop.payments.faults.add(Fault(FaultKind.INVALID, operation="refund"))
    await _amend(handle, b=1)
    await handle.execute_update("resume", BY)
    await until_status(handle, needs_attention=True)
    return order_id, handle


async def test_an_order_that_is_amended_before_its_payment_is_charged_less(
    temporal: WorkflowEnvironment, shop: Shop
) -> None:
    with temporal.with_time_skipping_disabled():
        order_id, handle = await short_order(temporal.client, shop, "wait")
    await until_status(handle, step="awaiting_stock")
    await _amend(handle, b=1)
    assert (await result(handle))["outcome"] == "completed", "nothing is missing any more"
    assert await taken(shop, order_id) == (LESS, 0)
    assert "StockReleased" not in await shop.story(order_id)
    assert len((await shop.stock(f"{order_id}-b")).waiting) == 0


async def test_what_is_left_out_after_the_payment_is_refunded_and_its_stock_is_free(
    client: Client, shop: Shop
) -> None:
    order_id, handle = await _held_after_payment(client, shop)
    await _amend(handle, b=1)
    assert (await _resume(handle))["outcome"] == "completed"
    assert await taken(shop, order_id) == (ALL, ALL - LESS)
    stock = await shop.stock(f"{order_id}-b")
    assert (stock.available, stock.reserved, stock.on_hand) == (2, 0, 2)
    label = await anext(shop.carrier.labels())
    assert label.pieces == 3
    order = await content(shop, order_id)
    assert (order.total.minor, order.submitted.total.minor) == (LESS, ALL)


async def test_several_amendments_are_settled_one_after_the_other(
    client: Client, shop: Shop
) -> None:
    order_id, handle = await _held_after_payment(client, shop)
    await _amend(handle, b=2)
    await _amend(handle, b=1, a=1)
    assert (await _resume(handle))["outcome"] == "completed"
    assert await taken(shop, order_id) == (ALL, ALL - 150 - 400)


async def test_money_that_is_only_held_is_captured_up_to_the_amended_total(
    client: Client, shop: Shop
) -> None:
    order_id, handle = await _held_after_payment(client, shop, **ON_SHIPMENT)
    await _amend(handle, a=0, b=1)
    assert (await _resume(handle))["outcome"] == "completed"
    assert await taken(shop, order_id) == (400, 0)
    assert shop.payments.count("refund") == 0


async def test_the_label_of_an_amended_order_can_no_longer_be_amended(
    client: Client, shop: Shop
) -> None:
    _, handle = await _at(client, shop, shop.carrier.faults, "buy_label")
    with pytest.raises(WorkflowUpdateFailedError) as refusal:
        await _amend(handle, b=1)
    assert "too late" in str(refusal.value.cause)
    shop.carrier.faults.clear()
    assert (await result(handle))["outcome"] == "completed"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ([{"line_id": "?", "quantity": 1}], "lines.0.line_id"),
        ([{"line_id": "x", "quantity": 1}], "lines.0.line_id"),
        ([{"line_id": "1", "quantity": 3}], "lines.0.quantity"),
        ([{"line_id": "1", "quantity": -1}], "lines.0.quantity"),
        ([{"line_id": "1", "quantity": 1}, {"line_id": "1", "quantity": 0}], "lines.1.line_id"),
        ([], "lines"),
        ([{"line_id": "1", "quantity": 0}, {"line_id": "2", "quantity": 0}], "nothing"),
    ],
)
async def test_an_amendment_that_is_none_is_refused_by_its_field(
    client: Client, shop: Shop, changes: list[dict[str, Any]], field: str
) -> None:
    order_id, handle = await _held_after_payment(client, shop)
    with pytest.raises(WorkflowUpdateFailedError) as refusal:
        await handle.execute_update("amend", {**BY, "lines": changes})
    assert field in str(refusal.value.cause)
    await handle.signal("amend", {**BY, "lines": changes})
    assert (await _resume(handle))["outcome"] == "completed"
    assert await taken(shop, order_id) == (ALL, 0)


async def test_a_refund_that_fails_for_good_needs_attention_until_it_is_retried(
    client: Client, shop: Shop
) -> None:
    order_id, handle = await _stuck_settling(client, shop)
    status = await handle.query("status")
    assert status["step"] == "settle_payment"
    assert not status["turning_back"]
    attributes = (await handle.describe()).search_attributes
    assert attributes["OrderStatus"] == ["refund_pending"]
    assert "refund pending" in shop.notifications.notices[-1].waiting_for
    shop.payments.faults.clear()
    await handle.execute_update("retry", BY)
    assert (await result(handle))["outcome"] == "completed"
    assert await taken(shop, order_id) == (ALL, ALL - LESS)


async def test_a_refund_that_was_settled_by_hand_is_recorded_as_that(
    client: Client, shop: Shop
) -> None:
    order_id, handle = await _stuck_settling(client, shop)
    await handle.execute_update("resolve", {"actor": "anna", "note": "by bank transfer"})
    assert (await result(handle))["outcome"] == "completed"
    events = await shop.store.read_stream(f"payment-{order_id}")
    assert events[-1].data["refund_reference"].startswith("by-hand:anna")
    assert events[-1].data["amount"]["minor"] == ALL - LESS


@pytest.mark.parametrize("natively", [False, True])
async def test_an_order_that_owes_money_can_be_cancelled_and_gives_back_everything_once(
    client: Client, shop: Shop, natively: bool
) -> None:
    order_id, handle = await _stuck_settling(client, shop)
    shop.payments.faults.clear()
    if natively:
        await handle.cancel()
        await until_status(handle, step="closed")
    else:
        await handle.execute_update("cancel", BY)
        assert (await result(handle))["outcome"] == "cancelled"
    assert await taken(shop, order_id) == (ALL, ALL)
    assert not (await handle.query("status"))["needs_attention"]


async def test_undoing_an_order_after_a_partial_refund_gives_back_the_rest(
    client: Client, shop: Shop
) -> None:
    order_id, handle = await _held_after_payment(client, shop, address=NO_SHIP)
    await _amend(handle, b=1)
    assert (await _resume(handle))["outcome"] == "cancelled"
    assert await taken(shop, order_id) == (ALL, ALL)
    assert shop.payments.count("refund") == 2
    for name, pieces in (("a", 2), ("b", 3)):
        stock = await shop.stock(f"{order_id}-{name}")
        assert (stock.available, stock.reserved) == (pieces, 0)


async def test_a_refund_whose_answer_is_lost_is_made_once(client: Client, shop: Shop) -> None:
    order_id, handle = await _held_after_payment(client, shop)
    shop.payments.faults.add(Fault(FaultKind.ANSWER_LOST, operation="refund", times=1))
    await _amend(handle, b=1)
    assert (await _resume(handle))["outcome"] == "completed"
    assert await taken(shop, order_id) == (ALL, ALL - LESS)


async def test_a_charge_whose_answer_was_lost_before_the_amendment_is_found_and_settled(
    client: Client, shop: Shop
) -> None:
    """The provider took the whole amount, its answer is lost, and then the order is amended."""
    shop.payments.faults.add(Fault(FaultKind.ANSWER_LOST, operation="confirm"))
    shop.payments.faults.add(Fault(FaultKind.UNAVAILABLE, operation="read"))
    order_id, handle = await short_order(client, shop, "cancel", b=3)

    async def tried() -> bool:
        return shop.payments.count("confirm") > 0

    await until(tried)
    await handle.execute_update("hold", BY)
    await until_status(handle, step="on_hold")
    await _amend(handle, b=1)
    shop.payments.faults.clear()
    assert (await _resume(handle))["outcome"] == "completed"
    assert await taken(shop, order_id) == (ALL, ALL - LESS)


async def test_an_amendment_that_comes_with_the_start_is_carried_out(
    client: Client, shop: Shop
) -> None:
    order_id = new_order_id()
    for name, pieces in (("a", 2), ("b", 3)):
        await shop.receive(f"{order_id}-{name}", pieces)
    handle = await start(
        client,
        order_id,
        document(order_id, lines=lines(order_id)),
        start_signal="amend",
        start_signal_args=[{**BY, "lines": [{"line_id": "2", "quantity": 1}]}],
    )
    assert (await result(handle))["outcome"] == "completed"
    assert await taken(shop, order_id) == (LESS, 0)


async def test_an_amendment_that_cannot_be_carried_out_is_on_record(
    client: Client, shop: Shop
) -> None:
    order_id = new_order_id()
    handle = await start(
        client,
        order_id,
        document(order_id, lines=lines(order_id)),
        start_signal="amend",
        start_signal_args=[{**BY, "lines": [{"line_id": "1", "quantity": 1}]}],
    )
    await result(handle)
    events = await shop.store.read_stream(f"fulfillment-{order_id}")
    assert [e.data["action"] for e in events if e.event_type == "OperatorActed"] == ["amend"]
    assert await statuses_shown(handle) == ["submitted", "cancelled"]  # never "reserved"


async def test_the_authorisation_of_an_amended_order_is_voided_as_a_whole(
    client: Client, shop: Shop
) -> None:
    order_id, handle = await _held_after_payment(client, shop, address=NO_SHIP, **ON_SHIPMENT)
    await _amend(handle, b=1)
    assert (await _resume(handle))["outcome"] == "cancelled"
    [theirs] = [one async for one in shop.payments.payments() if one.order_id == order_id]
    assert theirs.status is PaymentStatus.VOIDED

"""Orders whose payment is declined: cancelled, or kept until another payment comes."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from activities.payment_port import PaymentStatus, ProviderPayment
from adapters.providers.payment_rules import ASKING_TOKEN
from domain.ids import OrderId
from domain.payment.state import Captured
from tests.support.sagas.sagas import Handle, result, stocked_saga, until, until_status
from tests.support.sagas.shop import TOKEN_DECLINED, TOKEN_GOOD, Shop

BY = {"actor": "anna", "reason": "the customer gave another card"}
ASK = {"policy": "ask", "deadline_hours": 48}

pytestmark = pytest.mark.usefixtures("few_attempts")


async def _declined(
    temporal: WorkflowEnvironment, shop: Shop, token: str = TOKEN_DECLINED, **more: Any
) -> tuple[str, Handle, dict[str, Any]]:
    """A saga that waits for another payment; its clock does not skip time."""
    payment = {"token": token, "on_decline": ASK, **more.pop("payment", {})}
    with temporal.with_time_skipping_disabled():
        order_id, handle = await stocked_saga(temporal.client, shop, payment=payment, **more)
    return order_id, handle, await until_status(handle, step="awaiting_payment")


async def _pay(handle: Handle, token: str = TOKEN_GOOD) -> None:
    await handle.execute_update("pay", {**BY, "token": token})


async def _theirs(shop: Shop, order_id: str) -> list[ProviderPayment]:
    return [one async for one in shop.payments.payments() if one.order_id == OrderId(order_id)]


async def _acts(shop: Shop, order_id: str) -> list[str]:
    events = await shop.store.read_stream(f"fulfillment-{order_id}")
    return [event.data["action"] for event in events if event.event_type == "OperatorActed"]


async def _was_charged_once(shop: Shop, order_id: str, declines: int = 1) -> None:
    """Only the last payment has money of the customer, and our events name it."""
    paid, theirs = await shop.payment(order_id), await _theirs(shop, order_id)
    assert isinstance(paid, Captured)
    kept = [one for one in theirs if one.status is PaymentStatus.CAPTURED]
    assert [(one.reference, one.amount) for one in kept] == [(paid.reference, paid.amount)]
    assert len(theirs) == declines + 1
    assert (await shop.story(order_id)).count("PaymentCaptured") == 1


async def _is_cancelled(shop: Shop, order_id: str) -> None:
    stock = await shop.stock(f"{order_id}-sku")
    assert (stock.available, stock.reserved) == (10, 0)
    held = {PaymentStatus.CAPTURED, PaymentStatus.AUTHORISED, PaymentStatus.UNCONFIRMED}
    assert not held & {one.status for one in await _theirs(shop, order_id)}


async def test_an_order_that_says_nothing_of_declines_is_cancelled_at_once(
    client: Client, shop: Shop
) -> None:
    order_id, handle = await stocked_saga(client, shop, payment={"token": TOKEN_DECLINED})
    ended = await result(handle)
    assert (ended["outcome"], ended["reason"]) == ("cancelled", "payment_declined")
    assert "PaymentAsked" not in await shop.story(order_id)
    await _is_cancelled(shop, order_id)


async def test_an_order_that_asks_keeps_its_stock_and_says_what_to_do_until_when(
    temporal: WorkflowEnvironment, shop: Shop
) -> None:
    order_id, handle, status = await _declined(temporal, shop)
    began = (await handle.describe()).start_time
    left = datetime.fromisoformat(status["answer_by"]) - began
    assert timedelta(hours=47) < left < timedelta(hours=49)
    assert status["declined"] == "card_declined"
    assert "pay in another way until" in status["waits_for"]
    assert {"pay", "cancel", "hold", "change_address"} <= set(status["actions"])
    assert (await shop.stock(f"{order_id}-sku")).reserved == 2
    await handle.execute_update("cancel", {**BY, "requested_by": "customer"})
    ended = await result(handle)
    assert (ended["outcome"], ended["reason"]) == ("cancelled", "customer_request")
    await _is_cancelled(shop, order_id)


@pytest.mark.parametrize("capture", ["automatic", "on_shipment"])
async def test_another_payment_completes_the_order_and_charges_it_once(
    temporal: WorkflowEnvironment, shop: Shop, capture: str
) -> None:
    order_id, handle, _ = await _declined(temporal, shop, payment={"capture": capture})
    await _pay(handle)
    assert (await result(handle))["outcome"] == "completed"
    await _was_charged_once(shop, order_id)
    assert await _acts(shop, order_id) == ["pay"]


async def test_payments_can_be_tried_until_the_deadline_of_the_first_decline(
    temporal: WorkflowEnvironment, shop: Shop
) -> None:
    order_id, handle, first = await _declined(temporal, shop)
    await _pay(handle, "tok_insufficient_funds")
    again = await until_status(handle, declined="insufficient_funds")
    assert again["answer_by"] == first["answer_by"]
    await _pay(handle)
    assert (await result(handle))["outcome"] == "completed"
    await _was_charged_once(shop, order_id, declines=2)


async def test_the_order_is_cancelled_when_the_deadline_passes(client: Client, shop: Shop) -> None:
    payment = {"token": TOKEN_DECLINED, "on_decline": {"policy": "ask", "deadline_hours": 1}}
    order_id, handle = await stocked_saga(client, shop, payment=payment)
    ended = await result(handle)
    assert (ended["outcome"], ended["reason"]) == ("cancelled", "payment_declined")
    assert "no other one came until" in ended["detail"]
    await _is_cancelled(shop, order_id)


async def test_a_payment_that_needs_the_customer_is_asked_for_and_never_left_open(
    temporal: WorkflowEnvironment, shop: Shop
) -> None:
    order_id, handle, status = await _declined(temporal, shop, ASKING_TOKEN)
    assert status["declined"] == "requires_action"
    await _pay(handle)
    assert (await result(handle))["outcome"] == "completed"
    await _was_charged_once(shop, order_id)


async def test_a_payment_that_needs_the_customer_ends_an_order_that_does_not_ask(
    client: Client, shop: Shop
) -> None:
    order_id, handle = await stocked_saga(client, shop, payment={"token": ASKING_TOKEN})
    ended = await result(handle)
    assert (ended["reason"], "requires_action" in ended["detail"]) == ("payment_declined", True)
    await _is_cancelled(shop, order_id)


async def test_a_payment_is_refused_while_none_is_waited_for(
    temporal: WorkflowEnvironment, shop: Shop
) -> None:
    order_id, handle, _ = await _declined(temporal, shop)
    for wrong in ({}, {"token": ""}, {"token": "a b"}, {"token": 7}, {"token": "t", "more": 1}):
        with pytest.raises(WorkflowUpdateFailedError):
            await handle.execute_update("pay", {**BY, **wrong})
    await handle.execute_update("hold", BY)
    await until_status(handle, step="on_hold")
    await _pay(handle)
    with pytest.raises(WorkflowUpdateFailedError) as refusal:
        await _pay(handle)
    assert "came already" in str(refusal.value.cause)
    await handle.execute_update("resume", BY)
    assert (await result(handle))["outcome"] == "completed"
    await _was_charged_once(shop, order_id)
    with pytest.raises(RPCError, match="completed"):
        await _pay(handle)


async def test_a_token_that_the_provider_never_takes_is_refused_and_the_order_waits_on(
    temporal: WorkflowEnvironment, shop: Shop
) -> None:
    order_id, handle, _ = await _declined(temporal, shop)
    shop.payments.limits = _Limits()  # type: ignore[assignment]  # of another provider
    await _pay(handle)

    async def is_told() -> bool:
        return "takes no such token" in (await handle.query("status"))["waits_for"]

    await until(is_told)
    assert "PaymentReplaced" not in await shop.story(order_id)
    await handle.execute_update("cancel", BY)
    assert (await result(handle))["outcome"] == "cancelled"
    assert await _acts(shop, order_id) == ["pay (refused)", "cancel"]


class _Limits:
    def problem(self, _amount: object, _token: str) -> str:
        return "it takes no such token"


async def test_an_amended_order_pays_in_another_way_what_is_left(
    temporal: WorkflowEnvironment, shop: Shop
) -> None:
    order_id, handle, _ = await _declined(temporal, shop)
    await handle.execute_update("amend", {**BY, "lines": [{"line_id": "1", "quantity": 1}]})
    await _pay(handle)
    assert (await result(handle))["outcome"] == "completed"
    await _was_charged_once(shop, order_id)
    paid = await shop.payment(order_id)
    assert isinstance(paid, Captured)
    assert paid.amount.minor == 150


async def test_no_activity_carries_the_token_of_another_payment(
    temporal: WorkflowEnvironment, shop: Shop
) -> None:
    _, handle, _ = await _declined(temporal, shop)
    await _pay(handle, "tok_visa_secretly")
    assert (await result(handle))["outcome"] == "completed"
    history = await handle.fetch_history()
    carried = [
        each.event_id
        for each in history.events
        if b"secretly" in each.SerializeToString()
        and not each.HasField("workflow_execution_update_accepted_event_attributes")
    ]
    assert not carried

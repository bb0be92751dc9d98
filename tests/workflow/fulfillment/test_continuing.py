"""A saga whose history is long goes on as a new run, wherever it stands and whatever is asked."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from temporalio.client import Client, WorkflowHandle
from temporalio.testing import WorkflowEnvironment

from activities.payment_port import PaymentStatus
from activities.ports import LabelStatus
from tests.support.faults.traps import TrappedShop
from tests.support.sagas.long_runs import (
    CASES,
    PLACES,
    SCAN,
    Place,
    Standing,
    bring_to,
    fill,
    message_of,
    retry_if_needed,
    until_it_runs_anew_or_ends,
)
from tests.support.sagas.sagas import result, until, until_status
from tests.support.sagas.shop import running_workers
from workflows import policies

pytestmark = pytest.mark.usefixtures("few_attempts")


@pytest.fixture
async def shop(client: Client) -> AsyncIterator[TrappedShop]:
    shop = TrappedShop()
    async with running_workers(client, shop, interceptors=[shop.traps]):
        yield shop


@pytest.mark.parametrize(("place", "wish"), CASES, ids=lambda value: getattr(value, "name", value))
async def test_nothing_is_lost_or_done_twice_when_a_saga_goes_on_as_a_new_run(
    temporal: WorkflowEnvironment,
    shop: TrappedShop,
    place: Place,
    wish: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    standing = await bring_to(temporal, shop, place)
    handle, first = standing.handle, await standing.run_id()
    await fill(handle, monkeypatch)
    if wish != "nothing":
        await handle.signal(wish, message_of(wish, standing.order_id))
    await handle.signal("carrier_update", SCAN)
    runs_anew = await until_it_runs_anew_or_ends(standing, first)
    assert runs_anew or wish in ("cancel", "resolve")  # then it may have nothing to wait for
    monkeypatch.setattr(policies, "MOST_EVENTS", 2_000)
    await standing.let_go()
    outcome = await _end(standing, place, wish)
    assert outcome["outcome"] == ("cancelled" if wish == "cancel" else place.ends)
    by_hand = wish == "resolve"  # the refund that is tried meanwhile may come first, or not
    await _require_once(shop, standing.order_id, outcome["outcome"], by_hand=by_hand)
    acts = await _acts(shop, standing.order_id)
    assert wish == "nothing" or _recorded(wish) in acts
    assert wish == "retry" or len(set(acts)) == len(acts)
    if runs_anew:
        await _require_no_personal_data(temporal.client, standing, place)


async def _end(standing: Standing, place: Place, wish: str) -> dict[str, Any]:
    """What an operator still has to do, and how the saga ends."""
    handle = standing.handle
    if wish == "hold" or (place.name == "on_hold" and wish not in ("resume", "cancel")):
        await until_status(handle, step="on_hold")
        await handle.execute_update("resume", message_of("resume", standing.order_id))
    if place.name == "shortage" and wish not in ("cancel", "choose", "amend"):
        await until_status(handle, step="awaiting_choice")
        await handle.execute_update("choose", message_of("choose", standing.order_id))
    if place.name == "declined" and wish not in ("cancel", "pay"):
        await until_status(handle, step="awaiting_payment")
        await handle.execute_update("pay", message_of("pay", standing.order_id))
    if place.name == "refused_refund" and wish != "resolve":
        await retry_if_needed(standing)
    if place.name == "capture" and wish == "cancel":
        await _say_that_the_parcel_comes_back(handle)
    return dict(await result(handle))


async def _say_that_the_parcel_comes_back(handle: WorkflowHandle[Any, Any]) -> None:
    """The scan says that a parcel with a label has left, so a person must decide."""
    await until_status(handle, step="cancel_shipment", needs_attention=True)
    decision = {"actor": "anna", "note": "the driver brings it back", "goods": "coming_back"}
    await handle.execute_update("resolve", decision)


def _recorded(wish: str) -> str:
    return "choose ship_available" if wish == "choose" else wish


async def _acts(shop: TrappedShop, order_id: str) -> list[str]:
    events = await shop.store.read_stream(f"fulfillment-{order_id}")
    return [event.data["action"] for event in events if event.event_type == "OperatorActed"]


async def _require_once(
    shop: TrappedShop, order_id: str, outcome: str, *, by_hand: bool = False
) -> None:
    payments = [
        payment
        async for payment in shop.payments.payments()
        if payment.order_id == order_id and payment.status is not PaymentStatus.DECLINED
    ]
    labels = [label async for label in shop.carrier.labels() if label.order_id == order_id]
    story = await shop.story(order_id)
    for event in ("FulfillmentStarted", "OrderSubmitted", "OrderReserved", "FulfillmentClosed"):
        assert story.count(event) <= 1, story
    assert (len(payments) <= 1, len(labels) <= 1) == (True, True)
    if outcome == "completed":
        assert [p.status for p in payments] == [PaymentStatus.CAPTURED]
        assert [label.status for label in labels] == [LabelStatus.LIVE]
    else:
        gone = {PaymentStatus.VOIDED, PaymentStatus.REFUNDED}
        if by_hand:  # the provider knows nothing of a bank transfer
            gone.add(PaymentStatus.CAPTURED)
        assert {p.status for p in payments} <= gone
        given_up = story.count("ParcelGivenUp")  # then its label stays
        assert [label.status for label in labels].count(LabelStatus.LIVE) == given_up
        assert (await shop.stock(f"{order_id}-sku")).reserved == 0


async def _require_no_personal_data(client: Client, standing: Standing, place: Place) -> None:
    """No run but the first holds an address or a token, once the order is in the event store."""
    if place.name in ("reserve", "on_hold"):  # neither has done its first step
        return
    handle: WorkflowHandle[Any, Any] = client.get_workflow_handle(
        standing.handle.id, run_id=await standing.run_id()
    )
    history = await handle.fetch_history()
    [began, *_] = history.events
    assert began.workflow_execution_started_event_attributes.continued_execution_run_id
    [handed_over] = began.workflow_execution_started_event_attributes.input.payloads
    state = json.loads(handed_over.data)["state"]
    assert state["document"] is None
    assert "Hidden Lane" not in str(handed_over.data)
    assert "tok_" not in str(handed_over.data)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
async def test_a_cancel_through_temporal_before_the_new_run_still_counts_in_it(
    temporal: WorkflowEnvironment,
    shop: TrappedShop,
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    standing = await bring_to(temporal, shop, place)
    first = await standing.run_id()
    await standing.handle.cancel()
    await fill(standing.handle, monkeypatch)
    await standing.handle.signal("carrier_update", SCAN)
    runs_anew = await until_it_runs_anew_or_ends(standing, first)
    monkeypatch.setattr(policies, "MOST_EVENTS", 2_000)
    await standing.let_go()
    if place.name == "refused_refund":
        await retry_if_needed(standing)
    if place.name == "capture":
        await _say_that_the_parcel_comes_back(standing.handle)

    async def ended() -> bool:
        return not await standing.is_running()

    await until(ended)
    described = await standing.handle.describe()
    assert described.status is not None
    # Nobody has cancelled the new run itself.
    assert described.status.name == ("COMPLETED" if runs_anew else "CANCELED")
    assert await shop.status(standing.order_id) == "cancelled"
    await _require_once(shop, standing.order_id, "cancelled")

"""Returns and deliveries go on as new runs, and may be reset to any event."""

from typing import Any

import pytest
from temporalio.client import Client

from adapters.providers.faults import Fault, FaultKind
from tests.support.sagas.long_runs import fill
from tests.support.sagas.resets import end_of, reset_everywhere
from tests.support.sagas.returns import (
    AT,
    BY,
    completed,
    on_hand,
    open_return,
    parcel,
    refunded_minor,
    scan,
)
from tests.support.sagas.sagas import Handle, result, until, until_status
from tests.support.sagas.shop import Shop
from workflows import policies

pytestmark = pytest.mark.usefixtures("few_attempts")

NOTE = {"actor": "anna", "note": "paid back by bank transfer"}


async def _goes_on_anew(
    handle: Handle, patch: pytest.MonkeyPatch, signal: str, message: Any
) -> None:
    """Send a signal that makes the run full, and wait for the next one."""
    first = (await handle.describe()).run_id
    await fill(handle, patch)
    await handle.signal(signal, message)

    async def anew() -> bool:
        return (await handle.describe()).run_id != first

    await until(anew)
    patch.setattr(policies, "MOST_EVENTS", 2_000)


async def test_a_return_that_waits_for_a_decision_keeps_the_other_one(
    client: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = await completed(client, shop)
    handle = await open_return(client, order_id)
    await until_status(handle, needs_attention=True)
    await handle.execute_update("decide_restock", {"restock": "all", **BY})
    await _goes_on_anew(handle, monkeypatch, "nobody_knows_this", BY)
    await until_status(handle, needs_attention=True, undecided=["refund"])
    await handle.execute_update("decide_refund", {"refund": "full", **BY})
    assert (await result(handle))["restocked"] is True
    assert (await refunded_minor(shop, order_id), await on_hand(shop, order_id)) == (150, 9)
    story = await shop.story(order_id)
    assert [story.count(name) for name in ("ReturnOpened", "ReturnClosed")] == [1, 1]


@pytest.mark.parametrize("signal", ["decide_refund", "decide_restock"])
async def test_a_decision_in_the_last_moment_counts_in_the_new_run(
    client: Client, shop: Shop, signal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = await completed(client, shop)
    handle = await open_return(client, order_id)
    await until_status(handle, needs_attention=True)
    decision = {"decide_refund": {"refund": "full"}, "decide_restock": {"restock": "all"}}
    await _goes_on_anew(handle, monkeypatch, signal, {**decision[signal], **BY})
    [other] = decision.keys() - {signal}
    await handle.execute_update(other, {**decision[other], **BY})
    await result(handle)
    assert (await refunded_minor(shop, order_id), await on_hand(shop, order_id)) == (150, 9)


@pytest.mark.parametrize("kind", [FaultKind.INVALID, FaultKind.UNAVAILABLE])
async def test_a_refund_that_a_person_settled_by_hand_is_settled_in_the_new_run(
    client: Client, shop: Shop, kind: FaultKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.payments.faults.add(Fault(kind, operation="refund"))
    order_id = await completed(client, shop)
    handle = await open_return(client, order_id, refund="full", restock="none")
    await until_status(handle, needs_attention=True)
    await _goes_on_anew(handle, monkeypatch, "nobody_knows_this", BY)
    await until_status(handle, needs_attention=True)
    await handle.execute_update("resolve", NOTE)
    assert (await result(handle))["refund_reference"].startswith("by-hand")
    assert await refunded_minor(shop, order_id) == 0


async def test_a_return_cancelled_through_temporal_stays_cancelled_in_the_new_run(
    client: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    down = shop.payments.faults.add(Fault(FaultKind.UNAVAILABLE, operation="refund"))
    order_id = await completed(client, shop)
    handle = await open_return(client, order_id, refund="full")
    await until_status(handle, needs_attention=True)
    await handle.cancel()
    await _goes_on_anew(handle, monkeypatch, "nobody_knows_this", BY)
    shop.payments.faults.remove(down.number)
    # Nobody has cancelled the new run itself; what nobody had decided counts as no.
    assert (await end_of(handle))["restocked"] is False
    assert (await refunded_minor(shop, order_id), await on_hand(shop, order_id)) == (150, 8)


async def test_a_parcel_is_followed_on_and_its_silence_counts_from_the_last_news(
    client: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = await completed(client, shop)
    handle = await scan(client, order_id, "in_transit")
    status = await until_status(handle, needs_attention=True)
    assert "no news" in status["attention"]
    await _goes_on_anew(handle, monkeypatch, "nobody_knows_this", BY)
    await until_status(handle, needs_attention=True)
    await handle.signal("carrier_update", {"status": "delivered", "at": AT})
    assert (await result(handle))["status"] == "delivered"
    story = await shop.story(order_id)
    assert [story.count(name) for name in ("ShipmentInTransit", "ShipmentDelivered")] == [1, 1]


async def test_a_return_reset_to_any_event_gives_money_and_goods_back_once(
    client: Client, shop: Shop
) -> None:
    order_id = await completed(client, shop)
    handle = await open_return(client, order_id)
    await until_status(handle, needs_attention=True)
    await handle.execute_update("decide_restock", {"restock": "all", **BY})
    await handle.execute_update("decide_refund", {"refund": "full", **BY})
    ended, story = await result(handle), await shop.story(order_id)
    tried = [await end_of(run) async for _, run in reset_everywhere(client, handle)]
    assert tried == [ended] * len(tried) != []
    assert (await refunded_minor(shop, order_id), await on_hand(shop, order_id)) == (150, 9)
    assert await shop.story(order_id) == story


async def test_a_delivery_reset_to_any_event_records_and_opens_nothing_twice(
    client: Client, shop: Shop
) -> None:
    order_id = await completed(client, shop)
    handle = await scan(client, order_id, "in_transit")
    await until_status(handle, status="in_transit")
    await handle.signal("carrier_update", {"status": "delivered", "at": AT})
    ended, story = await result(handle), await shop.story(order_id)
    tried = [await end_of(run) async for _, run in reset_everywhere(client, handle)]
    assert tried == [ended] * len(tried) != []
    assert (await parcel(shop, order_id)).status.value == "delivered"
    assert await shop.story(order_id) == story

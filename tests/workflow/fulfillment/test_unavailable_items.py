"""Orders with unavailable items: what they wait for, and how they go on."""

from datetime import timedelta

import pytest
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.testing import WorkflowEnvironment

from tests.support.sagas.sagas import Handle, activities_of, result, until_status
from tests.support.sagas.shop import Shop
from tests.support.sagas.shortages import BY, arrive, content, short_order, taken, tell_news

ALL, LESS = 2 * 150 + 3 * 400, 2 * 150 + 400
"""The price of the whole order, and of the pieces that are available."""

pytestmark = pytest.mark.usefixtures("few_attempts")


async def _choose(handle: Handle, choice: str) -> None:
    await handle.execute_update("choose", {**BY, "choice": choice})


async def _waiting(
    temporal: WorkflowEnvironment, shop: Shop, policy: str = "ask", **more: object
) -> tuple[str, Handle]:
    """A waiting saga; its clock does not skip time."""
    with temporal.with_time_skipping_disabled():
        order_id, handle = await short_order(temporal.client, shop, policy, **more)  # type: ignore[arg-type]  # pieces and terms
    step = "awaiting_choice" if policy == "ask" else "awaiting_stock"
    await until_status(handle, step=step)
    return order_id, handle


async def _acts(shop: Shop, order_id: str) -> list[str]:
    events = await shop.store.read_stream(f"fulfillment-{order_id}")
    return [event.data["action"] for event in events if event.event_type == "OperatorActed"]


async def _stock_is_free(shop: Shop, order_id: str, first: int, second: int) -> None:
    for name, pieces in (("a", first), ("b", second)):
        stock = await shop.stock(f"{order_id}-{name}")
        assert (stock.available, stock.reserved, len(stock.waiting)) == (pieces, 0, 0)


async def test_an_order_that_says_nothing_of_unavailable_items_is_cancelled_at_once(
    client: Client, shop: Shop
) -> None:
    order_id, handle = await short_order(client, shop, "cancel")
    ended = await result(handle)
    assert (ended["outcome"], ended["reason"]) == ("cancelled", "out_of_stock")
    assert "ItemsUnavailable" not in await shop.story(order_id)
    await _stock_is_free(shop, order_id, 2, 1)


async def test_an_order_that_ships_what_is_available_pays_for_that_only(
    client: Client, shop: Shop
) -> None:
    order_id, handle = await short_order(client, shop, "ship_available")
    assert (await result(handle))["outcome"] == "completed"
    order = await content(shop, order_id)
    assert [line.quantity for line in order.lines] == [2, 1]
    assert [line.quantity for line in order.submitted.lines] == [2, 3]
    assert order.total.minor == LESS
    assert await taken(shop, order_id) == (LESS, 0)
    label = await anext(shop.carrier.labels())
    assert label.pieces == 3


@pytest.mark.parametrize("policy", ["ship_available", "wait", "ask"])
async def test_an_order_of_which_everything_is_there_goes_its_ordinary_way(
    client: Client, shop: Shop, policy: str
) -> None:
    _, handle = await short_order(client, shop, policy, b=3)
    assert (await result(handle))["outcome"] == "completed"
    assert await activities_of(handle) == [
        "reserve-inventory",
        "process-payment",
        "create-shipment",
    ]


async def test_if_nothing_at_all_is_available_shipping_what_is_cancels(
    client: Client, shop: Shop
) -> None:
    order_id, handle = await short_order(client, shop, "ship_available", a=0, b=0)
    ended = await result(handle)
    assert (ended["outcome"], ended["reason"]) == ("cancelled", "out_of_stock")
    assert "ItemsUnavailable" not in await shop.story(order_id)


@pytest.mark.parametrize(("policy", "b"), [("wait", 1), ("ask", 0), ("wait", 0)])
async def test_an_order_goes_on_as_usual_when_everything_has_arrived(
    temporal: WorkflowEnvironment, shop: Shop, policy: str, b: int
) -> None:
    order_id, handle = await _waiting(temporal, shop, policy, b=b)
    assert await shop.status(order_id) == "backordered"
    await arrive(temporal.client, shop, f"{order_id}-b", 3 - b, "second")
    assert (await result(handle))["outcome"] == "completed"
    assert await taken(shop, order_id) == (ALL, 0)
    await tell_news(temporal.client, shop)


async def test_ship_available_leaves_out_what_is_not_there(
    temporal: WorkflowEnvironment, shop: Shop
) -> None:
    order_id, handle = await _waiting(temporal, shop)
    status = await handle.query("status")
    assert status["choices"] == ["ship_available", "wait", "cancel"]
    assert status["missing"] == [{"sku": f"{order_id}-b", "ordered": 3, "missing": 2}]
    assert "awaiting" in status["step"]
    await _choose(handle, "ship_available")
    assert (await result(handle))["outcome"] == "completed"
    assert await taken(shop, order_id) == (LESS, 0)
    assert await _acts(shop, order_id) == ["choose ship_available"]
    await arrive(temporal.client, shop, f"{order_id}-b", 2, "second")
    await _stock_is_free(shop, order_id, 0, 2)


async def test_a_customer_who_waits_gets_the_items_when_they_arrive(
    temporal: WorkflowEnvironment, shop: Shop
) -> None:
    order_id, handle = await _waiting(temporal, shop)
    first = (await handle.query("status"))["answer_by"]
    await _choose(handle, "wait")
    status = await until_status(handle, step="awaiting_stock")
    assert status["choices"] == ["ship_available", "cancel"]
    assert status["answer_by"] > first, "the time to wait counts from the choice"
    await arrive(temporal.client, shop, f"{order_id}-b", 2, "second")
    assert (await result(handle))["outcome"] == "completed"
    assert await taken(shop, order_id) == (ALL, 0)


async def test_a_customer_who_cancels_leaves_nothing_behind(
    temporal: WorkflowEnvironment, shop: Shop
) -> None:
    order_id, handle = await _waiting(temporal, shop)
    await _choose(handle, "cancel")
    ended = await result(handle)
    assert (ended["outcome"], ended["reason"]) == ("cancelled", "customer_request")
    assert await _acts(shop, order_id) == ["choose cancel"]
    assert shop.payments.count("confirm") == 0
    await arrive(temporal.client, shop, f"{order_id}-b", 2, "second")
    await _stock_is_free(shop, order_id, 2, 3)


@pytest.mark.parametrize("policy", ["ask", "wait"])
async def test_when_the_deadline_passes_the_default_cancels(
    client: Client, shop: Shop, policy: str
) -> None:
    order_id, handle = await short_order(client, shop, policy, deadline_hours=720)
    ended = await result(handle)
    assert (ended["outcome"], ended["reason"]) == ("cancelled", "out_of_stock")
    assert "deadline" in ended["detail"]
    await _stock_is_free(shop, order_id, 2, 1)
    assert len((await handle.fetch_history()).events) < 160


async def test_when_the_deadline_passes_the_default_ships_what_is_there(
    client: Client, shop: Shop
) -> None:
    order_id, handle = await short_order(client, shop, "ask", default="ship_available")
    assert (await result(handle))["outcome"] == "completed"
    assert await taken(shop, order_id) == (LESS, 0)


async def test_when_the_deadline_passes_and_nothing_is_there_the_order_is_cancelled(
    client: Client, shop: Shop
) -> None:
    order_id, handle = await short_order(client, shop, "wait", a=0, b=0, default="ship_available")
    ended = await result(handle)
    assert (ended["outcome"], ended["reason"]) == ("cancelled", "out_of_stock")
    await _stock_is_free(shop, order_id, 0, 0)


async def test_if_the_news_of_arrived_stock_is_lost_the_saga_finds_it_by_itself(
    temporal: WorkflowEnvironment, shop: Shop
) -> None:
    order_id, handle = await _waiting(temporal, shop, "wait", deadline_hours=72)
    await shop.receive(f"{order_id}-b", 2, "second")
    await temporal.fast_forward(handle, timedelta(hours=9, minutes=1))
    assert (await result(handle))["outcome"] == "completed"


async def test_what_cannot_be_chosen_is_refused_and_changes_nothing(
    temporal: WorkflowEnvironment, shop: Shop
) -> None:
    _, handle = await _waiting(temporal, shop, a=0, b=0)
    with pytest.raises(WorkflowUpdateFailedError) as refusal:
        await _choose(handle, "ship_available")
    assert "no item of the order is available" in str(refusal.value.cause)
    await handle.signal("choose", {**BY, "choice": "ship_available"})
    for wrong in ({**BY}, {**BY, "choice": "later"}, {**BY, "choice": "wait", "more": 1}):
        with pytest.raises(WorkflowUpdateFailedError):
            await handle.execute_update("choose", wrong)
    await _choose(handle, "wait")
    await until_status(handle, step="awaiting_stock")
    with pytest.raises(WorkflowUpdateFailedError) as refusal:
        await _choose(handle, "wait")
    assert "waits already" in str(refusal.value.cause)
    await handle.signal("choose", {**BY, "choice": "cancel"})
    assert (await result(handle))["outcome"] == "cancelled"


async def test_an_order_that_misses_nothing_has_nothing_to_choose(
    client: Client, shop: Shop
) -> None:
    _, handle = await short_order(client, shop, "ask", b=3)
    await result(handle)
    assert (await handle.query("status"))["choices"] == []


@pytest.mark.parametrize("natively", [False, True])
async def test_a_waiting_order_can_be_cancelled(
    temporal: WorkflowEnvironment, shop: Shop, natively: bool
) -> None:
    order_id, handle = await _waiting(temporal, shop)
    if natively:
        await handle.cancel()
        await until_status(handle, step="closed")
    else:
        await handle.execute_update("cancel", BY)
        assert (await result(handle))["outcome"] == "cancelled"
    assert await shop.status(order_id) == "cancelled"
    await _stock_is_free(shop, order_id, 2, 1)


async def test_a_waiting_order_can_be_held_and_resumed(
    temporal: WorkflowEnvironment, shop: Shop
) -> None:
    order_id, handle = await _waiting(temporal, shop, "wait")
    await handle.execute_update("hold", BY)
    await until_status(handle, step="on_hold")
    await arrive(temporal.client, shop, f"{order_id}-b", 2, "second")
    await handle.execute_update("resume", BY)
    assert (await result(handle))["outcome"] == "completed"
    assert await _acts(shop, order_id) == ["hold", "resume"]


async def test_an_operator_can_let_a_waiting_order_look_at_once(
    temporal: WorkflowEnvironment, shop: Shop
) -> None:
    order_id, handle = await _waiting(temporal, shop, "wait")
    await shop.receive(f"{order_id}-b", 2, "second")
    await handle.execute_update("retry", BY)
    assert (await result(handle))["outcome"] == "completed"


async def test_the_search_attributes_say_what_a_waiting_order_is_at(
    temporal: WorkflowEnvironment, shop: Shop
) -> None:
    _, handle = await _waiting(temporal, shop)
    attributes = (await handle.describe()).search_attributes
    assert (attributes["OrderStatus"], attributes["SagaStep"]) == (
        ["backordered"],
        ["awaiting_choice"],
    )
    await _choose(handle, "ship_available")
    await result(handle)
    attributes = (await handle.describe()).search_attributes
    assert attributes["OrderTotalMinor"] == [LESS]
    assert attributes["OrderStatus"] == ["completed"]


async def test_an_order_that_has_ended_misses_nothing_and_takes_no_wishes(
    temporal: WorkflowEnvironment, shop: Shop
) -> None:
    _, handle = await _waiting(temporal, shop)
    await handle.execute_update("cancel", BY)
    await result(handle)
    status = await handle.query("status")
    assert (status["missing"], status["choices"], status["answer_by"]) == ([], [], None)

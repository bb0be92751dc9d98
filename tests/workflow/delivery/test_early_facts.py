"""Scans and our own facts come in any order, twice and late; what comes too early counts later."""

import asyncio
from itertools import permutations

import pytest
from temporalio.client import Client

from adapters.providers.faults import Fault, FaultKind
from tests.support.sagas.returns import (
    BY,
    parcel,
    refunded_minor,
    return_handle,
    scan,
    until_parcel,
)
from tests.support.sagas.sagas import (
    Handle,
    new_order_id,
    result,
    start,
    stocked_saga,
    until,
    until_status,
)
from tests.support.sagas.shop import Shop, document

ON_SHIPMENT = {"token": "tok_visa", "capture": "on_shipment"}
HELD = Fault(FaultKind.HOLD_BEFORE, operation="capture")


async def test_a_return_of_a_parcel_lost_before_the_capture_is_opened_with_the_completion(
    client: Client, shop: Shop
) -> None:
    held = shop.payments.faults.add(HELD)
    order_id, saga = await stocked_saga(client, shop, payment=ON_SHIPMENT)

    async def capturing() -> bool:
        return held.holding > 0

    await until(capturing)
    follower = await scan(client, order_id, "lost")
    status = await until_status(follower, step="awaiting_order")
    assert (status["status"], status["needs_attention"]) == ("lost", False)
    shop.payments.faults.clear()
    assert (await result(saga))["outcome"] == "completed"
    assert (await result(follower))["status"] == "lost"
    case = return_handle(client, order_id, "lost")
    await until_status(case, undecided=["refund"], needs_attention=True)
    await case.execute_update("decide_refund", {"refund": "full", **BY})
    assert (await result(case))["refund_minor"] == 300
    assert await refunded_minor(shop, order_id) == 300


async def test_the_return_is_opened_even_if_nobody_hears_that_the_order_has_ended(
    client: Client, shop: Shop
) -> None:
    held = shop.payments.faults.add(HELD)
    order_id, saga = await stocked_saga(client, shop, payment=ON_SHIPMENT)

    async def capturing() -> bool:
        return held.holding > 0

    await until(capturing)
    follower = await scan(client, order_id, "lost")
    await until_status(follower, step="awaiting_order")
    await saga.terminate("so that it says nothing at its end")
    shop.payments.faults.clear()
    await until_order(shop, order_id, "completed")  # the last attempt still ends the order
    assert (await result(follower))["status"] == "lost"
    await until_status(return_handle(client, order_id, "lost"), needs_attention=True)


async def until_order(shop: Shop, order_id: str, status: str) -> None:
    async def reached() -> bool:
        return await shop.status(order_id) == status

    await until(reached)


async def test_a_scan_of_an_order_that_does_not_exist_yet_is_kept(
    client: Client, shop: Shop
) -> None:
    order_id = new_order_id()
    await scan(client, order_id, "handed_over")

    async def is_kept() -> bool:
        return await shop.story(order_id) == ["ScanKept"]

    await until(is_kept)
    await shop.receive(f"{order_id}-sku", 10)
    await result(await start(client, order_id))
    await until_parcel(shop, order_id, "handed_over")


async def test_a_scan_of_a_parcel_whose_label_was_cancelled_calls_a_person(
    client: Client, shop: Shop
) -> None:
    shop.payments.faults.add(Fault(FaultKind.DECLINED, operation="capture"))
    order_id, saga = await stocked_saga(client, shop, payment=ON_SHIPMENT)
    assert (await result(saga))["outcome"] == "cancelled"
    follower = await scan(client, order_id, "in_transit")
    status = await until_status(follower, needs_attention=True)
    assert "says in_transit, but label_cancelled is on record" in status["attention"]
    await follower.execute_update("resolve", {"actor": "anna", "note": "fetched it"})
    assert (await result(follower))["status"] == "label_cancelled"
    assert "ScanContradicted" in await shop.story(order_id)


FACTS = ("order", "handed_over", "lost", "lost")


@pytest.mark.parametrize("facts", sorted(set(permutations(FACTS))))
async def test_every_order_of_scans_and_own_facts_ends_alike(
    client: Client, shop: Shop, facts: tuple[str, ...]
) -> None:
    order_id = new_order_id()
    await shop.receive(f"{order_id}-sku", 10)
    saga: Handle | None = None
    for fact in facts:
        if fact == "order":
            saga = await start(client, order_id, document(order_id, payment=ON_SHIPMENT))
        else:
            follower = await scan(client, order_id, fact)
        await asyncio.sleep(0)
    assert saga is not None
    assert (await result(saga))["outcome"] == "completed"
    follower = client.get_workflow_handle(follower.id)  # whichever run has the last scan
    assert (await result(follower))["status"] == "lost"
    await until_status(return_handle(client, order_id, "lost"), undecided=["refund"])
    state = await parcel(shop, order_id)
    assert (state.status.value, state.contradictions) == ("lost", frozenset())
    assert (await shop.story(order_id)).count("ReturnOpened") == 1

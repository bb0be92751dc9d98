"""An order is undone after its parcel has left: nothing is released, nobody is stuck."""

from typing import Any

import pytest
from temporalio.client import Client, WorkflowUpdateFailedError

from activities.payment_port import PaymentStatus
from activities.ports import LabelStatus
from adapters.providers.faults import Fault, FaultKind
from domain.ids import OrderId
from domain.parcel_left import IfLeft
from domain.shipment.shipment import Shipment
from ordersaga.operations.verification.report import Check
from ordersaga.operations.verification.run import verify
from ordersaga.operations.verification.sources import Sources
from tests.support.sagas.returns import AT, BY, on_hand, return_handle, scan, until_parcel
from tests.support.sagas.sagas import Handle, result, stocked_saga, until, until_status
from tests.support.sagas.shop import Shop

pytestmark = pytest.mark.usefixtures("few_attempts")

ON_SHIPMENT = {"token": "tok_visa", "capture": "on_shipment"}
DECLINED = Fault(FaultKind.DECLINED, operation="capture")
CHOICES = ["ship_and_collect", "lost", "coming_back"]
DOWN = Fault(FaultKind.UNAVAILABLE, operation="capture")


def resolve(goods: str) -> dict[str, str]:
    return {"actor": "anna", "note": "asked the carrier", "goods": goods}


async def require_clean_books(shop: Shop) -> None:
    missing = {Check.SAGAS: "not looked at", Check.READ_MODELS: "not looked at"}
    report = await verify(
        Sources(
            shop.store,
            shop.codec,
            shop.payments,
            shop.carrier,
            shop.installation,
            None,
            None,
            missing,
        )
    )
    assert report.findings == []
    assert [each for each in report.comparisons if not each.equal] == []


async def scanned_before_capture(
    client: Client, shop: Shop, status: str = "handed_over", **changes: Any
) -> tuple[str, Handle]:
    """An order whose parcel was scanned while its capture is still tried."""
    down = shop.payments.faults.add(DOWN)
    order_id, handle = await stocked_saga(client, shop, payment=ON_SHIPMENT, **changes)

    async def tried() -> bool:
        return down.hits > 0

    await until(tried)
    await scan(client, order_id, status)
    await until_parcel(shop, order_id, status)
    return order_id, handle


async def declined_after_pickup(client: Client, shop: Shop, **changes: Any) -> tuple[str, Handle]:
    order_id, handle = await scanned_before_capture(client, shop, **changes)
    shop.payments.faults.add(DECLINED)
    shop.payments.faults.remove(1)
    return order_id, handle


async def labels(shop: Shop, order_id: str) -> list[LabelStatus]:
    return [x.status async for x in shop.carrier.labels() if x.order_id == OrderId(order_id)]


async def payments(shop: Shop, order_id: str) -> list[PaymentStatus]:
    return [p.status async for p in shop.payments.payments() if p.order_id == OrderId(order_id)]


async def test_a_person_is_asked_before_the_label_of_a_parcel_that_left_is_cancelled(
    client: Client, shop: Shop
) -> None:
    _, handle = await declined_after_pickup(client, shop)
    status = await until_status(handle, needs_attention=True, step="cancel_shipment")
    assert "the parcel has left: it is handed over" in status["attention"]
    assert "still to undo: release_inventory, undo_payment, cancel_shipment" in status["attention"]
    assert status["goods"] == CHOICES
    assert shop.carrier.count("cancel_label") == 0
    await handle.execute_update("retry", BY)  # leads back to the same question, not to a failure
    await until_status(handle, needs_attention=True, goods=status["goods"])
    with pytest.raises(WorkflowUpdateFailedError):
        await handle.execute_update("resolve", {"actor": "anna", "note": "?"})
    await handle.execute_update("resolve", resolve("lost"))
    assert (await result(handle))["outcome"] == "cancelled"


@pytest.mark.parametrize("goods", ["lost", "coming_back"])
async def test_goods_that_left_are_not_released_as_if_they_were_on_the_shelf(
    client: Client, shop: Shop, goods: str
) -> None:
    order_id, handle = await declined_after_pickup(client, shop)
    await until_status(handle, needs_attention=True, step="cancel_shipment")
    await handle.execute_update("resolve", resolve(goods))
    outcome = await result(handle)
    assert (outcome["outcome"], outcome["reason"]) == ("cancelled", "payment_declined")
    stock, parcel = await shop.stock(f"{order_id}-sku"), await shop.shipment(order_id)
    assert (stock.on_hand, stock.reserved, stock.available) == (8, 0, 8)
    assert isinstance(parcel, Shipment)
    assert (parcel.given_up, await labels(shop, order_id)) == (IfLeft(goods), [LabelStatus.LIVE])
    assert await payments(shop, order_id) == [PaymentStatus.VOIDED]
    await require_clean_books(shop)


async def test_goods_on_their_way_back_go_into_stock_when_they_arrive(
    client: Client, shop: Shop
) -> None:
    order_id, handle = await declined_after_pickup(client, shop)
    await until_status(handle, needs_attention=True, step="cancel_shipment")
    await handle.execute_update("resolve", resolve("coming_back"))
    await result(handle)
    assert (await result(await scan(client, order_id, "returned")))["status"] == "returned"
    case = return_handle(client, order_id, "returned_to_sender")
    await until_status(case, undecided=["restock"])
    await case.execute_update("decide_restock", {"restock": "all", **BY})
    assert (await result(case))["refund_minor"] == 0
    assert await on_hand(shop, order_id) == 10
    await require_clean_books(shop)


async def test_a_person_may_ship_all_the_same_and_collect_once_the_customer_can_pay(
    client: Client, shop: Shop
) -> None:
    order_id, handle = await declined_after_pickup(client, shop)
    await until_status(handle, needs_attention=True, step="cancel_shipment")
    await handle.execute_update("resolve", resolve("ship_and_collect"))
    status = await until_status(handle, needs_attention=True, step="capture_payment")
    assert "declined" in status["attention"]
    assert (status["can_cancel"], status["turning_back"]) == (False, False)
    shop.payments.faults.clear()
    await handle.execute_update("retry", BY)
    assert (await result(handle))["outcome"] == "completed"
    assert await payments(shop, order_id) == [PaymentStatus.CAPTURED]
    await require_clean_books(shop)


async def test_a_person_who_cannot_collect_gives_the_goods_up(client: Client, shop: Shop) -> None:
    order_id, handle = await declined_after_pickup(client, shop, if_parcel_left="ship_and_collect")
    await until_status(handle, needs_attention=True, step="capture_payment")
    await handle.execute_update("resolve", resolve("lost"))
    assert (await result(handle))["outcome"] == "cancelled"
    assert (await shop.stock(f"{order_id}-sku")).on_hand == 8
    await require_clean_books(shop)


@pytest.mark.parametrize("natively", [False, True])
async def test_an_order_that_says_so_is_shipped_and_paid_whoever_cancels_it(
    client: Client, shop: Shop, natively: bool
) -> None:
    rule = {"if_parcel_left": "ship_and_collect"}
    order_id, handle = await scanned_before_capture(client, shop, **rule)
    if natively:
        await handle.cancel()
    else:
        with pytest.raises(WorkflowUpdateFailedError) as refusal:
            await handle.execute_update("cancel", {**BY, "requested_by": "customer"})
        assert "the parcel has left" in str(refusal.value.cause)
    await until_status(handle, can_cancel=False, step="capture_payment")
    shop.payments.faults.clear()
    assert (await result(handle))["outcome"] == "completed"
    assert await shop.status(order_id) == "completed"
    story = await shop.story(order_id)
    assert ("CompensationStarted" in story, story.count("PaymentCaptured")) == (False, 1)
    await require_clean_books(shop)


async def test_a_scan_that_the_saga_itself_got_counts_as_well(client: Client, shop: Shop) -> None:
    down = shop.payments.faults.add(DOWN)
    order_id, handle = await stocked_saga(client, shop, payment=ON_SHIPMENT)

    async def tried() -> bool:
        return down.hits > 0

    await until(tried)
    await handle.signal("carrier_update", {"status": "in_transit", "at": AT})
    await handle.cancel()
    await until_status(handle, needs_attention=True, step="cancel_shipment")
    assert shop.carrier.count("cancel_label") == 0
    await handle.execute_update("resolve", resolve("coming_back"))
    await until(lambda: _is(shop, order_id, "cancelled"))
    await require_clean_books(shop)


async def _is(shop: Shop, order_id: str, status: str) -> bool:
    return await shop.status(order_id) == status


async def test_a_scan_before_its_label_is_recorded_keeps_the_label_from_being_cancelled(
    client: Client, shop: Shop
) -> None:
    # The carrier issues the label, and nobody hears of it until the order is undone.
    shop.carrier.faults.add(Fault(FaultKind.ANSWER_LOST, operation="buy_label"))
    lost = shop.carrier.faults.add(Fault(FaultKind.UNAVAILABLE, operation="find"))
    order_id, handle = await stocked_saga(client, shop)

    async def asked() -> bool:
        return lost.hits > 0

    await until(asked)
    await scan(client, order_id, "handed_over")
    await until(lambda: _is_kept(shop, order_id))
    await handle.signal("cancel", {**BY, "requested_by": "customer"})
    await until_status(handle, turning_back=True)
    shop.carrier.faults.clear()
    await until_status(handle, needs_attention=True, goods=CHOICES)
    assert shop.carrier.count("cancel_label") == 0
    await handle.execute_update("resolve", resolve("ship_and_collect"))
    assert (await result(handle))["outcome"] == "completed"
    await require_clean_books(shop)


async def _is_kept(shop: Shop, order_id: str) -> bool:
    return "ScanKept" in await shop.story(order_id)

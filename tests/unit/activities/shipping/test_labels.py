"""Labels: bought for paid orders only, cancelled once."""

from activities.ports import LabelStatus
from tests.support.sagas.bench import STEP, UNDO, Bench


async def test_a_label_is_cancelled_once_and_recorded(bench: Bench) -> None:
    payment = {"token": "tok_visa", "capture": "on_shipment"}
    await bench.run(bench.inventory.reserve_inventory, bench.reservation(payment=payment))
    await bench.run(bench.payments.process_payment, STEP)
    result = await bench.run(bench.shipping.create_shipment, STEP)
    assert not result.order_completed
    for _ in range(2):
        undone = await bench.run(bench.shipping.cancel_shipment, UNDO)
        assert undone.undone == "cancelled"
    [label] = [label async for label in bench.shop.carrier.labels()]
    assert label.status is LabelStatus.CANCELLED
    assert (await bench.shop.story("A1")).count("LabelCancelled") == 1
    error = await bench.refused(bench.shipping.create_shipment, STEP)
    assert error.type == "not_fulfillable"


async def test_a_shipment_before_the_payment_is_refused_and_nothing_leaves(
    reserved: Bench,
) -> None:
    error = await reserved.refused(reserved.shipping.create_shipment, STEP)
    assert error.type == "not_fulfillable"
    assert (await reserved.shop.stock("A1-sku")).on_hand == 10

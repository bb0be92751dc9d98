"""Every step and every compensation may be repeated."""

from tests.support.sagas.bench import STEP, UNDO, Bench


async def test_every_forward_activity_may_be_repeated(bench: Bench) -> None:
    for method, request in (
        (bench.inventory.reserve_inventory, bench.reservation()),
        (bench.payments.process_payment, STEP),
        (bench.shipping.create_shipment, STEP),
    ):
        first = await bench.run(method, request)
        events = await bench.shop.store.head()
        assert await bench.run(method, request, attempt=2) == first
        assert await bench.shop.store.head() == events
    assert bench.shop.payments.count("confirm") == 1
    assert bench.shop.carrier.count("buy_label") == 1


async def test_compensations_find_nothing_where_nothing_happened(reserved: Bench) -> None:
    for method in (reserved.shipping.cancel_shipment, reserved.refunds.undo_payment):
        undone = (await reserved.run(method, UNDO)).undone
        assert undone == "nothing, and it cannot happen any more"
    released = await reserved.run(reserved.inventory.release_inventory, UNDO)
    assert released.undone == "1 reservations"
    assert (await reserved.run(reserved.inventory.release_inventory, UNDO)).undone == "nothing"

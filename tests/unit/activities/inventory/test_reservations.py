"""Reservations: repeated, finished before, without stock, of another order."""

from tests.support.sagas.bench import STEP, Bench


async def test_a_reservation_of_a_finished_order_returns_its_end(paid: Bench) -> None:
    await paid.run(paid.shipping.create_shipment, STEP)
    result = await paid.run(paid.inventory.reserve_inventory, paid.reservation())
    assert result.finished.outcome == "completed"
    assert result.finished.tracking_number


async def test_an_order_that_gets_nothing_ends_with_its_reservation() -> None:
    bench = Bench()
    result = await bench.run(bench.inventory.reserve_inventory, bench.reservation())
    assert (result.finished.outcome, result.finished.reason) == ("cancelled", "out_of_stock")
    assert await bench.shop.status("A1") == "cancelled"
    events = await bench.shop.store.head()
    again = await bench.run(bench.inventory.reserve_inventory, bench.reservation(), attempt=2)
    assert again.finished == result.finished
    assert await bench.shop.store.head() == events


async def test_other_content_is_a_conflict(reserved: Bench) -> None:
    request = reserved.reservation(customer_id="somebody-else")
    error = await reserved.refused(reserved.inventory.reserve_inventory, request)
    assert (error.type, error.non_retryable) == ("OrderConflict", True)

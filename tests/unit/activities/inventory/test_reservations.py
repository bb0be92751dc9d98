"""Reservations: repeated, finished before, without stock, of another order."""

from domain.notes import MAX_NOTE
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


async def test_an_order_that_lacks_very_many_items_ends_as_out_of_stock() -> None:
    lines = [
        {"sku": f"S{number}", "description": "THING", "quantity": 1, "unit_price_minor": 100}
        for number in range(2_000)
    ]
    bench = Bench()
    request = bench.reservation(lines=lines)
    result = await bench.run(bench.inventory.reserve_inventory, request)
    assert (result.finished.outcome, result.finished.reason) == ("cancelled", "out_of_stock")
    assert result.finished.detail.startswith("out of stock: S0: 1 ordered, 0 available; S1:")
    assert len(result.finished.detail) == MAX_NOTE


async def test_other_content_is_a_conflict(reserved: Bench) -> None:
    request = reserved.reservation(customer_id="somebody-else")
    error = await reserved.refused(reserved.inventory.reserve_inventory, request)
    assert (error.type, error.non_retryable) == ("OrderConflict", True)

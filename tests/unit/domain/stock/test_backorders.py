"""Orders that wait for pieces of a SKU: which one is served, when, and with how many."""

import pytest

from domain.errors import ImpossibleHistory
from domain.ids import OrderId, ReturnId
from domain.stock import item as stock_item
from domain.stock.commands import (
    AdjustStock,
    BackorderStock,
    ReceiveStock,
    ReduceClaim,
    ReleaseStock,
    ReserveStock,
    ReturnStock,
    ShipStock,
)
from domain.stock.events import (
    BackorderWithdrawn,
    StockAdjusted,
    StockAllocated,
    StockBackordered,
    StockDeallocated,
    StockReceived,
    StockReleased,
    StockReserved,
    StockReturned,
)
from domain.stock.queue import WaitingQueue
from tests.support.sagas.domain_samples import LANTERN, ORDER
from tests.support.sagas.specification import Specification

spec = Specification(stock_item.decide, stock_item.evolve, stock_item.INITIAL)
SECOND, THIRD = OrderId("B2"), OrderId("C3")
FOUR_IN = StockReceived(LANTERN, 4, "d1")
FOUR_HELD = StockReserved(LANTERN, ORDER, 4)
TWO_WAITED = StockBackordered(LANTERN, ORDER, 2)
SHORT = (FOUR_IN, FOUR_HELD, TWO_WAITED)
"""The first order asks for 6 pieces, of which 4 are available."""
THREE_MORE_WAITED = StockBackordered(LANTERN, SECOND, 3)


def receive(pieces: int) -> ReceiveStock:
    return ReceiveStock(LANTERN, pieces, "d2")


def received(pieces: int) -> StockReceived:
    return StockReceived(LANTERN, pieces, "d2")


def given_to(order_id: OrderId, pieces: int) -> StockAllocated:
    return StockAllocated(LANTERN, order_id, pieces)


def test_available_pieces_are_reserved_and_the_rest_is_queued_for() -> None:
    wish = BackorderStock(LANTERN, ORDER, 6)
    spec.given(FOUR_IN).when(wish).then(FOUR_HELD, TWO_WAITED)
    spec.given().when(wish).then(StockBackordered(LANTERN, ORDER, 6))
    spec.given(FOUR_IN).when(BackorderStock(LANTERN, ORDER, 4)).then(FOUR_HELD)


def test_an_order_claims_its_pieces_once() -> None:
    given = spec.given(SHORT)
    given.when(BackorderStock(LANTERN, ORDER, 6)).then_nothing()
    given.when(BackorderStock(LANTERN, ORDER, 7)).then_refused("claim_differs")
    given.when(BackorderStock(LANTERN, ORDER, 0)).then_invalid("quantity")


def test_stock_that_arrives_goes_to_the_queue_in_sequence() -> None:
    given = spec.given(SHORT, THREE_MORE_WAITED)
    given.when(receive(1)).then(received(1), given_to(ORDER, 1))
    given.when(receive(4)).then(received(4), given_to(ORDER, 2), given_to(SECOND, 2))
    given.when(receive(9)).then(received(9), given_to(ORDER, 2), given_to(SECOND, 3))


def test_pieces_that_a_count_finds_go_to_the_queue() -> None:
    given = spec.given(SHORT)
    adjusted = StockAdjusted(LANTERN, 5, "found")
    given.when(AdjustStock(LANTERN, 5, "found")).then(adjusted, given_to(ORDER, 2))
    fewer = StockAdjusted(LANTERN, -1, "broken")
    given.when(AdjustStock(LANTERN, -1, "broken")).then(StockDeallocated(LANTERN, ORDER, 1), fewer)


def test_pieces_that_another_order_releases_go_to_the_queue() -> None:
    given = spec.given(FOUR_IN, StockReserved(LANTERN, THIRD, 4), THREE_MORE_WAITED)
    released = StockReleased(LANTERN, THIRD, 4)
    given.when(ReleaseStock(THIRD)).then(released, given_to(SECOND, 3))
    two = StockReleased(LANTERN, THIRD, 2)
    given.when(ReduceClaim(THIRD, 2)).then(two, given_to(SECOND, 2))


def test_pieces_that_come_back_go_to_the_queue() -> None:
    command = ReturnStock(LANTERN, THIRD, ReturnId("R1"), 4)
    back = StockReturned(LANTERN, THIRD, ReturnId("R1"), 4)
    spec.given(SHORT).when(command).then(back, given_to(ORDER, 2))


def test_an_order_that_releases_everything_leaves_the_queue() -> None:
    given = spec.given(SHORT, THREE_MORE_WAITED)
    given.when(ReleaseStock(ORDER)).then(
        BackorderWithdrawn(LANTERN, ORDER, 2),
        StockReleased(LANTERN, ORDER, 4),
        given_to(SECOND, 3),
    )
    given.when(ReleaseStock(SECOND)).then(BackorderWithdrawn(LANTERN, SECOND, 3))
    given.when(ReleaseStock(THIRD)).then_nothing()


@pytest.mark.parametrize(
    ("kept", "events"),
    [
        (7, ()),
        (6, ()),
        (5, (BackorderWithdrawn(LANTERN, ORDER, 1),)),
        (4, (BackorderWithdrawn(LANTERN, ORDER, 2),)),
        (1, (BackorderWithdrawn(LANTERN, ORDER, 2), StockReleased(LANTERN, ORDER, 3))),
    ],
)
def test_a_reduced_claim_gives_up_waiting_pieces_before_reserved_ones(
    kept: int, events: tuple[object, ...]
) -> None:
    spec.given(SHORT).when(ReduceClaim(ORDER, kept)).then(*events)


@pytest.mark.parametrize("kept", [-1, True, 1.5])
def test_a_reduced_claim_is_a_whole_number(kept: int) -> None:
    spec.given(SHORT).when(ReduceClaim(ORDER, kept)).then_invalid("quantity")


def test_a_reduced_claim_keeps_its_place_in_the_queue() -> None:
    state = spec.state(*SHORT, THREE_MORE_WAITED, BackorderWithdrawn(LANTERN, ORDER, 1))
    assert list(state.waiting) == [(ORDER, 1), (SECOND, 3)]


def test_an_order_that_queues_again_starts_at_the_end() -> None:
    left = (BackorderWithdrawn(LANTERN, ORDER, 2), THREE_MORE_WAITED)
    state = spec.state(*SHORT, *left, TWO_WAITED)
    assert list(state.waiting) == [(SECOND, 3), (ORDER, 2)]


def test_no_order_overtakes_the_queue() -> None:
    given = spec.given(SHORT)
    given.when(ReserveStock(LANTERN, THIRD, 1)).then_refused("not_enough_stock")
    given.when(BackorderStock(LANTERN, THIRD, 1)).then(StockBackordered(LANTERN, THIRD, 1))


def test_an_order_that_still_waits_is_not_shipped() -> None:
    spec.given(SHORT).when(ShipStock(ORDER)).then_refused("still_waiting")


def test_allocated_pieces_are_reserved_like_all_others() -> None:
    state = spec.state(*SHORT, received(2), given_to(ORDER, 2))
    assert (state.reservations[ORDER], state.reserved, state.available) == (6, 6, 0)
    assert not state.waiting.pieces_of(ORDER)


@pytest.mark.parametrize(
    "event",
    [
        given_to(SECOND, 1),
        given_to(ORDER, 3),
        BackorderWithdrawn(LANTERN, ORDER, 3),
        TWO_WAITED,
        StockReleased(LANTERN, ORDER, 5),
    ],
)
def test_an_impossible_history_is_refused(event: object) -> None:
    with pytest.raises(ImpossibleHistory):
        spec.state(*SHORT, THREE_MORE_WAITED, received(9), event)


def test_no_order_queues_while_pieces_are_available() -> None:
    with pytest.raises(ImpossibleHistory):
        spec.state(FOUR_IN, TWO_WAITED)


def test_an_older_version_of_a_queue_stays_as_it_was() -> None:
    before = WaitingQueue().joined(ORDER, 2).joined(SECOND, 3).joined(THIRD, 1)
    after = before.reduced(ORDER, 2).joined(ORDER, 5).reduced(SECOND, 1)
    assert list(after) == [(SECOND, 2), (THIRD, 1), (ORDER, 5)]
    assert list(before) == [(ORDER, 2), (SECOND, 3), (THIRD, 1)]
    assert (before.total, after.total) == (6, 8)


def test_thousands_are_served_first_come_first_served() -> None:
    orders = [OrderId(f"o{number}") for number in range(5_000)]
    state = spec.state(*(StockBackordered(LANTERN, order_id, 1) for order_id in orders))
    events = stock_item.decide(receive(3_000), state)
    served = [event.order_id for event in events if isinstance(event, StockAllocated)]
    assert served == orders[:3_000]
    after = spec.state(*(StockBackordered(LANTERN, order_id, 1) for order_id in orders), *events)
    assert (len(after.waiting), after.waiting.total, after.available) == (2_000, 2_000, 0)
    assert next(iter(after.waiting)) == (orders[3_000], 1)

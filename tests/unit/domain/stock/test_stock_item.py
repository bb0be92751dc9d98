from dataclasses import replace
from functools import reduce

import pytest

from domain.errors import ImpossibleHistory
from domain.ids import OrderId
from domain.stock import item as stock_item
from domain.stock import snapshot
from domain.stock.commands import AdjustStock, ReceiveStock, ReleaseStock, ReserveStock, ShipStock
from domain.stock.events import (
    StockAdjusted,
    StockBackordered,
    StockDeallocated,
    StockReceived,
    StockReleased,
    StockReserved,
    StockShipped,
)
from tests.support.sagas.domain_samples import HEART, LANTERN, ORDER
from tests.support.sagas.specification import Specification

spec = Specification(stock_item.decide, stock_item.evolve, stock_item.INITIAL)
TEN_IN = StockReceived(LANTERN, 10, "delivery-1")
SIX_HELD = StockReserved(LANTERN, ORDER, 6)
SIX_BACK = StockReleased(LANTERN, ORDER, 6)
SIX_OUT = StockShipped(LANTERN, ORDER, 6)
RECEIVE = ReceiveStock(LANTERN, 10, "delivery-1")
RESERVE = ReserveStock(LANTERN, ORDER, 6)
OTHER = OrderId("B2")


def test_received_stock_is_available() -> None:
    spec.given().when(RECEIVE).then(TEN_IN)
    assert spec.state(TEN_IN).available == 10


def test_a_delivery_counts_once() -> None:
    spec.given(TEN_IN).when(RECEIVE).then_nothing()
    spec.given(TEN_IN).when(replace(RECEIVE, quantity=9)).then_refused("delivery_differs")


@pytest.mark.parametrize("quantity", [0, -5, 1_000_001, True, 2.5])
def test_quantities_are_whole_and_positive(quantity: int) -> None:
    spec.given(TEN_IN).when(ReceiveStock(LANTERN, quantity, "d2")).then_invalid("quantity")
    spec.given(TEN_IN).when(ReserveStock(LANTERN, OTHER, quantity)).then_invalid("quantity")


def test_a_ledger_is_of_one_sku() -> None:
    spec.given(TEN_IN).when(ReceiveStock(HEART, 1, "d2")).then_refused("wrong_sku")
    spec.given(TEN_IN).when(ReserveStock(HEART, ORDER, 1)).then_refused("wrong_sku")
    spec.given(TEN_IN).when(AdjustStock(HEART, 1, "count")).then_refused("wrong_sku")


def test_stock_is_adjusted_both_ways() -> None:
    spec.given(TEN_IN).when(AdjustStock(LANTERN, -3, "broken")).then(
        StockAdjusted(LANTERN, -3, "broken")
    )
    assert spec.state(TEN_IN, StockAdjusted(LANTERN, 4, "found")).on_hand == 14


def test_a_count_that_finds_fewer_pieces_than_are_reserved_makes_the_latest_order_short() -> None:
    given = spec.given(TEN_IN, SIX_HELD, StockReserved(LANTERN, OTHER, 3))
    given.when(AdjustStock(LANTERN, -1, "broken")).then(StockAdjusted(LANTERN, -1, "broken"))
    given.when(AdjustStock(LANTERN, -6, "count")).then(
        StockDeallocated(LANTERN, OTHER, 3),
        StockDeallocated(LANTERN, ORDER, 2),
        StockAdjusted(LANTERN, -6, "count"),
    )
    given.when(AdjustStock(LANTERN, -11, "count")).then_refused("stock_below_nothing")


def test_short_orders_wait_ahead_of_those_that_never_had_their_pieces() -> None:
    late = OrderId("C3")
    before = (
        TEN_IN,
        SIX_HELD,
        StockReserved(LANTERN, OTHER, 4),
        StockBackordered(LANTERN, late, 1),
    )
    state = spec.state(*before)
    state = reduce(
        stock_item.evolve, stock_item.decide(AdjustStock(LANTERN, -9, "count"), state), state
    )
    assert list(state.waiting) == [(ORDER, 5), (OTHER, 4), (late, 1)]
    assert (state.on_hand, state.reserved, state.available) == (1, 1, 0)
    found = stock_item.decide(AdjustStock(LANTERN, 10, "found again"), state)
    served = [(event.order_id, event.quantity) for event in found[1:]]
    assert served == [(ORDER, 5), (OTHER, 4), (late, 1)]
    stored = snapshot.from_data(snapshot.to_data(state))
    assert list(stored.waiting) == list(state.waiting)


@pytest.mark.parametrize("delta", [0, True, 1_000_001, -1_000_001, 1.5])
def test_an_adjustment_is_a_whole_number_but_zero(delta: int) -> None:
    spec.given(TEN_IN).when(AdjustStock(LANTERN, delta, "count")).then_invalid("delta")


def test_an_adjustment_says_why() -> None:
    spec.given(TEN_IN).when(AdjustStock(LANTERN, 1, " ")).then_invalid("reason")


def test_stock_is_reserved_for_an_order_once() -> None:
    spec.given(TEN_IN).when(RESERVE).then(SIX_HELD)
    spec.given(TEN_IN, SIX_HELD).when(RESERVE).then_nothing()


def test_a_reservation_is_not_changed_by_another_quantity() -> None:
    spec.given(TEN_IN, SIX_HELD).when(replace(RESERVE, quantity=7)).then_refused(
        "reservation_differs"
    )


def test_no_more_than_what_is_available_is_reserved() -> None:
    given = spec.given(TEN_IN, SIX_HELD)
    given.when(ReserveStock(LANTERN, OTHER, 4)).then(StockReserved(LANTERN, OTHER, 4))
    given.when(ReserveStock(LANTERN, OTHER, 5)).then_refused("not_enough_stock")
    spec.given().when(RESERVE).then_refused("not_enough_stock")


def test_a_released_reservation_is_available_again() -> None:
    spec.given(TEN_IN, SIX_HELD).when(ReleaseStock(ORDER)).then(SIX_BACK)
    assert spec.state(TEN_IN, SIX_HELD, SIX_BACK).available == 10
    spec.given(TEN_IN, SIX_HELD, SIX_BACK).when(RESERVE).then(SIX_HELD)


@pytest.mark.parametrize("history", [(), (TEN_IN,), (TEN_IN, SIX_HELD, SIX_OUT)])
def test_releasing_nothing_changes_nothing(history: tuple[object]) -> None:
    spec.given(*history).when(ReleaseStock(ORDER)).then_nothing()


def test_reserved_pieces_ship_once() -> None:
    spec.given(TEN_IN, SIX_HELD).when(ShipStock(ORDER)).then(SIX_OUT)
    state = spec.state(TEN_IN, SIX_HELD, SIX_OUT)
    assert (state.on_hand, state.reserved, state.available) == (4, 0, 4)
    spec.given(TEN_IN, SIX_HELD, SIX_OUT).when(ShipStock(ORDER)).then_nothing()


def test_only_reserved_pieces_ship() -> None:
    spec.given(TEN_IN).when(ShipStock(ORDER)).then_refused("nothing_reserved")
    spec.given(TEN_IN, SIX_HELD, SIX_BACK).when(ShipStock(ORDER)).then_refused("nothing_reserved")


def test_an_order_that_shipped_reserves_no_more() -> None:
    spec.given(TEN_IN, SIX_HELD, SIX_OUT).when(RESERVE).then_refused("already_shipped")


def test_the_state_of_a_product_sold_for_long_stays_small() -> None:
    sales = [
        event
        for n in range(1_000)
        for event in (
            StockReserved(LANTERN, OrderId(f"o{n}"), 1),
            StockShipped(LANTERN, OrderId(f"o{n}"), 1),
        )
    ]
    state = spec.state(StockReceived(LANTERN, 1_000, "d"), *sales)
    assert (state.on_hand, len(state.reservations)) == (0, 0)
    assert len(state.shipped) == stock_item.REMEMBERED_SHIPMENTS
    assert state.shipped[-1] == "o999"


def test_folding_leaves_earlier_states_as_they_were() -> None:
    before = spec.state(TEN_IN)
    held = stock_item.evolve(before, SIX_HELD)
    stock_item.evolve(held, SIX_OUT)
    assert (before.available, dict(before.reservations)) == (10, {})
    assert (held.available, dict(held.reservations)) == (4, {ORDER: 6})
    assert stock_item.StockState() == stock_item.INITIAL


@pytest.mark.parametrize(
    "history",
    [
        (SIX_HELD,),
        (TEN_IN, SIX_OUT),
        (TEN_IN, SIX_BACK),
        (TEN_IN, SIX_HELD, SIX_HELD),
        (TEN_IN, SIX_HELD, replace(SIX_OUT, quantity=5)),
        (TEN_IN, StockAdjusted(LANTERN, -11, "count")),
    ],
)
def test_an_impossible_history_is_refused(history: tuple[object]) -> None:
    with pytest.raises(ImpossibleHistory):
        spec.state(*history)

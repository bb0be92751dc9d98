import pytest

from domain.errors import RuleBroken
from domain.ids import OrderId
from domain.lines import OrderLine
from domain.stock import item as stock_item
from domain.stock.allocation import OutOfStock, plan_reservation
from domain.stock.events import StockReceived, StockReserved
from domain.values import MissingItem
from tests.support.sagas.domain_samples import HEART, LANTERN, LANTERN_LINE, ORDER, SECOND, gbp
from tests.support.sagas.specification import Specification

spec = Specification(stock_item.decide, stock_item.evolve, stock_item.INITIAL)
HEART_LINE = OrderLine(SECOND, HEART, "RED HEART", 2, gbp(150))
LANTERNS = StockReceived(LANTERN, 10, "d1")
HEARTS = StockReceived(HEART, 2, "d1")
SIX_HELD = StockReserved(LANTERN, ORDER, 6)
TWO_HELD = StockReserved(HEART, ORDER, 2)


def test_all_skus_of_an_order_are_reserved() -> None:
    states = {LANTERN: spec.state(LANTERNS), HEART: spec.state(HEARTS)}
    assert plan_reservation(ORDER, [LANTERN_LINE, HEART_LINE], states) == {
        LANTERN: (SIX_HELD,),
        HEART: (TWO_HELD,),
    }


def test_one_short_sku_reserves_nothing() -> None:
    states = {LANTERN: spec.state(LANTERNS)}
    plan = plan_reservation(ORDER, [LANTERN_LINE, HEART_LINE], states)
    assert plan == OutOfStock((MissingItem(HEART, 2, 2),))


def test_every_shortage_is_named() -> None:
    states = {LANTERN: spec.state(LANTERNS, StockReserved(LANTERN, OrderId("B2"), 5))}
    plan = plan_reservation(ORDER, [LANTERN_LINE, HEART_LINE], states)
    assert plan == OutOfStock((MissingItem(LANTERN, 6, 1), MissingItem(HEART, 2, 2)))
    assert str(plan) == "71053: 6 ordered, 5 available; 84029E: 2 ordered, 0 available"


def test_lines_of_the_same_sku_add_up() -> None:
    states = {LANTERN: spec.state(LANTERNS)}
    plan = plan_reservation(ORDER, [LANTERN_LINE, LANTERN_LINE], states)
    assert plan == OutOfStock((MissingItem(LANTERN, 12, 2),))


def test_what_the_order_has_reserved_is_left_alone() -> None:
    states = {LANTERN: spec.state(LANTERNS, SIX_HELD), HEART: spec.state(HEARTS)}
    assert plan_reservation(ORDER, [LANTERN_LINE, HEART_LINE], states) == {HEART: (TWO_HELD,)}
    assert plan_reservation(ORDER, [LANTERN_LINE], states) == {}


def test_an_order_that_reserved_another_quantity_is_refused() -> None:
    states = {LANTERN: spec.state(LANTERNS, StockReserved(LANTERN, ORDER, 5))}
    with pytest.raises(RuleBroken, match="reserved 5"):
        plan_reservation(ORDER, [LANTERN_LINE], states)

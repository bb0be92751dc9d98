"""Returns of an order: two decisions for each case, each made and carried out once."""

from collections import Counter
from dataclasses import replace
from functools import reduce
from typing import Any

import pytest
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

from domain.errors import CurrencyMismatch, DomainError, ImpossibleHistory
from domain.ids import LineId, ReturnId
from domain.lines import Content, OrderLine, Pieces
from domain.money import Money
from domain.returns import decisions as returns
from domain.returns import state as return_state
from domain.returns.commands import (
    CloseReturn,
    DecideRestock,
    DenyRefund,
    GrantRefund,
    OpenReturn,
    RecordRestocked,
    RecordReturnOperator,
    RecordReturnRefund,
    RequireReturnAttention,
)
from domain.returns.events import (
    RefundDenied,
    RefundGranted,
    RestockDecided,
    ReturnAttentionRequired,
    ReturnClosed,
    ReturnOpened,
    ReturnOperatorActed,
    ReturnRefunded,
    ReturnRestocked,
)
from domain.returns.values import ReturnKind
from domain.stock import item as stock_item
from domain.stock.commands import ReturnStock
from domain.stock.events import StockReceived, StockReserved, StockReturned, StockShipped
from tests.support.sagas.domain_samples import FIRST, HEART, LANTERN, ORDER, SECOND, gbp, share
from tests.support.sagas.specification import Specification

spec = Specification(returns.decide, return_state.evolve, return_state.INITIAL)
R1, R2 = ReturnId("R1"), ReturnId("R2")
BY = ("ann", "broken")
SHIPPED = (Pieces(FIRST, 6), Pieces(SECOND, 2))
CONTENT = Content(
    "GBP",
    (
        OrderLine(FIRST, LANTERN, "LANTERN", 6, gbp(300)),
        OrderLine(SECOND, HEART, "HEART", 2, gbp(100)),
    ),
)
CAPTURED = gbp(2000)

OPEN = OpenReturn(ORDER, R1, ReturnKind.CUSTOMER, (Pieces(FIRST, 2),), SHIPPED, CONTENT, *BY)
OPENED = ReturnOpened(ORDER, R1, ReturnKind.CUSTOMER, (share(FIRST, LANTERN, 2, 600),), False, *BY)
GRANT = GrantRefund(R1, None, CAPTURED, *BY)
GRANTED = RefundGranted(R1, gbp(600), *BY)
DENIED = RefundDenied(R1, *BY)
RESTOCK = DecideRestock(R1, None, *BY)
RESTOCKED = RestockDecided(R1, (Pieces(FIRST, 2),), *BY)


def test_a_part_of_an_order_comes_back() -> None:
    spec.given().when(OPEN).then(OPENED)


def test_everything_that_is_left_comes_back() -> None:
    all_of_it = replace(OPEN, return_id=R2, pieces=None)
    left = (share(FIRST, LANTERN, 4, 1200), share(SECOND, HEART, 2, 200))
    spec.given(OPENED).when(all_of_it).then(
        ReturnOpened(ORDER, R2, ReturnKind.CUSTOMER, left, True, *BY)
    )


def test_no_more_pieces_come_back_than_were_shipped() -> None:
    too_many = replace(OPEN, return_id=R2, pieces=(Pieces(FIRST, 5),))
    spec.given(OPENED).when(too_many).then_refused("return_exceeds_shipment")
    twice = replace(OPEN, pieces=(Pieces(FIRST, 4), Pieces(FIRST, 3)))
    spec.given().when(twice).then_refused("return_exceeds_shipment")
    unknown = replace(OPEN, shipped=SHIPPED[1:])
    spec.given().when(unknown).then_refused("return_exceeds_shipment")
    everything = replace(OPEN, pieces=None)
    given = spec.given(replace(OPENED, return_id=R2, lines=SHIPPED))
    given.when(everything).then_refused("nothing_to_return")


def test_the_same_return_id_is_the_same_return_or_a_conflict() -> None:
    spec.given(OPENED).when(OPEN).then_nothing()
    for other in (
        replace(OPEN, pieces=(Pieces(FIRST, 3),)),
        replace(OPEN, pieces=None),
        replace(OPEN, kind=ReturnKind.RETURNED_TO_SENDER),
    ):
        spec.given(OPENED).when(other).then_refused("return_differs")
    everything = replace(OPENED, everything=True)
    spec.given(everything).when(replace(OPEN, pieces=None)).then_nothing()
    spec.given(everything).when(OPEN).then_refused("return_differs")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"return_id": ReturnId("R-1")}, "return_id"),
        ({"return_id": ReturnId("")}, "return_id"),
        ({"pieces": (Pieces(FIRST, 0),)}, "quantity"),
        ({"pieces": (Pieces(LineId("a b"), 1),)}, "line_id"),
        ({"actor": " "}, "actor"),
        ({"reason": "x" * 2001}, "reason"),
    ],
)
def test_a_return_is_complete(change: dict[str, Any], field: str) -> None:
    spec.given().when(replace(OPEN, **change)).then_invalid(field)


def test_a_full_refund_is_the_price_of_the_lines_as_far_as_it_is_left() -> None:
    spec.given(OPENED).when(GRANT).then(GRANTED)
    little_left = replace(GRANT, captured=gbp(500))
    spec.given(OPENED).when(little_left).then(replace(GRANTED, amount=gbp(500)))


def test_all_refunds_together_never_exceed_what_was_captured() -> None:
    other = replace(OPENED, return_id=R2)
    given = spec.given(OPENED, other, replace(GRANTED, return_id=R2, amount=gbp(1700)))
    given.when(GRANT).then(replace(GRANTED, amount=gbp(300)))
    given.when(replace(GRANT, amount=gbp(301))).then_refused("refund_exceeds_capture")
    used_up = spec.given(OPENED, other, replace(GRANTED, return_id=R2, amount=CAPTURED))
    used_up.when(GRANT).then_refused("refund_exceeds_capture")
    used_up.when(DenyRefund(R1, *BY)).then(DENIED)


def test_a_refund_is_an_amount_above_zero_in_the_currency_of_the_order() -> None:
    spec.given(OPENED).when(replace(GRANT, amount=gbp(0))).then_invalid("amount")
    spec.given(OPENED).when(replace(GRANT, amount=Money(1, "EUR"))).then_raises(CurrencyMismatch)


def test_a_refund_is_decided_once() -> None:
    given = spec.given(OPENED, GRANTED)
    given.when(GRANT).then_nothing()
    given.when(replace(GRANT, amount=gbp(600))).then_nothing()
    given.when(replace(GRANT, amount=gbp(599))).then_refused("refund_decided")
    given.when(DenyRefund(R1, *BY)).then_refused("refund_decided")
    spec.given(OPENED, DENIED).when(DenyRefund(R1, *BY)).then_nothing()
    spec.given(OPENED, DENIED).when(GRANT).then_refused("refund_decided")


def test_no_more_goes_into_stock_than_came_back() -> None:
    spec.given(OPENED).when(RESTOCK).then(RESTOCKED)
    none = replace(RESTOCK, pieces=())
    spec.given(OPENED).when(none).then(replace(RESTOCKED, pieces=()))
    three = replace(RESTOCK, pieces=(Pieces(FIRST, 1), Pieces(FIRST, 2)))
    spec.given(OPENED).when(three).then_refused("restock_exceeds_return")
    other = replace(RESTOCK, pieces=(Pieces(SECOND, 1),))
    spec.given(OPENED).when(other).then_refused("restock_exceeds_return")


def test_a_restock_is_decided_once_and_lost_goods_never_go_back() -> None:
    spec.given(OPENED, RESTOCKED).when(RESTOCK).then_nothing()
    none = replace(RESTOCK, pieces=())
    spec.given(OPENED, RESTOCKED).when(none).then_refused("restock_decided")
    lost = replace(OPENED, kind=ReturnKind.LOST)
    spec.given(lost).when(RESTOCK).then_refused("lost_goods")
    spec.given(lost).when(none).then(replace(RESTOCKED, pieces=()))


def test_what_was_decided_is_carried_out_once() -> None:
    refund = RecordReturnRefund(R1, "order-A1:refund:R1")
    refunded = ReturnRefunded(R1, gbp(600), "order-A1:refund:R1")
    spec.given(OPENED, GRANTED).when(refund).then(refunded)
    spec.given(OPENED, GRANTED, refunded).when(refund).then_nothing()
    spec.given(OPENED, DENIED).when(refund).then_refused("refund_not_granted")
    booked = ReturnRestocked(R1)
    spec.given(OPENED, RESTOCKED).when(RecordRestocked(R1)).then(booked)
    spec.given(OPENED, RESTOCKED, booked).when(RecordRestocked(R1)).then_nothing()
    spec.given(OPENED).when(RecordRestocked(R1)).then_refused("nothing_to_restock")


def test_a_return_ends_when_both_decisions_are_carried_out() -> None:
    close, none = CloseReturn(R1), replace(RESTOCKED, pieces=())
    for unsettled in ((), (DENIED,), (none,), (GRANTED, none), (DENIED, RESTOCKED)):
        spec.given(OPENED, *unsettled).when(close).then_refused("return_not_settled")
    spec.given(OPENED, DENIED, none).when(close).then(ReturnClosed(R1))
    spec.given(OPENED, DENIED, none, ReturnClosed(R1)).when(close).then_nothing()


def test_attention_and_operators_are_recorded() -> None:
    require = RequireReturnAttention(R1, "decision", "decide about refund")
    spec.given(OPENED).when(require).then(
        ReturnAttentionRequired(R1, "decision", "decide about refund")
    )
    acted = RecordReturnOperator(R1, "ann", "retry", "again")
    spec.given(OPENED).when(acted).then(ReturnOperatorActed(R1, "ann", "retry", "again"))


def test_nothing_is_decided_about_a_return_that_does_not_exist() -> None:
    spec.given().when(GRANT).then_refused("return_missing")


@pytest.mark.parametrize("events", [(OPENED, OPENED), (GRANTED,)], ids=["twice", "unknown"])
def test_an_impossible_history_is_refused(events: tuple[object, ...]) -> None:
    with pytest.raises(ImpossibleHistory):
        spec.state(*events)


def test_returned_pieces_are_available_again() -> None:
    stock = Specification(stock_item.decide, stock_item.evolve, stock_item.INITIAL)
    history = (
        StockReceived(LANTERN, 6, "first"),
        StockReserved(LANTERN, ORDER, 6),
        StockShipped(LANTERN, ORDER, 6),
    )
    back = StockReturned(LANTERN, ORDER, R1, 2)
    stock.given(*history).when(ReturnStock(LANTERN, ORDER, R1, 2)).then(back)
    after = stock.state(*history, back)
    assert (after.on_hand, after.available, after.reserved) == (2, 2, 0)
    stock.given(*history).when(ReturnStock(HEART, ORDER, R1, 2)).then_refused("wrong_sku")
    stock.given(*history).when(ReturnStock(LANTERN, ORDER, R1, 0)).then_invalid("quantity")


IDS = st.sampled_from([ReturnId(f"R{n}") for n in range(4)])
SOME = st.lists(st.builds(Pieces, st.sampled_from([FIRST, SECOND]), st.integers(1, 7)), max_size=3)
PIECES = st.none() | SOME.map(tuple)
AMOUNTS = st.none() | st.integers(-1, 2100).map(gbp)
KINDS = st.sampled_from(ReturnKind)
COMMANDS = st.one_of(
    st.builds(
        OpenReturn, st.just(ORDER), IDS, KINDS, PIECES, *map(st.just, (SHIPPED, CONTENT, *BY))
    ),
    st.builds(GrantRefund, IDS, AMOUNTS, st.just(CAPTURED), *map(st.just, BY)),
    st.builds(DenyRefund, IDS, *map(st.just, BY)),
    st.builds(DecideRestock, IDS, PIECES, *map(st.just, BY)),
    st.builds(RecordReturnRefund, IDS, st.just("reference")),
    st.builds(RecordRestocked, IDS),
    st.builds(CloseReturn, IDS),
)


@hypothesis_given(st.lists(COMMANDS, max_size=40))
def test_no_series_of_returns_gives_back_or_restocks_too_much(commands: list[Any]) -> None:
    state, refunded, restocked = return_state.INITIAL, 0, Counter[Any]()
    for command in commands:
        try:
            events = returns.decide(command, state)
        except DomainError:
            continue
        state = reduce(return_state.evolve, events, state)
        refunded += sum(e.amount.minor for e in events if isinstance(e, ReturnRefunded))
        for event in events:
            if isinstance(event, ReturnRestocked):
                case = state.cases[event.return_id]
                restocked.update({x.line_id: x.quantity for x in case.restock or ()})
    shipped = Counter({line.line_id: line.quantity for line in SHIPPED})
    assert refunded <= state.granted("GBP").minor <= CAPTURED.minor
    assert restocked <= state.returned <= shipped

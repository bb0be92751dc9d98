"""What an act would do is decided by the rules that carry it out, on the state as it is."""

from dataclasses import replace
from typing import Any

import pytest

from activities.aggregates import ORDER, PAYMENT, SHIPMENT, STOCK
from domain.errors import RuleBroken
from domain.ids import LineId, OrderId, order_stream, payment_stream, shipment_stream, stock_stream
from domain.lines import Pieces
from domain.order.events import OrderCancelled
from domain.payment.events import (
    PaymentAuthorised,
    PaymentForbidden,
    PaymentPrepared,
    PaymentRefunded,
    PaymentVoided,
)
from domain.shipment.events import LabelCancelled, ShipmentHandedOver
from domain.stock.events import StockReleased
from domain.values import Reason
from ordersaga.operations.what_if import Standing, if_amended, if_cancelled, refusal_of
from tests.unit.ordersaga.operations.verification.story import (
    BUSY,
    DONE,
    GONE,
    LAMP,
    MUG,
    NOW,
    STORY,
    TOTAL,
    Recorded,
    labelled,
    reserved,
    taken_in,
)


def standing(order_id: OrderId, story: list[Recorded]) -> Standing:
    """The state of an order after a story."""

    def state(stream: str, kind: Any) -> Any:
        folded = kind.fold.initial
        for name, event in story:
            folded = kind.fold.evolve(folded, event) if name == stream else folded
        return folded

    return Standing(
        order_id,
        state(order_stream(order_id), ORDER),
        state(payment_stream(order_id), PAYMENT),
        state(shipment_stream(order_id), SHIPMENT),
        {sku: state(stock_stream(sku), STOCK) for sku in (LAMP, MUG)},
    )


STOCK_IN = [item for item in STORY if item[0].startswith("stock-")][:2]


def test_cancelling_a_paid_order_gives_the_money_back_and_frees_the_stock() -> None:
    what_if = if_cancelled(standing(BUSY, STORY))
    assert what_if.effects == [
        "10.00 GBP goes back to the customer",
        f"3 of {LAMP} become free",
        f"1 of {MUG} become free",
        "the order ends as cancelled",
    ]
    assert what_if.doubts == []


def test_it_is_what_was_recorded_when_an_order_like_it_was_undone() -> None:
    label = [labelled(GONE)]
    undone_at = STORY.index(label[0]) + 1
    before, after = STORY[:undone_at], [event for stream, event in STORY[undone_at:]]
    decided = if_cancelled(standing(GONE, before)).events
    recorded = [
        each
        for each in after
        if getattr(each, "order_id", GONE) == GONE
        and type(each) in {LabelCancelled, PaymentRefunded, StockReleased, OrderCancelled}
    ]
    plain = [
        replace(each, refund_reference="refund-1")
        if isinstance(each, PaymentRefunded)
        else replace(each, reason=Reason.CUSTOMER_REQUEST)
        if isinstance(each, OrderCancelled)
        else each
        for each in decided
    ]
    assert plain == recorded


@pytest.mark.parametrize("known", [PaymentPrepared, PaymentAuthorised])
def test_money_that_has_not_moved_stays_where_it_is(
    known: type[PaymentPrepared | PaymentAuthorised],
) -> None:
    held = (f"payment-{BUSY}", known(BUSY, TOTAL, "pay-1", "key"))
    what_if = if_cancelled(standing(BUSY, [*STOCK_IN, *taken_in(BUSY), *reserved(BUSY), held]))
    assert what_if.effects[0] == "the payment of 10.00 GBP is ended; no money has moved"
    assert any(isinstance(event, PaymentVoided) for event in what_if.events)


def test_without_a_payment_none_is_made_any_more() -> None:
    what_if = if_cancelled(standing(BUSY, [*STOCK_IN, *taken_in(BUSY), *reserved(BUSY)]))
    assert PaymentForbidden(BUSY) in what_if.events


def test_a_label_is_cancelled_first() -> None:
    what_if = if_cancelled(standing(BUSY, [*STORY, labelled(BUSY)]))
    assert what_if.effects[0] == f"label label-{BUSY} is cancelled"


def test_what_is_being_asked_for_now_is_named_as_in_doubt() -> None:
    story = [*STOCK_IN, *taken_in(BUSY), *reserved(BUSY)]
    what_if = if_cancelled(standing(BUSY, story), running=["process_payment"])
    assert what_if.doubts == ["the money is being asked for now: if any is taken, it goes back"]
    assert all("goes back" not in each for each in what_if.effects)


def test_a_completed_order_is_refused_as_the_act_would_be() -> None:
    assert isinstance(refusal_of(lambda: if_cancelled(standing(DONE, STORY))), str)
    scanned = (f"shipment-{BUSY}", ShipmentHandedOver(NOW))
    with pytest.raises(RuleBroken):
        if_cancelled(standing(BUSY, [*STORY, labelled(BUSY), scanned]))


def test_removing_pieces_says_the_new_total_and_what_goes_back() -> None:
    what_if = if_amended(standing(BUSY, STORY), [Pieces(LineId("1"), 1)])
    assert what_if.effects == [
        "the order costs 5.00 GBP",
        f"2 of {LAMP} become free",
        "5.00 GBP goes back to the customer",
    ]
    assert what_if.doubts == ()
    assert isinstance(
        refusal_of(lambda: if_amended(standing(BUSY, STORY), [Pieces(LineId("1"), 4)])), str
    )


def test_money_that_was_asked_for_before_pieces_are_removed_is_in_doubt() -> None:
    asked = (f"payment-{BUSY}", PaymentPrepared(BUSY, TOTAL, "pay-1", "key"))
    story = [*STOCK_IN, *taken_in(BUSY), *reserved(BUSY), asked]
    what_if = if_amended(standing(BUSY, story), [Pieces(LineId("1"), 1)])
    assert what_if.effects == ["the order costs 5.00 GBP", f"2 of {LAMP} become free"]
    assert ["goes back" in doubt for doubt in what_if.doubts] == [True]


def test_nothing_is_recorded_by_asking() -> None:
    before = standing(BUSY, STORY)
    if_cancelled(before)
    assert before == standing(BUSY, STORY)

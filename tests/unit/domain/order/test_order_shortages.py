"""Orders whose items are not all in stock, and orders from which pieces are removed."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import ImpossibleHistory
from domain.ids import CustomerId
from domain.lines import OrderLine, Pieces
from domain.order import decisions as order_decisions
from domain.order import evolution as order_evolution
from domain.order import state as order_state
from domain.order.commands import (
    AcceptBackorder,
    AmendOrder,
    CompleteOrder,
    MarkReserved,
    ReportUnavailable,
    StartProcessing,
    SubmitOrder,
)
from domain.order.events import (
    BackorderAccepted,
    ItemAdded,
    ItemsUnavailable,
    OrderAmended,
    OrderCancelled,
    OrderProcessingStarted,
    OrderReserved,
    OrderSubmitted,
)
from domain.order.terms import CANCEL_AT_ONCE, DeadlineDefault, UnavailablePolicy, UnavailableTerms
from domain.values import MissingItem, Reason
from tests.support.sagas.domain_samples import (
    ADDRESS_SET,
    CARD,
    CREATED,
    FIRST,
    HEART,
    LANTERN,
    LANTERN_LINE,
    LANTERNS_ADDED,
    LEEDS,
    NOON,
    ORDER,
    SECOND,
    gbp,
    share,
)
from tests.support.sagas.specification import Specification

spec = Specification(order_decisions.decide, order_evolution.evolve, order_state.INITIAL)
ASK = UnavailableTerms(UnavailablePolicy.ASK, 24, DeadlineDefault.SHIP_AVAILABLE)
HEART_LINE = OrderLine(SECOND, HEART, "RED HEART", 2, gbp(150))
LINES = (LANTERN_LINE, HEART_LINE)
SUBMITTED = OrderSubmitted(ORDER, CustomerId("17850"), LINES, LEEDS, gbp(2334), CARD, ASK)
BEFORE = (
    CREATED,
    LANTERNS_ADDED,
    ItemAdded(SECOND, HEART, "RED HEART", 2, gbp(150)),
    ADDRESS_SET,
    SUBMITTED,
)
LATER = NOON + timedelta(hours=24)
MISSING = (MissingItem(LANTERN, 6, 4),)
SHORT = ItemsUnavailable(MISSING, asking=True, deadline=LATER)
REPORT = ReportUnavailable(MISSING, asking=True, deadline=LATER)
TWO_LANTERNS = OrderAmended((share(FIRST, LANTERN, 2, 678), share(SECOND, HEART, 2, 300)), gbp(978))
ONLY_HEARTS = OrderAmended((share(SECOND, HEART, 2, 300),), gbp(300))
PAID = (OrderReserved(), OrderProcessingStarted("pay-1"))


def amend(**pieces: int) -> AmendOrder:
    lines = {"lanterns": FIRST, "hearts": SECOND}
    return AmendOrder(tuple(Pieces(lines[name], number) for name, number in pieces.items()))


def test_an_order_says_what_to_do_if_items_are_unavailable() -> None:
    spec.given(*BEFORE[:-1]).when(SubmitOrder(CARD, ASK)).then(SUBMITTED)
    order = order_state.frozen_order(spec.state(*BEFORE))
    assert order is not None
    assert order.unavailable == ASK


def test_an_order_that_says_nothing_is_cancelled_immediately() -> None:
    spec.given(*BEFORE[:-1]).when(SubmitOrder(CARD)).then(
        replace(SUBMITTED, unavailable=CANCEL_AT_ONCE)
    )


@pytest.mark.parametrize("hours", [0, -1, 2_161, True])
def test_a_deadline_is_between_an_hour_and_ninety_days(hours: int) -> None:
    terms = replace(ASK, deadline_hours=hours)
    given = spec.given(*BEFORE[:-1])
    given.when(SubmitOrder(CARD, terms)).then_invalid("unavailable.deadline_hours")


def test_missing_items_are_reported_once() -> None:
    spec.given(*BEFORE).when(REPORT).then(SHORT)
    spec.given(*BEFORE, SHORT).when(REPORT).then_nothing()
    state = spec.state(*BEFORE, SHORT)
    assert order_state.status_of(state) == "backordered"


def test_a_count_can_take_away_what_was_reserved_and_paid() -> None:
    spec.given(*BEFORE, OrderReserved()).when(REPORT).then(SHORT)
    spec.given(*BEFORE, *PAID).when(REPORT).then(SHORT)
    paid = (*BEFORE, *PAID, SHORT)
    spec.given(*paid).when(MarkReserved()).then(OrderReserved(), PAID[-1])
    spec.given(*paid).when(StartProcessing("pay-1")).then_nothing()
    spec.given(*paid).when(StartProcessing("other")).then_refused("payment_reference_differs")
    charged_meanwhile = (*BEFORE, OrderReserved(), SHORT)
    spec.given(*charged_meanwhile).when(StartProcessing("pay-1")).then(PAID[-1])
    assert order_state.status_of(spec.state(*charged_meanwhile, PAID[-1])) == "backordered"


def test_only_an_order_that_was_submitted_can_miss_items() -> None:
    spec.given(CREATED).when(REPORT).then_refused("wrong_status")
    spec.given().when(REPORT).then_refused("order_missing")


def test_a_customer_who_chose_to_wait_is_not_asked_again() -> None:
    later = LATER + timedelta(hours=24)
    spec.given(*BEFORE, SHORT).when(AcceptBackorder(later)).then(BackorderAccepted(later))
    waiting = (*BEFORE, SHORT, BackorderAccepted(later))
    spec.given(*waiting).when(AcceptBackorder(LATER)).then_nothing()
    state = spec.state(*waiting)
    assert isinstance(state, order_state.Backordered)
    assert (state.asking, state.deadline) == (False, later)
    spec.given(*BEFORE).when(AcceptBackorder(later)).then_refused("wrong_status")


def test_when_everything_has_arrived_the_order_is_reserved() -> None:
    spec.given(*BEFORE, SHORT).when(MarkReserved()).then(OrderReserved())
    spec.given(*BEFORE, SHORT).when(StartProcessing("pay-1")).then_refused("wrong_status")


@pytest.mark.parametrize("so_far", [(SHORT,), (OrderReserved(),), PAID])
def test_pieces_can_be_removed_until_the_order_ends(so_far: tuple[object, ...]) -> None:
    given = spec.given(*BEFORE, *so_far)
    given.when(amend(lanterns=2)).then(TWO_LANTERNS)
    given.when(amend(lanterns=0)).then(ONLY_HEARTS)
    given.when(amend(lanterns=6, hearts=2)).then_nothing()


def test_an_amended_order_remembers_what_was_submitted() -> None:
    amended = spec.state(*BEFORE, SHORT, TWO_LANTERNS, ONLY_HEARTS)
    order = order_state.frozen_order(amended)
    assert order is not None
    assert (order.lines, order.total) == ((HEART_LINE,), gbp(300))
    assert (order.submitted.lines, order.submitted.total) == (LINES, gbp(2334))


def test_amending_adds_no_pieces_and_leaves_at_least_one() -> None:
    given = spec.given(*BEFORE, OrderReserved(), TWO_LANTERNS)
    given.when(amend(lanterns=3)).then_refused("amendment_adds")
    given.when(amend(lanterns=0, hearts=0)).then_refused("nothing_left")
    given.when(amend(lanterns=-1)).then_invalid("quantity")
    spec.given(*BEFORE, OrderReserved(), ONLY_HEARTS).when(amend(lanterns=1)).then_refused(
        "line_missing"
    )


def test_an_order_that_is_new_or_has_ended_is_not_amended() -> None:
    spec.given(*BEFORE).when(amend(hearts=1)).then_refused("wrong_status")
    ended = OrderCancelled(Reason.OUT_OF_STOCK, "")
    spec.given(*BEFORE, SHORT, ended).when(amend(hearts=1)).then_refused("order_is_closed")


def test_an_amended_order_can_be_completed() -> None:
    given = spec.given(*BEFORE, SHORT, TWO_LANTERNS, *PAID)
    [completed] = order_decisions.decide(CompleteOrder("T1"), spec.state(*BEFORE, *PAID))
    given.when(CompleteOrder("T1")).then(completed)


@pytest.mark.parametrize("event", [SHORT, BackorderAccepted(LATER), TWO_LANTERNS])
def test_an_impossible_history_is_refused(event: object) -> None:
    with pytest.raises(ImpossibleHistory):
        spec.state(CREATED, event)

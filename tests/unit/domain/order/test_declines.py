"""Orders whose payment is declined, and that ask for another one."""

from datetime import timedelta

import pytest

from domain.errors import ImpossibleHistory
from domain.order import decisions as order_decisions
from domain.order import evolution as order_evolution
from domain.order import state as order_state
from domain.order.commands import (
    AskForPayment,
    CancelOrder,
    CompleteOrder,
    ReplacePayment,
    StartProcessing,
    SubmitOrder,
)
from domain.order.events import (
    ItemsUnavailable,
    OrderCancelled,
    OrderCompleted,
    OrderProcessingStarted,
    OrderReserved,
    OrderSubmitted,
    PaymentAsked,
    PaymentReplaced,
)
from domain.values import DeclinePolicy, DeclineTerms, MissingItem, PaymentTerms, Reason
from tests.support.sagas.domain_samples import (
    ADDRESS_SET,
    CREATED,
    LANTERN,
    LANTERN_LINE,
    LANTERNS_ADDED,
    LEEDS,
    NOON,
    ORDER,
    SUBMITTED,
    gbp,
)
from tests.support.sagas.specification import Specification

spec = Specification(order_decisions.decide, order_evolution.evolve, order_state.INITIAL)
DRAFT = (CREATED, LANTERNS_ADDED, ADDRESS_SET)
TERMS = PaymentTerms("tok_first", on_decline=DeclineTerms(DeclinePolicy.ASK, 48))
ASKING = OrderSubmitted(ORDER, SUBMITTED.customer_id, (LANTERN_LINE,), LEEDS, gbp(2034), TERMS)
BEFORE = (*DRAFT, ASKING, OrderReserved())
LATER, MUCH_LATER = NOON + timedelta(hours=48), NOON + timedelta(hours=90)
ASK, AGAIN = AskForPayment("stolen_card", LATER), AskForPayment("expired_card", MUCH_LATER)
ASKED, CAME = PaymentAsked("stolen_card", LATER), PaymentReplaced("tok_second")
COUNTED = ItemsUnavailable((MissingItem(LANTERN, 6, 2),), asking=False, deadline=LATER)
PAY = ReplacePayment("tok_second")


def _order(*events: object) -> order_state.FrozenOrder:
    state: order_state.OrderState = order_state.INITIAL
    for event in (*BEFORE, *events):
        state = order_evolution.evolve(state, event)  # type: ignore[arg-type]  # events of orders
    order = order_state.frozen_order(state)
    assert order is not None
    return order


def test_another_payment_is_asked_for_once_until_it_comes() -> None:
    spec.given(*BEFORE).when(ASK).then(ASKED)
    spec.given(*BEFORE, ASKED).when(AGAIN).then_nothing()
    spec.given(*BEFORE, ASKED).when(PAY).then(CAME)
    spec.given(*BEFORE, ASKED, CAME).when(PAY).then_refused("payment_not_due")
    spec.given(*BEFORE).when(PAY).then_refused("payment_not_due")


def test_the_deadline_of_the_first_decline_counts_for_all() -> None:
    spec.given(*BEFORE, ASKED, CAME).when(AGAIN).then(PaymentAsked("expired_card", LATER))


def test_it_is_known_which_token_counts_and_whether_another_payment_came() -> None:
    assert (_order().token, _order().has_another_payment) == ("tok_first", False)
    assert (_order(ASKED).token, _order(ASKED).has_another_payment) == ("tok_first", False)
    replaced = _order(ASKED, CAME)
    assert (replaced.token, replaced.has_another_payment) == ("tok_second", True)
    assert replaced.payment == TERMS  # what was submitted stays, to recognise the document
    again = _order(ASKED, CAME, ASKED)
    assert (again.token, again.has_another_payment) == ("tok_second", False)
    assert _order(ASKED, CAME, OrderProcessingStarted("pay_2")).payment_due is None


def test_the_secrets_do_not_show() -> None:
    shown = f"{CAME!r} {PAY!r} {_order(ASKED, CAME)!r} {TERMS!r}"
    assert "tok_" not in shown


@pytest.mark.parametrize("terms", [PaymentTerms("tok_first"), None])
def test_an_order_that_does_not_ask_waits_for_no_payment(terms: PaymentTerms | None) -> None:
    submitted = OrderSubmitted(ORDER, None, (LANTERN_LINE,), LEEDS, gbp(2034), terms)
    spec.given(*DRAFT, submitted, OrderReserved()).when(ASK).then_refused("payment_is_final")


def test_an_order_from_which_a_count_took_pieces_can_be_paid_in_another_way() -> None:
    spec.given(*BEFORE, COUNTED).when(ASK).then(ASKED)
    spec.given(*BEFORE, ASKED, COUNTED).when(PAY).then(CAME)


def test_an_order_whose_authorisation_gives_nothing_can_be_paid_in_another_way() -> None:
    paid = (*BEFORE, ASKED, CAME, OrderProcessingStarted("pay_1"))
    later = PaymentAsked("expired_card", MUCH_LATER)
    spec.given(*paid).when(AGAIN).then(later)  # it was paid: the time begins anew
    spec.given(*paid, COUNTED).when(AGAIN).then(later)
    spec.given(*paid, later).when(PAY).then(CAME)
    started = OrderProcessingStarted("pay_2")
    spec.given(*paid, later, CAME).when(StartProcessing("pay_2")).then(started)
    spec.given(*paid, COUNTED, later, CAME).when(StartProcessing("pay_2")).then(started)
    spec.given(*paid, later, CAME, started).when(StartProcessing("pay_2")).then_nothing()
    other = StartProcessing("pay_3")
    spec.given(*paid).when(other).then_refused("payment_reference_differs")
    spec.given(*paid, later).when(other).then_refused("payment_reference_differs")
    order = spec.state(*paid, later, CAME, started)
    assert isinstance(order, order_state.Processing)
    assert (order.payment_reference, order.order.has_another_payment) == ("pay_2", False)


def test_another_payment_comes_by_a_token_or_by_a_confirmed_one() -> None:
    came = PaymentReplaced(confirmed="pi_1")
    spec.given(*BEFORE, ASKED).when(ReplacePayment(confirmed="pi_1")).then(came)
    assert (_order(ASKED, came).token, _order(ASKED, came).confirmed) == (None, "pi_1")
    back = _order(ASKED, came, ASKED, CAME)
    assert (back.token, back.confirmed) == ("tok_second", None)
    assert back.capture is TERMS.capture
    spec.given(*BEFORE, ASKED).when(ReplacePayment("tok_1", "pi_1")).then_invalid("confirmed")
    spec.given(*BEFORE, ASKED).when(ReplacePayment()).then_invalid("token")
    spec.given(*BEFORE, ASKED).when(ReplacePayment(confirmed="../x")).then_invalid("confirmed")


@pytest.mark.parametrize("command", [ASK, PAY])
def test_only_an_order_whose_stock_is_reserved_asks(command: object) -> None:
    paid = (*BEFORE, OrderProcessingStarted("pay_1"))
    for events in (DRAFT, (*DRAFT, ASKING)):
        spec.given(*events).when(command).then_refused("wrong_status")
    spec.given().when(command).then_refused("order_missing")
    for end in (
        (*paid, OrderCompleted("PP1")),
        (*BEFORE, OrderCancelled(Reason.PAYMENT_DECLINED, "declined")),
    ):
        spec.given(*end).when(command).then_refused("order_is_closed")


def test_an_order_that_waits_for_another_payment_can_go_on_and_can_be_cancelled() -> None:
    paid = OrderProcessingStarted("pay_1")
    spec.given(*BEFORE, ASKED).when(StartProcessing("pay_1")).then(paid)
    spec.given(*BEFORE, ASKED, CAME, paid).when(CompleteOrder("PP1")).then(OrderCompleted("PP1"))
    cancelled = OrderCancelled(Reason.PAYMENT_DECLINED, "none came")
    cancel = CancelOrder(Reason.PAYMENT_DECLINED, "none came")
    spec.given(*BEFORE, ASKED).when(cancel).then(cancelled)


@pytest.mark.parametrize("event", [ASKED, CAME])
def test_a_payment_is_asked_for_only_once_stock_is_reserved(event: object) -> None:
    state = order_state.INITIAL
    with pytest.raises(ImpossibleHistory):
        order_evolution.evolve(state, event)  # type: ignore[arg-type]  # events of orders


@pytest.mark.parametrize("hours", [0, 2_161, True, "1"])
def test_the_hours_are_whole_and_limited(hours: object) -> None:
    terms = DeclineTerms(DeclinePolicy.ASK, hours)  # type: ignore[arg-type]  # that is the point
    submit = SubmitOrder(PaymentTerms("tok_visa", on_decline=terms))
    spec.given(*DRAFT).when(submit).then_invalid("payment.on_decline.deadline_hours")

"""Refunds: made, pending, failed; each attempt under its own key."""

from dataclasses import replace

import pytest

from domain.errors import CurrencyMismatch
from domain.money import Money
from domain.payment import decisions
from domain.payment import state as payment
from domain.payment.commands import (
    PaymentCommand,
    RecordRefund,
    RecordRefundFailure,
    RecordRefundPending,
)
from domain.payment.events import (
    PaymentAuthorised,
    PaymentCaptured,
    PaymentDeclined,
    PaymentPrepared,
    PaymentRefunded,
    PaymentVoided,
    RefundEvent,
    RefundFailed,
    RefundPending,
    RefundReversed,
)
from tests.support.sagas.domain_samples import ORDER, gbp
from tests.support.sagas.specification import Specification

spec = Specification(decisions.decide, payment.evolve, payment.INITIAL)
MADE = PaymentPrepared(ORDER, gbp(2034), "pay_1", "k1")
HELD = PaymentAuthorised(ORDER, gbp(2034), "pay_1", "k1")
REFUSED = PaymentDeclined(ORDER, gbp(2034), "insufficient_funds", "k1")
ENDED = PaymentVoided(ORDER, gbp(2034), "pay_1")
PAID = (MADE, PaymentCaptured(ORDER, gbp(2034), "pay_1", "k1"))
BACK = PaymentRefunded(ORDER, gbp(1000), "pay_1", "re")
WAITING = RefundPending(ORDER, gbp(1000), "pay_1", "re", "id_1")
FAILED = RefundFailed(ORDER, gbp(1000), "pay_1", "re", "lost_card")
REVERSED = RefundReversed(ORDER, gbp(1000), "pay_1", "re", "lost_card")
REFUND = RecordRefund(ORDER, gbp(1000), "pay_1", "re")
WAIT = RecordRefundPending(ORDER, gbp(1000), "pay_1", "re", "id_1")
FAIL = RecordRefundFailure(ORDER, gbp(1000), "pay_1", "re", "lost_card")
ALL = [REFUND, WAIT, FAIL]


def captured(*history: object) -> payment.Captured:
    state = spec.state(*PAID, *history)
    assert isinstance(state, payment.Captured)
    return state


@pytest.mark.parametrize("history", [(), (MADE,), (MADE, HELD), (MADE, REFUSED), (MADE, ENDED)])
@pytest.mark.parametrize("command", ALL)
def test_only_captured_money_is_refunded(history: tuple[object], command: PaymentCommand) -> None:
    spec.given(*history).when(command).then_refused("nothing_captured")


@pytest.mark.parametrize("command", ALL)
def test_what_a_refund_says_must_fit_the_payment(
    command: RecordRefund | RecordRefundPending | RecordRefundFailure,
) -> None:
    spec.given(*PAID).when(replace(command, reference="pay_2")).then_refused(
        "payment_reference_differs"
    )
    spec.given(*PAID).when(replace(command, amount=gbp(0))).then_invalid("amount")
    spec.given(*PAID).when(replace(command, refund_reference="")).then_invalid("refund_reference")
    for known in (BACK, WAITING):
        spec.given(*PAID, known).when(replace(command, amount=gbp(1))).then_refused(
            "refund_differs"
        )


@pytest.mark.parametrize("command", [REFUND, WAIT])
def test_refunds_are_in_the_currency_of_the_payment(
    command: RecordRefund | RecordRefundPending,
) -> None:
    euros = replace(command, amount=Money(1, "EUR"))
    spec.given(*PAID).when(euros).then_raises(CurrencyMismatch)


def test_a_refund_is_recorded_once() -> None:
    spec.given(*PAID).when(REFUND).then(BACK)
    spec.given(*PAID, BACK).when(REFUND).then_nothing()


def test_refunds_together_never_exceed_what_was_captured() -> None:
    rest = replace(REFUND, amount=gbp(1034), refund_reference="re_2")
    spec.given(*PAID, BACK).when(rest).then(
        replace(BACK, amount=gbp(1034), refund_reference="re_2")
    )
    spec.given(*PAID, BACK).when(replace(rest, amount=gbp(1035))).then_refused(
        "refund_exceeds_capture"
    )


def test_a_pending_refund_has_given_nothing_back_until_it_succeeds() -> None:
    spec.given(*PAID).when(WAIT).then(WAITING)
    assert captured(WAITING).refundable == gbp(2034)
    spec.given(*PAID, WAITING).when(REFUND).then(BACK)
    assert captured(WAITING, BACK).refundable == gbp(1034)
    assert captured(WAITING, BACK).pending == {}


@pytest.mark.parametrize("history", [(WAITING,), (BACK,), (FAILED,), (WAITING, FAILED)])
def test_older_news_of_a_refund_change_nothing(history: tuple[object]) -> None:
    spec.given(*PAID, *history).when(WAIT).then_nothing()


@pytest.mark.parametrize(
    ("history", "event"),
    [((), FAILED), ((WAITING,), FAILED), ((BACK,), REVERSED), ((WAITING, BACK), REVERSED)],
)
def test_a_refund_that_fails_leaves_the_money_here_also_after_it_had_succeeded(
    history: tuple[object], event: RefundEvent
) -> None:
    spec.given(*PAID, *history).when(FAIL).then(event)
    after = captured(*history, event)
    assert (after.refundable, after.pending, after.refunds) == (gbp(2034), {}, {})
    spec.given(*PAID, *history, event).when(FAIL).then_nothing()


def test_each_attempt_at_a_refund_has_its_own_key() -> None:
    again = replace(FAILED, refund_reference="re-2")
    assert captured().refund_key("re") == "re"
    assert captured(WAITING).refund_key("re") == "re"
    assert captured(FAILED).refund_key("re") == "re-2"
    assert captured(FAILED, again).refund_key("re") == "re-3"
    assert captured(FAILED).refund_key("other") == "other"


def test_a_long_reason_is_cut() -> None:
    long = spec.given(*PAID).when(replace(FAIL, code="x" * 3000))
    long.then(replace(FAILED, code="x" * 253 + " …"))

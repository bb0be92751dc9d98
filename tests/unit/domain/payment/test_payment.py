from dataclasses import replace

import pytest

from domain.errors import CurrencyMismatch, ImpossibleHistory
from domain.money import Money
from domain.payment import payment
from domain.payment.commands import (
    PaymentCommand,
    RecordAuthorisation,
    RecordCapture,
    RecordDecline,
    RecordRefund,
    RecordVoid,
)
from domain.payment.events import (
    PaymentAuthorised,
    PaymentCaptured,
    PaymentDeclined,
    PaymentRefunded,
    PaymentVoided,
)
from tests.support.sagas.domain_samples import ORDER, gbp
from tests.support.sagas.specification import Specification

spec = Specification(payment.decide, payment.evolve, payment.INITIAL)
HELD = PaymentAuthorised(ORDER, gbp(2034), "pay_1", "k1")
TAKEN = PaymentCaptured(ORDER, gbp(2034), "pay_1", "k1")
REFUSED = PaymentDeclined(ORDER, gbp(2034), "insufficient_funds", "k1")
GIVEN_BACK = PaymentVoided(ORDER, gbp(2034), "pay_1")
PART_BACK = PaymentRefunded(ORDER, gbp(1000), "pay_1", "re_1")
ALL_BACK = PaymentRefunded(ORDER, gbp(2034), "pay_1", "re_1")
AUTHORISE = RecordAuthorisation(ORDER, gbp(2034), "pay_1", "k1")
CAPTURE = RecordCapture(ORDER, gbp(2034), "pay_1", "k1")
DECLINE = RecordDecline(ORDER, gbp(2034), "insufficient_funds", "k1")
VOID = RecordVoid(ORDER, "pay_1")
REFUND = RecordRefund(ORDER, gbp(1000), "pay_1", "re_1")


def test_money_is_authorised_once() -> None:
    spec.given().when(AUTHORISE).then(HELD)
    spec.given(HELD).when(AUTHORISE).then_nothing()


def test_an_authorisation_that_is_recorded_late_changes_nothing() -> None:
    spec.given(HELD, TAKEN).when(AUTHORISE).then_nothing()
    spec.given(HELD, GIVEN_BACK).when(AUTHORISE).then_nothing()


def test_a_second_payment_of_an_order_is_refused() -> None:
    other = replace(AUTHORISE, reference="pay_2")
    spec.given(HELD).when(other).then_refused("payment_reference_differs")
    spec.given(TAKEN).when(other).then_refused("payment_reference_differs")
    taken = replace(CAPTURE, reference="pay_2")
    spec.given(HELD).when(taken).then_refused("payment_reference_differs")
    spec.given(TAKEN).when(taken).then_refused("payment_reference_differs")


def test_the_same_payment_with_another_amount_is_refused() -> None:
    spec.given(HELD).when(replace(AUTHORISE, amount=gbp(1))).then_refused("payment_amount_differs")
    spec.given(TAKEN).when(replace(CAPTURE, amount=gbp(1))).then_refused("payment_amount_differs")


def test_money_is_captured_at_once_or_after_an_authorisation() -> None:
    spec.given().when(CAPTURE).then(TAKEN)
    later = replace(CAPTURE, idempotency_key="k2")
    spec.given(HELD).when(later).then(replace(TAKEN, idempotency_key="k2"))
    spec.given(TAKEN).when(CAPTURE).then_nothing()


def test_less_than_authorised_may_be_captured_but_not_more() -> None:
    spec.given(HELD).when(replace(CAPTURE, amount=gbp(2000))).then(replace(TAKEN, amount=gbp(2000)))
    spec.given(HELD).when(replace(CAPTURE, amount=gbp(2035))).then_refused(
        "capture_exceeds_authorisation"
    )


def test_currencies_do_not_mix() -> None:
    euros = Money(1, "EUR")
    spec.given(HELD).when(replace(CAPTURE, amount=euros)).then_raises(CurrencyMismatch)
    spec.given(TAKEN).when(replace(REFUND, amount=euros)).then_raises(CurrencyMismatch)


def test_a_decline_is_recorded_once() -> None:
    spec.given().when(DECLINE).then(REFUSED)
    spec.given(REFUSED).when(DECLINE).then_nothing()


@pytest.mark.parametrize("command", [AUTHORISE, CAPTURE])
def test_a_new_attempt_after_a_decline_needs_a_new_key(command: PaymentCommand) -> None:
    spec.given(REFUSED).when(command).then_refused("attempt_is_over")


def test_a_new_attempt_with_a_new_key_may_succeed() -> None:
    again = replace(CAPTURE, reference="pay_2", idempotency_key="k2")
    taken = replace(TAKEN, reference="pay_2", idempotency_key="k2")
    spec.given(REFUSED).when(again).then(taken)
    spec.given(HELD, GIVEN_BACK).when(again).then(taken)
    spec.given(REFUSED).when(replace(DECLINE, idempotency_key="k2")).then(
        replace(REFUSED, idempotency_key="k2")
    )


def test_an_authorised_or_captured_payment_cannot_be_declined() -> None:
    spec.given(HELD).when(DECLINE).then_refused("already_authorised")
    spec.given(TAKEN).when(DECLINE).then_refused("already_captured")


def test_a_declined_capture_leaves_the_authorisation_to_be_voided() -> None:
    declined = replace(REFUSED, idempotency_key="k2")
    spec.given(HELD).when(replace(DECLINE, idempotency_key="k2")).then(declined)
    spec.given(HELD, declined).when(replace(DECLINE, idempotency_key="k2")).then_nothing()
    spec.given(HELD, declined).when(VOID).then(GIVEN_BACK)


def test_an_authorisation_is_voided_once() -> None:
    spec.given(HELD).when(VOID).then(GIVEN_BACK)
    spec.given(HELD, GIVEN_BACK).when(VOID).then_nothing()


def test_captured_money_is_not_voided() -> None:
    spec.given(TAKEN).when(VOID).then_refused("already_captured")


@pytest.mark.parametrize("history", [(), (REFUSED,)])
def test_without_authorisation_there_is_nothing_to_void(history: tuple[object]) -> None:
    spec.given(*history).when(VOID).then_refused("nothing_authorised")


def test_another_payment_is_neither_voided_nor_refunded() -> None:
    spec.given(HELD).when(RecordVoid(ORDER, "pay_2")).then_refused("payment_reference_differs")
    spec.given(TAKEN).when(replace(REFUND, reference="pay_2")).then_refused(
        "payment_reference_differs"
    )


def test_a_refund_is_recorded_once() -> None:
    spec.given(TAKEN).when(REFUND).then(PART_BACK)
    spec.given(TAKEN, PART_BACK).when(REFUND).then_nothing()
    spec.given(TAKEN, PART_BACK).when(replace(REFUND, amount=gbp(1))).then_refused("refund_differs")


def test_refunds_together_never_exceed_what_was_captured() -> None:
    rest = RecordRefund(ORDER, gbp(1034), "pay_1", "re_2")
    spec.given(TAKEN, PART_BACK).when(rest).then(PaymentRefunded(ORDER, gbp(1034), "pay_1", "re_2"))
    spec.given(TAKEN, PART_BACK).when(replace(rest, amount=gbp(1035))).then_refused(
        "refund_exceeds_capture"
    )


@pytest.mark.parametrize("history", [(), (HELD,), (REFUSED,), (HELD, GIVEN_BACK)])
def test_only_captured_money_is_refunded(history: tuple[object]) -> None:
    spec.given(*history).when(REFUND).then_refused("nothing_captured")


@pytest.mark.parametrize("minor", [0, -1])
def test_amounts_are_above_zero(minor: int) -> None:
    spec.given().when(replace(AUTHORISE, amount=gbp(minor))).then_invalid("amount")
    spec.given(HELD).when(replace(CAPTURE, amount=gbp(minor))).then_invalid("amount")
    spec.given(TAKEN).when(replace(REFUND, amount=gbp(minor))).then_invalid("amount")


def test_the_providers_reference_is_needed() -> None:
    spec.given().when(replace(CAPTURE, reference="")).then_invalid("reference")
    spec.given(TAKEN).when(replace(REFUND, refund_reference="")).then_invalid("refund_reference")


@pytest.mark.parametrize(
    ("history", "holds"),
    [
        ((), False),
        ((HELD,), True),
        ((TAKEN,), True),
        ((TAKEN, PART_BACK), True),
        ((TAKEN, ALL_BACK), False),
        ((HELD, GIVEN_BACK), False),
        ((REFUSED,), False),
    ],
)
def test_a_payment_tells_whether_it_holds_money(history: tuple[object], holds: bool) -> None:
    assert payment.holds_money(spec.state(*history)) is holds


@pytest.mark.parametrize("history", [(GIVEN_BACK,), (PART_BACK,), (TAKEN, ALL_BACK, PART_BACK)])
def test_an_impossible_history_is_refused(history: tuple[object]) -> None:
    with pytest.raises(ImpossibleHistory):
        spec.state(*history)

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from domain.errors import CurrencyMismatch, ImpossibleHistory
from domain.money import Money
from domain.payment import decisions
from domain.payment import state as payment
from domain.payment.commands import (
    ForbidPayment,
    PaymentCommand,
    RecordAuthorisation,
    RecordCapture,
    RecordDecline,
    RecordExpiry,
    RecordPreparation,
    RecordVoid,
    TakeKey,
)
from domain.payment.events import (
    PaymentAuthorised,
    PaymentCaptured,
    PaymentDeclined,
    PaymentExpired,
    PaymentForbidden,
    PaymentKeyTaken,
    PaymentPrepared,
    PaymentRefunded,
    PaymentVoided,
    RefundPending,
)
from tests.support.sagas.domain_samples import ORDER, gbp
from tests.support.sagas.specification import Specification

spec = Specification(decisions.decide, payment.evolve, payment.INITIAL)
SOON = datetime(2026, 2, 7, tzinfo=UTC)
MADE = PaymentPrepared(ORDER, gbp(2034), "pay_1", "k1")
HELD = PaymentAuthorised(ORDER, gbp(2034), "pay_1", "k1", SOON)
TAKEN = PaymentCaptured(ORDER, gbp(2034), "pay_1", "k1")
REFUSED = PaymentDeclined(ORDER, gbp(2034), "insufficient_funds", "k1")
ENDED = PaymentVoided(ORDER, gbp(2034), "pay_1")
LAPSED = PaymentExpired(ORDER, gbp(2034), "pay_1")
FORBIDDEN = PaymentForbidden(ORDER)
SECOND_KEY = PaymentKeyTaken(ORDER, "k2")
PART_BACK = PaymentRefunded(ORDER, gbp(1000), "pay_1", "re_1")
ALL_BACK = PaymentRefunded(ORDER, gbp(2034), "pay_1", "re_1")
WAITING = RefundPending(ORDER, gbp(2034), "pay_1", "re_1", "id_1")
PREPARE = RecordPreparation(ORDER, gbp(2034), "pay_1", "k1")
AUTHORISE = RecordAuthorisation(ORDER, gbp(2034), "pay_1", "k1", SOON)
CAPTURE = RecordCapture(ORDER, gbp(2034), "pay_1", "k1")
DECLINE = RecordDecline(ORDER, gbp(2034), "insufficient_funds", "k1")
VOID = RecordVoid(ORDER, "pay_1")
EXPIRE = RecordExpiry(ORDER, "pay_1")
FORBID = ForbidPayment(ORDER)
TAKE = TakeKey(ORDER, "k2")
ANSWERS = [AUTHORISE, CAPTURE, DECLINE]
KNOWN = [(MADE,), (MADE, HELD), (MADE, TAKEN), (MADE, REFUSED), (MADE, ENDED), (MADE, HELD, LAPSED)]


# --- before the confirmation ---------------------------------------------------------------------


def test_a_payment_is_prepared_once() -> None:
    spec.given().when(PREPARE).then(MADE)
    for history in KNOWN:
        spec.given(*history).when(PREPARE).then_nothing()


@pytest.mark.parametrize("history", [(), (FORBIDDEN,), (SECOND_KEY,)])
@pytest.mark.parametrize("answer", ANSWERS)
def test_what_was_not_prepared_is_never_confirmed(
    history: tuple[object], answer: PaymentCommand
) -> None:
    spec.given(*history).when(answer).then_refused("payment_not_prepared")


def test_a_second_payment_is_never_prepared() -> None:
    other = replace(PREPARE, reference="pay_2", idempotency_key="k2")
    for history in KNOWN:
        if REFUSED not in history:
            spec.given(*history).when(other).then_refused("payment_reference_differs")


def test_after_a_decline_another_payment_needs_another_key() -> None:
    again = replace(PREPARE, reference="pay_2", idempotency_key="k2")
    spec.given(MADE, REFUSED).when(again).then(
        replace(MADE, reference="pay_2", idempotency_key="k2")
    )
    spec.given(MADE, REFUSED).when(replace(again, idempotency_key="k1")).then_refused(
        "attempt_is_over"
    )


def test_another_key_is_taken_while_nothing_is_prepared() -> None:
    spec.given().when(TAKE).then(SECOND_KEY)
    spec.given(SECOND_KEY).when(TAKE).then_nothing()
    for history in (MADE,), (MADE, HELD), (MADE, TAKEN):
        spec.given(*history).when(TAKE).then_refused("payment_exists")
    spec.given(FORBIDDEN).when(TAKE).then_refused("payment_forbidden")


@pytest.mark.parametrize("end", [(REFUSED,), (ENDED,), (HELD, LAPSED)])
def test_another_payment_begins_under_another_key_once_the_one_before_is_over(
    end: tuple[object, ...],
) -> None:
    over = (MADE, *end)
    spec.given(*over).when(TakeKey(ORDER, "k1")).then_refused("attempt_is_over")
    spec.given(*over).when(TAKE).then(SECOND_KEY)
    second = RecordPreparation(ORDER, gbp(2034), "pay_2", "k2")
    made = PaymentPrepared(ORDER, gbp(2034), "pay_2", "k2")
    spec.given(*over, SECOND_KEY).when(second).then(made)
    spec.given(*over, SECOND_KEY).when(FORBID).then(FORBIDDEN)
    spec.given(*over, SECOND_KEY).when(CAPTURE).then_refused("payment_not_prepared")
    spec.given(*over, SECOND_KEY, made).when(CAPTURE).then_refused("payment_reference_differs")


def test_a_forbidden_payment_is_never_prepared() -> None:
    spec.given().when(FORBID).then(FORBIDDEN)
    spec.given(SECOND_KEY).when(FORBID).then(FORBIDDEN)
    spec.given(FORBIDDEN).when(FORBID).then_nothing()
    spec.given(FORBIDDEN).when(PREPARE).then_refused("payment_forbidden")
    spec.given(MADE).when(FORBID).then_refused("payment_exists")


# --- the provider's answers ----------------------------------------------------------------------


def test_money_is_authorised_once() -> None:
    spec.given(MADE).when(AUTHORISE).then(HELD)
    spec.given(MADE, HELD).when(AUTHORISE).then_nothing()


def test_an_authorisation_that_is_recorded_late_changes_nothing() -> None:
    spec.given(MADE, HELD, TAKEN).when(AUTHORISE).then_nothing()
    spec.given(MADE, HELD, ENDED).when(AUTHORISE).then_nothing()


@pytest.mark.parametrize("history", KNOWN)
def test_an_answer_about_another_payment_is_refused(history: tuple[object]) -> None:
    for command in (replace(AUTHORISE, reference="pay_2"), replace(CAPTURE, reference="pay_2")):
        spec.given(*history).when(command).then_refused("payment_reference_differs")
    for ending in (replace(VOID, reference="pay_2"), replace(EXPIRE, reference="pay_2")):
        spec.given(*history).when(ending).then_refused("payment_reference_differs")


def test_the_same_payment_with_another_amount_is_refused() -> None:
    spec.given(MADE, HELD).when(replace(AUTHORISE, amount=gbp(1))).then_refused(
        "payment_amount_differs"
    )
    spec.given(MADE, TAKEN).when(replace(CAPTURE, amount=gbp(1))).then_refused(
        "payment_amount_differs"
    )


def test_money_is_captured_at_once_or_after_an_authorisation() -> None:
    spec.given(MADE).when(CAPTURE).then(TAKEN)
    spec.given(MADE, HELD).when(CAPTURE).then(TAKEN)
    spec.given(MADE, TAKEN).when(CAPTURE).then_nothing()


@pytest.mark.parametrize("history", [(MADE, REFUSED), (MADE, ENDED), (MADE, HELD, LAPSED)])
def test_a_late_capture_is_recorded_as_what_it_is(history: tuple[object]) -> None:
    spec.given(*history).when(CAPTURE).then(TAKEN)
    assert payment.holds_money(spec.state(*history, TAKEN))


@pytest.mark.parametrize("history", [(MADE,), (MADE, HELD)])
def test_less_than_was_asked_for_may_be_captured_but_not_more(history: tuple[object]) -> None:
    less = replace(CAPTURE, amount=gbp(2000))
    spec.given(*history).when(less).then(replace(TAKEN, amount=gbp(2000)))
    spec.given(*history).when(replace(CAPTURE, amount=gbp(2035))).then_refused(
        "capture_exceeds_authorisation"
    )


def test_currencies_do_not_mix() -> None:
    spec.given(MADE, HELD).when(replace(CAPTURE, amount=Money(1, "EUR"))).then_raises(
        CurrencyMismatch
    )


def test_a_decline_is_recorded_once() -> None:
    spec.given(MADE).when(DECLINE).then(REFUSED)
    spec.given(MADE, REFUSED).when(DECLINE).then_nothing()


def test_an_authorised_or_captured_payment_cannot_be_declined() -> None:
    spec.given(MADE, HELD).when(DECLINE).then_refused("already_authorised")
    spec.given(MADE, TAKEN).when(DECLINE).then_refused("already_captured")


def test_a_declined_capture_leaves_the_authorisation_to_be_voided() -> None:
    declined = replace(REFUSED, idempotency_key="k2")
    decline = replace(DECLINE, idempotency_key="k2")
    spec.given(MADE, HELD).when(decline).then(declined)
    spec.given(MADE, HELD, declined).when(decline).then_nothing()
    spec.given(MADE, HELD, declined).when(VOID).then(ENDED)


@pytest.mark.parametrize("history", [(MADE,), (MADE, HELD)])
def test_a_payment_is_ended_once(history: tuple[object]) -> None:
    spec.given(*history).when(VOID).then(ENDED)
    spec.given(*history).when(EXPIRE).then(LAPSED)
    for ending in (VOID, EXPIRE):
        spec.given(*history, ENDED).when(ending).then_nothing()
        spec.given(*history, LAPSED).when(ending).then_nothing()
        spec.given(MADE, REFUSED).when(ending).then_nothing()


def test_captured_money_is_not_voided() -> None:
    spec.given(MADE, TAKEN).when(VOID).then_refused("already_captured")


@pytest.mark.parametrize("history", [(), (FORBIDDEN,)])
def test_without_a_payment_there_is_nothing_to_end(history: tuple[object]) -> None:
    spec.given(*history).when(VOID).then_refused("nothing_authorised")


@pytest.mark.parametrize("minor", [0, -1])
def test_amounts_are_above_zero(minor: int) -> None:
    spec.given().when(replace(PREPARE, amount=gbp(minor))).then_invalid("amount")
    spec.given(MADE).when(replace(AUTHORISE, amount=gbp(minor))).then_invalid("amount")
    spec.given(MADE, HELD).when(replace(CAPTURE, amount=gbp(minor))).then_invalid("amount")


def test_the_providers_reference_is_needed() -> None:
    spec.given().when(replace(PREPARE, reference="")).then_invalid("reference")
    spec.given(MADE).when(replace(CAPTURE, reference="")).then_invalid("reference")


@pytest.mark.parametrize(
    ("history", "holds"),
    [
        ((), False),
        ((SECOND_KEY,), False),
        ((FORBIDDEN,), False),
        ((MADE,), True),
        ((MADE, HELD), True),
        ((MADE, TAKEN), True),
        ((MADE, TAKEN, PART_BACK), True),
        ((MADE, TAKEN, WAITING), True),
        ((MADE, TAKEN, ALL_BACK), False),
        ((MADE, HELD, ENDED), False),
        ((MADE, HELD, LAPSED), False),
        ((MADE, REFUSED), False),
    ],
)
def test_a_payment_tells_whether_it_holds_money(history: tuple[object], holds: bool) -> None:
    assert payment.holds_money(spec.state(*history)) is holds


@pytest.mark.parametrize(
    "history", [(ENDED,), (LAPSED,), (REFUSED,), (PART_BACK,), (MADE, TAKEN, ALL_BACK, PART_BACK)]
)
def test_an_impossible_history_is_refused(history: tuple[object]) -> None:
    with pytest.raises(ImpossibleHistory):
        spec.state(*history)

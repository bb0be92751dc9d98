"""Payments that a shop confirmed at checkout: recorded as the order's, or as left alone."""

import pytest

from domain.errors import ImpossibleHistory
from domain.ids import OrderId
from domain.payment import claim, decisions, state
from domain.payment.claim import ClaimReference
from domain.payment.commands import (
    ForbidPayment,
    RecordCapture,
    RecordClaim,
    RecordDecline,
    RecordPreparation,
    RecordRefusal,
    RecordVoid,
    TakeKey,
)
from domain.payment.events import (
    PaymentCaptured,
    PaymentClaimed,
    PaymentForbidden,
    PaymentKeyTaken,
    PaymentNotClaimed,
    PaymentVoided,
    ReferenceClaimed,
)
from tests.support.sagas.domain_samples import ORDER, gbp
from tests.support.sagas.specification import Specification

spec = Specification(decisions.decide, state.evolve, state.INITIAL)
claims = Specification(claim.decide, claim.evolve, claim.INITIAL)
CLAIMED = PaymentClaimed(ORDER, gbp(2034), "pi_1", "k1")
LEFT = PaymentNotClaimed(ORDER, gbp(2034), "payment_unknown", "pi_1", "k1")
CLAIM = RecordClaim(ORDER, gbp(2034), "pi_1", "k1")
LEAVE = RecordRefusal(ORDER, gbp(2034), "payment_unknown", "pi_1", "k1")


def test_a_payment_is_taken_up_once() -> None:
    spec.given().when(CLAIM).then(CLAIMED)
    spec.given(CLAIMED).when(CLAIM).then_nothing()
    other = RecordClaim(ORDER, gbp(2034), "pi_2", "k1")
    spec.given(CLAIMED).when(other).then_refused("payment_reference_differs")
    spec.given(PaymentForbidden(ORDER)).when(CLAIM).then_refused("payment_forbidden")


def test_a_payment_that_is_taken_up_may_hold_money_until_it_is_known() -> None:
    taken = spec.state(CLAIMED)
    assert taken == state.Prepared(ORDER, gbp(2034), "pi_1", "k1", claimed=True)
    assert state.holds_money(taken)
    captured = PaymentCaptured(ORDER, gbp(2000), "pi_1", "k1")
    spec.given(CLAIMED).when(RecordCapture(ORDER, gbp(2000), "pi_1", "k1")).then(captured)
    voided = PaymentVoided(ORDER, gbp(2034), "pi_1")
    spec.given(CLAIMED).when(RecordVoid(ORDER, "pi_1")).then(voided)


def test_a_payment_that_is_left_alone_holds_nothing_of_the_order() -> None:
    spec.given().when(LEAVE).then(LEFT)
    spec.given(LEFT).when(LEAVE).then_nothing()
    spec.given(CLAIMED).when(LEAVE).then_refused("payment_exists")
    assert not state.holds_money(spec.state(LEFT))
    for command, code in (
        (CLAIM, "attempt_is_over"),
        (RecordPreparation(ORDER, gbp(2034), "pi_2", "k1"), "attempt_is_over"),
        (RecordCapture(ORDER, gbp(2034), "pi_1", "k1"), "payment_not_prepared"),
        (RecordDecline(ORDER, gbp(2034), "x", "k1"), "payment_not_prepared"),
        (RecordVoid(ORDER, "pi_1"), "nothing_authorised"),
        (ForbidPayment(ORDER), "payment_exists"),
        (TakeKey(ORDER, "k1"), "attempt_is_over"),
    ):
        spec.given(LEFT).when(command).then_refused(code)


def test_another_payment_can_begin_under_another_key() -> None:
    taken = PaymentKeyTaken(ORDER, "k2")
    spec.given(LEFT).when(TakeKey(ORDER, "k2")).then(taken)
    again = PaymentClaimed(ORDER, gbp(2034), "pi_1", "k2")
    spec.given(LEFT, taken).when(RecordClaim(ORDER, gbp(2034), "pi_1", "k2")).then(again)


def test_a_reference_belongs_to_one_order_for_ever() -> None:
    mine, theirs = ReferenceClaimed(ORDER), ClaimReference(OrderId("other"))
    claims.given().when(ClaimReference(ORDER)).then(mine)
    claims.given(mine).when(ClaimReference(ORDER)).then_nothing()
    claims.given(mine).when(theirs).then_refused("payment_is_claimed")
    with pytest.raises(ImpossibleHistory):
        claim.evolve(mine, mine)

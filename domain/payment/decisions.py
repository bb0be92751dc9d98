"""What is recorded of the provider's answers about an order's payment.

A command may come twice or late: it changes nothing if its content is recorded, and is refused if
it contradicts the record. A payment is recorded before it is confirmed, so an answer about another
one is never ours. What the provider says of the recorded one is a fact, also after we believed that
it was over.
"""

from typing import assert_never

from domain import fields
from domain.errors import RuleBroken
from domain.notes import cut
from domain.payment import commands, events
from domain.payment.state import (
    Authorised,
    Captured,
    Declined,
    Forbidden,
    NoPayment,
    NotClaimed,
    PaymentState,
    Prepared,
    Voided,
)

_Events = tuple[events.PaymentEvent, ...]
_Begin = commands.RecordPreparation | commands.RecordClaim
_Before = commands.TakeKey | _Begin | commands.RecordRefusal | commands.ForbidPayment
_Answer = _Begin | commands.RecordAuthorisation | commands.RecordCapture


def decide(command: commands.PaymentCommand, state: PaymentState) -> _Events:
    """The resulting events; empty if the command changes nothing.

    Raises:
        InvalidValue: a value of the command is not acceptable.
        CurrencyMismatch: the amount is not in the payment's currency.
        RuleBroken: the command contradicts what is recorded.
    """
    if isinstance(command, commands.RefundCommand):
        return _refund(command, state)
    if isinstance(command, _Before):
        return _before(command, state)
    match command:
        case commands.RecordAuthorisation():
            return _authorise(command, state)
        case commands.RecordCapture():
            return _capture(command, state)
        case commands.RecordDecline():
            return _decline(command, state)
        case commands.RecordVoid() | commands.RecordExpiry():
            return _end(command, state)
        case _:
            assert_never(command)


# --- before the confirmation ---------------------------------------------------------------------


def _before(command: _Before, state: PaymentState) -> _Events:
    match command:
        case commands.TakeKey():
            return _take_key(command, state)
        case commands.RecordPreparation() | commands.RecordClaim():
            return _prepare(command, state)
        case commands.RecordRefusal():
            return _leave_alone(command, state)
        case commands.ForbidPayment():
            return _forbid(command, state)
        case _:
            assert_never(command)


def _take_key(command: commands.TakeKey, state: PaymentState) -> _Events:
    fields.check_reference(command.idempotency_key, "idempotency_key")
    match state:
        case NoPayment() if state.idempotency_key == command.idempotency_key:
            return ()
        case Declined() | Voided() | NotClaimed() if (
            state.idempotency_key == command.idempotency_key
        ):
            raise _attempt_is_over()
        case NoPayment() | Declined() | Voided() | NotClaimed():
            pass
        case _:
            raise _exists(state)
    return (events.PaymentKeyTaken(command.order_id, command.idempotency_key),)


def _prepare(command: _Begin, state: PaymentState) -> _Events:
    _check_answer(command)
    match state:
        case NoPayment():
            pass
        case Declined() if state.reference != command.reference:
            if command.idempotency_key == state.idempotency_key:
                raise _attempt_is_over()
        case Prepared() | Authorised() | Captured() | Declined() | Voided():
            _check_same(command.reference, state)
            return ()
        case NotClaimed():
            raise _attempt_is_over()
        case Forbidden():
            raise _exists(state)
        case _:
            assert_never(state)
    claimed = isinstance(command, commands.RecordClaim)
    event = events.PaymentClaimed if claimed else events.PaymentPrepared
    return (event(command.order_id, command.amount, command.reference, command.idempotency_key),)


def _leave_alone(command: commands.RecordRefusal, state: PaymentState) -> _Events:
    fields.check_reference(command.reference, "reference")
    fields.check_reference(command.idempotency_key, "idempotency_key")
    match state:
        case NoPayment():
            code, key = cut(command.code, fields.MAX_REFERENCE), command.idempotency_key
            left = (command.order_id, command.amount, code, command.reference, key)
            return (events.PaymentNotClaimed(*left),)
        case NotClaimed() if state.idempotency_key == command.idempotency_key:
            return ()
        case _:
            raise _exists(state)


def _forbid(command: commands.ForbidPayment, state: PaymentState) -> _Events:
    match state:
        case NoPayment():
            return (events.PaymentForbidden(command.order_id),)
        case Forbidden():
            return ()
        case _:
            raise _exists(state)


def _attempt_is_over() -> RuleBroken:
    return RuleBroken("attempt_is_over", "this attempt is over: a new one needs a new key")


def _exists(state: PaymentState) -> RuleBroken:
    if isinstance(state, Forbidden):
        return RuleBroken("payment_forbidden", "the order takes no payment any more")
    return RuleBroken("payment_exists", "the order has a payment at the provider already")


# --- after it ------------------------------------------------------------------------------------

_NOTHING = NoPayment | NotClaimed | Forbidden


def _check_answer(command: _Answer) -> None:
    fields.check_amount(command.amount, "amount")
    fields.check_reference(command.reference, "reference")
    fields.check_reference(command.idempotency_key, "idempotency_key")


def _check_same(
    reference: str, state: Prepared | Authorised | Captured | Declined | Voided
) -> None:
    if reference != state.reference:
        raise _differs("reference")


def _differs(what: str) -> RuleBroken:
    return RuleBroken(f"payment_{what}_differs", f"the order's payment has another {what}")


def _not_prepared() -> RuleBroken:
    return RuleBroken("payment_not_prepared", "no payment of this order is known to exist")


def _authorise(command: commands.RecordAuthorisation, state: PaymentState) -> _Events:
    _check_answer(command)
    if isinstance(state, _NOTHING):
        raise _not_prepared()
    _check_same(command.reference, state)
    match state:
        case Authorised() if state.amount != command.amount:
            raise _differs("amount")
        case Authorised() | Captured() | Voided():
            return ()
        case Prepared() | Declined():
            pass
        case _:
            assert_never(state)
    return (
        events.PaymentAuthorised(
            command.order_id,
            command.amount,
            command.reference,
            command.idempotency_key,
            command.lapses_at,
        ),
    )


def _capture(command: commands.RecordCapture, state: PaymentState) -> _Events:
    _check_answer(command)
    if isinstance(state, _NOTHING):
        raise _not_prepared()
    _check_same(command.reference, state)
    match state:
        case Captured() if state.amount != command.amount:
            raise _differs("amount")
        case Captured():
            return ()
        case Authorised() | Prepared() if state.amount < command.amount:
            raise RuleBroken(
                "capture_exceeds_authorisation", "more was captured than was authorised"
            )
        case Authorised() | Prepared() | Declined() | Voided():
            pass
        case _:
            assert_never(state)
    return (
        events.PaymentCaptured(
            command.order_id, command.amount, command.reference, command.idempotency_key
        ),
    )


def _decline(command: commands.RecordDecline, state: PaymentState) -> _Events:
    fields.check_reference(command.idempotency_key, "idempotency_key")
    code, key = cut(command.code, fields.MAX_REFERENCE), command.idempotency_key
    match state:
        case NoPayment() | NotClaimed() | Forbidden():
            raise _not_prepared()
        case Captured():
            raise RuleBroken("already_captured", "the payment was captured, not declined")
        case Authorised() if key == state.idempotency_key:
            raise RuleBroken("already_authorised", "the payment was authorised, not declined")
        case Authorised() if key in state.capture_declines:
            return ()
        case Declined() | Voided():
            return ()
        case Prepared() | Authorised():
            pass
        case _:
            assert_never(state)
    return (events.PaymentDeclined(command.order_id, command.amount, code, key),)


def _end(command: commands.RecordVoid | commands.RecordExpiry, state: PaymentState) -> _Events:
    match state:
        case NoPayment() | NotClaimed() | Forbidden():
            raise RuleBroken("nothing_authorised", "there is no payment to void")
        case Captured():
            _check_same(command.reference, state)
            raise RuleBroken("already_captured", "captured money is refunded, not voided")
        case Declined() | Voided():
            _check_same(command.reference, state)
            return ()
        case Prepared() | Authorised():
            _check_same(command.reference, state)
        case _:
            assert_never(state)
    expired = isinstance(command, commands.RecordExpiry)
    event = events.PaymentExpired if expired else events.PaymentVoided
    return (event(command.order_id, state.amount, state.reference),)


# --- refunds -------------------------------------------------------------------------------------


def _refund(command: commands.RefundCommand, state: PaymentState) -> _Events:
    fields.check_amount(command.amount, "amount")
    fields.check_reference(command.refund_reference, "refund_reference")
    if not isinstance(state, Captured):
        raise RuleBroken("nothing_captured", "there is no captured money to refund")
    _check_same(command.reference, state)
    key = command.refund_reference
    pending = state.pending[key].amount if key in state.pending else None
    recorded = state.refunds.get(key, pending)
    if recorded is not None and recorded != command.amount:
        raise RuleBroken("refund_differs", "this refund is recorded with another amount")
    match command:
        case commands.RecordRefund():
            return _refunded(command, state)
        case commands.RecordRefundPending():
            return _refund_pending(command, state)
        case commands.RecordRefundFailure():
            return _refund_failed(command, state)
        case _:
            assert_never(command)


def _refunded(command: commands.RecordRefund, state: Captured) -> _Events:
    if command.refund_reference in state.refunds:
        return ()
    _check_covered(command, state)
    return (
        events.PaymentRefunded(
            command.order_id, command.amount, command.reference, command.refund_reference
        ),
    )


def _refund_pending(command: commands.RecordRefundPending, state: Captured) -> _Events:
    key = command.refund_reference
    fields.check_reference(command.refund_id, "refund_id")
    if key in state.refunds or key in state.pending or key in state.failed:
        return ()  # this news is older than what is recorded
    _check_covered(command, state)
    return (
        events.RefundPending(
            command.order_id, command.amount, command.reference, key, command.refund_id
        ),
    )


def _refund_failed(command: commands.RecordRefundFailure, state: Captured) -> _Events:
    key = command.refund_reference
    if key in state.failed:
        return ()
    code = cut(command.code, fields.MAX_REFERENCE)
    event = events.RefundReversed if key in state.refunds else events.RefundFailed
    return (event(command.order_id, command.amount, command.reference, key, code),)


def _check_covered(
    command: commands.RecordRefund | commands.RecordRefundPending, state: Captured
) -> None:
    if state.refundable < command.amount:
        raise RuleBroken("refund_exceeds_capture", "more was refunded than was captured")

"""The payment of an order, as the provider's answers report it.

    none ──> authorised ──> captured (refunds reduce what is kept)
      │           └───────> voided
      └────> declined

A command may come twice or late: it changes nothing if its content is recorded, and is refused if
it contradicts the record. After a decline or a void, a new attempt needs a new idempotency key.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, assert_never

from domain import fields
from domain.errors import ImpossibleHistory, RuleBroken
from domain.ids import OrderId
from domain.money import Money, total
from domain.notes import cut
from domain.payment import commands, events

_Events = tuple[events.PaymentEvent, ...]


@dataclass(frozen=True, slots=True)
class NoPayment:
    """No answer from the provider is recorded."""


@dataclass(frozen=True, slots=True)
class Authorised:
    """The provider authorised `amount`; `capture_declines` are the keys of declined captures."""

    order_id: OrderId
    amount: Money
    reference: str
    idempotency_key: str
    capture_declines: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Captured:
    """The provider captured `amount`; `refunds` are the refunded amounts, by refund reference."""

    order_id: OrderId
    amount: Money
    reference: str
    idempotency_key: str
    refunds: Mapping[str, Money] = field(default_factory=dict)

    @property
    def refunded(self) -> Money:
        """The sum of all refunds."""
        return total(self.refunds.values(), self.amount.currency)

    @property
    def refundable(self) -> Money:
        """What can still be refunded."""
        return self.amount - self.refunded


@dataclass(frozen=True, slots=True)
class Declined:
    """The provider declined."""

    code: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class Voided:
    """The authorisation was released; no money moved."""

    reference: str
    idempotency_key: str


PaymentState = NoPayment | Authorised | Captured | Declined | Voided

INITIAL: Final[PaymentState] = NoPayment()


def holds_money(state: PaymentState) -> bool:
    """Whether money of the customer is captured or authorised."""
    match state:
        case Authorised():
            return True
        case Captured():
            return state.refundable.minor > 0
        case NoPayment() | Declined() | Voided():
            return False
        case _:
            assert_never(state)


def is_overpaid(state: PaymentState, total: Money) -> bool:
    """Whether more than `total` is captured and not refunded."""
    return isinstance(state, Captured) and total < state.refundable


# --- decide --------------------------------------------------------------------------------------


def decide(command: commands.PaymentCommand, state: PaymentState) -> _Events:
    """The resulting events; empty if the command changes nothing.

    Raises:
        InvalidValue: a value of the command is not acceptable.
        CurrencyMismatch: the amount is not in the payment's currency.
        RuleBroken: the command contradicts what is recorded.
    """
    match command:
        case commands.RecordAuthorisation():
            return _authorise(command, state)
        case commands.RecordCapture():
            return _capture(command, state)
        case commands.RecordDecline():
            return _decline(command, state)
        case commands.RecordVoid():
            return _void(command, state)
        case commands.RecordRefund():
            return _refund(command, state)
        case _:
            assert_never(command)


def _check_attempt(command: commands.RecordAuthorisation | commands.RecordCapture) -> None:
    fields.check_amount(command.amount, "amount")
    fields.check_reference(command.reference, "reference")
    fields.check_reference(command.idempotency_key, "idempotency_key")


def _authorise(command: commands.RecordAuthorisation, state: PaymentState) -> _Events:
    _check_attempt(command)
    match state:
        case Authorised() | Captured() | Voided() if state.reference == command.reference:
            if isinstance(state, Authorised) and state.amount != command.amount:
                raise _differs("amount")
            return ()
        case Authorised() | Captured():
            raise _differs("reference")
        case Declined() | Voided():
            _check_new_key(command.idempotency_key, state)
        case NoPayment():
            pass
        case _:
            assert_never(state)
    return (
        events.PaymentAuthorised(
            command.order_id, command.amount, command.reference, command.idempotency_key
        ),
    )


def _capture(command: commands.RecordCapture, state: PaymentState) -> _Events:
    _check_attempt(command)
    match state:
        case Authorised() | Captured() if state.reference != command.reference:
            raise _differs("reference")
        case Captured() if state.amount != command.amount:
            raise _differs("amount")
        case Captured():
            return ()
        case Authorised():
            _check_covered(command.amount, state)
        case Declined() | Voided():
            _check_new_key(command.idempotency_key, state)
        case NoPayment():
            pass
        case _:
            assert_never(state)
    return (
        events.PaymentCaptured(
            command.order_id, command.amount, command.reference, command.idempotency_key
        ),
    )


def _check_covered(captured: Money, state: Authorised) -> None:
    if state.amount < captured:
        raise RuleBroken("capture_exceeds_authorisation", "more was captured than was authorised")


def _check_new_key(key: str, state: Declined | Voided) -> None:
    if key == state.idempotency_key:
        raise RuleBroken(
            "attempt_is_over", "this attempt was declined or voided: a new one needs a new key"
        )


def _differs(what: str) -> RuleBroken:
    return RuleBroken(f"payment_{what}_differs", f"the order's payment has another {what}")


def _decline(command: commands.RecordDecline, state: PaymentState) -> _Events:
    fields.check_reference(command.idempotency_key, "idempotency_key")
    code, key = cut(command.code, fields.MAX_REFERENCE), command.idempotency_key
    match state:
        case Captured():
            raise RuleBroken("already_captured", "the payment was captured, not declined")
        case Authorised() if key == state.idempotency_key:
            raise RuleBroken("already_authorised", "the payment was authorised, not declined")
        case Authorised() if key in state.capture_declines:
            return ()
        case Declined() if key == state.idempotency_key:
            return ()
        case Voided():
            _check_new_key(key, state)
        case NoPayment() | Authorised() | Declined():
            pass
        case _:
            assert_never(state)
    return (events.PaymentDeclined(command.order_id, command.amount, code, key),)


def _void(command: commands.RecordVoid, state: PaymentState) -> _Events:
    match state:
        case Authorised() | Voided() | Captured() if state.reference != command.reference:
            raise _differs("reference")
        case Authorised():
            return (events.PaymentVoided(command.order_id, state.amount, state.reference),)
        case Voided():
            return ()
        case Captured():
            raise RuleBroken("already_captured", "captured money is refunded, not voided")
        case NoPayment() | Declined():
            raise RuleBroken("nothing_authorised", "there is no authorisation to void")
        case _:
            assert_never(state)


def _refund(command: commands.RecordRefund, state: PaymentState) -> _Events:
    fields.check_amount(command.amount, "amount")
    fields.check_reference(command.refund_reference, "refund_reference")
    if not isinstance(state, Captured):
        raise RuleBroken("nothing_captured", "there is no captured money to refund")
    if state.reference != command.reference:
        raise _differs("reference")
    refunded = state.refunds.get(command.refund_reference)
    if refunded == command.amount:
        return ()
    if refunded is not None:
        raise RuleBroken("refund_differs", "this refund is recorded with another amount")
    if state.refundable < command.amount:
        raise RuleBroken("refund_exceeds_capture", "more was refunded than was captured")
    return (
        events.PaymentRefunded(
            command.order_id, command.amount, command.reference, command.refund_reference
        ),
    )


# --- evolve --------------------------------------------------------------------------------------


def evolve(state: PaymentState, event: events.PaymentEvent) -> PaymentState:
    """The state after an event; raises ImpossibleHistory if it cannot follow on `state`."""
    match event:
        case events.PaymentAuthorised():
            return Authorised(event.order_id, event.amount, event.reference, event.idempotency_key)
        case events.PaymentCaptured():
            return Captured(event.order_id, event.amount, event.reference, event.idempotency_key)
        case events.PaymentDeclined():
            return _declined(state, event)
        case events.PaymentVoided():
            return _voided(state, event)
        case events.PaymentRefunded():
            return _refunded(state, event)
        case _:
            assert_never(event)


def _declined(state: PaymentState, event: events.PaymentDeclined) -> PaymentState:
    # A declined capture leaves the authorisation in place: it must still be voided.
    if isinstance(state, Authorised):
        keys = state.capture_declines | {event.idempotency_key}
        return replace(state, capture_declines=keys)
    return Declined(event.code, event.idempotency_key)


def _voided(state: PaymentState, event: events.PaymentVoided) -> PaymentState:
    if not isinstance(state, Authorised):
        raise ImpossibleHistory(event, state)
    return Voided(state.reference, state.idempotency_key)


def _refunded(state: PaymentState, event: events.PaymentRefunded) -> PaymentState:
    if not isinstance(state, Captured) or state.refundable < event.amount:
        raise ImpossibleHistory(event, state)
    return replace(state, refunds={**state.refunds, event.refund_reference: event.amount})

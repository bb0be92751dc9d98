"""The payment of an order, as its events tell it.

none ──> prepared ──> authorised ──> captured (refunds reduce what is kept)
│         ├──> captured   └──> voided, expired
│         └──> declined, voided
└────> forbidden, not claimed

After a payment that was declined, voided, expired or not claimed, another one can begin under a new
key.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from typing import Final, assert_never

from domain.errors import ImpossibleHistory
from domain.ids import OrderId
from domain.money import Money, total
from domain.payment import events


@dataclass(frozen=True, slots=True)
class NoPayment:
    """Nothing is known to exist at the provider.

    `idempotency_key` is the key to create the payment with; None: the order's first.
    """

    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """The provider created the payment; it may be confirmed at any moment.

    `claimed`: the shop has confirmed it at checkout; what the provider holds or has captured is
    not recorded yet, and neither may be whose it is at the provider.
    """

    order_id: OrderId
    amount: Money
    reference: str
    idempotency_key: str
    claimed: bool = False


@dataclass(frozen=True, slots=True)
class Authorised:
    """The provider authorised `amount`; `capture_declines` are the keys of declined captures."""

    order_id: OrderId
    amount: Money
    reference: str
    idempotency_key: str
    capture_declines: frozenset[str] = frozenset()
    lapses_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PendingRefund:
    """A refund that the provider took on and that is not final; `refund_id` is its id there."""

    amount: Money
    refund_id: str


@dataclass(frozen=True, slots=True)
class Captured:
    """The provider captured `amount`.

    `refunds`, `pending` and `failed` are the refunds that succeeded, that are not final, and that
    failed, by refund reference.
    """

    order_id: OrderId
    amount: Money
    reference: str
    idempotency_key: str
    refunds: Mapping[str, Money] = field(default_factory=dict)
    pending: Mapping[str, PendingRefund] = field(default_factory=dict)
    failed: frozenset[str] = frozenset()

    @property
    def refunded(self) -> Money:
        """The sum of all refunds that succeeded."""
        return total(self.refunds.values(), self.amount.currency)

    @property
    def refundable(self) -> Money:
        """What can still be refunded, pending refunds included."""
        return self.amount - self.refunded

    def refund_key(self, first: str) -> str:
        """The key for the next attempt at a refund whose first attempt has the key `first`."""
        later = (f"{first}-{number}" for number in count(2))
        return first if first not in self.failed else next(k for k in later if k not in self.failed)


@dataclass(frozen=True, slots=True)
class Declined:
    """The provider declined; `reference` is its payment."""

    order_id: OrderId
    code: str
    reference: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class Voided:
    """The payment was ended before money was taken; `expired`: the authorisation lapsed."""

    order_id: OrderId
    reference: str
    idempotency_key: str
    expired: bool = False


@dataclass(frozen=True, slots=True)
class NotClaimed:
    """A payment that the shop confirmed is not the order's, and is left alone."""

    order_id: OrderId
    code: str
    reference: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class Forbidden:
    """No payment was created, and none will be confirmed."""


KnownPayment = Prepared | Authorised | Captured | Declined | Voided
"""The provider has a payment of this order, under a reference that we know."""
PaymentState = NoPayment | KnownPayment | NotClaimed | Forbidden

INITIAL: Final[PaymentState] = NoPayment()


def holds_money(state: PaymentState) -> bool:
    """Whether money of the customer is captured or authorised, or may become so."""
    match state:
        case Authorised() | Prepared():
            return True
        case Captured():
            return state.refundable.minor > 0
        case NoPayment() | Declined() | Voided() | NotClaimed() | Forbidden():
            return False
        case _:
            assert_never(state)


def is_overpaid(state: PaymentState, total: Money) -> bool:
    """Whether more than `total` is captured and not refunded."""
    return isinstance(state, Captured) and total < state.refundable


# --- evolve --------------------------------------------------------------------------------------

_Before = (
    events.PaymentKeyTaken
    | events.PaymentForbidden
    | events.PaymentPrepared
    | events.PaymentClaimed
    | events.PaymentNotClaimed
)
_BEFORE: Final = (
    events.PaymentKeyTaken,
    events.PaymentForbidden,
    events.PaymentPrepared,
    events.PaymentClaimed,
    events.PaymentNotClaimed,
)


def evolve(state: PaymentState, event: events.PaymentEvent) -> PaymentState:
    """The state after an event; raises ImpossibleHistory if it cannot follow on `state`."""
    if isinstance(event, events.RefundEvent):
        return _after_refund(state, event)
    if isinstance(event, _BEFORE):
        return _before(event)
    match event:
        case events.PaymentAuthorised(order_id, amount, reference, key, lapses_at):
            return Authorised(order_id, amount, reference, key, lapses_at=lapses_at)
        case events.PaymentCaptured():
            return Captured(event.order_id, event.amount, event.reference, event.idempotency_key)
        case events.PaymentDeclined():
            return _declined(state, event)
        case events.PaymentVoided() | events.PaymentExpired():
            return _ended(state, event)
        case _:
            assert_never(event)


def _before(event: _Before) -> PaymentState:
    match event:
        case events.PaymentKeyTaken(idempotency_key=key):
            return NoPayment(key)
        case events.PaymentForbidden():
            return Forbidden()
        case events.PaymentPrepared(order_id, amount, reference, key):
            return Prepared(order_id, amount, reference, key)
        case events.PaymentClaimed(order_id, amount, reference, key):
            return Prepared(order_id, amount, reference, key, claimed=True)
        case events.PaymentNotClaimed(order_id, _, code, reference, key):
            return NotClaimed(order_id, code, reference, key)
        case _:
            assert_never(event)


def _declined(state: PaymentState, event: events.PaymentDeclined) -> PaymentState:
    # A declined capture leaves the authorisation in place: it must still be voided.
    if isinstance(state, Authorised):
        keys = state.capture_declines | {event.idempotency_key}
        return replace(state, capture_declines=keys)
    if not isinstance(state, Prepared):
        raise ImpossibleHistory(event, state)
    return Declined(event.order_id, event.code, state.reference, event.idempotency_key)


def _ended(
    state: PaymentState, event: events.PaymentVoided | events.PaymentExpired
) -> PaymentState:
    if not isinstance(state, Prepared | Authorised):
        raise ImpossibleHistory(event, state)
    expired = isinstance(event, events.PaymentExpired)
    return Voided(event.order_id, state.reference, state.idempotency_key, expired)


def _after_refund(state: PaymentState, event: events.RefundEvent) -> PaymentState:
    if not isinstance(state, Captured):
        raise ImpossibleHistory(event, state)
    key = event.refund_reference
    refunds = {name: amount for name, amount in state.refunds.items() if name != key}
    pending = {name: one for name, one in state.pending.items() if name != key}
    match event:
        case events.PaymentRefunded():
            if state.refundable < event.amount:
                raise ImpossibleHistory(event, state)
            return replace(state, refunds={**refunds, key: event.amount}, pending=pending)
        case events.RefundPending():
            waiting = {**pending, key: PendingRefund(event.amount, event.refund_id)}
            return replace(state, pending=waiting)
        case events.RefundFailed() | events.RefundReversed():
            return replace(state, refunds=refunds, pending=pending, failed=state.failed | {key})
        case _:
            assert_never(event)

"""Events of the returns of an order; all cases of an order share the stream ``returns-<order id>``.

So each grant sees all grants before it, and several cases never refund more than was captured.
"""

from dataclasses import dataclass

from domain.ids import OrderId, ReturnId
from domain.lines import LineShare, Pieces
from domain.money import Money
from domain.returns.values import ReturnKind


@dataclass(frozen=True, slots=True)
class ReturnOpened:
    """A case was opened for `lines`. With `everything`, those are all pieces not yet returned."""

    order_id: OrderId
    return_id: ReturnId
    kind: ReturnKind
    lines: tuple[LineShare, ...]
    everything: bool
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class RefundGranted:
    """`amount` will be refunded; the provider has not been called yet."""

    return_id: ReturnId
    amount: Money
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class RefundDenied:
    """Nothing will be refunded for this case."""

    return_id: ReturnId
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class RestockDecided:
    """`pieces` will be booked back into stock; none if empty."""

    return_id: ReturnId
    pieces: tuple[Pieces, ...]
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReturnRefunded:
    """The granted refund was made; `refund_reference` identifies it at the provider."""

    return_id: ReturnId
    amount: Money
    refund_reference: str


@dataclass(frozen=True, slots=True)
class ReturnRefundPending:
    """The provider took on the granted refund; the money is on its way, and may still fail."""

    return_id: ReturnId
    amount: Money
    refund_reference: str


@dataclass(frozen=True, slots=True)
class ReturnRefundFailed:
    """An attempt at the granted refund failed; a person must decide."""

    return_id: ReturnId
    refund_reference: str


@dataclass(frozen=True, slots=True)
class ReturnRestocked:
    """The pieces were booked back into stock."""

    return_id: ReturnId


@dataclass(frozen=True, slots=True)
class ReturnAttentionRequired:
    """A person must act on the case; `waiting_for` says in one sentence what to do."""

    return_id: ReturnId
    at_step: str
    waiting_for: str


@dataclass(frozen=True, slots=True)
class ReturnOperatorActed:
    """An operator intervened in the case: who, what and why."""

    return_id: ReturnId
    actor: str
    action: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReturnClosed:
    """The case ended; both decisions had been carried out."""

    return_id: ReturnId


CaseEvent = (
    RefundGranted
    | RefundDenied
    | RestockDecided
    | ReturnRefunded
    | ReturnRefundPending
    | ReturnRefundFailed
    | ReturnRestocked
    | ReturnAttentionRequired
    | ReturnOperatorActed
    | ReturnClosed
)
ReturnEvent = ReturnOpened | CaseEvent

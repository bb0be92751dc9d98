"""Facts of the returns of an order; all cases of one order share the stream ``returns-<order id>``.

Sharing it is what keeps several cases from giving back more than was captured: a grant is one
append that sees all grants before it.
"""

from dataclasses import dataclass

from domain.ids import OrderId, ReturnId
from domain.money import Money
from domain.returns.values import ReturnedLine, ReturnKind
from domain.values import Pieces


@dataclass(frozen=True, slots=True)
class ReturnOpened:
    """A case was opened over these pieces; `everything`: all that was left was asked for."""

    order_id: OrderId
    return_id: ReturnId
    kind: ReturnKind
    lines: tuple[ReturnedLine, ...]
    everything: bool
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class RefundGranted:
    """`amount` is to go back to the customer; the provider was not asked yet."""

    return_id: ReturnId
    amount: Money
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class RefundDenied:
    """No money goes back for this case."""

    return_id: ReturnId
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class RestockDecided:
    """These pieces go back into the stock ledger; none if empty."""

    return_id: ReturnId
    pieces: tuple[Pieces, ...]
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReturnRefunded:
    """The granted money went back; `refund_reference` is what the provider knows it by."""

    return_id: ReturnId
    amount: Money
    refund_reference: str


@dataclass(frozen=True, slots=True)
class ReturnRestocked:
    """The decided pieces are in the stock ledger again."""

    return_id: ReturnId


@dataclass(frozen=True, slots=True)
class ReturnAttentionRequired:
    """A person must act on the case: `waiting_for` says in one sentence what on."""

    return_id: ReturnId
    at_step: str
    waiting_for: str


@dataclass(frozen=True, slots=True)
class ReturnOperatorActed:
    """A person steered the case: who, what and why."""

    return_id: ReturnId
    actor: str
    action: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReturnClosed:
    """Both decisions were made and carried out."""

    return_id: ReturnId


ReturnEvent = (
    ReturnOpened
    | RefundGranted
    | RefundDenied
    | RestockDecided
    | ReturnRefunded
    | ReturnRestocked
    | ReturnAttentionRequired
    | ReturnOperatorActed
    | ReturnClosed
)

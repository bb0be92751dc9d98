"""Commands of the returns of an order.

Facts of other aggregates (the shipped lines, the captured amount) are part of a command.
"""

from dataclasses import dataclass

from domain.ids import OrderId, ReturnId
from domain.lines import Content, Pieces
from domain.money import Money
from domain.returns.values import ReturnKind


@dataclass(frozen=True, slots=True)
class OpenReturn:
    """Open a case for pieces that were shipped and are in no other case.

    Attributes:
        pieces: what comes back; None: everything that is left, services included.
        shipped: the pieces of each line that were shipped, or rendered.
        content: the order as it was submitted, which decides what each piece costs.
    """

    order_id: OrderId
    return_id: ReturnId
    kind: ReturnKind
    pieces: tuple[Pieces, ...] | None
    shipped: tuple[Pieces, ...]
    content: Content
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class GrantRefund:
    """Grant a refund of `amount`; None: what was paid for the returned lines, at most what is left.

    `captured` is what was captured for the order; all grants together never exceed it.
    """

    return_id: ReturnId
    amount: Money | None
    captured: Money
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class DenyRefund:
    """Deny a refund."""

    return_id: ReturnId
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class DecideRestock:
    """Put `pieces` back into stock; None: all goods that came back; empty: none."""

    return_id: ReturnId
    pieces: tuple[Pieces, ...] | None
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class RecordReturnRefund:
    """Record that the granted refund was made."""

    return_id: ReturnId
    refund_reference: str


@dataclass(frozen=True, slots=True)
class RecordReturnAttempt:
    """Record an attempt at the granted refund that has not succeeded: it is pending, or failed."""

    return_id: ReturnId
    refund_reference: str
    failed: bool


@dataclass(frozen=True, slots=True)
class RecordRestocked:
    """Record that the pieces were booked in."""

    return_id: ReturnId


@dataclass(frozen=True, slots=True)
class RequireReturnAttention:
    """Record that a person must act on the case."""

    return_id: ReturnId
    at_step: str
    waiting_for: str


@dataclass(frozen=True, slots=True)
class RecordReturnOperator:
    """Record which operator did what to the case, and why."""

    return_id: ReturnId
    actor: str
    action: str
    reason: str


@dataclass(frozen=True, slots=True)
class CloseReturn:
    """Close the case; both decisions must have been made and carried out."""

    return_id: ReturnId


ReturnCommand = (
    OpenReturn
    | GrantRefund
    | DenyRefund
    | DecideRestock
    | RecordReturnRefund
    | RecordReturnAttempt
    | RecordRestocked
    | RequireReturnAttention
    | RecordReturnOperator
    | CloseReturn
)

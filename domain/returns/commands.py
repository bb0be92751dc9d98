"""What can be asked of the returns of an order.

What other aggregates know (the shipped lines, the captured amount) comes in as data.
"""

from dataclasses import dataclass

from domain.ids import OrderId, ReturnId
from domain.money import Money
from domain.returns.values import ReturnedLine, ReturnKind
from domain.values import Pieces


@dataclass(frozen=True, slots=True)
class OpenReturn:
    """Open a case over pieces that were shipped and are in no other case.

    Attributes:
        pieces: what comes back; None: everything that is left.
        shipped: the order's lines as they left the house.
    """

    order_id: OrderId
    return_id: ReturnId
    kind: ReturnKind
    pieces: tuple[Pieces, ...] | None
    shipped: tuple[ReturnedLine, ...]
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class GrantRefund:
    """Give `amount` back, or (None) the price of the lines as far as it is left.

    `captured` is what was taken for the order: all grants together never exceed it.
    """

    return_id: ReturnId
    amount: Money | None
    captured: Money
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class DenyRefund:
    """Give no money back."""

    return_id: ReturnId
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class DecideRestock:
    """Put `pieces` back into stock: None for all returned ones, an empty tuple for none."""

    return_id: ReturnId
    pieces: tuple[Pieces, ...] | None
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class RecordReturnRefund:
    """Record that the granted money went back."""

    return_id: ReturnId
    refund_reference: str


@dataclass(frozen=True, slots=True)
class RecordRestocked:
    """Record that the decided pieces are in stock."""

    return_id: ReturnId


@dataclass(frozen=True, slots=True)
class RequireReturnAttention:
    """Record that a person must act on the case."""

    return_id: ReturnId
    at_step: str
    waiting_for: str


@dataclass(frozen=True, slots=True)
class RecordReturnOperator:
    """Record who steered the case, how and why."""

    return_id: ReturnId
    actor: str
    action: str
    reason: str


@dataclass(frozen=True, slots=True)
class CloseReturn:
    """End the case; both decisions must be made and carried out."""

    return_id: ReturnId


ReturnCommand = (
    OpenReturn
    | GrantRefund
    | DenyRefund
    | DecideRestock
    | RecordReturnRefund
    | RecordRestocked
    | RequireReturnAttention
    | RecordReturnOperator
    | CloseReturn
)

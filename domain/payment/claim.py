"""Which order has taken up a payment that the shop confirmed at checkout: one, once and for all."""

from dataclasses import dataclass
from typing import Final

from domain.errors import ImpossibleHistory, RuleBroken
from domain.ids import OrderId
from domain.payment.events import ReferenceClaimed


@dataclass(frozen=True, slots=True)
class ClaimReference:
    """Take up the payment; the same order again changes nothing."""

    order_id: OrderId


ClaimState = ReferenceClaimed | None
"""Who has taken it up; None: nobody."""

INITIAL: Final[ClaimState] = None


def decide(command: ClaimReference, state: ClaimState) -> tuple[ReferenceClaimed, ...]:
    """The resulting event; none if the order has it already.

    Raises:
        RuleBroken: another order has taken it up.
    """
    if state is None:
        return (ReferenceClaimed(command.order_id),)
    if state.order_id != command.order_id:
        raise RuleBroken("payment_is_claimed", "another order has taken up this payment")
    return ()


def evolve(state: ClaimState, event: ReferenceClaimed) -> ReferenceClaimed:
    """The state after an event; raises ImpossibleHistory if it cannot follow on `state`."""
    if state is not None:
        raise ImpossibleHistory(event, state)
    return event

"""Erasure of personal data: whether it is allowed, and the record of it.

The subject of personal data is a customer, or the order of a guest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from domain import fields
from domain.customer.commands import RecordErasure
from domain.customer.events import CustomerErased
from domain.errors import RuleBroken
from domain.ids import OrderId
from domain.order.state import Cancelled, Completed, OrderState, status_of

_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Customer:
    """The erasures so far: whether there was one, and the ids of the destroyed keys."""

    erased: bool = False
    keys: frozenset[str] = frozenset()


INITIAL: Final = Customer()


def check_erasable(orders: Mapping[OrderId, OrderState]) -> None:
    """Refuse to erase the data of a subject with open orders, drafts included.

    Raises:
        RuleBroken: there are some; the message names them with their status.
    """
    open_orders = [
        f"{order_id} ({status_of(state)})"
        for order_id, state in sorted(orders.items())
        if not isinstance(state, Completed | Cancelled)
    ]
    if open_orders:
        more = f" and {len(open_orders) - _SHOWN} more" if len(open_orders) > _SHOWN else ""
        raise RuleBroken(
            "customer_has_open_orders",
            f"orders are still open: {', '.join(open_orders[:_SHOWN])}{more}; "
            "let them end, or cancel them, first",
        )


def decide(command: RecordErasure, state: Customer) -> tuple[CustomerErased, ...]:
    """The resulting events; empty if the command changes nothing.

    Raises:
        InvalidValue: the reason is empty, too long or not printable.
    """
    reason = fields.parse_reason(command.reason)
    new = tuple(key for key in command.keys if key not in state.keys)
    if state.erased and not new:
        return ()
    return (CustomerErased(command.subject, new, reason),)


def evolve(state: Customer, event: CustomerErased) -> Customer:
    """The state after an event."""
    return Customer(erased=True, keys=state.keys | set(event.keys))

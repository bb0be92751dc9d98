"""A customer, as far as this system keeps one: whose personal data was erased, and when it may be.

The subject of personal data is a customer, or the order of a guest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from domain import checks
from domain.customer.commands import RecordErasure
from domain.customer.events import CustomerErased
from domain.errors import RuleBroken
from domain.ids import OrderId
from domain.order.state import Cancelled, Completed, OrderState, status_of

_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Customer:
    """What is known of erasures: whether there was one, and the keys that were destroyed."""

    erased: bool = False
    keys: frozenset[str] = frozenset()


INITIAL: Final = Customer()


def check_erasable(orders: Mapping[OrderId, OrderState]) -> None:
    """Refuse to erase whoever has an order that is still being put together or carried out.

    Raises:
        RuleBroken: names open orders and where they stand.
    """
    open_ones = [
        f"{order_id} ({status_of(state)})"
        for order_id, state in sorted(orders.items())
        if not isinstance(state, Completed | Cancelled)
    ]
    if open_ones:
        more = f" and {len(open_ones) - _SHOWN} more" if len(open_ones) > _SHOWN else ""
        raise RuleBroken(
            "customer_has_open_orders",
            f"not while orders are open: {', '.join(open_ones[:_SHOWN])}{more}; "
            "let them end or cancel them first",
        )


def decide(command: RecordErasure, state: Customer) -> tuple[CustomerErased, ...]:
    """The record of an erasure; none if it is recorded already.

    Raises:
        InvalidValue: the reason is not storable text.
    """
    checks.check_note(command.reason, "reason")
    new = tuple(key for key in command.keys if key not in state.keys)
    if state.erased and not new:
        return ()
    return (CustomerErased(command.subject, new, command.reason),)


def evolve(state: Customer, event: CustomerErased) -> Customer:
    """The state after an event."""
    return Customer(erased=True, keys=state.keys | set(event.keys))

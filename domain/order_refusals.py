"""Why an order refuses a command, in the same words wherever it is decided."""

from domain.errors import RuleBroken
from domain.order_state import Cancelled, Completed, NoOrder, OrderState, status_of


def order_missing() -> RuleBroken:
    """There is no order."""
    return RuleBroken("order_missing", "there is no such order: create it first")


def order_closed(state: Completed | Cancelled) -> RuleBroken:
    """The order has ended."""
    return RuleBroken("order_is_closed", f"the order is {status_of(state)}: nothing can change")


def wrong_status(command: object, state: OrderState) -> RuleBroken:
    """The order is not where the command needs it."""
    match state:
        case NoOrder():
            return order_missing()
        case Completed() | Cancelled():
            return order_closed(state)
        case _:
            status = status_of(state)
            return RuleBroken(
                "wrong_status", f"{type(command).__name__} is not possible: the order is {status}"
            )

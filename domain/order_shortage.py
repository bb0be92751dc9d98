"""What an order decides about unavailable items: waiting for them, or going on with fewer."""

from dataclasses import replace
from typing import assert_never

from domain import checks
from domain.errors import RuleBroken
from domain.ids import Sku
from domain.money import total
from domain.order_refusals import wrong_status
from domain.order_state import Backordered, FrozenOrder, OrderState, Processing, Reserved, Submitted
from domain.shortage_commands import (
    AcceptBackorder,
    AmendOrder,
    OrderShortageCommand,
    ReportUnavailable,
)
from domain.shortage_events import (
    BackorderAccepted,
    ItemsUnavailable,
    OrderAmended,
    OrderShortageEvent,
)


def decide_shortage(
    command: OrderShortageCommand, state: OrderState
) -> tuple[OrderShortageEvent, ...]:
    """The events that a command leads to; none if what it asks for is so already.

    Raises:
        InvalidValue: a value of the command is not acceptable.
        RuleBroken: the order's status or its content does not allow it.
    """
    match command:
        case ReportUnavailable():
            return _report(command, state)
        case AcceptBackorder():
            return _accept(command, state)
        case AmendOrder():
            return _amend(command, state)
        case _:
            assert_never(command)


def _report(command: ReportUnavailable, state: OrderState) -> tuple[ItemsUnavailable, ...]:
    checks.check_moment(command.deadline, "deadline")
    match state:
        case Submitted():
            return (ItemsUnavailable(command.missing, command.asking, command.deadline),)
        case Backordered():
            return ()
        case _:
            raise wrong_status(command, state)


def _accept(command: AcceptBackorder, state: OrderState) -> tuple[BackorderAccepted, ...]:
    checks.check_moment(command.deadline, "deadline")
    if not isinstance(state, Backordered):
        raise wrong_status(command, state)
    return (BackorderAccepted(command.deadline),) if state.asking else ()


def _amend(command: AmendOrder, state: OrderState) -> tuple[OrderAmended, ...]:
    if not isinstance(state, Backordered | Reserved | Processing):
        raise wrong_status(command, state)
    order = state.order
    kept = _kept(command, order)
    lines = tuple(
        replace(line, quantity=kept[line.sku]) for line in order.lines if kept[line.sku] > 0
    )
    if not lines:
        raise RuleBroken("nothing_left", "nothing would be left of the order: cancel it instead")
    if lines == order.lines:
        return ()
    return (OrderAmended(lines, total((line.amount for line in lines), order.currency)),)


def _kept(command: AmendOrder, order: FrozenOrder) -> dict[Sku, int]:
    """The pieces of each SKU of the order after the command."""
    kept = {line.sku: line.quantity for line in order.lines}
    for wish in command.pieces:
        checks.check_kept_pieces(wish.quantity)
        if wish.sku not in kept:
            raise RuleBroken("item_missing", f"the order has no item {wish.sku}")
        if wish.quantity > kept[wish.sku]:
            raise RuleBroken(
                "amendment_adds", f"the order has {kept[wish.sku]} of {wish.sku}: none can be added"
            )
        kept[wish.sku] = wish.quantity
    return kept

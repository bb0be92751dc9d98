"""The order: a draft that is filled, frozen by submitting it, and carried to one of two ends.

The states and `evolve` stand in `domain.order_state`; this module decides commands and offers both.
"""

from typing import Final, assert_never

from domain import checks
from domain.commands import (
    AddItem,
    CancelOrder,
    ChangeDeliveryAddress,
    ChangeQuantity,
    CompleteOrder,
    CreateOrder,
    MarkReserved,
    OrderCommand,
    RemoveItem,
    SetAddress,
    StartProcessing,
    SubmitOrder,
)
from domain.errors import CurrencyMismatch, MoneyOverflow, RuleBroken
from domain.events import (
    AddressSet,
    DeliveryAddressChanged,
    ItemAdded,
    ItemRemoved,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderEvent,
    OrderProcessingStarted,
    OrderReserved,
    OrderSubmitted,
    QuantityChanged,
)
from domain.ids import Sku, parse_customer_id, parse_order_id, parse_sku
from domain.money import Money
from domain.order_refusals import order_closed, order_missing, wrong_status
from domain.order_shortage import decide_shortage
from domain.order_state import (
    INITIAL,
    Backordered,
    Cancelled,
    Completed,
    Draft,
    FrozenOrder,
    NoOrder,
    OrderState,
    OrderStatus,
    Processing,
    Reserved,
    Submitted,
    evolve,
    frozen_order,
    status_of,
)
from domain.shortage_commands import AcceptBackorder, AmendOrder, ReportUnavailable
from domain.values import OrderLine, readable

__all__ = [
    "INITIAL",
    "MAX_LINES",
    "Backordered",
    "Cancelled",
    "Completed",
    "Draft",
    "FrozenOrder",
    "NoOrder",
    "OrderState",
    "OrderStatus",
    "Processing",
    "Reserved",
    "Submitted",
    "decide",
    "evolve",
    "frozen_order",
    "status_of",
]

MAX_LINES: Final = 2_000


def decide(command: OrderCommand, state: OrderState) -> tuple[OrderEvent, ...]:
    """The events that a command leads to; none if what it asks for is so already.

    Raises:
        InvalidValue: a value of the command is not acceptable.
        CurrencyMismatch: a price is not in the order's currency.
        RuleBroken: the order's status does not allow it.
    """
    match command:
        case CreateOrder():
            return _create(command, state)
        case AddItem() | RemoveItem() | ChangeQuantity() | SetAddress():
            return _edit(command, _editable(state))
        case SubmitOrder():
            return _submit(command, _editable(state))
        case ChangeDeliveryAddress():
            return _redirect(command, state)
        case MarkReserved() | StartProcessing() | CompleteOrder():
            return _advance(command, state)
        case ReportUnavailable() | AcceptBackorder() | AmendOrder():
            return decide_shortage(command, state)
        case CancelOrder():
            return _cancel(command, state)
        case _:
            assert_never(command)


def _create(command: CreateOrder, state: OrderState) -> tuple[OrderEvent, ...]:
    if not isinstance(state, NoOrder):
        raise RuleBroken("order_exists", "an order of this id exists already")
    parse_order_id(command.order_id)
    if command.customer_id is not None:
        parse_customer_id(command.customer_id)
    checks.check_moment(command.placed_at, "placed_at")
    currency = Money.zero(command.currency).currency
    return (OrderCreated(command.order_id, command.customer_id, currency, command.placed_at),)


def _editable(state: OrderState) -> Draft:
    match state:
        case Draft():
            return state
        case NoOrder():
            raise order_missing()
        case Submitted() | Backordered() | Reserved() | Processing():
            raise RuleBroken("order_is_frozen", "the order is submitted: its content is frozen")
        case Completed() | Cancelled():
            raise order_closed(state)
        case _:
            assert_never(state)


def _edit(
    command: AddItem | RemoveItem | ChangeQuantity | SetAddress, draft: Draft
) -> tuple[OrderEvent, ...]:
    match command:
        case AddItem():
            return _add_item(command, draft)
        case RemoveItem():
            return (ItemRemoved(_line(draft, command.sku).sku),)
        case ChangeQuantity():
            return _change_quantity(command, draft)
        case SetAddress():
            checks.check_address(command.address)
            return () if command.address == draft.address else (AddressSet(command.address),)
        case _:
            assert_never(command)


def _line(draft: Draft, sku: Sku) -> OrderLine:
    line = draft.lines.get(sku)
    if line is None:
        raise RuleBroken("item_missing", f"the order has no item {sku}")
    return line


def _add_item(command: AddItem, draft: Draft) -> tuple[OrderEvent, ...]:
    parse_sku(command.sku)
    checks.check_description(command.description)
    checks.check_quantity(command.quantity)
    checks.check_positive(command.unit_price, "unit_price")
    if command.unit_price.currency != draft.currency:
        raise CurrencyMismatch(draft.currency, command.unit_price.currency)
    _check_fits(command, draft)
    _check_total(draft.total, command.unit_price, command.quantity)
    return (ItemAdded(command.sku, command.description, command.quantity, command.unit_price),)


def _check_fits(command: AddItem, draft: Draft) -> None:
    there = draft.lines.get(command.sku)
    if there is None:
        if len(draft.lines) >= MAX_LINES:
            raise RuleBroken("too_many_lines", f"an order has at most {MAX_LINES} lines")
        return
    if there.unit_price != command.unit_price:
        raise RuleBroken(
            "price_differs",
            f"item {command.sku} is in the order at another price: remove it first",
        )
    checks.check_quantity(there.quantity + command.quantity)


def _check_total(before: Money, unit_price: Money, more: int) -> None:
    try:
        before + unit_price * more
    except MoneyOverflow as error:
        raise MoneyOverflow("total", "the order's total would not fit 64 bits") from error


def _change_quantity(command: ChangeQuantity, draft: Draft) -> tuple[OrderEvent, ...]:
    checks.check_quantity(command.quantity)
    line = _line(draft, command.sku)
    if line.quantity == command.quantity:
        return ()
    _check_total(draft.total, line.unit_price, command.quantity - line.quantity)
    return (QuantityChanged(command.sku, command.quantity),)


def _submit(command: SubmitOrder, draft: Draft) -> tuple[OrderEvent, ...]:
    if not draft.lines:
        raise RuleBroken("order_is_empty", "an order without items cannot be submitted")
    if draft.address is None:
        raise RuleBroken("address_missing", "set the delivery address before submitting")
    checks.check_payment(command.payment)
    checks.check_unavailable(command.unavailable)
    return (
        OrderSubmitted(
            order_id=draft.order_id,
            customer_id=draft.customer_id,
            lines=tuple(draft.lines.values()),
            address=readable(draft.address, "delivery address"),
            total=draft.total,
            payment=command.payment,
            unavailable=command.unavailable,
        ),
    )


def _redirect(command: ChangeDeliveryAddress, state: OrderState) -> tuple[OrderEvent, ...]:
    checks.check_address(command.address)
    match state:
        case Submitted() | Backordered() | Reserved() | Processing():
            if command.address == state.order.address:
                return ()
            return (DeliveryAddressChanged(command.address),)
        case Draft():
            raise RuleBroken("order_is_draft", "the order is a draft: set its address instead")
        case NoOrder():
            raise order_missing()
        case Completed() | Cancelled():
            raise order_closed(state)
        case _:
            assert_never(state)


def _advance(
    command: MarkReserved | StartProcessing | CompleteOrder, state: OrderState
) -> tuple[OrderEvent, ...]:
    match command, state:
        case MarkReserved(), Submitted() | Backordered():
            return (OrderReserved(),)
        case MarkReserved(), Reserved():
            return ()
        case StartProcessing(), Reserved():
            checks.check_reference(command.payment_reference, "payment_reference")
            return (OrderProcessingStarted(command.payment_reference),)
        case StartProcessing(), Processing(payment_reference=known):
            return _unchanged("payment_reference", known, command.payment_reference)
        case CompleteOrder(), Processing():
            checks.check_reference(command.tracking_number, "tracking_number")
            return (OrderCompleted(command.tracking_number),)
        case CompleteOrder(), Completed(tracking_number=known):
            return _unchanged("tracking_number", known, command.tracking_number)
    raise wrong_status(command, state)


def _unchanged(name: str, known: str, given: str) -> tuple[OrderEvent, ...]:
    if known != given:
        raise RuleBroken(f"{name}_differs", f"the order has another {name.replace('_', ' ')}")
    return ()


def _cancel(command: CancelOrder, state: OrderState) -> tuple[OrderEvent, ...]:
    match state:
        case Draft() | Submitted() | Backordered() | Reserved() | Processing():
            checks.check_note(command.detail, "detail")
            return (OrderCancelled(command.reason, command.detail),)
        case Cancelled():
            return ()
        case NoOrder():
            raise order_missing()
        case Completed():
            raise order_closed(state)
        case _:
            assert_never(state)

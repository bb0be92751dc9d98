"""What can be done to an order: edit the draft, submit, fulfil, amend, cancel."""

from dataclasses import replace
from typing import Final, assert_never

from domain import fields
from domain.errors import CurrencyMismatch, InvalidValue, RuleBroken
from domain.ids import Sku, parse_customer_id, parse_order_id, parse_sku
from domain.money import Money, total
from domain.notes import cut
from domain.order import commands, events
from domain.order.outage import check_outage
from domain.order.state import (
    Backordered,
    Cancelled,
    Completed,
    Draft,
    FrozenOrder,
    NoOrder,
    OrderState,
    Processing,
    Reserved,
    Submitted,
    status_of,
)
from domain.order.unavailable import check_unavailable
from domain.values import OrderLine, readable

_Events = tuple[events.OrderEvent, ...]

MAX_LINES: Final = 2_000


def decide(command: commands.OrderCommand, state: OrderState) -> _Events:
    """The resulting events; empty if the command changes nothing.

    Raises:
        InvalidValue: a value of the command is not acceptable.
        CurrencyMismatch: a price is not in the order's currency.
        RuleBroken: the order's status does not allow it.
    """
    match command:
        case commands.CreateOrder():
            return _create(command, state)
        case (
            commands.AddItem()
            | commands.RemoveItem()
            | commands.ChangeQuantity()
            | commands.SetAddress()
        ):
            return _edit(command, _editable(state))
        case commands.SubmitOrder():
            return _submit(command, _editable(state))
        case commands.ChangeDeliveryAddress():
            return _redirect(command, state)
        case commands.MarkReserved() | commands.StartProcessing() | commands.CompleteOrder():
            return _advance(command, state)
        case commands.ReportUnavailable() | commands.AcceptBackorder() | commands.AmendOrder():
            return _decide_shortage(command, state)
        case commands.CancelOrder():
            return _cancel(command, state)
        case _:
            assert_never(command)


def _create(command: commands.CreateOrder, state: OrderState) -> _Events:
    if not isinstance(state, NoOrder):
        raise RuleBroken("order_exists", "an order with this id already exists")
    parse_order_id(command.order_id)
    if command.customer_id is not None:
        parse_customer_id(command.customer_id)
    placed_at = fields.parse_moment(command.placed_at, "placed_at")
    currency = fields.parse_currency(command.currency)
    return (events.OrderCreated(command.order_id, command.customer_id, currency, placed_at),)


def _editable(state: OrderState) -> Draft:
    match state:
        case Draft():
            return state
        case NoOrder():
            raise _order_missing()
        case Submitted() | Backordered() | Reserved() | Processing():
            raise RuleBroken("order_is_frozen", "the order is submitted: its content is frozen")
        case Completed() | Cancelled():
            raise _order_closed(state)
        case _:
            assert_never(state)


def _edit(command: commands.DraftCommand, draft: Draft) -> _Events:
    match command:
        case commands.AddItem():
            return _add_item(command, draft)
        case commands.RemoveItem():
            return (events.ItemRemoved(_line(draft, command.sku).sku),)
        case commands.ChangeQuantity():
            return _change_quantity(command, draft)
        case commands.SetAddress():
            address = fields.parse_address(command.address)
            return () if address == draft.address else (events.AddressSet(address),)
        case _:
            assert_never(command)


def _line(draft: Draft, sku: Sku) -> OrderLine:
    line = draft.lines.get(sku)
    if line is None:
        raise RuleBroken("item_missing", f"the order has no item {sku}")
    return line


def _add_item(command: commands.AddItem, draft: Draft) -> _Events:
    parse_sku(command.sku)
    description = fields.parse_description(command.description)
    fields.check_quantity(command.quantity)
    fields.check_amount(command.unit_price, "unit_price")
    if command.unit_price.currency != draft.currency:
        raise CurrencyMismatch(draft.currency, command.unit_price.currency)
    _check_fits(command, draft)
    check_total(draft.total + command.unit_price * command.quantity)
    return (events.ItemAdded(command.sku, description, command.quantity, command.unit_price),)


def _check_fits(command: commands.AddItem, draft: Draft) -> None:
    line = draft.lines.get(command.sku)
    if line is None:
        if len(draft.lines) >= MAX_LINES:
            raise RuleBroken("too_many_lines", f"an order has at most {MAX_LINES} lines")
        return
    if line.unit_price != command.unit_price:
        raise RuleBroken(
            "price_differs",
            f"item {command.sku} is already in the order at another price: remove it first",
        )
    fields.check_quantity(line.quantity + command.quantity)


def check_total(amount: Money, field: str = "total") -> None:
    """Raise InvalidValue if an order may not cost so much."""
    if amount.minor > fields.MAX_AMOUNT:
        raise InvalidValue(field, f"an order costs at most {fields.MAX_AMOUNT} minor units")


def _change_quantity(command: commands.ChangeQuantity, draft: Draft) -> _Events:
    fields.check_quantity(command.quantity)
    line = _line(draft, command.sku)
    if line.quantity == command.quantity:
        return ()
    check_total(draft.total + line.unit_price * (command.quantity - line.quantity))
    return (events.QuantityChanged(command.sku, command.quantity),)


def _submit(command: commands.SubmitOrder, draft: Draft) -> _Events:
    if not draft.lines:
        raise RuleBroken("order_is_empty", "an order without items cannot be submitted")
    if draft.address is None:
        raise RuleBroken("address_missing", "set the delivery address before submitting")
    payment = fields.parse_payment(command.payment)
    check_unavailable(command.unavailable)
    check_outage(command.on_outage)
    return (
        events.OrderSubmitted(
            order_id=draft.order_id,
            customer_id=draft.customer_id,
            lines=tuple(draft.lines.values()),
            address=readable(draft.address, "delivery address"),
            total=draft.total,
            payment=payment,
            unavailable=command.unavailable,
            on_outage=command.on_outage,
        ),
    )


def _redirect(command: commands.ChangeDeliveryAddress, state: OrderState) -> _Events:
    address = fields.parse_address(command.address)
    match state:
        case Submitted() | Backordered() | Reserved() | Processing():
            if address == state.order.address:
                return ()
            return (events.DeliveryAddressChanged(address),)
        case Draft():
            raise RuleBroken("order_is_draft", "the order is a draft: set its address instead")
        case NoOrder():
            raise _order_missing()
        case Completed() | Cancelled():
            raise _order_closed(state)
        case _:
            assert_never(state)


def _advance(command: commands.ProgressCommand, state: OrderState) -> _Events:
    match command, state:
        case commands.MarkReserved(), Submitted() | Backordered():
            return (events.OrderReserved(),)
        case commands.MarkReserved(), Reserved():
            return ()
        case commands.StartProcessing(), Reserved():
            fields.check_reference(command.payment_reference, "payment_reference")
            return (events.OrderProcessingStarted(command.payment_reference),)
        case commands.StartProcessing(), Processing():
            recorded = state.payment_reference
            return _unchanged("payment_reference", recorded, command.payment_reference)
        case commands.CompleteOrder(), Processing():
            fields.check_reference(command.tracking_number, "tracking_number")
            return (events.OrderCompleted(command.tracking_number),)
        case commands.CompleteOrder(), Completed():
            recorded = state.tracking_number
            return _unchanged("tracking_number", recorded, command.tracking_number)
    raise _wrong_status(command, state)


def _unchanged(name: str, recorded: str, reported: str) -> _Events:
    if recorded != reported:
        raise RuleBroken(f"{name}_differs", f"the order has another {name.replace('_', ' ')}")
    return ()


def _cancel(command: commands.CancelOrder, state: OrderState) -> _Events:
    match state:
        case Draft() | Submitted() | Backordered() | Reserved() | Processing():
            return (events.OrderCancelled(command.reason, cut(command.detail)),)
        case Cancelled():
            return ()
        case NoOrder():
            raise _order_missing()
        case Completed():
            raise _order_closed(state)
        case _:
            assert_never(state)


# --- shortages and amendments --------------------------------------------------------------------


def _decide_shortage(command: commands.ShortageCommand, state: OrderState) -> _Events:
    match command, state:
        case commands.ReportUnavailable(missing, asking, deadline), Submitted():
            return (events.ItemsUnavailable(missing, asking, deadline),)
        case commands.ReportUnavailable(), Backordered():
            return ()
        case commands.AcceptBackorder(deadline), Backordered():
            return (events.BackorderAccepted(deadline),) if state.asking else ()
        case commands.AmendOrder(), Backordered() | Reserved() | Processing():
            return _amend(command, state.order)
    raise _wrong_status(command, state)


def _amend(command: commands.AmendOrder, order: FrozenOrder) -> _Events:
    kept = _kept(command, order)
    lines = tuple(
        replace(line, quantity=kept[line.sku]) for line in order.lines if kept[line.sku] > 0
    )
    if not lines:
        raise RuleBroken("nothing_left", "nothing would be left of the order: cancel it instead")
    if lines == order.lines:
        return ()
    return (events.OrderAmended(lines, total((line.amount for line in lines), order.currency)),)


def _kept(command: commands.AmendOrder, order: FrozenOrder) -> dict[Sku, int]:
    """The pieces of each SKU of the order after the command."""
    kept = {line.sku: line.quantity for line in order.lines}
    for pieces in command.pieces:
        fields.check_quantity(pieces.quantity, lowest=0)
        if pieces.sku not in kept:
            raise RuleBroken("item_missing", f"the order has no item {pieces.sku}")
        if pieces.quantity > kept[pieces.sku]:
            raise RuleBroken(
                "amendment_adds",
                f"the order has {kept[pieces.sku]} of {pieces.sku}: none can be added",
            )
        kept[pieces.sku] = pieces.quantity
    return kept


# --- refusals ------------------------------------------------------------------------------------


def _order_missing() -> RuleBroken:
    return RuleBroken("order_missing", "there is no such order: create it first")


def _order_closed(state: Completed | Cancelled) -> RuleBroken:
    return RuleBroken("order_is_closed", f"the order is {status_of(state)}: nothing can change")


def _wrong_status(command: object, state: OrderState) -> RuleBroken:
    match state:
        case NoOrder():
            return _order_missing()
        case Completed() | Cancelled():
            return _order_closed(state)
        case _:
            status = status_of(state)
            return RuleBroken(
                "wrong_status", f"{type(command).__name__} is not possible: the order is {status}"
            )

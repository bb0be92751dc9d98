"""What can be done to an order: edit the draft, submit, fulfil, amend, cancel."""

from typing import assert_never

from domain import fields
from domain.errors import RuleBroken
from domain.ids import LineId, parse_customer_id, parse_order_id
from domain.lines import Pieces
from domain.notes import cut
from domain.order import commands, drafting, events
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
    payable_order,
    status_of,
)
from domain.shares import Shares, total_of

_Events = tuple[events.OrderEvent, ...]


def decide(command: commands.OrderCommand, state: OrderState) -> _Events:
    """The resulting events; empty if the command changes nothing.

    Raises:
        InvalidValue: a value of the command is not acceptable.
        CurrencyMismatch: a price is not in the order's currency.
        RuleBroken: the order's status does not allow it.
    """
    if isinstance(command, commands.SetbackCommand):
        return _decide_setback(command, state)
    match command:
        case commands.CreateOrder():
            return _create(command, state)
        case (
            commands.AddItem()
            | commands.AddItems()
            | commands.RemoveItem()
            | commands.ChangeQuantity()
            | commands.SetAdjustments()
            | commands.SetAddress()
        ):
            return drafting.edit(command, _editable(state))
        case commands.SubmitOrder():
            return drafting.submit(command, _editable(state))
        case commands.ChangeDeliveryAddress():
            return _redirect(command, state)
        case commands.MarkReserved() | commands.StartProcessing() | commands.CompleteOrder():
            return _advance(command, state)
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
    reference = command.reference
    if reference is not None:
        reference = fields.parse_reference(reference, "reference")
    return (
        events.OrderCreated(command.order_id, command.customer_id, currency, placed_at, reference),
    )


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
        case commands.MarkReserved(), Backordered(processing=True, payment_reference=reference):
            return (events.OrderReserved(), events.OrderProcessingStarted(reference))
        case commands.MarkReserved(), Submitted() | Backordered():
            return (events.OrderReserved(),)
        case commands.MarkReserved(), Reserved():
            return ()
        case (
            commands.StartProcessing(),
            Reserved() | Processing() | Backordered(counted=True),
        ):
            return _process(command, state)
        case commands.CompleteOrder(), Processing():
            _check_given(command.tracking_number, "tracking_number")
            return (events.OrderCompleted(command.tracking_number),)
        case commands.CompleteOrder(), Completed():
            recorded = state.tracking_number
            return _unchanged("tracking_number", recorded, command.tracking_number)
    raise _wrong_status(command, state)


def _process(
    command: commands.StartProcessing, state: Reserved | Processing | Backordered
) -> _Events:
    reference, recorded = command.payment_reference, None
    is_new = isinstance(state, Reserved) or state.order.has_another_payment
    if not isinstance(state, Reserved):
        is_new |= isinstance(state, Backordered) and not state.processing
        recorded = state.payment_reference
    if not is_new:
        return _unchanged("payment_reference", recorded, reference)
    _check_given(reference, "payment_reference")
    return (events.OrderProcessingStarted(reference),)


def _check_given(reference: str | None, field: str) -> None:
    if reference is not None:
        fields.check_reference(reference, field)


def _unchanged(name: str, recorded: str | None, reported: str | None) -> _Events:
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
        case (
            commands.ReportUnavailable(missing, asking, deadline),
            Submitted() | Reserved() | Processing(),
        ):
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
    if not any(kept.values()):
        raise RuleBroken("nothing_left", "nothing would be left of the order: cancel it instead")
    if all(kept[line.line_id] == line.quantity for line in order.lines):
        return ()
    left = [Pieces(line_id, quantity) for line_id, quantity in kept.items() if quantity > 0]
    shares = Shares(order.submitted).of_all(left)
    return (events.OrderAmended(shares, total_of(shares, order.currency)),)


def _kept(command: commands.AmendOrder, order: FrozenOrder) -> dict[LineId, int]:
    """The pieces of each line of the order after the command."""
    kept = {line.line_id: line.quantity for line in order.lines}
    for pieces in command.pieces:
        fields.check_quantity(pieces.quantity, lowest=0)
        if pieces.line_id not in kept:
            raise RuleBroken("line_missing", f"the order has no line {pieces.line_id}")
        if pieces.quantity > kept[pieces.line_id]:
            raise RuleBroken(
                "amendment_adds",
                f"line {pieces.line_id} has {kept[pieces.line_id]} pieces: none can be added",
            )
        kept[pieces.line_id] = pieces.quantity
    return kept


def _decide_setback(command: commands.SetbackCommand, state: OrderState) -> _Events:
    if isinstance(command, commands.DeclineCommand):
        return _decide_decline(command, state)
    return _decide_shortage(command, state)


def _decide_decline(command: commands.DeclineCommand, state: OrderState) -> _Events:
    if (order := payable_order(state)) is None:
        raise _wrong_status(command, state)
    match command:
        case commands.AskForPayment() if not order.asks_for_payment:
            raise RuleBroken("payment_is_final", "the order asks for no other payment")
        case commands.AskForPayment() if order.payment_due is not None:
            return ()
        case commands.AskForPayment():
            code = cut(command.code, fields.MAX_REFERENCE)
            return (events.PaymentAsked(code, order.pay_by or command.deadline),)
        case commands.ReplacePayment() if order.payment_due is None:
            raise RuleBroken("payment_not_due", "the order waits for no other payment")
        case commands.ReplacePayment():
            means = fields.parse_means(command.token, command.confirmed, "")
            return (events.PaymentReplaced(*means),)
        case _:
            assert_never(command)


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

"""What can be done to a draft: edit its lines, adjustments and address; submit it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, assert_never

from domain import fields
from domain.errors import CurrencyMismatch, InvalidValue, RuleBroken
from domain.ids import LineId
from domain.lines import OrderLine, adjusted, pieces_by_sku
from domain.money import Money
from domain.order import commands, events
from domain.order.state import Draft
from domain.order.terms import check_outage, check_unavailable
from domain.parcel_left import RULES
from domain.values import PaymentTerms, readable

_Events = tuple[events.OrderEvent, ...]

MAX_LINES: Final = 2_000


def edit(command: commands.DraftCommand, draft: Draft) -> _Events:
    """The resulting events; raises as `domain.order.decisions.decide`."""
    match command:
        case commands.AddItem():
            return _add_item(command, draft)
        case commands.AddItems():
            return _add_items(command, draft)
        case commands.RemoveItem():
            return (events.ItemRemoved(_line(draft, command.line_id).line_id),)
        case commands.ChangeQuantity():
            return _change_quantity(command, draft)
        case commands.SetAdjustments():
            return _set_adjustments(command, draft)
        case commands.SetAddress():
            address = fields.parse_address(command.address)
            return () if address == draft.address else (events.AddressSet(address),)
        case _:
            assert_never(command)


def _line(draft: Draft, line_id: LineId) -> OrderLine:
    line = draft.lines.get(line_id)
    if line is None:
        raise RuleBroken("line_missing", f"the order has no line {line_id}")
    return line


# --- lines ---------------------------------------------------------------------------------------


def _add_item(command: commands.AddItem, draft: Draft) -> _Events:
    added = fields.parse_line(
        OrderLine(
            command.line_id or _next_id(draft),
            command.code,
            command.description,
            command.quantity,
            command.unit_price,
            command.kind,
            command.adjustments,
        ),
        "",
    )
    if added.unit_price.currency != draft.currency:
        raise CurrencyMismatch(draft.currency, added.unit_price.currency)
    same = None if command.line_id else _same_line(draft, added)
    if same:
        added = replace(added, line_id=same.line_id, description=same.description)
        fields.check_quantity(same.quantity + added.quantity)
    else:
        _check_room(draft.lines, added)
    check_total(draft.total + added.amount)
    return (_item_added(added),)


def _add_items(command: commands.AddItems, draft: Draft) -> _Events:
    lines, cost = dict(draft.lines), draft.total.minor
    for place, line in enumerate(command.lines):
        added = fields.parse_line(line, f"lines.{place}")
        if added.unit_price.currency != draft.currency:
            raise CurrencyMismatch(draft.currency, added.unit_price.currency)
        _check_room(lines, added)
        lines[added.line_id] = added
        cost += added.amount.minor
    check_total(Money(cost, draft.currency))
    return tuple(map(_item_added, list(lines.values())[len(draft.lines) :]))


def _item_added(line: OrderLine) -> events.ItemAdded:
    return events.ItemAdded(
        line.line_id,
        line.code,
        line.description,
        line.quantity,
        line.unit_price,
        line.kind,
        line.adjustments,
    )


def _next_id(draft: Draft) -> LineId:
    """The number of the next line; a higher one if a line is called so already."""
    number = len(draft.lines) + 1
    while str(number) in draft.lines:
        number += 1
    return LineId(str(number))


def _same_line(draft: Draft, added: OrderLine) -> OrderLine | None:
    """A line of the same goods or service at the same price, without adjustments."""
    return next(
        (
            line
            for line in draft.lines.values()
            if line.code is not None
            and (line.code, line.kind, line.unit_price)
            == (added.code, added.kind, added.unit_price)
            and not (line.adjustments or added.adjustments)
        ),
        None,
    )


def _check_room(lines: Mapping[LineId, OrderLine], added: OrderLine) -> None:
    if added.line_id in lines:
        raise RuleBroken("line_exists", f"the order has a line {added.line_id} already")
    if len(lines) >= MAX_LINES:
        raise RuleBroken("too_many_lines", f"an order has at most {MAX_LINES} lines")


def check_total(amount: Money, field: str = "total") -> None:
    """Raise InvalidValue if an order may not cost so much."""
    if amount.minor > fields.MAX_AMOUNT:
        raise InvalidValue(field, f"an order costs at most {fields.MAX_AMOUNT} minor units")


def _change_quantity(command: commands.ChangeQuantity, draft: Draft) -> _Events:
    fields.check_quantity(command.quantity)
    line = _line(draft, command.line_id)
    if line.quantity == command.quantity:
        return ()
    changed = fields.parse_line(replace(line, quantity=command.quantity), "")
    check_total(draft.total - line.amount + changed.amount)
    return (events.QuantityChanged(command.line_id, command.quantity),)


def _set_adjustments(command: commands.SetAdjustments, draft: Draft) -> _Events:
    adjustments = fields.parse_adjustments(command.adjustments, draft.currency)
    if command.line_id is None:
        before = draft.adjustments
        check_total(draft.subtotal + adjusted(adjustments, draft.currency))
    else:
        line = _line(draft, command.line_id)
        before = line.adjustments
        changed = fields.parse_line(replace(line, adjustments=adjustments), "")
        check_total(draft.total - line.amount + changed.amount)
    return () if adjustments == before else (events.AdjustmentsSet(adjustments, command.line_id),)


# --- submitting ----------------------------------------------------------------------------------


def submit(command: commands.SubmitOrder, draft: Draft) -> _Events:
    """The events that freeze a draft; raises as `domain.order.decisions.decide`."""
    if not draft.lines:
        raise RuleBroken("order_is_empty", "an order without lines cannot be submitted")
    goods = pieces_by_sku(draft.lines.values())
    if draft.address is None and goods:
        raise RuleBroken("address_missing", "set the delivery address before submitting")
    # A stock item counts all pieces that an order wants of it as one claim.
    if any(pieces > fields.MAX_QUANTITY for pieces in goods.values()):
        raise InvalidValue("lines", f"have more than {fields.MAX_QUANTITY} pieces of a SKU")
    if draft.total.minor < 0:
        raise RuleBroken("total_below_zero", "more is taken off than the lines cost")
    check_total(draft.total)
    check_unavailable(command.unavailable)
    check_outage(command.on_outage)
    if command.if_left is not None and command.if_left not in RULES:
        raise InvalidValue("if_parcel_left", f"must be one of {', '.join(RULES)}")
    return (
        events.OrderSubmitted(
            order_id=draft.order_id,
            customer_id=draft.customer_id,
            lines=tuple(draft.lines.values()),
            address=draft.address and readable(draft.address, "delivery address"),
            total=draft.total,
            payment=_payment(command, draft),
            unavailable=command.unavailable,
            on_outage=command.on_outage,
            if_left=command.if_left,
            adjustments=draft.adjustments,
            customer=command.customer and fields.parse_contact(command.customer),
            metadata=fields.parse_metadata(command.metadata),
        ),
    )


def _payment(command: commands.SubmitOrder, draft: Draft) -> PaymentTerms | None:
    if command.payment is not None:
        return fields.parse_payment(command.payment)
    if draft.total.minor > 0:
        raise RuleBroken("payment_missing", f"say how {draft.total} are paid")
    return None

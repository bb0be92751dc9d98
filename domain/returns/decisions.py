"""The returns of an order: which pieces came back, and what happens to goods and money.

    opened ──> refund granted or denied ──> refunded ─┐
       └─────> restock decided ──────────> restocked ─┴─> closed

The two decisions are independent; each is made once and carried out once. The cases of an order
never hold more pieces of a line than were shipped, never refund more than was captured, and never
restock more pieces than came back.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Protocol, assert_never

from domain import fields
from domain.errors import RuleBroken
from domain.ids import LineId, ReturnId, parse_line_id, parse_return_id
from domain.lines import LineShare, Pieces, pieces_by_line
from domain.money import Money
from domain.notes import cut
from domain.returns import commands, events
from domain.returns.state import ReturnCase, ReturnsState
from domain.returns.values import ReturnKind
from domain.shares import Shares

_Events = tuple[events.ReturnEvent, ...]


def decide(command: commands.ReturnCommand, state: ReturnsState) -> _Events:
    """The resulting events; empty if the command changes nothing.

    Raises:
        InvalidValue: a value of the command is not acceptable.
        CurrencyMismatch: an amount is not in the order's currency.
        RuleBroken: what was shipped, captured or decided does not allow it.
    """
    if isinstance(command, commands.OpenReturn):
        return _open(command, state)
    case = _case(command.return_id, state)
    match command:
        case commands.GrantRefund() | commands.DenyRefund():
            return _decide_refund(command, case, state)
        case commands.DecideRestock():
            return _decide_restock(command, case)
        case commands.RecordReturnRefund() | commands.RecordReturnAttempt():
            return _refund_tried(command, case)
        case commands.RecordRestocked():
            return _restocked(case)
        case commands.RequireReturnAttention() | commands.RecordReturnOperator():
            return (_noted(command),)
        case commands.CloseReturn():
            return _close(case)
        case _:
            assert_never(command)


def _case(return_id: ReturnId, state: ReturnsState) -> ReturnCase:
    case = state.cases.get(return_id)
    if case is None:
        raise RuleBroken("return_missing", "the order has no return with this id")
    return case


class _Decided(Protocol):
    """A command by which a person decides something."""

    @property
    def actor(self) -> str: ...
    @property
    def reason(self) -> str: ...


def _by(command: _Decided) -> tuple[str, str]:
    """Who decides and why, in normal form."""
    return fields.parse_actor(command.actor), fields.parse_reason(command.reason)


# --- open ----------------------------------------------------------------------------------------


def _open(command: commands.OpenReturn, state: ReturnsState) -> _Events:
    parse_return_id(command.return_id)
    by = _by(command)
    case = state.cases.get(command.return_id)
    if case is not None:
        _check_same(command, case)
        return ()
    lines = _lines(command, state)
    return (
        events.ReturnOpened(
            command.order_id,
            command.return_id,
            command.kind,
            lines,
            command.pieces is None,
            *by,
        ),
    )


def _check_same(command: commands.OpenReturn, case: ReturnCase) -> None:
    same_pieces = (
        case.everything
        if command.pieces is None
        else not case.everything and pieces_by_line(command.pieces) == pieces_by_line(case.lines)
    )
    if command.kind is not case.kind or not same_pieces:
        raise RuleBroken(
            "return_differs", "the order already has a return with this id and other content"
        )


def _lines(command: commands.OpenReturn, state: ReturnsState) -> tuple[LineShare, ...]:
    returned, left = state.returned, pieces_by_line(command.shipped)
    left.subtract(returned)
    requested = left if command.pieces is None else _requested(command.pieces)
    for line_id, quantity in requested.items():
        if quantity > left[line_id]:
            raise RuleBroken(
                "return_exceeds_shipment",
                f"{quantity} of line {line_id} cannot be returned: {max(left[line_id], 0)} are "
                "left to return",
            )
    shares = Shares(command.content)
    lines = tuple(
        shares.of(line_id, n, after=returned[line_id]) for line_id, n in requested.items() if n > 0
    )
    if not lines:
        raise RuleBroken("nothing_to_return", "all pieces of the order are in other returns")
    return lines


def _requested(pieces: Iterable[Pieces]) -> Counter[LineId]:
    items = tuple(pieces)
    for item in items:
        parse_line_id(item.line_id)
        fields.check_quantity(item.quantity)
    return pieces_by_line(items)


# --- the two decisions ---------------------------------------------------------------------------


def _decide_refund(
    command: commands.GrantRefund | commands.DenyRefund, case: ReturnCase, state: ReturnsState
) -> _Events:
    by = _by(command)
    if case.refund is not None:
        _check_same_refund(command, case.refund, case)
        return ()
    if isinstance(command, commands.DenyRefund):
        return (events.RefundDenied(case.return_id, *by),)
    left = command.captured - state.granted(command.captured.currency)
    amount = _amount(command, case, left)
    if left < amount or (left.minor <= 0 and case.price.minor > 0):
        raise RuleBroken(
            "refund_exceeds_capture",
            f"only {max(left.minor, 0)} minor units of the captured amount are left",
        )
    return (events.RefundGranted(case.return_id, amount, *by),)


def _amount(command: commands.GrantRefund, case: ReturnCase, left: Money) -> Money:
    if command.amount is None:
        return min(case.price, left)
    fields.check_amount(command.amount, "amount")
    return command.amount


def _check_same_refund(
    command: commands.GrantRefund | commands.DenyRefund, decided: Money, case: ReturnCase
) -> None:
    match command:
        case commands.DenyRefund():
            same = decided.minor == 0
        case commands.GrantRefund(amount=None):
            same = decided.minor > 0 or case.price.minor == 0
        case commands.GrantRefund():
            same = decided == command.amount
        case _:
            assert_never(command)
    if not same:
        raise RuleBroken("refund_decided", "the refund of this return is decided already")


def _decide_restock(command: commands.DecideRestock, case: ReturnCase) -> _Events:
    by = _by(command)
    goods = tuple(
        Pieces(line.line_id, line.quantity) for line in case.lines if line.sku is not None
    )
    pieces = goods if command.pieces is None else command.pieces
    if case.restock is not None:
        if pieces_by_line(pieces) != pieces_by_line(case.restock):
            raise RuleBroken("restock_decided", "the restock of this return is decided already")
        return ()
    requested = _requested(pieces)
    if requested and case.kind is ReturnKind.LOST:
        raise RuleBroken("lost_goods", "goods that the carrier lost cannot go back into stock")
    returned = pieces_by_line(goods)
    for line_id, quantity in requested.items():
        if quantity > returned[line_id]:
            raise RuleBroken(
                "restock_exceeds_return",
                f"only {returned[line_id]} of line {line_id} are goods of this return",
            )
    merged = tuple(Pieces(line_id, quantity) for line_id, quantity in requested.items())
    return (events.RestockDecided(case.return_id, merged, *by),)


# --- carrying out --------------------------------------------------------------------------------


def _refund_tried(
    command: commands.RecordReturnRefund | commands.RecordReturnAttempt, case: ReturnCase
) -> _Events:
    if isinstance(command, commands.RecordReturnRefund):
        return _refunded(command, case)
    return _attempted(command, case)


def _refunded(command: commands.RecordReturnRefund, case: ReturnCase) -> _Events:
    fields.check_reference(command.refund_reference, "refund_reference")
    if case.refund_reference is not None:
        return ()
    if not case.refund_is_due or case.refund is None:
        raise RuleBroken("refund_not_granted", "no refund was granted for this return")
    return (events.ReturnRefunded(case.return_id, case.refund, command.refund_reference),)


def _attempted(command: commands.RecordReturnAttempt, case: ReturnCase) -> _Events:
    reference = command.refund_reference
    fields.check_reference(reference, "refund_reference")
    if not case.refund_is_due or case.refund is None or reference == case.failed:
        return ()  # this news is older than what is recorded
    if command.failed:
        return (events.ReturnRefundFailed(case.return_id, reference),)
    if reference == case.pending:
        return ()
    return (events.ReturnRefundPending(case.return_id, case.refund, reference),)


def _restocked(case: ReturnCase) -> _Events:
    if case.restocked:
        return ()
    if not case.restock_is_due:
        raise RuleBroken("nothing_to_restock", "no restock was decided for this return")
    return (events.ReturnRestocked(case.return_id),)


def _noted(
    command: commands.RequireReturnAttention | commands.RecordReturnOperator,
) -> events.ReturnEvent:
    if isinstance(command, commands.RequireReturnAttention):
        waiting_for = cut(command.waiting_for)
        return events.ReturnAttentionRequired(command.return_id, command.at_step, waiting_for)
    actor, reason = cut(command.actor, fields.MAX_ACTOR), cut(command.reason)
    return events.ReturnOperatorActed(command.return_id, actor, command.action, reason)


def _close(case: ReturnCase) -> _Events:
    if case.closed:
        return ()
    if not case.settled:
        raise RuleBroken(
            "return_not_settled",
            "the decisions on the return have not all been made and carried out",
        )
    return (events.ReturnClosed(case.return_id),)

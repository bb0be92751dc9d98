"""Taking an order in: from a whole document to the events that create and submit it, in one go."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from activities.messages import OrderDocument
from domain.errors import InvalidValue
from domain.ids import Sku
from domain.money import Money
from domain.order import decisions as order_decisions
from domain.order import state as order_state
from domain.order.commands import AddItem, CreateOrder, OrderCommand, SetAddress, SubmitOrder
from domain.order.events import OrderEvent
from domain.order.state import FrozenOrder, NoOrder, OrderState
from domain.values import Redacted, Redaction

_ERASED: Final = Redacted(Redaction.ERASED)


class OrderConflict(Exception):
    """The order id is taken by an order with other content; nothing was changed."""


def decide_intake(
    document: OrderDocument, order_state: OrderState, *, now: datetime | None = None
) -> tuple[OrderEvent, ...]:
    """The events that create and submit the order; none if it was taken in before.

    Args:
        document: what the client wants.
        order_state: the order as it is, `domain.order.INITIAL` if it does not exist.
        now: the time of the order if the document has none.

    Raises:
        OrderConflict: the id belongs to an order with other content, or to a draft.
        InvalidValue, CurrencyMismatch, RuleBroken: the domain refuses the content.
    """
    if isinstance(order_state, NoOrder):
        return tuple(_taken_in(document, now))
    if difference := _difference(document, order_state):
        raise OrderConflict(f"order {document.order_id} exists already: {difference}")
    return ()


def _taken_in(document: OrderDocument, now: datetime | None) -> Iterator[OrderEvent]:
    state: OrderState = order_state.INITIAL
    for command in _commands(document, now):
        for event in order_decisions.decide(command, state):
            state = order_state.evolve(state, event)
            yield event


def _commands(document: OrderDocument, now: datetime | None) -> Iterator[OrderCommand]:
    placed_at = document.placed_at or now
    if placed_at is None:
        raise InvalidValue("placed_at", "is missing")
    yield CreateOrder(document.order_id, document.customer_id, document.currency, placed_at)
    for line in document.lines:
        yield AddItem(line.sku, line.description, line.quantity, line.unit_price)
    yield SetAddress(document.address)
    yield SubmitOrder(document.payment, document.unavailable)


def _difference(document: OrderDocument, state: OrderState) -> str | None:
    """What is different, in words without personal data; None if it is the same order."""
    known = order_state.frozen_order(state)
    if known is None:
        return "it was never submitted; submit the draft instead of sending a document"
    different = [name for name, same in _compared(document, known) if not same]
    return f"{', '.join(different)} differ" if different else None


def _compared(document: OrderDocument, known: FrozenOrder) -> Iterator[tuple[str, bool]]:
    yield "customer_id", document.customer_id == known.customer_id
    yield "currency", document.currency == known.currency
    # Without a time of its own the document takes the time at which it first came in.
    yield "placed_at", document.placed_at in (None, known.placed_at)
    wanted = {sku: (pieces, price) for sku, pieces, price in _summed(document)}
    lines = known.submitted.lines
    yield "lines", wanted == {line.sku: (line.quantity, line.unit_price) for line in lines}
    # What was erased cannot be compared any more; the order is closed, so nothing depends on it.
    yield "address", known.submitted_address in (document.address, _ERASED)
    same_token = known.payment.token in (document.payment.token, _ERASED)
    yield "payment", same_token and known.payment.capture == document.payment.capture
    yield "unavailable", document.unavailable == known.unavailable


def _summed(document: OrderDocument) -> Iterator[tuple[Sku, int, Money]]:
    """Lines of the same SKU as one, as the order keeps them."""
    pieces: dict[Sku, int] = {}
    for line in document.lines:
        pieces[line.sku] = pieces.get(line.sku, 0) + line.quantity
    prices: Mapping[Sku, Money] = {line.sku: line.unit_price for line in document.lines}
    return ((sku, quantity, prices[sku]) for sku, quantity in pieces.items())

"""Submits an order document: the events that create and submit the order, once."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from activities.aggregates import ORDER
from activities.failures import INVALID_DOCUMENT, ORDER_CONFLICT, final_failure
from activities.messages import OrderDocument
from activities.unit_of_work import UnitOfWork
from domain.errors import DomainError, InvalidValue
from domain.ids import Sku
from domain.money import Money
from domain.order import decisions, state
from domain.order.commands import AddItem, CreateOrder, OrderCommand, SetAddress, SubmitOrder
from domain.order.events import OrderEvent
from domain.values import Redacted, Redaction

_ERASED: Final = Redacted(Redaction.ERASED)


class OrderConflict(Exception):
    """An order with this id and other content exists; nothing was changed."""


def ensure_submitted(unit: UnitOfWork, document: OrderDocument, now: datetime) -> None:
    """Create and submit the order unless it exists.

    Raises:
        ApplicationError: OrderConflict or InvalidOrderDocument; both end the run.
    """
    order = ORDER.stream(document.order_id)
    try:
        unit.record(order, decide_intake(document, unit.state(order), now=now))
    except OrderConflict as error:
        raise final_failure(ORDER_CONFLICT, str(error)) from error
    except DomainError as error:
        raise final_failure(INVALID_DOCUMENT, str(error)) from error


def decide_intake(
    document: OrderDocument, order: state.OrderState, *, now: datetime | None = None
) -> tuple[OrderEvent, ...]:
    """The events that create and submit the order; none if this document was submitted before.

    Args:
        document: the order to submit.
        order: the present state of the order with this id.
        now: when the order is placed if the document does not say.

    Raises:
        OrderConflict: the id belongs to an order with other content, or to a draft.
        InvalidValue, CurrencyMismatch, RuleBroken: the domain refuses the content.
    """
    if isinstance(order, state.NoOrder):
        return tuple(_submitted(document, now))
    if difference := _difference(document, order):
        raise OrderConflict(f"order {document.order_id} already exists: {difference}")
    return ()


def _submitted(document: OrderDocument, now: datetime | None) -> Iterator[OrderEvent]:
    order = state.INITIAL
    for command in _commands(document, now):
        for event in decisions.decide(command, order):
            order = state.evolve(order, event)
            yield event


def _commands(document: OrderDocument, now: datetime | None) -> Iterator[OrderCommand]:
    placed_at = document.placed_at or now
    if placed_at is None:
        raise InvalidValue("placed_at", "is missing")
    yield CreateOrder(document.order_id, document.customer_id, document.currency, placed_at)
    for line in document.lines:
        yield AddItem(line.sku, line.description, line.quantity, line.unit_price)
    yield SetAddress(document.address)
    yield SubmitOrder(document.payment, document.unavailable, document.on_outage)


def _difference(document: OrderDocument, state_: state.OrderState) -> str | None:
    """What differs, without personal data; None if it is the same order."""
    order = state.frozen_order(state_)
    if order is None:
        return "it was never submitted; submit the draft instead of sending a document"
    different = [name for name, same in _comparisons(document, order) if not same]
    return f"{', '.join(different)} differ" if different else None


def _comparisons(document: OrderDocument, order: state.FrozenOrder) -> Iterator[tuple[str, bool]]:
    """Each part of the document, and whether the order has the same."""
    yield "customer_id", document.customer_id == order.customer_id
    yield "currency", document.currency == order.currency
    # A document without a time was given the time at which it first came in.
    yield "placed_at", document.placed_at in (None, order.placed_at)
    lines = {line.sku: (line.quantity, line.unit_price) for line in order.submitted.lines}
    yield "lines", _content(document) == lines
    # Erased data can no longer be compared; the order is closed, so nothing depends on it.
    yield "address", order.submitted_address in (document.address, _ERASED)
    same_token = order.payment.token in (document.payment.token, _ERASED)
    yield "payment", same_token and order.payment.capture == document.payment.capture
    yield "unavailable", document.unavailable == order.unavailable
    yield "on_outage", document.on_outage == order.on_outage


def _content(document: OrderDocument) -> Mapping[Sku, tuple[int, Money]]:
    """Pieces and price by SKU; lines of the same SKU are added up, as in the order."""
    content: dict[Sku, tuple[int, Money]] = {}
    for line in document.lines:
        pieces, _ = content.get(line.sku, (0, line.unit_price))
        content[line.sku] = (pieces + line.quantity, line.unit_price)
    return content

"""Submits an order document: the events that create and submit the order, once."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

from activities.aggregates import ORDER
from activities.failures import INVALID_DOCUMENT, ORDER_CONFLICT, final_failure
from activities.messages import OrderDocument
from activities.unit_of_work import UnitOfWork
from domain.errors import DomainError, InvalidValue
from domain.ids import LineId
from domain.lines import OrderLine
from domain.order import decisions, state
from domain.order.commands import (
    AddItem,
    CreateOrder,
    OrderCommand,
    SetAddress,
    SetAdjustments,
    SubmitOrder,
)
from domain.order.events import OrderEvent
from domain.order.evolution import evolve
from domain.values import PaymentTerms, Redacted, Redaction

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
            order = evolve(order, event)
            yield event


def _commands(document: OrderDocument, now: datetime | None) -> Iterator[OrderCommand]:
    placed_at = document.placed_at or now
    if placed_at is None:
        raise InvalidValue("placed_at", "is missing")
    yield CreateOrder(
        document.order_id,
        document.customer_id,
        document.currency,
        placed_at,
        document.reference,
    )
    for line in document.lines:
        yield AddItem(
            line.code,
            line.description,
            line.quantity,
            line.unit_price,
            line.kind,
            line.adjustments,
            line.line_id,
        )
    if document.adjustments:
        yield SetAdjustments(document.adjustments)
    if document.address:
        yield SetAddress(document.address)
    yield SubmitOrder(
        document.payment,
        document.unavailable,
        document.on_outage,
        document.customer,
        document.metadata,
        document.if_left,
    )


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
    yield "reference", document.reference == order.reference
    # A document without a time was given the time at which it first came in.
    yield "placed_at", document.placed_at in (None, order.placed_at)
    yield "lines", _priced(document.lines) == _priced(order.submitted.lines)
    yield "adjustments", document.adjustments == order.submitted.adjustments
    # Erased data can no longer be compared; the order is closed, so nothing depends on it.
    yield "address", order.submitted_address in (document.address, _ERASED)
    yield "customer", order.customer in (document.customer, _ERASED)
    yield "payment", _same_payment(document.payment, order.payment)
    yield "unavailable", document.unavailable == order.unavailable
    yield "on_outage", document.on_outage == order.on_outage
    yield "metadata", document.metadata == order.metadata
    yield "if_parcel_left", document.if_left == order.if_left


def _priced(lines: Iterable[OrderLine]) -> dict[LineId, OrderLine]:
    """The lines by id; neither their sequence nor what they are called makes another order."""
    return {line.line_id: replace(line, description="") for line in lines}


def _same_payment(stated: PaymentTerms | None, recorded: PaymentTerms | None) -> bool:
    if stated is None or recorded is None:
        return stated is recorded
    same_token = recorded.token in (stated.token, _ERASED)
    return same_token and replace(stated, token=recorded.token) == recorded

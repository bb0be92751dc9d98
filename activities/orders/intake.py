"""Submits an order document: the events that create and submit the order, once."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

from temporalio.exceptions import ApplicationError

from activities.aggregates import FULFILLMENT, ORDER
from activities.conflict import Conflict
from activities.failures import INVALID_DOCUMENT, ORDER_CONFLICT, final_failure
from activities.messages import OrderDocument
from activities.orders import trail
from activities.unit_of_work import UnitOfWork, load
from domain.errors import DomainError, InvalidValue
from domain.ids import LineId, OrderId
from domain.lines import OrderLine
from domain.order import decisions, state
from domain.order.commands import (
    AddItems,
    CreateOrder,
    OrderCommand,
    SetAddress,
    SetAdjustments,
    SubmitOrder,
)
from domain.order.events import OrderEvent
from domain.order.evolution import evolve
from domain.saga.trail import NotStarted
from domain.values import PaymentTerms, Redacted, Redaction
from eventstore.commands.handler import CommandHandler

_ERASED: Final = Redacted(Redaction.ERASED)


class OrderConflict(Exception):
    """An order with this id and other content exists; nothing was changed.

    Attributes:
        fields: the fields of the document that differ; empty: that order was never submitted.
    """

    def __init__(self, order_id: OrderId, fields: tuple[str, ...]) -> None:
        never = "it was never submitted; submit the draft instead of sending a document"
        what = f"{', '.join(fields)} differ" if fields else never
        super().__init__(f"order {order_id} already exists: {what}")
        self.order_id = order_id
        self.fields = fields


def ensure_submitted(unit: UnitOfWork, document: OrderDocument, now: datetime) -> None:
    """Create and submit the order unless it exists.

    Raises:
        OrderConflict: see `conflict_failure`.
        ApplicationError: InvalidDocument; it ends the run.
    """
    try:
        submit(unit, document, now)
    except DomainError as error:
        raise final_failure(INVALID_DOCUMENT, str(error), _wrong_field(error)) from error


def submit(unit: UnitOfWork, document: OrderDocument, now: datetime) -> bool:
    """Create and submit the order; False if this document was submitted before.

    Raises:
        OrderConflict, InvalidValue, CurrencyMismatch, RuleBroken: see `decide_intake`.
    """
    order = ORDER.stream(document.order_id)
    commands = _commands_for(document, unit.state(order), now)
    unit.execute(order, *commands)
    return bool(commands)


def _wrong_field(error: DomainError) -> dict[str, str]:
    """What is wrong, in the form that refusals of a document have."""
    if isinstance(error, InvalidValue):
        return {"field": error.field, "rule": "rule", "message": error.problem}
    return {"field": "document", "rule": "rule", "message": str(error)}


async def conflict_failure(handler: CommandHandler, conflict: OrderConflict) -> ApplicationError:
    """The failure that ends the run, with what is known of the order that has the id."""
    order_id = conflict.order_id
    order, fulfillment = ORDER.stream(order_id), FULFILLMENT.stream(order_id)
    states = await load(handler, order, fulfillment)
    saga = states.state(fulfillment)
    closed = trail.closed_saga(states.state(order))
    details = Conflict(
        conflict.fields,
        None if isinstance(saga, NotStarted) else saga.run_id,
        closed and await trail.with_final_payment(handler, order_id, closed),
    )
    return final_failure(ORDER_CONFLICT, str(conflict), details)


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
        InvalidValue, CurrencyMismatch, RuleBroken: the domain refuses the content. InvalidValue
            names a field of a line by its place: ``lines.0.quantity``.
    """
    return tuple(_decided(_commands_for(document, order, now), order))


def _decided(commands: Iterable[OrderCommand], order: state.OrderState) -> Iterator[OrderEvent]:
    for command in commands:
        for event in decisions.decide(command, order):
            order = evolve(order, event)
            yield event


def _commands_for(
    document: OrderDocument, order: state.OrderState, now: datetime | None
) -> tuple[OrderCommand, ...]:
    if isinstance(order, state.NoOrder):
        return tuple(_commands(document, now))
    recorded = state.frozen_order(order)
    if recorded is None:
        raise OrderConflict(document.order_id, ())
    different = [name for name, same in _comparisons(document, recorded) if not same]
    if different:
        raise OrderConflict(document.order_id, tuple(different))
    return ()


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
    yield AddItems(document.lines)
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


def _comparisons(document: OrderDocument, order: state.FrozenOrder) -> Iterator[tuple[str, bool]]:
    """Each field of the document, and whether the order has the same.

    `workflows.fulfillment.content` compares by the same rule, before the event store is asked.
    """
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

"""How the state of an order follows from its events."""

from dataclasses import replace
from typing import assert_never

from domain.errors import ImpossibleHistory
from domain.lines import OrderLine, pieces_by_line
from domain.money import Money
from domain.order import events
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
)
from domain.values import PaymentDue, PaymentTerms


def evolve(state: OrderState, event: events.OrderEvent) -> OrderState:
    """The state after an event; raises ImpossibleHistory if it cannot follow on `state`."""
    if isinstance(event, events.SetbackEvent):
        return _set_back(state, event)
    match event:
        case (
            events.ItemAdded()
            | events.ItemRemoved()
            | events.QuantityChanged()
            | events.AdjustmentsSet()
            | events.AddressSet()
        ):
            return _edited(state, event)
        case events.OrderCreated():
            return _drafted(state, event)
        case events.OrderSubmitted():
            return _frozen(state, event)
        case events.DeliveryAddressChanged():
            return _redirected(state, event)
        case events.OrderReserved() | events.OrderProcessingStarted() | events.OrderCompleted():
            return _advanced(state, event)
        case events.OrderCancelled():
            return _cancelled(state, event)
        case _:
            assert_never(event)


def _drafted(state: OrderState, event: events.OrderCreated) -> Draft:
    if not isinstance(state, NoOrder):
        raise ImpossibleHistory(event, state)
    zero = Money.zero(event.currency)
    return Draft(event.order_id, event.customer_id, event.placed_at, zero, event.reference)


def _edited(state: OrderState, event: events.DraftEvent) -> Draft:
    if not isinstance(state, Draft):
        raise ImpossibleHistory(event, state)
    match event:
        case events.ItemAdded():
            return _with_line(state, _added_line(state, event))
        case events.ItemRemoved():
            rest = {key: line for key, line in state.lines.items() if key != event.line_id}
            subtotal = state.subtotal - state.lines[event.line_id].amount
            return replace(state, lines=rest, subtotal=subtotal)
        case events.QuantityChanged():
            return _with_line(state, replace(state.lines[event.line_id], quantity=event.quantity))
        case events.AdjustmentsSet():
            return _adjusted(state, event)
        case events.AddressSet():
            return replace(state, address=event.address)
        case _:
            assert_never(event)


def _added_line(draft: Draft, event: events.ItemAdded) -> OrderLine:
    line = draft.lines.get(event.line_id)
    if line is not None:
        return replace(line, quantity=line.quantity + event.quantity)
    return OrderLine(
        event.line_id,
        event.code,
        event.description,
        event.quantity,
        event.unit_price,
        event.kind,
        event.adjustments,
    )


def _adjusted(draft: Draft, event: events.AdjustmentsSet) -> Draft:
    if event.line_id is None:
        return replace(draft, adjustments=event.adjustments)
    line = draft.lines[event.line_id]
    return _with_line(draft, replace(line, adjustments=event.adjustments))


def _with_line(draft: Draft, line: OrderLine) -> Draft:
    before = draft.lines.get(line.line_id)
    subtotal = draft.subtotal + line.amount
    if before is not None:
        subtotal -= before.amount
    # In full: each line of each order comes here, and `replace` takes twice as long.
    return Draft(
        draft.order_id,
        draft.customer_id,
        draft.placed_at,
        subtotal,
        draft.reference,
        {**draft.lines, line.line_id: line},
        draft.adjustments,
        draft.address,
    )


def _frozen(state: OrderState, event: events.OrderSubmitted) -> Submitted:
    if not isinstance(state, Draft):
        raise ImpossibleHistory(event, state)
    return Submitted(
        FrozenOrder(
            order_id=event.order_id,
            customer_id=event.customer_id,
            placed_at=state.placed_at,
            reference=state.reference,
            lines=event.lines,
            submitted=event.content,
            submitted_address=event.address,
            address=event.address,
            total=event.total,
            payment=event.payment,
            unavailable=event.unavailable,
            on_outage=event.on_outage,
            if_left=event.if_left,
            customer=event.customer,
            metadata=event.metadata,
            totals=(event.total,),
        )
    )


def _redirected(state: OrderState, event: events.DeliveryAddressChanged) -> OrderState:
    match state:
        case Submitted() | Backordered() | Reserved() | Processing():
            return replace(state, order=replace(state.order, address=event.address))
        case _:
            raise ImpossibleHistory(event, state)


def _advanced(state: OrderState, event: events.ProgressEvent) -> OrderState:
    match event, state:
        case events.OrderReserved(), Submitted() | Backordered():
            return Reserved(state.order)
        case events.OrderProcessingStarted(), Reserved() | Processing():
            return Processing(_paid(state.order), event.payment_reference)
        case events.OrderProcessingStarted(), Backordered():
            reference = event.payment_reference
            order = _paid(state.order)
            return replace(state, order=order, processing=True, payment_reference=reference)
        case events.OrderCompleted(), Processing():
            return Completed(state.order, state.payment_reference, event.tracking_number)
    raise ImpossibleHistory(event, state)


def _paid(order: FrozenOrder) -> FrozenOrder:
    return replace(order, payment_due=None, pay_by=None)


def _shortened(state: OrderState, event: events.ShortageEvent) -> OrderState:
    match event, state:
        case events.ItemsUnavailable(), Submitted() | Reserved() | Processing():
            return _backordered(state, event)
        case events.BackorderAccepted(), Backordered():
            return replace(state, asking=False, deadline=event.deadline)
        case events.OrderAmended(), Backordered() | Reserved() | Processing():
            return replace(state, order=_amended(state.order, event))
    raise ImpossibleHistory(event, state)


def _backordered(
    state: Submitted | Reserved | Processing, event: events.ItemsUnavailable
) -> Backordered:
    waiting = Backordered(state.order, event.missing, event.asking, event.deadline)
    match state:
        case Submitted():
            return waiting
        case Reserved():
            return replace(waiting, counted=True)
        case Processing():
            reference = state.payment_reference
            return replace(waiting, counted=True, processing=True, payment_reference=reference)
        case _:
            assert_never(state)


def _amended(order: FrozenOrder, event: events.OrderAmended) -> FrozenOrder:
    left = pieces_by_line(event.lines)
    lines = (replace(line, quantity=left[line.line_id]) for line in order.submitted.lines)
    return replace(
        order,
        lines=tuple(line for line in lines if line.quantity > 0),
        total=event.total,
        totals=(*order.totals, event.total),
    )


def _set_back(state: OrderState, event: events.SetbackEvent) -> OrderState:
    if isinstance(event, events.DeclineEvent):
        return _unpaid(state, event)
    return _shortened(state, event)


def _unpaid(state: OrderState, event: events.DeclineEvent) -> OrderState:
    if not isinstance(state, Reserved | Backordered | Processing):
        raise ImpossibleHistory(event, state)
    order = state.order
    match event:
        case events.PaymentAsked(code, deadline):
            order = replace(order, payment_due=PaymentDue(code, deadline), pay_by=deadline)
        case events.PaymentReplaced():
            before = order.payment or PaymentTerms()
            now = replace(before, token=event.token, confirmed=event.confirmed)
            order = replace(order, other_payment=now, payment_due=None)
        case _:
            assert_never(event)
    return replace(state, order=order)


def _cancelled(state: OrderState, event: events.OrderCancelled) -> Cancelled:
    match state:
        case Draft():
            return Cancelled(state, event.reason, event.detail)
        case Submitted() | Backordered() | Reserved() | Processing():
            return Cancelled(state.order, event.reason, event.detail)
        case _:
            raise ImpossibleHistory(event, state)

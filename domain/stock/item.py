"""The stock item, one per SKU: ``available = on hand - reserved >= 0``, always.

Orders may wait for pieces that are not available. Whatever makes pieces available (a delivery, a
count, a release) allocates them to the queue in the same decision, first come, first served. So
nothing is available while an order waits, no order can overtake, and no background process is
needed for fairness.

A count may find fewer pieces than are reserved. Then the reservations that were made last become
short: their orders wait for the missing pieces, ahead of those that have never had theirs.

The state stays small even for a product that is sold for years:

- Open reservations are kept by order.
- Deliveries are kept for ever, because counting one twice would invent stock; there are few.
- Only the last REMEMBERED_SHIPMENTS orders are kept as shipped. They only decide whether a repeated
  shipment is accepted or refused; pieces leave once either way.
- Released orders are not kept: releasing nothing is not an error.
- Returned pieces are not kept: the order's returns make sure that they are booked once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final, assert_never

from domain import fields
from domain.errors import ImpossibleHistory, InvalidValue, RuleBroken
from domain.ids import OrderId, Sku, parse_sku
from domain.stock import commands, events
from domain.stock.persistent_map import PersistentMap
from domain.stock.queue import WaitingQueue

_Events = tuple[events.StockEvent, ...]

REMEMBERED_SHIPMENTS: Final = 256


@dataclass(frozen=True, slots=True)
class StockState:
    """A SKU's ledger, in pieces.

    Attributes:
        sku: None until the first event.
        reserved: the sum of `reservations`.
        reservations: reserved pieces, by order, oldest first.
        deliveries: pieces received, by the reference of the delivery.
        shipped: the orders shipped last, oldest first.
        waiting: the orders that wait for pieces, and for how many.
    """

    sku: Sku | None = None
    on_hand: int = 0
    reserved: int = 0
    reservations: PersistentMap[OrderId, int] = field(default_factory=PersistentMap)
    deliveries: PersistentMap[str, int] = field(default_factory=PersistentMap)
    shipped: tuple[OrderId, ...] = ()
    waiting: WaitingQueue = field(default_factory=WaitingQueue)

    @property
    def available(self) -> int:
        """Pieces that can be reserved."""
        return self.on_hand - self.reserved

    def holds_or_waits(self, order_id: OrderId) -> bool:
        """Whether an order has reserved pieces or waits for some."""
        return order_id in self.reservations or self.waiting.pieces_of(order_id) > 0


INITIAL: Final = StockState()


def decide(command: commands.StockCommand, state: StockState) -> _Events:
    """The resulting events; empty if the command changes nothing.

    Raises:
        InvalidValue: a value of the command is not acceptable.
        RuleBroken: the ledger does not allow it.
    """
    match command:
        case commands.ReceiveStock():
            return _receive(command, state)
        case commands.AdjustStock():
            return _adjust(command, state)
        case commands.ReserveStock():
            return _reserve(command, state)
        case commands.BackorderStock():
            return _backorder(command, state)
        case commands.ReleaseStock() | commands.ReduceClaim():
            return _give_up(command, state)
        case commands.ShipStock():
            return _ship(command, state)
        case commands.ReturnStock():
            return _return(command, state)
        case _:
            assert_never(command)


def _check_sku(sku: Sku, state: StockState) -> None:
    parse_sku(sku)
    if state.sku not in (None, sku):
        raise RuleBroken("wrong_sku", f"this is the ledger of {state.sku}, not of {sku}")


def _receive(command: commands.ReceiveStock, state: StockState) -> _Events:
    _check_sku(command.sku, state)
    fields.check_quantity(command.quantity)
    reference = fields.parse_reference(command.reference, "reference")
    booked = state.deliveries.get(reference)
    if booked is None:
        received = events.StockReceived(command.sku, command.quantity, reference)
        return (received, *_allocations(command.sku, command.quantity, state))
    if booked != command.quantity:
        raise RuleBroken(
            "delivery_differs",
            f"this delivery is booked with {booked} pieces: adjust the stock instead",
        )
    return ()


def _adjust(command: commands.AdjustStock, state: StockState) -> _Events:
    _check_sku(command.sku, state)
    limit = fields.MAX_QUANTITY
    if type(command.delta) is not int or not 1 <= abs(command.delta) <= limit:
        raise InvalidValue("delta", f"must be a whole number from -{limit} to {limit}, but not 0")
    reason = fields.parse_reference(command.reason, "reason")
    if state.on_hand + command.delta < 0:
        raise RuleBroken(
            "stock_below_nothing", f"only {state.on_hand} pieces are on hand: none can be fewer"
        )
    short = _deallocations(command.sku, -(state.available + command.delta), state)
    adjusted = events.StockAdjusted(command.sku, command.delta, reason)
    return (*short, adjusted, *_allocations(command.sku, command.delta, state))


def _deallocations(sku: Sku, missing: int, state: StockState) -> Iterator[events.StockDeallocated]:
    """Take `missing` pieces from the reservations that were made last."""
    left = missing
    for order_id in reversed(tuple(state.reservations)):
        if left <= 0:
            return
        taken = min(state.reservations[order_id], left)
        left -= taken
        yield events.StockDeallocated(sku, order_id, taken)


def _allocations(
    sku: Sku, freed: int, state: StockState, leaving: OrderId | None = None
) -> Iterator[events.StockAllocated]:
    """Allocate `freed` pieces to the queue; while orders wait, no others are available."""
    left = freed
    for order_id, pieces in state.waiting:
        if left <= 0:
            return
        if order_id == leaving:
            continue
        allocated = min(pieces, left)
        left -= allocated
        yield events.StockAllocated(sku, order_id, allocated)


def _reserve(command: commands.ReserveStock, state: StockState) -> _Events:
    _check_sku(command.sku, state)
    fields.check_quantity(command.quantity)
    held = state.reservations.get(command.order_id)
    if held == command.quantity:
        return ()
    if held is not None:
        raise RuleBroken("reservation_differs", f"the order has already reserved {held} pieces")
    if command.order_id in state.shipped:
        raise RuleBroken("already_shipped", "the order has already been shipped")
    if command.quantity > state.available:
        raise RuleBroken("not_enough_stock", f"only {state.available} pieces are available")
    return (events.StockReserved(command.sku, command.order_id, command.quantity),)


def _backorder(command: commands.BackorderStock, state: StockState) -> _Events:
    _check_sku(command.sku, state)
    fields.check_quantity(command.quantity)
    order_id = command.order_id
    claimed = state.reservations.get(order_id, 0) + state.waiting.pieces_of(order_id)
    if claimed == command.quantity:
        return ()
    if claimed:
        raise RuleBroken("claim_differs", f"the order already claims {claimed} pieces")
    if order_id in state.shipped:
        raise RuleBroken("already_shipped", "the order has already been shipped")
    available = min(state.available, command.quantity)
    missing = command.quantity - available
    reserved = (events.StockReserved(command.sku, order_id, available),) if available else ()
    queued = (events.StockBackordered(command.sku, order_id, missing),) if missing else ()
    return (*reserved, *queued)


def _give_up(command: commands.ReleaseStock | commands.ReduceClaim, state: StockState) -> _Events:
    order_id, kept = command.order_id, 0
    if isinstance(command, commands.ReduceClaim):
        fields.check_quantity(command.quantity, lowest=0)
        kept = command.quantity
    held, waits = state.reservations.get(order_id, 0), state.waiting.pieces_of(order_id)
    excess = held + waits - kept
    if excess <= 0 or state.sku is None:
        return ()
    withdrawn = min(waits, excess)
    decided: list[events.StockEvent] = []
    if withdrawn:
        decided.append(events.BackorderWithdrawn(state.sku, order_id, withdrawn))
    if freed := excess - withdrawn:
        decided.append(events.StockReleased(state.sku, order_id, freed))
        decided.extend(_allocations(state.sku, freed, state, leaving=order_id))
    return tuple(decided)


def _ship(command: commands.ShipStock, state: StockState) -> _Events:
    held = state.reservations.get(command.order_id)
    if state.waiting.pieces_of(command.order_id):
        raise RuleBroken("still_waiting", "the order still waits for pieces")
    if held is not None and state.sku is not None:
        return (events.StockShipped(state.sku, command.order_id, held),)
    if command.order_id in state.shipped:
        return ()
    raise RuleBroken("nothing_reserved", "nothing is reserved for the order")


def _return(command: commands.ReturnStock, state: StockState) -> _Events:
    _check_sku(command.sku, state)
    fields.check_quantity(command.quantity)
    sku, pieces = command.sku, command.quantity
    returned = events.StockReturned(sku, command.order_id, command.return_id, pieces)
    return (returned, *_allocations(sku, pieces, state))


def evolve(state: StockState, event: events.StockEvent) -> StockState:
    """The state after an event; raises ImpossibleHistory if it cannot follow on `state`."""
    match event:
        case events.StockReceived() | events.StockAdjusted() | events.StockReturned():
            return _counted(state, event)
        case events.StockReserved():
            return _reserved(state, event)
        case events.StockReleased():
            return _without(state, event)
        case events.StockDeallocated():
            rest = _without(state, event)
            waiting = rest.waiting.put_ahead(event.order_id, event.quantity)
            return replace(rest, waiting=waiting)
        case events.StockShipped():
            return _shipped(state, event)
        case events.StockBackordered() | events.StockAllocated() | events.BackorderWithdrawn():
            return _queued(state, event)
        case _:
            assert_never(event)


def _counted(
    state: StockState, event: events.StockReceived | events.StockAdjusted | events.StockReturned
) -> StockState:
    change = event.delta if isinstance(event, events.StockAdjusted) else event.quantity
    if state.available + change < 0:
        raise ImpossibleHistory(event, state)
    deliveries = state.deliveries
    if isinstance(event, events.StockReceived):
        deliveries = deliveries.put(event.reference, event.quantity)
    return replace(state, sku=event.sku, on_hand=state.on_hand + change, deliveries=deliveries)


def _reserved(state: StockState, event: events.StockReserved) -> StockState:
    if event.quantity > state.available or event.order_id in state.reservations:
        raise ImpossibleHistory(event, state)
    return replace(
        state,
        sku=event.sku,
        reserved=state.reserved + event.quantity,
        reservations=state.reservations.put(event.order_id, event.quantity),
    )


def _without(
    state: StockState,
    event: events.StockReleased | events.StockShipped | events.StockDeallocated,
) -> StockState:
    rest = state.reservations.get(event.order_id, 0) - event.quantity
    if rest < 0:
        raise ImpossibleHistory(event, state)
    held = state.reservations
    return replace(
        state,
        reserved=state.reserved - event.quantity,
        reservations=held.put(event.order_id, rest) if rest else held.drop(event.order_id),
    )


def _shipped(state: StockState, event: events.StockShipped) -> StockState:
    if state.reservations.get(event.order_id) != event.quantity:
        raise ImpossibleHistory(event, state)
    rest = _without(state, event)
    return replace(
        rest,
        on_hand=rest.on_hand - event.quantity,
        shipped=(*rest.shipped[1 - REMEMBERED_SHIPMENTS :], event.order_id),
    )


def _queued(
    state: StockState,
    event: events.StockBackordered | events.StockAllocated | events.BackorderWithdrawn,
) -> StockState:
    waits = state.waiting.pieces_of(event.order_id)
    match event:
        case events.StockBackordered() if not waits and state.available == 0:
            waiting = state.waiting.joined(event.order_id, event.quantity)
            return replace(state, sku=event.sku, waiting=waiting)
        case events.StockAllocated() if next(iter(state.waiting), ("", 0))[0] == event.order_id:
            return _allocated(state, event, waits)
        case events.BackorderWithdrawn() if event.quantity <= waits:
            return replace(state, waiting=state.waiting.reduced(event.order_id, event.quantity))
    raise ImpossibleHistory(event, state)


def _allocated(state: StockState, event: events.StockAllocated, waits: int) -> StockState:
    if event.quantity > min(waits, state.available):
        raise ImpossibleHistory(event, state)
    held = state.reservations.get(event.order_id, 0) + event.quantity
    return replace(
        state,
        reserved=state.reserved + event.quantity,
        reservations=state.reservations.put(event.order_id, held),
        waiting=state.waiting.reduced(event.order_id, event.quantity),
    )

"""The stock item, one per SKU: ``available = on hand - reserved >= 0``, always.

What is remembered, and why. Open reservations are, each by its order. Deliveries are for ever, as
counting one twice would invent stock; there are few. Shipped orders are only for as long as a
repeated request may arrive (the last REMEMBERED_SHIPMENTS): they decide nothing but whether
shipping again is answered by "done already" or by a refusal, pieces leave once either way. Released
orders are not: releasing nothing is no error. Nor are returned pieces: the returns of the order see
to it that they are booked once. So a product sold for years has a small state.
"""

from dataclasses import dataclass, field, replace
from typing import Final, assert_never

from domain import checks
from domain.commands import (
    AdjustStock,
    ReceiveStock,
    ReleaseStock,
    ReserveStock,
    ShipStock,
    StockCommand,
)
from domain.errors import ImpossibleHistory, InvalidValue, RuleBroken
from domain.events import (
    StockAdjusted,
    StockEvent,
    StockReceived,
    StockReleased,
    StockReserved,
    StockShipped,
)
from domain.ids import OrderId, Sku, parse_sku
from domain.persistent_map import PersistentMap
from domain.return_commands import ReturnStock
from domain.return_events import StockReturned

REMEMBERED_SHIPMENTS: Final = 256


@dataclass(frozen=True, slots=True)
class StockState:
    """A SKU's ledger, in pieces.

    Attributes:
        sku: None until something happened to it.
        reserved: the sum of `reservations`.
        reservations: pieces set aside, by order.
        deliveries: pieces received, by the delivery's reference.
        shipped: the orders that took pieces with them last, oldest first.
    """

    sku: Sku | None = None
    on_hand: int = 0
    reserved: int = 0
    reservations: PersistentMap[OrderId, int] = field(default_factory=PersistentMap)
    deliveries: PersistentMap[str, int] = field(default_factory=PersistentMap)
    shipped: tuple[OrderId, ...] = ()

    @property
    def available(self) -> int:
        """Pieces that can still be promised."""
        return self.on_hand - self.reserved


INITIAL: Final = StockState()


def decide(command: StockCommand, state: StockState) -> tuple[StockEvent, ...]:
    """The events that a command leads to; none if what it asks for is so already.

    Raises:
        InvalidValue: a value of the command is not acceptable.
        RuleBroken: the ledger does not allow it.
    """
    match command:
        case ReceiveStock():
            return _receive(command, state)
        case AdjustStock():
            return _adjust(command, state)
        case ReserveStock():
            return _reserve(command, state)
        case ReleaseStock():
            return _release(command, state)
        case ShipStock():
            return _ship(command, state)
        case ReturnStock():
            return _return(command, state)
        case _:
            assert_never(command)


def _check_sku(sku: Sku, state: StockState) -> None:
    parse_sku(sku)
    if state.sku not in (None, sku):
        raise RuleBroken("wrong_sku", f"this is the ledger of {state.sku}, not of {sku}")


def _receive(command: ReceiveStock, state: StockState) -> tuple[StockEvent, ...]:
    _check_sku(command.sku, state)
    checks.check_quantity(command.quantity)
    checks.check_reference(command.reference, "reference")
    booked = state.deliveries.get(command.reference)
    if booked is None:
        return (StockReceived(command.sku, command.quantity, command.reference),)
    if booked != command.quantity:
        raise RuleBroken(
            "delivery_differs",
            f"this delivery is booked with {booked} pieces: adjust the stock instead",
        )
    return ()


def _adjust(command: AdjustStock, state: StockState) -> tuple[StockEvent, ...]:
    _check_sku(command.sku, state)
    if type(command.delta) is not int or not 1 <= abs(command.delta) <= checks.MAX_QUANTITY:
        raise InvalidValue(
            "delta", f"must be a whole number up to {checks.MAX_QUANTITY} either way, not 0"
        )
    checks.check_reference(command.reason, "reason")
    if state.available + command.delta < 0:
        raise RuleBroken(
            "stock_below_reserved",
            f"only {state.available} pieces are free, {state.reserved} are reserved",
        )
    return (StockAdjusted(command.sku, command.delta, command.reason),)


def _reserve(command: ReserveStock, state: StockState) -> tuple[StockEvent, ...]:
    _check_sku(command.sku, state)
    checks.check_quantity(command.quantity)
    held = state.reservations.get(command.order_id)
    if held == command.quantity:
        return ()
    if held is not None:
        raise RuleBroken("reservation_differs", f"the order holds {held} pieces already")
    if command.order_id in state.shipped:
        raise RuleBroken("already_shipped", "the order's pieces have left already")
    if command.quantity > state.available:
        raise RuleBroken("not_enough_stock", f"only {state.available} pieces are available")
    return (StockReserved(command.sku, command.order_id, command.quantity),)


def _release(command: ReleaseStock, state: StockState) -> tuple[StockEvent, ...]:
    held = state.reservations.get(command.order_id)
    if held is None or state.sku is None:
        return ()
    return (StockReleased(state.sku, command.order_id, held),)


def _ship(command: ShipStock, state: StockState) -> tuple[StockEvent, ...]:
    held = state.reservations.get(command.order_id)
    if held is not None and state.sku is not None:
        return (StockShipped(state.sku, command.order_id, held),)
    if command.order_id in state.shipped:
        return ()
    raise RuleBroken("nothing_reserved", "the order holds no reservation that could be shipped")


def _return(command: ReturnStock, state: StockState) -> tuple[StockEvent, ...]:
    _check_sku(command.sku, state)
    checks.check_quantity(command.quantity)
    return (StockReturned(command.sku, command.order_id, command.return_id, command.quantity),)


def evolve(state: StockState, event: StockEvent) -> StockState:
    """The state after an event; raises ImpossibleHistory if it cannot follow on `state`."""
    match event:
        case StockReceived():
            return replace(
                state,
                sku=event.sku,
                on_hand=state.on_hand + event.quantity,
                deliveries=state.deliveries.put(event.reference, event.quantity),
            )
        case StockAdjusted():
            if state.available + event.delta < 0:
                raise ImpossibleHistory(event, state)
            return replace(state, sku=event.sku, on_hand=state.on_hand + event.delta)
        case StockReserved():
            return _reserved(state, event)
        case StockReturned():
            return replace(state, sku=event.sku, on_hand=state.on_hand + event.quantity)
        case StockReleased():
            return _without(state, event)
        case StockShipped():
            rest = _without(state, event)
            return replace(
                rest,
                on_hand=rest.on_hand - event.quantity,
                shipped=(*rest.shipped[1 - REMEMBERED_SHIPMENTS :], event.order_id),
            )
        case _:
            assert_never(event)


def _reserved(state: StockState, event: StockReserved) -> StockState:
    if event.quantity > state.available or event.order_id in state.reservations:
        raise ImpossibleHistory(event, state)
    return replace(
        state,
        sku=event.sku,
        reserved=state.reserved + event.quantity,
        reservations=state.reservations.put(event.order_id, event.quantity),
    )


def _without(state: StockState, event: StockReleased | StockShipped) -> StockState:
    if state.reservations.get(event.order_id) != event.quantity:
        raise ImpossibleHistory(event, state)
    return replace(
        state,
        reserved=state.reserved - event.quantity,
        reservations=state.reservations.drop(event.order_id),
    )

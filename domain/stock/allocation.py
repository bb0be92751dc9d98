"""Stock for a whole order: decisions that span the ledgers of several SKUs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from domain.ids import OrderId, Sku
from domain.lines import OrderLine, pieces_by_sku
from domain.stock import item as stock_item
from domain.stock.commands import BackorderStock, ReserveStock
from domain.stock.events import StockBackordered, StockEvent
from domain.stock.item import StockState
from domain.values import MissingItem

StockEvents = Mapping[Sku, tuple[StockEvent, ...]]
"""The events to append, by SKU."""


@dataclass(frozen=True, slots=True)
class OutOfStock:
    """Stock does not suffice, so nothing is reserved; `missing` names every SKU that is short."""

    missing: tuple[MissingItem, ...]

    def __str__(self) -> str:
        return "; ".join(map(str, self.missing))


def plan_reservation(
    order_id: OrderId, lines: Iterable[OrderLine], stock_states: Mapping[Sku, StockState]
) -> StockEvents | OutOfStock:
    """The events that reserve every SKU of an order, unless one of them is short.

    A SKU that is already reserved for the order has no events.

    Args:
        order_id: whose reservation it is.
        lines: the order's lines; pieces of the same SKU add up, services take none.
        stock_states: the ledger of each SKU; a SKU without one has no stock.

    Raises:
        RuleBroken: the order has reserved another quantity of a SKU, or was shipped.
    """
    pieces = pieces_by_sku(lines)
    states = {sku: stock_states.get(sku, stock_item.INITIAL) for sku in pieces}
    missing = tuple(
        MissingItem(sku, quantity, quantity - states[sku].available)
        for sku, quantity in pieces.items()
        if order_id not in states[sku].reservations and quantity > states[sku].available
    )
    if missing:
        return OutOfStock(missing)
    planned = {
        sku: stock_item.decide(ReserveStock(sku, order_id, quantity), states[sku])
        for sku, quantity in pieces.items()
    }
    return {sku: events for sku, events in planned.items() if events}


@dataclass(frozen=True, slots=True)
class Claims:
    """Reserves what is available and queues for the rest: the events, and what is missing."""

    events: StockEvents
    missing: tuple[MissingItem, ...]

    def without_queueing(self) -> StockEvents:
        """The events that only reserve what is available."""
        return {
            sku: tuple(event for event in events if not isinstance(event, StockBackordered))
            for sku, events in self.events.items()
        }


def plan_claims(
    order_id: OrderId, lines: Iterable[OrderLine], stock_states: Mapping[Sku, StockState]
) -> Claims:
    """Reserve what is available of an order's SKUs, and queue for the rest.

    Args:
        order_id: whose claims they are.
        lines: the order's lines; pieces of the same SKU add up, services take none.
        stock_states: the ledger of each SKU; a SKU without one has no stock.

    Raises:
        RuleBroken: the order claims another quantity of a SKU, or was shipped.
    """
    pieces = pieces_by_sku(lines)
    events = {
        sku: stock_item.decide(
            BackorderStock(sku, order_id, quantity), stock_states.get(sku, stock_item.INITIAL)
        )
        for sku, quantity in pieces.items()
    }
    missing = tuple(
        MissingItem(sku, pieces[sku], event.quantity)
        for sku, decided in events.items()
        for event in decided
        if isinstance(event, StockBackordered)
    )
    return Claims(events, missing)

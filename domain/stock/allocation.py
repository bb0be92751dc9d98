"""Decisions that span several aggregates."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from domain.ids import OrderId, Sku
from domain.order.unavailable import MissingItem
from domain.stock import item as stock_item
from domain.stock.commands import BackorderStock, ReserveStock
from domain.stock.events import StockBackordered, StockEvent
from domain.stock.item import StockState
from domain.values import OrderLine


@dataclass(frozen=True, slots=True)
class Reservation:
    """All of an order's stock can be set aside: the events to append, by SKU.

    A SKU that the order holds already has no events; an empty map means that all is done.
    """

    events: Mapping[Sku, tuple[StockEvent, ...]]


@dataclass(frozen=True, slots=True)
class Shortage:
    """Of `sku`, `wanted` pieces were asked for and only `available` are there."""

    sku: Sku
    wanted: int
    available: int


@dataclass(frozen=True, slots=True)
class OutOfStock:
    """Something is short, so nothing is reserved; every shortage is named."""

    shortages: tuple[Shortage, ...]

    def __str__(self) -> str:
        return "; ".join(f"{s.sku}: {s.wanted} wanted, {s.available} there" for s in self.shortages)


def plan_reservation(
    order_id: OrderId, lines: Iterable[OrderLine], stock_states: Mapping[Sku, StockState]
) -> Reservation | OutOfStock:
    """Set all SKUs of an order aside, or none of them.

    Args:
        order_id: whose reservation it is.
        lines: the order's lines; pieces of the same SKU add up.
        stock_states: the ledger of each SKU; one that is missing has no stock.

    Raises:
        RuleBroken: the order holds another quantity of a SKU, or it was shipped before.
    """
    wanted = _wanted(lines)
    states = {sku: stock_states.get(sku, stock_item.INITIAL) for sku in wanted}
    shortages = tuple(
        Shortage(sku, quantity, states[sku].available)
        for sku, quantity in wanted.items()
        if order_id not in states[sku].reservations and quantity > states[sku].available
    )
    if shortages:
        return OutOfStock(shortages)
    planned = {
        sku: stock_item.decide(ReserveStock(sku, order_id, quantity), states[sku])
        for sku, quantity in wanted.items()
    }
    return Reservation({sku: events for sku, events in planned.items() if events})


@dataclass(frozen=True, slots=True)
class Claims:
    """What is there is set aside and the rest queued for: the events, and what is missing."""

    events: Mapping[Sku, tuple[StockEvent, ...]]
    missing: tuple[MissingItem, ...]

    def without_queueing(self) -> Mapping[Sku, tuple[StockEvent, ...]]:
        """The events that only set aside what is there."""
        return {
            sku: tuple(event for event in events if not isinstance(event, StockBackordered))
            for sku, events in self.events.items()
        }


def plan_claims(
    order_id: OrderId, lines: Iterable[OrderLine], stock_states: Mapping[Sku, StockState]
) -> Claims:
    """Set aside what is there of an order's SKUs, and queue for what is not.

    Args:
        order_id: whose claims they are.
        lines: the order's lines; pieces of the same SKU add up.
        stock_states: the ledger of each SKU; one that is missing has no stock.

    Raises:
        RuleBroken: the order claims another quantity of a SKU, or it was shipped before.
    """
    wanted = _wanted(lines)
    events = {
        sku: stock_item.decide(
            BackorderStock(sku, order_id, quantity), stock_states.get(sku, stock_item.INITIAL)
        )
        for sku, quantity in wanted.items()
    }
    missing = tuple(
        MissingItem(sku, wanted[sku], event.quantity)
        for sku, decided in events.items()
        for event in decided
        if isinstance(event, StockBackordered)
    )
    return Claims(events, missing)


def _wanted(lines: Iterable[OrderLine]) -> dict[Sku, int]:
    wanted: dict[Sku, int] = {}
    for line in lines:
        wanted[line.sku] = wanted.get(line.sku, 0) + line.quantity
    return wanted

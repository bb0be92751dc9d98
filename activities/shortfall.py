"""What an order waits for: it is in the ledgers of its SKUs."""

from dataclasses import replace

from activities.aggregates import ORDER, SHIPMENT, STOCK, streams_of
from activities.messages import Shortage
from activities.unit_of_work import UnitOfWork, load
from domain.ids import OrderId, Sku
from domain.lines import pieces_by_sku
from domain.order.state import Backordered, FrozenOrder, claimed_skus
from domain.shipment.shipment import live_label
from domain.values import MissingItem
from eventstore.commands.handler import CommandHandler


def reserved_pieces(unit: UnitOfWork, order: FrozenOrder) -> dict[Sku, int]:
    """Pieces that are reserved for the order, by SKU; SKUs without any are left out."""
    reservations = {
        sku: unit.state(STOCK.stream(sku)).reservations.get(order.order_id, 0) for sku in order.skus
    }
    return {sku: pieces for sku, pieces in reservations.items() if pieces}


def missing_items(unit: UnitOfWork, order: FrozenOrder) -> tuple[MissingItem, ...]:
    """The items that the order waits for."""
    waiting = {
        sku: unit.state(STOCK.stream(sku)).waiting.pieces_of(order.order_id) for sku in order.skus
    }
    ordered = pieces_by_sku(order.lines)
    return tuple(
        MissingItem(sku, ordered[sku], pieces) for sku, pieces in waiting.items() if pieces
    )


def shortage(unit: UnitOfWork, state: Backordered) -> Shortage:
    """What a waiting order waits for."""
    reserved = sum(reserved_pieces(unit, state.order).values())
    return Shortage(missing_items(unit, state.order), reserved, state.asking, state.deadline)


async def shortage_of(handler: CommandHandler, order_id: OrderId) -> Shortage | None:
    """What an order waits for; None if it does not wait."""
    streams = streams_of(order_id, ORDER, SHIPMENT)
    skus = claimed_skus(await ORDER.stream(order_id).load(handler))
    unit = await load(handler, *streams, *STOCK.streams(skus))
    state = unit.state(ORDER.stream(order_id))
    if not isinstance(state, Backordered):
        return None
    labelled = live_label(unit.state(SHIPMENT.stream(order_id))) is not None
    return replace(shortage(unit, state), labelled=labelled)

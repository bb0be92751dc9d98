"""Signals sagas when stock that their orders wait for has arrived.

The stock item allocates arriving pieces to waiting orders in the same append as the arrival; this
process only sends the signals. A saga is signalled when its order no longer waits for anything, and
when the first pieces arrive for an order that held none (its customer then has one more choice).
A lost signal delays an order by hours at most: a waiting saga also checks by itself.
"""

from typing import Final

import structlog
from temporalio.service import RPCError, RPCStatusCode

from activities.aggregates import ORDER, STOCK
from activities.unit_of_work import UnitOfWork, load
from domain.ids import OrderId, Sku, order_stream
from domain.order.state import Backordered, FrozenOrder
from eventstore.model import FeedFilter, StoredEvent
from ordersaga.daemons.follower import Follower

CHECKPOINT: Final = "stock-arrivals"
EVENTS: Final = FeedFilter(
    categories=frozenset({"stock"}), event_types=frozenset({"StockAllocated"})
)
_log = structlog.stdlib.get_logger("ordersaga.stock_signals")


class StockSignals(Follower):
    """Signals the sagas of orders to which stock was allocated."""

    async def act(self, event: StoredEvent) -> None:
        """Signal the saga if that changes what it waits for; raises as `Follower.act`."""
        order_id, pieces = OrderId(event.data["order_id"]), int(event.data["quantity"])
        state = await ORDER.stream(order_id).load(self.handler)
        if not isinstance(state, Backordered):
            return
        stock = await load(self.handler, *STOCK.streams(state.order.skus))
        if _is_relevant(stock, state.order, pieces):
            await self._signal(order_id, Sku(event.data["sku"]))

    async def _signal(self, order_id: OrderId, sku: Sku) -> None:
        saga = self.client.get_workflow_handle(order_stream(order_id))
        try:
            await saga.signal("stock_arrived", {"sku": sku})
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            # A saga that is recovered later checks the stock when it starts.
            _log.warning("no saga waits for this stock", order_id=order_id)
        else:
            _log.info("stock arrived", order_id=order_id, sku=sku)


def _is_relevant(stock: UnitOfWork, order: FrozenOrder, pieces: int) -> bool:
    items = [stock.state(STOCK.stream(sku)) for sku in order.skus]
    waits = any(item.waiting.pieces_of(order.order_id) for item in items)
    held = sum(item.reservations.get(order.order_id, 0) for item in items)
    return not waits or held <= pieces

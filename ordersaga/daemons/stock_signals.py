"""Tells sagas that stock which their orders wait for has arrived.

The stock ledger gives arriving pieces to the orders that wait, in the same append as the arrival;
this only carries the news. A saga is told when its order waits for nothing any more, and when the
first pieces of an order of which nothing was there arrive (then its customer has a choice more).
What is lost on the way costs hours at most: a waiting saga also looks by itself.
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
WANTED: Final = FeedFilter(
    categories=frozenset({"stock"}), event_types=frozenset({"StockAllocated"})
)
_log = structlog.stdlib.get_logger("ordersaga.arrivals")


class StockArrivals(Follower):
    """Signals the sagas of orders that were given stock."""

    async def act(self, event: StoredEvent) -> None:
        """Signal the saga of a StockAllocated event if that is news for it.

        Raises:
            RPCError: Temporal does not answer.
            StoreUnavailable: the event store does not answer.
        """
        order_id, pieces = OrderId(event.data["order_id"]), int(event.data["quantity"])
        state = await ORDER.stream(order_id).load(self.handler)
        if not isinstance(state, Backordered):
            return
        stock = await load(self.handler, *STOCK.streams(state.order.skus))
        if _is_news(stock, state.order, pieces):
            await self._signal(order_id, Sku(event.data["sku"]))

    async def _signal(self, order_id: OrderId, sku: Sku) -> None:
        saga = self.client.get_workflow_handle(order_stream(order_id))
        try:
            await saga.signal("stock_arrived", {"sku": sku})
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            # Without a saga there is nobody to tell; one that is recovered looks at its start.
            _log.warning("no saga waits for this stock", order_id=order_id)
        else:
            _log.info("stock arrived", order_id=order_id, sku=sku)


def _is_news(stock: UnitOfWork, order: FrozenOrder, pieces: int) -> bool:
    ledgers = [stock.state(STOCK.stream(sku)) for sku in order.skus]
    waits = any(ledger.waiting.pieces_of(order.order_id) for ledger in ledgers)
    held = sum(ledger.reservations.get(order.order_id, 0) for ledger in ledgers)
    return not waits or held <= pieces

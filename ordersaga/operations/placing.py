"""Places an order in the event store, under an idempotency key.

The order and the key are appended together, so a key is used exactly if its order is there. The
append wakes the starter; Temporal is not needed.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from activities.aggregates import ORDER, REQUEST
from activities.messages import OrderDocument
from activities.orders.intake import submit
from activities.unit_of_work import UnitOfWork, transact
from domain.ids import OrderId
from domain.request.request import RecordRequest
from eventstore.commands.handler import CommandContext, CommandHandler
from eventstore.model import Metadata
from ordersaga.access.requests import RequestKey


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """The answer to whoever placed an order; the same for the same key, for ever.

    Attributes:
        created: False if the same order had been placed before, under another key.
    """

    order_id: OrderId
    created: bool


async def place_order(
    handler: CommandHandler,
    document: OrderDocument,
    request: RequestKey,
    traceparent: str | None = None,
) -> PlacedOrder:
    """Place an order, once for each key; the same order under another key changes nothing.

    Raises:
        RuleBroken: the key was used for another request.
        OrderConflict: the order id belongs to an order with other content.
        InvalidValue, CurrencyMismatch, RuleBroken: the domain refuses the content.
        StoreUnavailable: the outcome is unknown; send the request again with the same key.
    """
    order, key = ORDER.stream(document.order_id), REQUEST.stream(request.id)
    fingerprint, now = request.fingerprint.hex(), datetime.now(UTC)

    def place(unit: UnitOfWork) -> PlacedOrder:
        used = unit.state(key)
        if used is not None:
            unit.execute(key, RecordRequest(used.order_id, used.subject, fingerprint, used.is_new))
            return PlacedOrder(used.order_id, used.is_new)
        is_new = submit(unit, document, now)
        used_for = (document.order_id, request.subject, fingerprint, is_new)
        unit.execute(key, RecordRequest(*used_for))
        return PlacedOrder(document.order_id, is_new)

    metadata = Metadata(order.name, request.request_id, request.subject, traceparent)
    context = CommandContext(request.request_id, metadata)
    return await transact(handler, (order, key), place, context)

"""All orders of a customer, by the event store itself: a read model helps, but is not trusted."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from activities.aggregates import ORDER
from adapters.personal_data.fields import PERSONAL_FIELDS, value_at
from adapters.personal_data.sealing import is_sealed
from domain.ids import CustomerId, OrderId, order_stream
from domain.order.state import Draft, NoOrder, OrderState, frozen_order
from eventstore.model import FeedFilter, StoredEvent

if TYPE_CHECKING:
    from ordersaga.bootstrap.wiring import Services

_CREATED: Final = FeedFilter(frozenset({"order"}), frozenset({"OrderCreated"}))
_AT_ONCE: Final = 100
_PAGE: Final = 500
_REPOLL_S: Final = 0.01


@dataclass(frozen=True, slots=True)
class FoundOrders:
    """Orders, and how many of their events hold personal data in plain text."""

    states: Mapping[OrderId, OrderState]
    plain_events: int


async def orders_of_customer(services: "Services", customer_id: CustomerId) -> FoundOrders:
    """Every order that a customer ever opened, as it is now."""
    found = {order_id async for order_id in _candidates(services, customer_id)}
    orders = await load_orders(services, sorted(found))
    own = {key: state for key, state in orders.states.items() if owner(state) == customer_id}
    return FoundOrders(own, orders.plain_events)


async def load_orders(services: "Services", order_ids: Sequence[OrderId]) -> FoundOrders:
    """Some orders as they are now, without personal data; unknown ones are left out."""
    states: dict[OrderId, OrderState] = {}
    plain = 0
    waiting = iter(order_ids)
    while chunk := list(islice(waiting, _AT_ONCE)):
        streams = [order_stream(order_id) for order_id in chunk]
        kept = await services.log.read_streams(streams)
        plain += sum(_is_plain(event) for events in kept.values() for event in events)
        shown = await services.redacted_store.read_streams(streams)
        for order_id in chunk:
            state = _fold(services, shown[order_stream(order_id)])
            if not isinstance(state, NoOrder):
                states[order_id] = state
    return FoundOrders(states, plain)


def owner(state: OrderState) -> CustomerId | None:
    """Whose order it is; None for a guest's."""
    if isinstance(state, Draft):
        return state.customer_id
    frozen = frozen_order(state)
    if frozen is not None:
        return frozen.customer_id
    ended = getattr(state, "order", None)
    return ended.customer_id if isinstance(ended, Draft) else None


def _fold(services: "Services", events: Sequence[StoredEvent]) -> OrderState:
    state: OrderState = ORDER.fold.initial
    for event in events:
        state = ORDER.fold.evolve(state, services.codec.decode(event))
    return state


def _is_plain(event: StoredEvent) -> bool:
    values = (value_at(event.data, path) for path in PERSONAL_FIELDS.get(event.event_type, ()))
    return any(value is not None and not is_sealed(value) for value in values)


async def _candidates(services: "Services", customer_id: CustomerId) -> AsyncIterator[OrderId]:
    from projections.engine import control
    from projections.engine.projection import LIVE
    from projections.read_models.customer_orders.model import PROJECTION

    # The positions first: what lies before them is in the read model, or parked.
    lanes = await control.load_lanes(services.pool, LIVE, [PROJECTION.name])
    async for order_id in _in_read_model(services, customer_id):
        yield order_id
    async for order_id in _parked(services):
        yield order_id
    position = min((lane.position for lane in lanes), default=0)
    async for order_id in _in_feed(services, customer_id, position):
        yield order_id


async def _in_read_model(services: "Services", customer_id: CustomerId) -> AsyncIterator[OrderId]:
    from projections.read_models.customer_orders.model import list_customer_orders

    cursor: str | None = None
    while True:
        page = await list_customer_orders(services.pool, customer_id, limit=_AT_ONCE, cursor=cursor)
        for row in page.items:
            yield OrderId(row.order_id)
        cursor = page.next_cursor
        if cursor is None:
            return


async def _parked(services: "Services") -> AsyncIterator[OrderId]:
    from projections.operations.operate import list_parked
    from projections.read_models.customer_orders.model import PROJECTION

    cursor: str | None = None
    while True:
        page = await list_parked(services.pool, [PROJECTION], limit=_AT_ONCE, cursor=cursor)
        for row in page.items:
            yield OrderId(row.stream.partition("-")[2])
        cursor = page.next_cursor
        if cursor is None:
            return


async def _in_feed(
    services: "Services", customer_id: CustomerId, position: int
) -> AsyncIterator[OrderId]:
    """Orders opened after a position, up to what is stored now."""
    head = await services.log.head()
    while position < head:
        page = await services.log.read_feed(position, limit=_PAGE, wanted=_CREATED)
        for event in page.events:
            if event.data["customer_id"] == customer_id:
                yield OrderId(event.stream.partition("-")[2])
        if page.next_position == position:
            await asyncio.sleep(_REPOLL_S)  # drawn, but not committed yet
        position = page.next_position

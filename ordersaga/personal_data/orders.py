"""All orders of a customer. A read model makes this fast; the event store makes it complete."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Final, Protocol, TypeVar

from activities.aggregates import ORDER
from adapters.personal_data.fields import PERSONAL_FIELDS, value_at
from adapters.personal_data.sealing import is_sealed
from domain.ids import CustomerId, OrderId, order_stream
from domain.order.state import Draft, NoOrder, OrderState, frozen_order
from eventstore.codec import EventCodec
from eventstore.commands.handler import CommandHandler
from eventstore.model import FeedFilter, StoredEvent
from eventstore.store import EventStore
from projections.engine import control
from projections.engine.projection import LIVE, Pool
from projections.operations.operate import list_parked
from projections.paging import Page
from projections.read_models.customer_orders.model import PROJECTION, list_customer_orders

_CREATED: Final = FeedFilter(frozenset({"order"}), frozenset({"OrderCreated"}))
_AT_ONCE: Final = 100
_PAGE: Final = 500
_REPOLL_S: Final = 0.01

T = TypeVar("T")


class OrderSources(Protocol):
    """The services of the composition root that the look-up of orders needs.

    Attributes:
        handler: executes commands.
        pool: connections to the read models.
        log: the event store with personal data encrypted.
        redacted_store: the event store without personal data.
        codec: converts events to JSON and back.
    """

    @property
    def handler(self) -> CommandHandler: ...  # noqa: D102  see the class

    @property
    def pool(self) -> Pool: ...  # noqa: D102  see the class

    @property
    def log(self) -> EventStore: ...  # noqa: D102  see the class

    @property
    def redacted_store(self) -> EventStore: ...  # noqa: D102  see the class

    @property
    def codec(self) -> EventCodec: ...  # noqa: D102  see the class


@dataclass(frozen=True, slots=True)
class CustomerOrders:
    """Orders, and how many of their events hold personal data in plain text."""

    states: Mapping[OrderId, OrderState]
    plain_events: int


async def orders_of_customer(services: OrderSources, customer_id: CustomerId) -> CustomerOrders:
    """Every order that a customer ever created, as it is now."""
    candidates = {order_id async for order_id in _candidates(services, customer_id)}
    orders = await load_orders(services, sorted(candidates))
    own = {key: state for key, state in orders.states.items() if owner(state) == customer_id}
    return CustomerOrders(own, orders.plain_events)


async def load_orders(services: OrderSources, order_ids: Sequence[OrderId]) -> CustomerOrders:
    """Orders as they are now, without personal data; unknown ones are left out."""
    states: dict[OrderId, OrderState] = {}
    plain = 0
    remaining = iter(order_ids)
    while chunk := list(islice(remaining, _AT_ONCE)):
        streams = [order_stream(order_id) for order_id in chunk]
        stored = await services.log.read_streams(streams)
        plain += sum(_is_plain(event) for events in stored.values() for event in events)
        redacted = await services.redacted_store.read_streams(streams)
        for order_id in chunk:
            state = _fold(services, redacted[order_stream(order_id)])
            if not isinstance(state, NoOrder):
                states[order_id] = state
    return CustomerOrders(states, plain)


def owner(state: OrderState) -> CustomerId | None:
    """The customer of an order; None for a guest."""
    if isinstance(state, Draft):
        return state.customer_id
    frozen = frozen_order(state)
    if frozen is not None:
        return frozen.customer_id
    ended = getattr(state, "order", None)
    return ended.customer_id if isinstance(ended, Draft) else None


def _fold(services: OrderSources, events: Sequence[StoredEvent]) -> OrderState:
    state: OrderState = ORDER.fold.initial
    for event in events:
        state = ORDER.fold.evolve(state, services.codec.decode(event))
    return state


def _is_plain(event: StoredEvent) -> bool:
    values = (value_at(event.data, path) for path in PERSONAL_FIELDS.get(event.event_type, ()))
    return any(value is not None and not is_sealed(value) for value in values)


async def _candidates(services: OrderSources, customer_id: CustomerId) -> AsyncIterator[OrderId]:
    # The positions first: events before them are in the read model, or parked.
    lanes = await control.load_lanes(services.pool, LIVE, [PROJECTION.name])
    pool = services.pool
    async for row in _rows(partial(list_customer_orders, pool, customer_id, limit=_AT_ONCE)):
        yield OrderId(row.order_id)
    async for parked in _rows(partial(list_parked, pool, [PROJECTION], limit=_AT_ONCE)):
        yield OrderId(parked.stream.partition("-")[2])
    position = min((lane.position for lane in lanes), default=0)
    async for order_id in _in_feed(services, customer_id, position):
        yield order_id


async def _rows(read: Callable[..., Awaitable[Page[T]]]) -> AsyncIterator[T]:
    """All rows of a listing, page by page; `read` takes the cursor of a page."""
    page = await read()
    while True:
        for row in page.items:
            yield row
        if page.next_cursor is None:
            return
        page = await read(cursor=page.next_cursor)


async def _in_feed(
    services: OrderSources, customer_id: CustomerId, position: int
) -> AsyncIterator[OrderId]:
    """Orders created after a position, up to the end of the feed."""
    head = await services.log.head()
    while position < head:
        page = await services.log.read_feed(position, limit=_PAGE, feed_filter=_CREATED)
        for event in page.events:
            if event.data["customer_id"] == customer_id:
                yield OrderId(event.stream.partition("-")[2])
        if page.next_position == position:
            # A position is taken, but its append is not committed yet.
            await asyncio.sleep(_REPOLL_S)
        position = page.next_position

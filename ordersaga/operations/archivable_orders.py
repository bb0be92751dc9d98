"""Orders that ended long ago, and their streams that can be archived."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.ids import OrderId, fulfillment_stream, streams_of_order
from domain.order.events import OrderCancelled, OrderCompleted
from domain.saga.events import FulfillmentClosed
from eventstore.model import FeedFilter, StoredEvent
from eventstore.postgres.growth.archive import Archive
from eventstore.store import EventStore

_PAGE: Final = 500
_ENDED: Final = FeedFilter(
    categories=frozenset({"order"}),
    event_types=frozenset({OrderCompleted.__name__, OrderCancelled.__name__}),
)


@dataclass(frozen=True, slots=True)
class ArchivableOrder:
    """An order without events since the limit.

    Attributes:
        streams: its streams that are not archived yet.
        events: how many events they hold.
    """

    order_id: OrderId
    streams: Sequence[str]
    events: int


async def archivable_orders(
    store: EventStore, archive: Archive, before: datetime
) -> AsyncIterator[ArchivableOrder]:
    """Orders that ended, with their saga, and have no event since `before`.

    In the order in which they ended, without those that are archived completely.
    """
    position = 0
    while True:
        page = await store.read_feed(position, limit=_PAGE, feed_filter=_ENDED)
        ended = [
            OrderId(event.stream.partition("-")[2])
            for event in page.events
            if event.recorded_at < before
        ]
        for order in await _archivable(store, archive, ended, before):
            yield order
        is_recent = page.events and page.events[-1].recorded_at >= before
        if is_recent or not page.more:
            return
        position = page.next_position


async def _archivable(
    store: EventStore, archive: Archive, ended: Sequence[OrderId], before: datetime
) -> list[ArchivableOrder]:
    names = {order_id: streams_of_order(order_id) for order_id in ended}
    living = await archive.living([name for each in names.values() for name in each])
    waiting = {
        order_id: [name for name in each if name in living]
        for order_id, each in names.items()
        if any(name in living for name in each)
    }
    events = await store.read_streams([name for order_id in waiting for name in names[order_id]])
    return [
        ArchivableOrder(order_id, streams, sum(living[name] for name in streams))
        for order_id, streams in waiting.items()
        if _is_idle({name: events[name] for name in names[order_id]}, order_id, before)
    ]


def _is_idle(
    streams: dict[str, Sequence[StoredEvent]], order_id: OrderId, before: datetime
) -> bool:
    """Whether the saga, if there was one, has ended, and no event is newer than the limit."""
    saga = streams[fulfillment_stream(order_id)]
    if saga and not any(event.event_type == FulfillmentClosed.__name__ for event in saga):
        return False
    return all(event.recorded_at < before for each in streams.values() for event in each)

"""All streams of an order up to one moment, and what they fold to.

The rows are those of the read models, folded by the read models' own code. So an order that is
looked at, now or as it was, and a list say the same.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from activities.aggregates import ORDER
from domain.ids import (
    OrderId,
    fulfillment_stream,
    order_stream,
    payment_stream,
    returns_stream,
    shipment_stream,
    stock_stream,
)
from domain.lines import pieces_by_sku
from domain.order.state import OrderState
from eventstore.codec import EventCodec
from eventstore.model import StoredEvent
from eventstore.store import EventStore
from ordersaga.operations.statuses import Statuses, statuses_of
from projections.engine.projection import Projection, Recorded
from projections.read_models.fulfillments import model as fulfillments
from projections.read_models.parcels import model as parcels
from projections.read_models.payments import model as payments
from projections.read_models.returns import model as returns

K = TypeVar("K")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class OrderHistory:
    """The events of an order, by stream."""

    order_id: OrderId
    streams: Mapping[str, Sequence[StoredEvent]]
    codec: EventCodec

    def until(
        self, at: datetime | None, version: int | None, position: int | None = None
    ) -> "OrderHistory":
        """The part that was recorded by then.

        A version is that of the order's own stream, and lasts until the next one. A position is
        that of the last event of the part.
        """
        end = None if version is None else self._end_of(version)
        if position is not None:
            end = min(position + 1, position + 1 if end is None else end)
        streams = {
            name: [event for event in events if _is_before(event, at, end)]
            for name, events in self.streams.items()
        }
        return OrderHistory(self.order_id, streams, self.codec)

    @property
    def own(self) -> Sequence[StoredEvent]:
        """The events of the order's own stream."""
        return self.streams.get(order_stream(self.order_id), ())

    def order(self) -> OrderState:
        """The order."""
        state: OrderState = ORDER.fold.initial
        for event in self.own:
            state = ORDER.fold.evolve(state, self.codec.decode(event))
        return state

    def payment(self) -> payments.Payment | None:
        """Its payment; None: no provider has answered."""
        rows = self._rows(payment_stream, payments.PROJECTION, payments.apply_to)
        row = rows.get(self.order_id)
        return row and row.shown()

    def movements(self) -> list[payments.Movement]:
        """Every answer of the provider about money."""
        events = self.streams.get(payment_stream(self.order_id), ())
        handled = (event for event in events if event.event_type in payments.PROJECTION.handles)
        return payments.movements_of([Recorded(one, self.codec.decode(one)) for one in handled])

    def parcel(self) -> parcels.Parcel | None:
        """Its parcel; None: there is none."""
        rows = self._rows(shipment_stream, parcels.PROJECTION, parcels.apply_to)
        return rows.get(self.order_id)

    def returns(self) -> list[returns.ReturnRow]:
        """Its returns."""
        rows: dict[tuple[str, str], returns.ReturnRow]
        rows = self._rows(returns_stream, returns.PROJECTION, returns.apply_to)
        return list(rows.values())

    def fulfillment(self) -> fulfillments.Fulfillment | None:
        """Its saga as the events tell it; None: no saga has begun."""
        rows = self._rows(fulfillment_stream, fulfillments.PROJECTION, fulfillments.apply_to)
        return rows.get(self.order_id)

    def statuses(self) -> Statuses:
        """The statuses beside that of the order itself."""
        return statuses_of(self.payment(), self.parcel(), self.returns())

    def _rows(
        self,
        stream_of: Callable[[OrderId], str],
        projection: Projection,
        apply_to: Callable[[dict[K, R], Recorded], Any],
    ) -> dict[K, R]:
        rows: dict[K, R] = {}
        for event in self.streams.get(stream_of(self.order_id), ()):
            if event.event_type in projection.handles:
                apply_to(rows, Recorded(event, self.codec.decode(event)))
        return rows

    def _end_of(self, version: int) -> int | None:
        """The position of the event that ended a version; None: it lasts."""
        later = (event.position for event in self.own if event.version > version)
        return min(later, default=None)


def _is_before(event: StoredEvent, at: datetime | None, end: int | None) -> bool:
    return (at is None or event.recorded_at <= at) and (end is None or event.position < end)


async def stock_events_of(
    store: EventStore, codec: EventCodec, order_id: OrderId, events: Sequence[StoredEvent]
) -> list[StoredEvent]:
    """What the stock of the order's products did for it; `events` are those of the order."""
    submitted = [codec.decode(one) for one in events if one.event_type == "OrderSubmitted"]
    skus = {sku for event in submitted for sku in pieces_by_sku(event.lines)}
    streams = await store.read_streams([stock_stream(sku) for sku in sorted(skus)])
    return [
        event
        for stream in streams.values()
        for event in stream
        if event.data.get("order_id") == order_id
    ]


async def version_at(store: EventStore, stream: str, position: int) -> int:
    """The version that a stream had at a position of the feed; 0: it had no event yet."""
    last = await store.read_stream(stream, backward=True, limit=1)
    low, high = 0, last[0].version if last else 0
    while low < high:
        middle = (low + high + 1) // 2
        (event,) = await store.read_stream(stream, from_version=middle, limit=1)
        low, high = (middle, high) if event.position <= position else (low, middle - 1)
    return low

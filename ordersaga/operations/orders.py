"""Commands for orders and stock, an order as it was, and its timeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import uuid4

from activities.aggregates import ORDER, STOCK, AggregateStream
from activities.unit_of_work import record
from domain.errors import NotFound
from domain.fields import parse_reason
from domain.ids import CustomerId, OrderId, Sku, order_stream, stock_stream, streams_of_order
from domain.money import format_amount
from domain.order.commands import CancelOrder, CreateOrder, OrderCommand
from domain.order.state import (
    Cancelled,
    Completed,
    Draft,
    FrozenOrder,
    NoOrder,
    OrderState,
    Processing,
    status_of,
)
from domain.stock.commands import StockCommand
from domain.stock.item import StockState
from domain.values import Address, OrderLine, Reason, Redacted
from eventstore.codec import EventCodec
from eventstore.commands.folding import Loaded
from eventstore.commands.handler import CommandContext, CommandHandler
from eventstore.model import Metadata, StoredEvent
from eventstore.store import EventStore
from ordersaga.operations.actor import operator
from projections.read_models.descriptions import describe_event

if TYPE_CHECKING:
    from ordersaga.bootstrap.wiring import Services

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class ShownLine:
    """An order line for display; amounts as text and in minor units."""

    sku: str
    description: str
    quantity: int
    unit_price: str
    unit_price_minor: int
    amount: str


@dataclass(frozen=True, slots=True)
class ShownOrder:
    """An order for display. Holds personal data: never log it.

    `version` is that of the order's stream; `as_of` is when its last event was recorded.
    """

    order_id: str
    status: str
    version: int
    as_of: datetime
    customer_id: str | None
    placed_at: datetime
    currency: str
    total: str
    total_minor: int
    lines: tuple[ShownLine, ...]
    address: Address | Redacted | None
    capture: str | None
    payment_reference: str | None
    tracking_number: str | None
    reason: str | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """An event of an order, described in a sentence without personal data."""

    position: int
    recorded_at: datetime
    stream: str
    version: int
    event_type: str
    what: str
    actor: str
    correlation_id: str
    causation_id: str


@dataclass(frozen=True, slots=True)
class ShownWaiting:
    """An order in the queue, and how many pieces it waits for."""

    order_id: str
    pieces: int


@dataclass(frozen=True, slots=True)
class ShownStock:
    """A stock item, in pieces; `waiting` is the head of the queue, first served first."""

    sku: str
    on_hand: int
    reserved: int
    available: int
    backordered: int
    version: int
    orders_waiting: int
    waiting: tuple[ShownWaiting, ...]


WAITING_SHOWN: Final = 20
"""How many orders of a queue are shown."""


class OrdersService:
    """Executes commands and queries on orders and stock, in the event store alone."""

    def __init__(self, handler: CommandHandler, store: EventStore, codec: EventCodec) -> None:
        self._handler = handler
        self._store = store
        self._codec = codec

    @classmethod
    def of(cls, services: "Services") -> "OrdersService":
        """Made from the services of the composition root."""
        return cls(services.handler, services.store, services.codec)

    # --- orders ----------------------------------------------------------------------------------

    async def create(
        self, order_id: OrderId, customer_id: CustomerId | None, currency: str
    ) -> ShownOrder:
        """Create a draft."""
        return await self.execute(
            order_id, CreateOrder(order_id, customer_id, currency, datetime.now(UTC))
        )

    async def execute(self, order_id: OrderId, command: OrderCommand) -> ShownOrder:
        """Execute a command and return the new state of the order.

        Raises:
            NotFound: there is no such order (unless the command creates it).
            DomainError: the order refuses.
        """
        if not isinstance(command, CreateOrder):
            await self.state(order_id)
        await self._execute(ORDER.stream(order_id), command)
        return await self.show(order_id)

    async def cancel_draft(self, order_id: OrderId, detail: str) -> ShownOrder:
        """Cancel an order that has no saga yet; raises InvalidValue if nobody could read why."""
        detail = parse_reason(detail)
        return await self.execute(order_id, CancelOrder(Reason.CUSTOMER_REQUEST, detail))

    async def state(self, order_id: OrderId) -> OrderState:
        """The present state of an order; raises NotFound."""
        state = await ORDER.stream(order_id).load(self._handler)
        if isinstance(state, NoOrder):
            raise NotFound("order", order_id)
        return state

    async def show(
        self, order_id: OrderId, *, at: datetime | None = None, at_version: int | None = None
    ) -> ShownOrder:
        """The order now, as it was at a time, or as it was at a version.

        Raises:
            NotFound: there is no such order, or there was none then.
        """
        stored = await self._store.read_stream(
            order_stream(order_id), until=at, to_version=at_version
        )
        if not stored:
            raise NotFound("order" if at is None else f"order at {at.isoformat()}", order_id)
        state: OrderState = ORDER.fold.initial
        for event in stored:
            state = ORDER.fold.evolve(state, self._codec.decode(event))
        return shown(state, stored[-1])

    async def timeline(
        self, order_id: OrderId, *, until: datetime | None = None
    ) -> Sequence[TimelineEntry]:
        """Everything that happened to an order, across all streams, in the order of the feed.

        Raises:
            NotFound: there is no such order.
        """
        streams = await self._store.read_streams(streams_of_order(order_id))
        events = [event for stream in streams.values() for event in stream]
        if not events:
            raise NotFound("order", order_id)
        events += await self._stock_events(order_id, events)
        events.sort(key=lambda event: event.position)
        return [self._entry(one) for one in events if until is None or one.recorded_at <= until]

    async def _stock_events(
        self, order_id: OrderId, events: Sequence[StoredEvent]
    ) -> list[StoredEvent]:
        skus = {
            str(line["sku"])
            for event in events
            if event.event_type == "OrderSubmitted"
            for line in event.data["lines"]
        }
        streams = await self._store.read_streams([stock_stream(Sku(sku)) for sku in sorted(skus)])
        return [
            event
            for stream in streams.values()
            for event in stream
            if event.data.get("order_id") == order_id
        ]

    def _entry(self, event: StoredEvent) -> TimelineEntry:
        return TimelineEntry(
            position=event.position,
            recorded_at=event.recorded_at,
            stream=event.stream,
            version=event.version,
            event_type=event.event_type,
            what=describe_event(self._codec.decode(event)),
            actor=event.metadata.actor,
            correlation_id=event.metadata.correlation_id,
            causation_id=event.metadata.causation_id,
        )

    # --- stock -----------------------------------------------------------------------------------

    async def execute_stock(self, sku: Sku, command: StockCommand) -> ShownStock:
        """Execute a command and return the new state of the stock item."""
        await self._execute(STOCK.stream(sku), command)
        return await self.show_stock(sku)

    async def show_stock(self, sku: Sku) -> ShownStock:
        """The present state of a stock item; raises NotFound."""
        loaded: Loaded[StockState] = await self._handler.load(stock_stream(sku), STOCK.fold)
        state = loaded.state
        if loaded.version == 0:
            raise NotFound("stock item", sku)
        return ShownStock(
            sku=sku,
            on_hand=state.on_hand,
            reserved=state.reserved,
            available=state.available,
            backordered=state.waiting.total,
            version=loaded.version,
            orders_waiting=len(state.waiting),
            waiting=tuple(ShownWaiting(*one) for one in islice(state.waiting, WAITING_SHOWN)),
        )

    async def _execute(self, stream: AggregateStream[Any, C], command: C) -> None:
        command_id = f"cli-{uuid4()}"
        context = CommandContext(command_id, Metadata(stream.name, command_id, operator()))
        await record(self._handler, stream, (command,), context)


# --- how an order is shown -----------------------------------------------------------------------


def shown(state: OrderState, last: StoredEvent) -> ShownOrder:
    """An order for display; `last` is the last event that led to `state`."""
    if isinstance(state, NoOrder):
        raise NotFound("order", last.stream)
    order = state if isinstance(state, Draft) else state.order
    lines = order.lines if isinstance(order, FrozenOrder) else order.lines.values()
    paid = state if isinstance(state, Processing | Completed) else None
    cancelled = state if isinstance(state, Cancelled) else None
    return ShownOrder(
        order_id=order.order_id,
        status=str(status_of(state)),
        version=last.version,
        as_of=last.recorded_at,
        customer_id=order.customer_id,
        placed_at=order.placed_at,
        currency=order.currency,
        total=format_amount(order.total),
        total_minor=order.total.minor,
        lines=tuple(map(_shown_line, lines)),
        address=order.address,
        capture=order.payment.capture.value if isinstance(order, FrozenOrder) else None,
        payment_reference=paid.payment_reference if paid else None,
        tracking_number=state.tracking_number if isinstance(state, Completed) else None,
        reason=cancelled.reason.value if cancelled else None,
        detail=cancelled.detail if cancelled else None,
    )


def _shown_line(line: OrderLine) -> ShownLine:
    return ShownLine(
        sku=line.sku,
        description=line.description,
        quantity=line.quantity,
        unit_price=format_amount(line.unit_price),
        unit_price_minor=line.unit_price.minor,
        amount=format_amount(line.amount),
    )

"""Commands for orders and stock, an order as it was, and its timeline."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeVar

from activities.aggregates import FULFILLMENT, ORDER, STOCK, AggregateStream
from activities.inventory.counting import count_stock
from activities.unit_of_work import record
from domain.errors import NotFound
from domain.fields import parse_reason
from domain.ids import CustomerId, OrderId, Sku, stock_stream, streams_of_order
from domain.order.commands import CancelOrder, CreateOrder, OrderCommand
from domain.order.state import NoOrder, OrderState
from domain.saga.commands import AddNote, RecordOperatorAction
from domain.stock.commands import AdjustStock, StockCommand
from domain.stock.item import StockState
from domain.values import Reason
from eventstore.codec import EventCodec
from eventstore.commands.folding import Loaded
from eventstore.commands.handler import CommandHandler
from eventstore.errors import EventStoreError
from eventstore.model import StoredEvent
from eventstore.store import EventStore
from ordersaga.operations.actor import Caller, operator
from ordersaga.operations.order_history import OrderHistory, stock_events_of
from ordersaga.operations.shown_order import ShownOrder, shown
from projections.read_models.audit_log.model import who_acted
from projections.read_models.descriptions import describe_event

if TYPE_CHECKING:
    from ordersaga.bootstrap.wiring import Services

C = TypeVar("C")


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
    """A stock item, in pieces; `waiting` is the head of the queue, first served first.

    `short` are the orders from which a count has just taken reserved pieces.
    """

    sku: str
    on_hand: int
    reserved: int
    available: int
    backordered: int
    version: int
    orders_waiting: int
    waiting: tuple[ShownWaiting, ...]
    short: tuple[ShownWaiting, ...] = ()


WAITING_SHOWN: Final = 20
"""How many orders of a queue are shown."""


class OrdersService:
    """Executes commands and queries on orders and stock, in the event store alone."""

    def __init__(
        self,
        handler: CommandHandler,
        store: EventStore,
        codec: EventCodec,
        caller: Caller | None = None,
    ) -> None:
        self._handler = handler
        self._store = store
        self._codec = codec
        self._caller = caller or Caller(operator())

    @classmethod
    def of(cls, services: "Services", caller: Caller | None = None) -> "OrdersService":
        """Made from the services of the composition root; by default for the system user."""
        return cls(services.handler, services.store, services.codec, caller)

    # --- orders ----------------------------------------------------------------------------------

    async def create(
        self,
        order_id: OrderId,
        customer_id: CustomerId | None,
        currency: str,
        reference: str | None = None,
    ) -> ShownOrder:
        """Create a draft."""
        now = datetime.now(UTC)
        command = CreateOrder(order_id, customer_id, currency, now, reference)
        return await self.execute(order_id, command)

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

    async def add_note(self, order_id: OrderId, text: str) -> None:
        """Leave a note of the staff on an order; raises NotFound."""
        await self.state(order_id)
        await self._execute(FULFILLMENT.stream(order_id), AddNote(self._caller.actor, text))

    async def record_act(self, order_id: OrderId, act: str, reason: str) -> None:
        """Record what somebody did about an order's saga from outside of it; raises NotFound."""
        await self.state(order_id)
        action = RecordOperatorAction(self._caller.actor, act, reason)
        await self._execute(FULFILLMENT.stream(order_id), action)

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
        return shown(await self.history(order_id, at=at, at_version=at_version))

    async def history(
        self,
        order_id: OrderId,
        *,
        at: datetime | None = None,
        at_version: int | None = None,
        at_position: int | None = None,
    ) -> OrderHistory:
        """All streams of an order, as far as they were written then; raises as `show`."""
        streams = await self._store.read_streams(streams_of_order(order_id))
        history = OrderHistory(order_id, streams, self._codec)
        history = history.until(at, at_version, at_position)
        if not history.own:
            raise NotFound("order" if at is None else f"order at {at.isoformat()}", order_id)
        return history

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
        events += await stock_events_of(self._store, self._codec, order_id, events)
        events.sort(key=lambda event: event.position)
        return [self._entry(one) for one in events if until is None or one.recorded_at <= until]

    def _entry(self, event: StoredEvent) -> TimelineEntry:
        return TimelineEntry(
            position=event.position,
            recorded_at=event.recorded_at,
            stream=event.stream,
            version=event.version,
            event_type=event.event_type,
            what=self._described(event),
            actor=who_acted(event),
            correlation_id=event.metadata.correlation_id,
            causation_id=event.metadata.causation_id,
        )

    def _described(self, event: StoredEvent) -> str:
        try:
            return describe_event(self._codec.decode(event))
        except EventStoreError as error:  # the others are shown all the same
            return f"cannot be read: {error}"

    def _readable(self, event: StoredEvent) -> Any | None:
        try:
            return self._codec.decode(event)
        except EventStoreError:  # it is shown as one that cannot be read
            return None

    # --- stock -----------------------------------------------------------------------------------

    async def execute_stock(self, sku: Sku, command: StockCommand) -> ShownStock:
        """Execute a command and return the new state of the stock item."""
        await self._execute(STOCK.stream(sku), command)
        return await self.show_stock(sku)

    async def adjust_stock(self, command: AdjustStock) -> ShownStock:
        """Correct a ledger after a count; the answer names the orders that became short."""
        context = self._caller.context(stock_stream(command.sku))
        short = await count_stock(self._handler, command, datetime.now(UTC), context)
        named = tuple(ShownWaiting(one.order_id, one.pieces) for one in short)
        return replace(await self.show_stock(command.sku), short=named)

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
        await record(self._handler, stream, (command,), self._caller.context(stream.name))

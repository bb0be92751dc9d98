"""Histories of orders for projection tests, appended directly to a store, and a view of tables."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import asyncpg

from adapters.events.codec import JsonEventCodec
from domain.ids import CustomerId, LineId, OrderId, ReturnId, Sku
from domain.lines import LineShare, OrderLine, Pieces
from domain.money import Money
from domain.order import events as order_events
from domain.payment import events as payment_events
from domain.returns import events as returns_events
from domain.returns.values import ReturnKind
from domain.saga import events as saga_events
from domain.shipment import events as shipment_events
from domain.stock import events as stock_events
from domain.values import (
    Address,
    Compensation,
    FailureKind,
    MissingItem,
    Outcome,
    PaymentTerms,
    Reason,
    Step,
)
from eventstore.model import Expected, JsonObject, Metadata, NewEvent, StreamAppend
from eventstore.postgres.migrator import migrate
from eventstore.postgres.store import PostgresEventStore
from ordersaga.embedded.postgres import EmbeddedPostgres
from projections.engine.projection import LIVE, Projection
from projections.engine.runner import ProjectionRunner
from projections.operations.install import install
from projections.operations.status import status as lane_status
from projections.registry import ALL
from tests.support.stores.event_store import copied_database

PLACED = datetime(2011, 12, 1, 10, tzinfo=UTC)
SECRET_NAME = "Zacharias Geheim"
ADDRESS = Address(SECRET_NAME, "13 Hidden Lane", "Leeds", "LS99 9XX", "GB")
CODEC = JsonEventCodec()
R1 = ReturnId("R1")
BY = ("ann", "broken")
SAGA = Metadata("order-X", "run-1/5", "saga", extra={"run_id": "run-1"})
Append = list[tuple[str, Any]]
"""The events of one append, in order, each with its stream."""


def gbp(minor: int) -> Money:
    return Money(minor, "GBP")


def line_of(sku: str) -> LineId:
    """The id of the line of a SKU."""
    return LineId(f"line-{sku}")


def _share(sku: str, pieces: int, price: int) -> LineShare:
    return LineShare(line_of(sku), Sku(sku), pieces, gbp(pieces * price), gbp(0))


@dataclass
class Order:
    """An order; each method returns the events of one append in its history."""

    id: str
    customer: str | None = "17850"
    lines: tuple[tuple[str, int, int], ...] = (("71053", 6, 339), ("84029E", 2, 1000))
    placed: datetime = PLACED

    @property
    def stream(self) -> str:
        return f"order-{self.id}"

    @property
    def oid(self) -> OrderId:
        return OrderId(self.id)

    @property
    def total(self) -> Money:
        return gbp(sum(pieces * price for _, pieces, price in self.lines))

    def _order(self, *events: Any) -> Append:
        return [(self.stream, event) for event in events]

    def _saga(self, *events: Any) -> Append:
        return [(f"fulfillment-{self.id}", event) for event in events]

    def draft(self) -> Append:
        customer = None if self.customer is None else CustomerId(self.customer)
        added = [
            order_events.ItemAdded(line_of(sku), Sku(sku), "THING", pieces, gbp(price))
            for sku, pieces, price in self.lines
        ]
        created = order_events.OrderCreated(self.oid, customer, "GBP", self.placed)
        return self._order(created, *added, order_events.AddressSet(ADDRESS))

    def submit(self) -> Append:
        customer = None if self.customer is None else CustomerId(self.customer)
        lines = tuple(
            OrderLine(line_of(sku), Sku(sku), "THING", pieces, gbp(price))
            for sku, pieces, price in self.lines
        )
        terms = PaymentTerms("tok_secret")
        return self._order(
            order_events.OrderSubmitted(self.oid, customer, lines, ADDRESS, self.total, terms)
        )

    def _stock(self, event_class: Any) -> Append:
        return [
            (f"stock-{sku}", event_class(Sku(sku), self.oid, pieces))
            for sku, pieces, _ in self.lines
        ]

    def reserve(self) -> Append:
        started = self._saga(saga_events.FulfillmentStarted(self.oid, self.stream, "run-1"))
        return [
            *self._stock(stock_events.StockReserved),
            *self._order(order_events.OrderReserved()),
            *started,
        ]

    def pay(self) -> Append:
        captured = payment_events.PaymentCaptured(
            self.oid, self.total, f"pay-{self.id}", f"{self.stream}:pay"
        )
        payment = (f"payment-{self.id}", captured)
        return [payment, *self._order(order_events.OrderProcessingStarted(f"pay-{self.id}"))]

    def ship(self) -> Append:
        label = shipment_events.LabelBought(
            self.oid, "parcels", "L1", f"TN-{self.id}", f"{self.stream}:ship"
        )
        return [
            (f"shipment-{self.id}", label),
            *self._stock(stock_events.StockShipped),
            *self._order(order_events.OrderCompleted(f"TN-{self.id}")),
            *self._saga(saga_events.FulfillmentClosed(Outcome.COMPLETED, None, "")),
        ]

    def start_compensation(self) -> Append:
        reason = Reason.PAYMENT_DECLINED
        failed = saga_events.StepFailed(
            Step.PROCESS_PAYMENT, FailureKind.REFUSED, reason, "card declined"
        )
        return self._saga(failed, saga_events.CompensationStarted(reason, "card declined"))

    def need_attention(self) -> Append:
        return self._saga(
            saga_events.CompensationFailed(Compensation.RELEASE_INVENTORY, "down"),
            saga_events.AttentionRequired("release_inventory", "release the stock by hand"),
        )

    def fall_short(self) -> Append:
        """One piece of each line is not available; the order waits for it."""
        missing = tuple(MissingItem(Sku(sku), pieces, 1) for sku, pieces, _ in self.lines)
        queued = [
            (f"stock-{sku}", event)
            for sku, pieces, _ in self.lines
            for event in (
                *(
                    [stock_events.StockReserved(Sku(sku), self.oid, pieces - 1)]
                    if pieces > 1
                    else []
                ),
                stock_events.StockBackordered(Sku(sku), self.oid, 1),
            )
        ]
        return [*queued, *self._order(order_events.ItemsUnavailable(missing, True, self.placed))]

    def allocate(self) -> Append:
        arrived = [
            (f"stock-{sku}", stock_events.StockAllocated(Sku(sku), self.oid, 1))
            for sku, _, _ in self.lines
        ]
        return [*arrived, *self._order(order_events.OrderReserved())]

    def amend(self) -> "tuple[Order, Append]":
        """The order without the missing piece of its first line, and the events that say so."""
        (sku, pieces, price), *rest = self.lines
        less = replace(self, lines=((sku, pieces - 1, price), *rest))
        lines = tuple(_share(x, n, p) for x, n, p in less.lines)
        withdrawn = (f"stock-{sku}", stock_events.BackorderWithdrawn(Sku(sku), self.oid, 1))
        return less, [withdrawn, *self._order(order_events.OrderAmended(lines, less.total))]

    def operate(self) -> Append:
        return self._saga(saga_events.OperatorActed("grace", "retry", "it is up again"))

    def cancel(self) -> Append:
        reason = Reason.PAYMENT_DECLINED
        return [
            *self._stock(stock_events.StockReleased),
            *self._order(order_events.OrderCancelled(reason, "card declined")),
            *self._saga(saga_events.FulfillmentClosed(Outcome.CANCELLED, reason, "card declined")),
        ]

    def deliver(self) -> Append:
        return [(f"shipment-{self.id}", shipment_events.ShipmentDelivered(self.placed))]

    def _returns(self, *events: Any) -> Append:
        return [(f"returns-{self.id}", event) for event in events]

    def open_return(self) -> Append:
        sku, pieces, price = self.lines[0]
        line = _share(sku, pieces, price)
        opened = returns_events.ReturnOpened(self.oid, R1, ReturnKind.CUSTOMER, (line,), False, *BY)
        return self._returns(
            opened, returns_events.ReturnAttentionRequired(R1, "decision", "decide")
        )

    def complete_return(self) -> Append:
        sku, pieces, price = self.lines[0]
        amount, key = gbp(pieces * price), f"{self.stream}:refund:R1"
        back = Pieces(line_of(sku), pieces)
        return [
            *self._returns(
                returns_events.RefundGranted(R1, amount, *BY),
                returns_events.RestockDecided(R1, (back,), *BY),
            ),
            (f"stock-{sku}", stock_events.StockReturned(Sku(sku), self.oid, R1, pieces)),
            (
                f"payment-{self.id}",
                payment_events.PaymentRefunded(self.oid, amount, f"pay-{self.id}", key),
            ),
            *self._returns(
                returns_events.ReturnRestocked(R1), returns_events.ReturnRefunded(R1, amount, key)
            ),
            *self._returns(returns_events.ReturnClosed(R1)),
        ]

    def completed_after_backorder(self) -> list[Append]:
        """An order that waited for stock, dropped a piece of its first line, and was completed."""
        less, amended = self.amend()
        queued = [self.draft(), self.submit(), self.fall_short()]
        if self.lines[0][1] == 1:
            return [*queued, self.allocate(), self.pay(), self.ship()]
        return [*queued, amended, less.allocate()[1:], less.pay(), less.ship()]

    def completed(self) -> list[Append]:
        return [self.draft(), self.submit(), self.reserve(), self.pay(), self.ship()]

    def cancelled(self) -> list[Append]:
        return [
            self.draft(),
            self.submit(),
            self.reserve(),
            self.start_compensation(),
            self.cancel(),
        ]


def receipt(sku: str, pieces: int) -> Append:
    return [
        (
            f"stock-{sku}",
            stock_events.StockReceived(Sku(sku), pieces, f"delivery-{uuid4().hex[:6]}"),
        )
    ]


def mixed_history(random: Random, orders: int = 25) -> list[Append]:
    """Concurrent orders with all kinds of histories, so that their events are mixed."""
    skus = ["71053", "84029E", "22752", "POST"]
    stories: list[list[Append]] = []
    for number in range(orders):
        lines = tuple(
            (sku, random.randint(1, 9), random.randint(50, 900))
            for sku in random.sample(skus, random.randint(1, 4))
        )
        customer = random.choice([None, "17850", "13047"])
        placed = PLACED + timedelta(hours=random.randint(0, 99))
        order = Order(f"{number}", customer, lines, placed)
        sent_back = [
            *order.completed(),
            order.deliver(),
            order.open_return(),
            order.complete_return(),
        ]
        story = random.choice([sent_back, order.cancelled(), order.completed_after_backorder()])
        if random.random() < 0.3:
            story = [*story[:4], order.need_attention(), order.operate(), *story[4:]]
        stories.append(story[: random.randint(1, len(story))])
    appends = [receipt(sku, 1000) for sku in skus]
    while stories:
        story = random.choice(stories)
        appends.append(story.pop(0))
        stories = [rest for rest in stories if rest]
    return appends


async def append_events(
    store: PostgresEventStore, *appends: Append, metadata: Metadata = SAGA
) -> int:
    """Make each append atomically; returns the last position."""
    position = 0
    for append in appends:
        streams: dict[str, list[NewEvent]] = {}
        for stream, event in append:
            encoded = CODEC.encode(event)
            streams.setdefault(stream, []).append(
                NewEvent(uuid4(), encoded.event_type, encoded.data, metadata)
            )
        result = await store.append(
            *(StreamAppend(name, Expected.ANY, new) for name, new in streams.items())
        )
        position = result.last_position
    return position


async def append_raw(
    store: PostgresEventStore, stream: str, event_type: str, data: JsonObject
) -> int:
    """Append an event of any type and data."""
    new = NewEvent(uuid4(), event_type, data, SAGA)
    result = await store.append(StreamAppend(stream, Expected.ANY, [new]))
    return result.last_position


Tables = dict[str, list[tuple[Any, ...]]]


async def tables(pool: asyncpg.Pool, schema: str = LIVE) -> Tables:
    """All rows of all read models, sorted."""
    names = [table for projection in ALL for table in projection.tables]
    contents: Tables = {}
    for name in names:
        rows = await pool.fetch(f"SELECT t.* FROM {schema}.{name} t ORDER BY t")  # noqa: S608  names of our own tables
        contents[name] = [tuple(row) for row in rows]
    return contents


async def row_of(pool: asyncpg.Pool, table: str, **key: str) -> SimpleNamespace | None:
    """The row with this key, or None."""
    ((column, value),) = key.items()
    row = await pool.fetchrow(f"SELECT * FROM {LIVE}.{table} WHERE {column} = $1", value)  # noqa: S608  names of our own tables
    return SimpleNamespace(**row) if row else None


def runner_of(
    pool: asyncpg.Pool, store: PostgresEventStore, projections: Sequence[Any] = ALL, **more: Any
) -> ProjectionRunner:
    return ProjectionRunner(pool, store, CODEC, None, projections, **more)


TEMPLATE = "read_models_template"
_templates: set[int] = set()


@asynccontextmanager
async def installed_database(server: EmbeddedPostgres) -> AsyncIterator[str]:
    """The URL of a new database with the event store and the read models."""
    if server.port not in _templates:  # created once per server; copying it is many times faster
        admin = await asyncpg.connect(server.url())
        await admin.execute(f"CREATE DATABASE {TEMPLATE}")
        await admin.close()
        await migrate(server.url(TEMPLATE))
        await install(server.url(TEMPLATE))
        _templates.add(server.port)
    async with copied_database(server, TEMPLATE) as url:
        yield url


async def eventually(condition: Callable[[], Awaitable[Any]]) -> None:
    """Wait until a condition in the database holds; the test's own time limit bounds it."""
    while not await condition():  # noqa: ASYNC110  the database changes, no event signals it
        await asyncio.sleep(0.005)


async def caught_up(
    pool: asyncpg.Pool, store: PostgresEventStore, projections: Sequence[Projection] = ALL
) -> None:
    """Wait until running workers have applied everything."""

    async def no_lag() -> bool:
        lanes = await lane_status(pool, store, projections)
        return not any(lane.lag_positions for lane in lanes)

    await eventually(no_lag)

"""The starter: which orders get a saga, and what happens while Temporal is away."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from temporalio.client import Client
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities.aggregates import ORDER
from activities.unit_of_work import record
from adapters.events.codec import JsonEventCodec
from domain.ids import CustomerId, OrderId, Sku, order_stream
from domain.money import Money
from domain.order.commands import AddItem, CancelOrder, CreateOrder, SetAddress, SubmitOrder
from domain.values import Address, PaymentTerms, Reason
from eventstore.commands.handler import CommandContext, CommandHandler
from eventstore.memory import InMemoryEventStore
from eventstore.model import Metadata
from eventstore.reading.subscription import Subscription
from eventstore.reading.waking import LocalWaker
from ordersaga.daemons.set_aside import SetAside
from ordersaga.daemons.starter import CHECKPOINT, EVENTS, SagaStarter
from tests.support.stores.checkpoints import InMemoryCheckpoints
from tests.support.stores.set_aside import InMemorySetAsideEvents

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@dataclass
class FakeTemporal:
    """Remembers what was started; `answers` says how the next starts fail (None: they do not)."""

    answers: list[Exception | None] = field(default_factory=list)
    started: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    async def start_workflow(self, _type: str, document: dict[str, Any], **options: Any) -> None:
        failure = self.answers.pop(0) if self.answers else None
        if failure:
            raise failure
        self.started.append((options["id"], document))


class Orders:
    """An event store with orders in it, and a starter on it."""

    def __init__(self) -> None:
        self.store, self.codec = InMemoryEventStore(), JsonEventCodec()
        self.handler = CommandHandler(self.store, self.codec)
        self.temporal = FakeTemporal()
        client = cast("Client", self.temporal)
        self.aside = InMemorySetAsideEvents()
        aside = SetAside(CHECKPOINT, self.aside, self.store, look_every_s=0.001)
        self.starter = SagaStarter(client, self.handler, 4, aside, pause_s=0.001)
        self.checkpoints = InMemoryCheckpoints()

    async def submit(self, order_id: str, *more: Any, actor: str = "cli:ann") -> None:
        for command in (
            CreateOrder(OrderId(order_id), CustomerId("17850"), "GBP", NOON),
            AddItem(Sku("71053"), "WHITE METAL LANTERN", 6, Money(339, "GBP")),
            SetAddress(Address("Ann Example", "1 High Street", "Leeds", "LS1 4AP", "GB")),
            SubmitOrder(PaymentTerms("tok_visa")),
            *more,
        ):
            await self.tell(order_id, command, actor)

    async def tell(self, order_id: str, command: Any, actor: str) -> None:
        context = CommandContext(repr((order_id, command)), Metadata("c", "c", actor))
        await record(self.handler, ORDER.stream(OrderId(order_id)), (command,), context)

    async def follow_until(self, started: int) -> None:
        stop = asyncio.Event()
        subscription = Subscription(
            self.store, self.checkpoints, LocalWaker(), CHECKPOINT, EVENTS, self.starter.handle
        )
        following = asyncio.create_task(self.starter.follow(subscription, stop))
        async with asyncio.timeout(60):
            while len(self.temporal.started) < started or not subscription.position:  # noqa: ASYNC110  plain values
                await asyncio.sleep(0.001)
        stop.set()
        await following

    def ids(self) -> Sequence[str]:
        return [workflow_id for workflow_id, _ in self.temporal.started]


@pytest.fixture
def orders() -> Orders:
    return Orders()


async def test_a_submitted_order_is_started_with_its_whole_content(orders: Orders) -> None:
    await orders.submit("A1")
    await orders.follow_until(started=1)
    workflow_id, document = orders.temporal.started[0]
    assert workflow_id == order_stream(OrderId("A1"))
    assert document["placed_at"] == "2026-01-31T12:00:00+00:00"
    assert document["lines"] == [
        {
            "line_id": "1",
            "sku": "71053",
            "description": "WHITE METAL LANTERN",
            "quantity": 6,
            "unit_price_minor": 339,
        }
    ]
    assert document["payment"] == {"token": "tok_visa", "capture": "automatic"}


async def test_what_a_saga_submitted_and_what_has_ended_is_left_alone(orders: Orders) -> None:
    await orders.submit("by-saga", actor="saga")
    await orders.submit("ended", CancelOrder(Reason.CUSTOMER_REQUEST, ""))
    await orders.submit("open")
    await orders.follow_until(started=1)
    assert orders.ids() == ["order-open"]


async def test_after_an_outage_everything_is_started(orders: Orders) -> None:
    away = RPCError("away", RPCStatusCode.UNAVAILABLE, b"")
    orders.temporal.answers = [away, away, None, away]
    for number in range(3):
        await orders.submit(f"A{number}")
    await orders.follow_until(started=3)
    assert {"order-A0", "order-A1", "order-A2"} <= set(orders.ids())
    assert orders.starter.problems() == ()


async def test_an_outage_shows_as_a_problem(orders: Orders) -> None:
    orders.temporal.answers = [RPCError("away", RPCStatusCode.UNAVAILABLE, b"")] * 1_000_000
    await orders.submit("A1")
    stop = asyncio.Event()
    subscription = Subscription(
        orders.store, orders.checkpoints, LocalWaker(), CHECKPOINT, EVENTS, orders.starter.handle
    )
    following = asyncio.create_task(orders.starter.follow(subscription, stop))
    async with asyncio.timeout(60):
        while not orders.starter.problems():  # noqa: ASYNC110  a property cannot be awaited
            await asyncio.sleep(0.001)
    stop.set()
    await following
    assert await orders.checkpoints.load(CHECKPOINT) == 0


async def test_a_saga_that_ended_before_and_one_that_cannot_start_hold_nobody_up(
    orders: Orders,
) -> None:
    orders.temporal.answers = [
        WorkflowAlreadyStartedError("order-A0", "OrderFulfillment"),
        RPCError("too large", RPCStatusCode.INVALID_ARGUMENT, b""),
    ]
    for number in range(3):
        await orders.submit(f"A{number}")
    await orders.follow_until(started=1)
    assert orders.ids() == ["order-A2"]
    (kept,) = orders.aside.kept.values()
    assert (kept.stream, kept.event_type) == ("order-A1", "OrderSubmitted")
    assert kept.error == "Temporal: INVALID_ARGUMENT"
    assert orders.starter.notices() == ("1 events are set aside: see `ordersaga store set-aside`",)

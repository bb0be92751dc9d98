"""Which sagas are told of stock that arrives, and what happens while Temporal is away."""

from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import ActivityEnvironment

from activities.inventory.activities import InventoryActivities
from activities.messages import CompensationRequest, ReserveInventory, SagaRef
from adapters.providers.payment_rules import SandboxLimits
from domain.ids import OrderId
from domain.values import Reason
from ordersaga.daemons.stock_signals import EVENTS, StockSignals
from tests.support.sagas.shop import Shop, document
from tests.support.sagas.shortages import lines
from tests.support.stores.set_aside import nothing_aside
from workflows.documents.order import parse_document


@dataclass
class FakeSaga:
    """Remembers its signals; `failure` is what the next one ends with."""

    workflow_id: str
    temporal: "FakeTemporal"

    async def signal(self, name: str, message: dict[str, Any]) -> None:
        if self.temporal.failure:
            raise self.temporal.failure
        self.temporal.signals.append((self.workflow_id, name, message["sku"]))


@dataclass
class FakeTemporal:
    signals: list[tuple[str, str, str]] = field(default_factory=list)
    failure: RPCError | None = None

    def get_workflow_handle(self, workflow_id: str) -> FakeSaga:
        return FakeSaga(workflow_id, self)


class Waiting:
    """A shop with orders that wait, and the follower that carries the news."""

    def __init__(self) -> None:
        self.shop, self.temporal = Shop(), FakeTemporal()
        self.arrivals = StockSignals(
            cast("Client", self.temporal), self.shop.handler, 4, nothing_aside(self.shop.store)
        )

    async def order(self, order_id: str, run: str = "run-1") -> None:
        """An order of two SKUs that takes what is there and queues for the rest."""
        content = document(order_id, lines=lines("X"), unavailable={"policy": "wait"})
        saga = SagaRef(f"order-{order_id}", run)
        request = ReserveInventory(saga, parse_document(content, saga.workflow_id))
        await ActivityEnvironment().run(
            InventoryActivities(self.shop.handler, SandboxLimits()).reserve_inventory, request
        )

    async def let_go(self, order_id: str) -> None:
        saga = SagaRef(f"order-{order_id}", "run-1")
        request = CompensationRequest(saga, OrderId(order_id), Reason.CUSTOMER_REQUEST)
        await ActivityEnvironment().run(
            InventoryActivities(self.shop.handler, SandboxLimits()).release_inventory, request
        )

    async def news(self, sku: str, pieces: int, reference: str) -> list[tuple[str, str, str]]:
        """The signals that a delivery leads to."""
        before, self.temporal.signals = await self.shop.store.head(), []
        await self.shop.receive(sku, pieces, reference)
        page = await self.shop.store.read_feed(before, limit=100, feed_filter=EVENTS)
        await self.arrivals.handle(page.events)
        return self.temporal.signals


@pytest.fixture
def waiting() -> Waiting:
    return Waiting()


async def test_a_saga_is_told_of_its_first_pieces_and_when_nothing_is_missing_any_more(
    waiting: Waiting,
) -> None:
    await waiting.order("A1")
    told = ("order-A1", "stock_arrived")
    assert await waiting.news("X-b", 1, "d1") == [(*told, "X-b")]
    assert await waiting.news("X-b", 1, "d2") == [], "some are missing, some were there before"
    assert await waiting.news("X-b", 1, "d3") == []
    assert await waiting.news("X-a", 1, "d4") == []
    assert await waiting.news("X-a", 5, "d5") == [(*told, "X-a")]


async def test_only_those_that_are_served_are_told(waiting: Waiting) -> None:
    await waiting.shop.receive("X-a", 100)
    await waiting.order("A1")
    await waiting.order("A2")
    assert await waiting.news("X-b", 3, "d1") == [("order-A1", "stock_arrived", "X-b")]
    assert await waiting.news("X-b", 9, "d2") == [("order-A2", "stock_arrived", "X-b")]


async def test_an_order_that_has_gone_on_is_left_alone(waiting: Waiting) -> None:
    await waiting.shop.receive("X-a", 2)
    await waiting.order("A1")
    before = await waiting.shop.store.head()
    await waiting.news("X-b", 3, "d1")
    await waiting.order("A1", "run-2")  # a saga looked by itself: the order is reserved now
    waiting.temporal.signals.clear()
    page = await waiting.shop.store.read_feed(before, limit=100, feed_filter=EVENTS)
    assert page.events
    await waiting.arrivals.handle(page.events)
    assert waiting.temporal.signals == []


async def test_a_saga_that_is_not_there_holds_nobody_up(waiting: Waiting) -> None:
    await waiting.order("A1")
    waiting.temporal.failure = RPCError("no such saga", RPCStatusCode.NOT_FOUND, b"")
    assert await waiting.news("X-b", 1, "d1") == []
    assert waiting.arrivals.problems() == ()


async def test_while_temporal_is_away_the_news_is_kept(waiting: Waiting) -> None:
    await waiting.order("A1")
    waiting.temporal.failure = RPCError("away", RPCStatusCode.UNAVAILABLE, b"")
    with pytest.raises(ExceptionGroup):
        await waiting.news("X-b", 1, "d1")


async def test_pieces_that_another_order_lets_go_are_news_too(waiting: Waiting) -> None:
    await waiting.shop.receive("X-a", 100)
    await waiting.shop.receive("X-b", 3)
    await waiting.order("A1")
    await waiting.order("A2")
    before = await waiting.shop.store.head()
    await waiting.let_go("A1")
    page = await waiting.shop.store.read_feed(before, limit=100, feed_filter=EVENTS)
    await waiting.arrivals.handle(page.events)
    assert waiting.temporal.signals == [("order-A2", "stock_arrived", "X-b")]

"""A whole shop in memory around the saga: event store, providers, workers."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any

from temporalio.client import Client
from temporalio.worker import Worker

from activities.aggregates import ORDER, PAYMENT, SHIPMENT, STOCK
from activities.messages import ALL_QUEUES
from activities.unit_of_work import record
from adapters.events.codec import JsonEventCodec
from adapters.notifications.recording import RecordingNotifications
from adapters.providers.fakes import FakeCarrier, FakePaymentGateway
from domain.ids import OrderId, Sku, streams_of_order
from domain.order.state import OrderState, status_of
from domain.payment.state import PaymentState
from domain.shipment.shipment import ShipmentState
from domain.stock.commands import ReceiveStock
from domain.stock.item import StockState
from eventstore.commands.handler import CommandContext, CommandHandler
from eventstore.memory import InMemoryEventStore
from eventstore.model import Metadata
from ordersaga.operations.jobs.acts import SagaActs
from workers.factory import Dependencies, build_worker

TOKEN_GOOD = "tok_visa"
TOKEN_DECLINED = "tok_declined"


class OneInstallation:
    """The installation of a shop in memory; `id` can be changed as by `installation renew`."""

    def __init__(self, id_: str = "0f8fad5b-d9cb-469f-a165-70867728950e") -> None:
        self.id = id_

    async def current(self) -> str:
        """The id that counts."""
        return self.id


class Shop:
    """Everything that a saga talks to, all in memory."""

    def __init__(self) -> None:
        self.store = InMemoryEventStore()
        self.codec = JsonEventCodec()
        self.handler: CommandHandler = CommandHandler(self.store, self.codec)
        self.payments = FakePaymentGateway()
        self.carrier = FakeCarrier()
        self.notifications = RecordingNotifications()
        self.installation = OneInstallation()

    @property
    def dependencies(self) -> Dependencies:
        return Dependencies(
            self.handler,
            self.payments,
            self.carrier,
            self.notifications,
            self.installation,
            partial(SagaActs, self.handler),
        )

    async def receive(self, sku: str, quantity: int, reference: str = "first") -> None:
        command = ReceiveStock(Sku(sku), quantity, reference)
        context = CommandContext(f"{sku}/{reference}", Metadata("test", "test", "test"))
        await record(self.handler, STOCK.stream(Sku(sku)), (command,), context)

    async def order(self, order_id: str) -> OrderState:
        return await ORDER.stream(OrderId(order_id)).load(self.handler)

    async def status(self, order_id: str) -> str | None:
        return status_of(await self.order(order_id))

    async def payment(self, order_id: str) -> PaymentState:
        return await PAYMENT.stream(OrderId(order_id)).load(self.handler)

    async def shipment(self, order_id: str) -> ShipmentState:
        return await SHIPMENT.stream(OrderId(order_id)).load(self.handler)

    async def stock(self, sku: str) -> StockState:
        return await STOCK.stream(Sku(sku)).load(self.handler)

    async def story(self, order_id: str) -> list[str]:
        """The event types of all the order's streams, in the order in which they happened."""
        streams = await self.store.read_streams(streams_of_order(OrderId(order_id)))
        events = sorted(
            (event for stream in streams.values() for event in stream), key=lambda e: e.position
        )
        return [event.event_type for event in events]


def document(order_id: str, **changes: Any) -> dict[str, Any]:
    """An order document: two pieces of SKU `<order id>-sku` at 1.50 GBP."""
    return {
        "order_id": order_id,
        "customer_id": "customer-7",
        "currency": "GBP",
        "placed_at": "2026-01-02T03:04:05+00:00",
        "lines": [
            {
                "sku": f"{order_id}-sku",
                "description": "White mug",
                "quantity": 2,
                "unit_price_minor": 150,
            }
        ],
        "address": {
            "name": "Jo Secretperson",
            "line1": "1 Hidden Lane",
            "city": "Leeds",
            "postal_code": "LS1 1AA",
            "country": "GB",
        },
        "payment": {"token": TOKEN_GOOD},
        **changes,
    }


def _be_patient(worker: Worker) -> None:
    """Let a workflow task take a minute.

    The SDK fails one, and each query that it answers, after two seconds. Its own option against
    that runs tasks on the event loop, and so stops all else. So its attribute is set; a release
    that renames it must fail here.
    """
    if (tasks := worker._workflow_worker) is not None:
        assert tasks._deadlock_timeout_seconds == 2
        tasks._deadlock_timeout_seconds = 60


@asynccontextmanager
async def running_workers(client: Client, shop: Shop, **options: Any) -> AsyncIterator[None]:
    """A worker for each task queue; `options` go to `build_worker`."""
    async with AsyncExitStack() as stack:
        for queue in ALL_QUEUES:
            worker = build_worker(
                client, queue, shop.dependencies, grace=timedelta(seconds=1), **options
            )
            _be_patient(worker)
            await stack.enter_async_context(worker)
        yield

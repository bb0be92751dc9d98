"""A whole shop in memory around the saga: event store, providers, workers, ways to look at it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

from temporalio.client import Client

from activities.messages import ALL_QUEUES
from activities.unit_of_work import order_slot, payment_slot, shipment_slot, stock_slot
from adapters.events.codec import JsonEventCodec
from adapters.providers.fakes import FakeCarrier, FakePaymentGateway, RecordingNotifications
from domain.ids import OrderId, Sku, streams_of_order
from domain.order.state import OrderState, status_of
from domain.payment.payment import PaymentState
from domain.shipment.shipment import ShipmentState
from domain.stock.commands import ReceiveStock
from domain.stock.item import StockState
from eventstore.commands.handler import CommandContext, CommandHandler, Decision
from eventstore.memory import InMemoryEventStore
from eventstore.model import Metadata
from workers.factory import Outside, build_worker

TOKEN_GOOD = "tok_visa"
TOKEN_DECLINED = "tok_declined"


class Shop:
    """The outside world of a saga, all in memory."""

    def __init__(self) -> None:
        self.store = InMemoryEventStore()
        self.codec = JsonEventCodec()
        self.handler: CommandHandler = CommandHandler(self.store, self.codec)
        self.payments = FakePaymentGateway()
        self.carrier = FakeCarrier()
        self.notifications = RecordingNotifications()

    @property
    def outside(self) -> Outside:
        return Outside(self.handler, self.payments, self.carrier, self.notifications)

    async def receive(self, sku: str, quantity: int, reference: str = "first") -> None:
        slot = stock_slot(Sku(sku))
        command = ReceiveStock(Sku(sku), quantity, reference)
        await self.handler.execute(
            {slot.stream: slot.aggregate.fold},
            lambda loaded: Decision(
                {slot.stream: slot.aggregate.decide(command, loaded[slot.stream].state)}, None
            ),
            CommandContext(f"{sku}/{reference}", Metadata("test", "test", "test")),
        )

    async def order(self, order_id: str) -> OrderState:
        slot = order_slot(OrderId(order_id))
        return (await self.handler.load(slot.stream, slot.aggregate.fold)).state

    async def status(self, order_id: str) -> str | None:
        return status_of(await self.order(order_id))

    async def payment(self, order_id: str) -> PaymentState:
        slot = payment_slot(OrderId(order_id))
        return (await self.handler.load(slot.stream, slot.aggregate.fold)).state

    async def shipment(self, order_id: str) -> ShipmentState:
        slot = shipment_slot(OrderId(order_id))
        return (await self.handler.load(slot.stream, slot.aggregate.fold)).state

    async def stock(self, sku: str) -> StockState:
        slot = stock_slot(Sku(sku))
        return (await self.handler.load(slot.stream, slot.aggregate.fold)).state

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


@asynccontextmanager
async def running_workers(client: Client, shop: Shop, **options: Any) -> AsyncIterator[None]:
    """A worker for each task queue; `options` go to `build_worker`."""
    async with AsyncExitStack() as stack:
        for queue in ALL_QUEUES:
            worker = build_worker(
                client, queue, shop.outside, grace=timedelta(seconds=1), **options
            )
            await stack.enter_async_context(worker)
        yield

"""kill -9 of the workers around captures and compensations: each is done once, none is forgotten.

The first steps have their turn in `test_stack_sagas`.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
from ordersaga_client import OrderSagaClient

from activities.payment_port import PaymentStatus
from activities.ports import LabelStatus
from adapters.providers.faults import Fault, FaultKind
from domain.ids import OrderId, streams_of_order
from domain.values import Outcome
from ordersaga.bootstrap.wiring import Services
from tests.support.faults.database import frozen
from tests.support.stack.sandboxes import SandboxControl
from tests.support.stack.stack import Up, order_document, until

ON_SHIPMENT = {"token": "tok_visa", "capture": "on_shipment"}
NO_SHIP = {**order_document("any")["address"], "postal_code": "NOSHIP"}
DECLINED = {"token": "tok_declined"}


@dataclass(frozen=True)
class Place:
    """Where the worker dies: at a call of a provider, before or after its effect."""

    order_id: str
    provider: str
    operation: str
    kind: FaultKind
    document: dict[str, Any]
    outcome: Outcome

    def control(self, stack: Up) -> SandboxControl:
        return stack.payment if self.provider == "payment" else stack.carrier


def places() -> list[Place]:
    ways = {
        "capture": ("payment", {"payment": ON_SHIPMENT}, Outcome.COMPLETED),
        "refund": ("payment", {"address": NO_SHIP}, Outcome.CANCELLED),
        "void": ("payment", {"address": NO_SHIP, "payment": ON_SHIPMENT}, Outcome.CANCELLED),
        "cancel_label": ("carrier", {"payment": ON_SHIPMENT}, Outcome.CANCELLED),
    }
    return [
        Place(f"{operation}-{kind}".replace("_", "-"), provider, operation, kind, change, outcome)
        for operation, (provider, change, outcome) in ways.items()
        for kind in (FaultKind.HOLD_BEFORE, FaultKind.HOLD_AFTER)
    ]


class Shop:
    """A running stack, its event store and its sagas."""

    def __init__(self, stack: Up, services: Services, sagas: OrderSagaClient) -> None:
        self.stack = stack
        self.services = services
        self.sagas = sagas

    async def start(self, order_id: str, sku: str, **changes: Any) -> None:
        line = {"sku": sku, "description": "x", "quantity": 1, "unit_price_minor": 678}
        await self.sagas.place(order_document(order_id, lines=[line], **changes))

    async def kill_workers(self) -> None:
        before = self.stack.state().pids
        workers = [role for role in before if role.startswith("worker")]
        for role in workers:
            os.kill(before[role], signal.SIGKILL)
        for role in workers:
            await until(lambda role=role: self.stack.state().pids.get(role) != before[role])

    async def require_agreement(self, order_id: str, outcome: Outcome) -> None:
        async with asyncio.timeout(120):
            assert (await self.sagas.result(order_id)).outcome == outcome
        payments = [p async for p in self.services.payments().payments() if p.order_id == order_id]
        labels = [x async for x in self.services.carrier().labels() if x.order_id == order_id]
        statuses = [(p.status, p.amount.minor) for p in payments]
        live = [label for label in labels if label.status is LabelStatus.LIVE]
        assert len(payments) == 1
        assert len(labels) <= 1
        if outcome is Outcome.COMPLETED:
            assert statuses == [(PaymentStatus.CAPTURED, 678)]
            assert len(live) == 1
        else:
            gone = {PaymentStatus.REFUNDED, PaymentStatus.VOIDED, PaymentStatus.DECLINED}
            assert statuses[0][0] in gone
            assert live == []
        types = await self.event_types(order_id)
        assert len(types) == len(set(types))

    async def event_types(self, order_id: str) -> list[str]:
        """The types of the order's events; each happens once in an order of one line."""
        streams = await self.services.store.read_streams(streams_of_order(OrderId(order_id)))
        return [event.event_type for events in streams.values() for event in events]

    async def reserved(self, sku: str) -> int:
        events = await self.services.store.read_stream(f"stock-{sku}")
        types = [event.event_type for event in events]
        return types.count("StockReserved") - types.count("StockReleased")

    @asynccontextmanager
    async def nobody_appends_to(self, stream: str) -> AsyncIterator[None]:
        connection = await asyncpg.connect(self.services.settings.dsn())
        try:
            async with connection.transaction():
                held = "SELECT 1 FROM eventstore.streams WHERE name = $1 FOR UPDATE"
                assert await connection.fetchval(held, stream) == 1
                yield
        finally:
            await connection.close()

    async def appends_wait(self) -> bool:
        waiting: int = await self.services.pool.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        )
        return waiting > 0


@pytest.fixture
async def shop(running_stack: Up) -> AsyncIterator[Shop]:
    async with running_stack.services() as services:
        yield Shop(running_stack, services, OrderSagaClient(await services.temporal()))
        await running_stack.payment.clear()
        await running_stack.carrier.clear()


async def test_workers_killed_around_captures_and_compensations_repeat_none(shop: Shop) -> None:
    await shop.stack.receive("KILLS", 20, "delivery kills")
    for place in places():
        if place.operation == "cancel_label":
            refuse = Fault(FaultKind.DECLINED, "capture", place.order_id)
            await shop.stack.payment.add(refuse)
        held = Fault(place.kind, place.operation, place.order_id, times=1)
        number = await place.control(shop.stack).add(held)
        await shop.start(place.order_id, "KILLS", **place.document)
        await place.control(shop.stack).wait_until_holding(number)
    await shop.kill_workers()
    await shop.stack.carrier.clear()
    for fault in await shop.stack.payment.faults():
        if fault["kind"] != FaultKind.DECLINED:
            await shop.stack.payment.remove(int(fault["number"]))
    for place in places():
        await shop.require_agreement(place.order_id, place.outcome)
    assert await shop.reserved("KILLS") == len([p for p in places() if p.outcome == "completed"])


async def test_a_worker_killed_in_the_middle_of_a_release_releases_once(shop: Shop) -> None:
    await shop.stack.receive("RELEASE", 1, "delivery release")
    number = await shop.stack.payment.add(Fault(FaultKind.HOLD_AFTER, "confirm", "release"))
    await shop.start("release", "RELEASE", payment=DECLINED)
    await shop.stack.payment.wait_until_holding(number)
    async with shop.nobody_appends_to("stock-RELEASE"):
        await shop.stack.payment.clear()
        await until(shop.appends_wait)
        await shop.kill_workers()
    await shop.require_agreement("release", Outcome.CANCELLED)
    assert await shop.reserved("RELEASE") == 0


async def test_workers_killed_before_they_report_an_undoing_undo_nothing_twice(shop: Shop) -> None:
    """The report is kept back by stopping Temporal; the workers die before it goes on."""
    await shop.stack.receive("REPORT", 3, "delivery report")
    ways = {
        "report-refund": ("refund", {"address": NO_SHIP}, "PaymentRefunded"),
        "report-void": ("void", {"address": NO_SHIP, "payment": ON_SHIPMENT}, "PaymentVoided"),
        "report-capture": ("capture", {"payment": ON_SHIPMENT}, "OrderCompleted"),
    }
    for order_id, (operation, changes, _) in ways.items():
        number = await shop.stack.payment.add(Fault(FaultKind.HOLD_AFTER, operation, order_id))
        await shop.start(order_id, "REPORT", **changes)
        await shop.stack.payment.wait_until_holding(number)
    with frozen(shop.stack.state().pids["temporal"]):
        await shop.stack.payment.clear()
        for order_id, (_, _, recorded) in ways.items():
            await until(lambda o=order_id, r=recorded: has(shop, o, r))
        await shop.kill_workers()
    for order_id in ways:
        completed = order_id == "report-capture"
        outcome = Outcome.COMPLETED if completed else Outcome.CANCELLED
        await shop.require_agreement(order_id, outcome)


async def has(shop: Shop, order_id: str, event_type: str) -> bool:
    return event_type in await shop.event_types(order_id)

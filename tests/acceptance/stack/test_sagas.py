"""Sagas on a whole stack: started by anybody, survived by anything, charged once."""

import asyncio
import json
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from ordersaga_client import (
    InvalidDocument,
    NotPossibleNow,
    OrderConflict,
    OrderSagaClient,
    SagaUnknown,
)
from temporalio.common import WorkflowIDConflictPolicy

from activities.payment_port import PaymentStatus
from activities.ports import LabelStatus
from adapters.providers.faults import Fault, FaultKind
from domain.ids import CustomerId, OrderId, Sku, order_stream, streams_of_order
from domain.money import Money
from domain.order.commands import AddItem, CreateOrder, SetAddress, SubmitOrder
from domain.values import Address, PaymentTerms
from ordersaga.bootstrap.wiring import Services
from ordersaga.operations.orders import OrdersService
from ordersaga.operations.starting import start_saga
from tests.support.faults.database import frozen
from tests.support.stack.sandboxes import SandboxControl
from tests.support.stack.stack import Ended, Up, order_document, until
from workflows.documents.order import parse_document

LEEDS = Address("Ann Example", "1 High Street", "Leeds", "LS1 4AP", "GB")
CARD = PaymentTerms("tok_visa")
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
async def shop(running_stack: Up) -> AsyncIterator["Shop"]:
    async with running_stack.services() as services:
        yield Shop(running_stack, services, OrderSagaClient(await services.temporal()))
        await running_stack.payment.clear()
        await running_stack.carrier.clear()


class Shop:
    """A running stack with its event store and a typed client."""

    def __init__(self, stack: Up, services: Services, sagas: OrderSagaClient) -> None:
        self.stack = stack
        self.services = services
        self.sagas = sagas

    async def outcome(self, order_id: str) -> str:
        async with asyncio.timeout(150):
            return (await self.sagas.result(order_id)).outcome

    async def event_types(self, order_id: str) -> Counter[str]:
        streams = await self.services.store.read_streams(streams_of_order(OrderId(order_id)))
        return Counter(event.event_type for events in streams.values() for event in events)

    async def has(self, order_id: str, event_type: str) -> bool:
        return (await self.event_types(order_id))[event_type] > 0

    async def require_fulfilled_once(self, order_id: str, minor: int) -> None:
        payments = [p async for p in self.services.payments().payments() if p.order_id == order_id]
        labels = [label async for label in self.services.carrier().labels()]
        live = [label for label in labels if label.order_id == order_id]
        assert [(p.status, p.amount.minor, p.refunded.minor) for p in payments] == [
            (PaymentStatus.CAPTURED, minor, 0)
        ]
        assert [label.status for label in live] == [LabelStatus.LIVE]
        types = await self.event_types(order_id)
        once = ("OrderSubmitted", "OrderReserved", "PaymentCaptured", "LabelBought")
        assert {name: types[name] for name in (*once, "OrderCompleted")} == dict.fromkeys(
            (*once, "OrderCompleted"), 1
        )

    async def hold(
        self, sandbox: SandboxControl, kind: FaultKind, operation: str, order: str
    ) -> int:
        return await sandbox.add(Fault(kind, operation, order, times=1))

    async def kill(self, *roles: str) -> None:
        pids = self.stack.state().pids
        for role in roles:
            os.kill(pids[role], signal.SIGKILL)
        for role in roles:
            await until(lambda role=role: self.stack.state().pids.get(role) != pids[role])


# --- started by anybody --------------------------------------------------------------------------


async def start_by_temporal(stack: Up, workflow_id: str, *inputs: str) -> Ended:
    given = [part for text in inputs for part in ("--input", text)]
    return await stack.temporal(
        *("workflow", "execute", "--type", "OrderFulfillment", "--task-queue", "orders"),
        *("--workflow-id", workflow_id, *given, "-o", "json"),
    )


async def test_temporals_own_command_line_is_enough_to_fulfil_an_order(shop: Shop) -> None:
    await shop.stack.receive("71053", 2, "delivery cli-1")
    document = json.dumps(order_document("cli-1"))
    ended = await start_by_temporal(shop.stack, "order-cli-1", document)
    assert ended.code == 0, ended.err
    result = ended.json()["result"]
    assert (result["order_id"], result["outcome"], result["reason"]) == ("cli-1", "completed", None)
    assert result["tracking_number"]
    await shop.require_fulfilled_once("cli-1", 678)


@pytest.mark.parametrize(
    ("workflow_id", "inputs", "named"),
    [
        ("order-bad-1", [json.dumps(order_document("bad-1", currency="pounds"))], "currency"),
        ("order-bad-2", [json.dumps(order_document("another"))], "order_id"),
        ("order-bad-3", ['"text"'], "document"),
        ("order-bad-4", ["null"], "document"),
        ("order-bad-5", ["[1, 2]"], "document"),
        ("order-bad-6", [], "document"),
        ("order-bad-7", ["{}", "{}"], "document"),
    ],
)
async def test_a_bad_document_fails_at_once_names_the_field_and_creates_nothing(
    shop: Shop, workflow_id: str, inputs: Sequence[str], named: str
) -> None:
    ended = await start_by_temporal(shop.stack, workflow_id, *inputs)
    assert ended.code != 0
    described = await shop.stack.temporal("workflow", "describe", "-w", workflow_id, "-o", "json")
    assert described.json()["workflowExecutionInfo"]["status"].endswith("FAILED")
    assert named in ended.out + ended.err
    assert await shop.services.store.read_stream(workflow_id) == []


async def test_the_starter_starts_the_saga_of_an_order_that_was_submitted_otherwise(
    shop: Shop,
) -> None:
    sku, order_id = Sku("STARTER"), OrderId("by-hand")
    await shop.stack.receive(sku, 3, "delivery by-hand")
    orders = OrdersService.of(shop.services)
    for command in (
        CreateOrder(order_id, CustomerId("17850"), "GBP", NOON),
        AddItem(sku, "WHITE METAL LANTERN", 3, Money(100, "GBP")),
        SetAddress(LEEDS),
        SubmitOrder(CARD),
    ):
        await orders.execute(order_id, command)
    await until(lambda: shop.has(order_id, "FulfillmentClosed"))
    assert await shop.outcome(order_id) == "completed"
    await shop.require_fulfilled_once(order_id, 300)


async def test_an_order_submitted_while_the_starter_is_dead_is_started_later(shop: Shop) -> None:
    sku, order_id = Sku("LATER"), OrderId("later")
    await shop.stack.receive(sku, 1, "delivery later")
    orders = OrdersService.of(shop.services)
    os.kill(shop.stack.state().pids["starter"], signal.SIGKILL)
    for command in (
        CreateOrder(order_id, None, "GBP", NOON),
        AddItem(sku, "WHITE METAL LANTERN", 1, Money(100, "GBP")),
        SetAddress(LEEDS),
        SubmitOrder(CARD),
    ):
        await orders.execute(order_id, command)
    await until(lambda: shop.has(order_id, "FulfillmentClosed"))
    await shop.require_fulfilled_once(order_id, 100)


# --- the typed client ----------------------------------------------------------------------------


async def test_the_same_document_again_is_the_same_saga_also_after_its_end(shop: Shop) -> None:
    await shop.stack.receive("71053", 4, "delivery twice")
    document = order_document("twice")
    started = await asyncio.gather(*(shop.sagas.place(document) for _ in range(5)))
    assert {placed.order_id for placed in started} == {"twice"}
    first = await shop.sagas.result("twice")
    assert (await shop.sagas.place(document)).order_id == "twice"
    assert await shop.sagas.result("twice") == first
    await shop.require_fulfilled_once("twice", 678)


async def test_other_content_under_a_known_order_id_is_a_conflict(shop: Shop) -> None:
    await shop.stack.receive("71053", 2, "delivery taken")
    await shop.sagas.place(order_document("taken"))
    await shop.outcome("taken")
    with pytest.raises(OrderConflict, match="taken"):
        await shop.sagas.place(order_document("taken", customer_id="666"))
    await shop.require_fulfilled_once("taken", 678)


async def test_a_bad_document_is_refused_and_no_order_is_there(shop: Shop) -> None:
    with pytest.raises(SagaUnknown):
        await shop.sagas.status("refused")
    with pytest.raises(InvalidDocument, match="currency"):
        await shop.sagas.place(order_document("refused", currency="pounds"))
    assert (await shop.sagas.status("refused")).order_id is None
    shown = await shop.stack.ordersaga("order", "show", "refused")
    assert (shown.code, "there is no order" in shown.err) == (1, True)


async def test_a_running_saga_tells_its_status_and_can_be_cancelled(shop: Shop) -> None:
    await shop.stack.receive("71053", 2, "delivery cancelled")
    number = await shop.hold(shop.stack.payment, FaultKind.HOLD_BEFORE, "confirm", "cancelled")
    await shop.sagas.place(order_document("cancelled"))
    await shop.stack.payment.wait_until_holding(number)
    status = await shop.sagas.status("cancelled")
    assert (status.step, status.can_cancel, status.outcome) == ("process_payment", True, None)
    await shop.sagas.cancel("cancelled", actor="ann", reason="changed my mind")
    await shop.stack.payment.clear()
    result = await shop.sagas.result("cancelled")
    assert (result.outcome, result.reason) == ("cancelled", "customer_request")
    with pytest.raises(NotPossibleNow):
        await shop.sagas.cancel("cancelled", actor="ann", reason="again")


async def test_a_decline_is_a_result_and_no_error(shop: Shop) -> None:
    await shop.stack.receive("71053", 2, "delivery declined")
    await shop.sagas.place(order_document("declined", payment={"token": "tok_declined"}))
    result = await shop.sagas.result("declined")
    assert (result.outcome, result.reason) == ("cancelled", "payment_declined")


# --- survived by anything ------------------------------------------------------------------------


async def test_workers_killed_around_each_outside_effect_repeat_none(shop: Shop) -> None:
    places = {
        "kill-1": (shop.stack.payment, FaultKind.HOLD_BEFORE, "confirm"),
        "kill-2": (shop.stack.payment, FaultKind.HOLD_AFTER, "confirm"),
        "kill-3": (shop.stack.carrier, FaultKind.HOLD_BEFORE, "buy_label"),
        "kill-4": (shop.stack.carrier, FaultKind.HOLD_AFTER, "buy_label"),
    }
    await shop.stack.receive("71053", 8, "delivery kill")
    for order_id, (sandbox, kind, operation) in places.items():
        number = await shop.hold(sandbox, kind, operation, order_id)
        await shop.sagas.place(order_document(order_id))
        await sandbox.wait_until_holding(number)
    await shop.kill("worker-steps", "worker-orders")
    await shop.stack.payment.clear()
    await shop.stack.carrier.clear()
    for order_id in places:
        assert await shop.outcome(order_id) == "completed"
        await shop.require_fulfilled_once(order_id, 678)


async def test_workers_killed_between_append_and_report_repeat_nothing(shop: Shop) -> None:
    """The reports are kept back by stopping Temporal; the workers die before it goes on."""
    await shop.stack.receive("APPEND-1", 1, "delivery append-1")
    await shop.stack.receive("71053", 4, "delivery append")
    line = {"sku": "APPEND-1", "description": "x", "quantity": 1, "unit_price_minor": 678}
    payment, carrier = shop.stack.payment, shop.stack.carrier
    charge = await shop.hold(payment, FaultKind.HOLD_AFTER, "confirm", "append-2")
    label = await shop.hold(carrier, FaultKind.HOLD_AFTER, "buy_label", "append-3")
    await shop.sagas.place(order_document("append-2"))
    await shop.sagas.place(order_document("append-3"))
    await payment.wait_until_holding(charge)
    await carrier.wait_until_holding(label)
    stopped = ExitStack()
    async with locked_stream(shop, "stock-APPEND-1"):
        document = parse_document(order_document("append-1", lines=[line]), None)
        await start_saga(await shop.services.temporal(), document, WorkflowIDConflictPolicy.FAIL)
        await until(lambda: appends_wait(shop))
        stopped.enter_context(frozen(shop.stack.state().pids["temporal"]))
    with stopped:
        await payment.clear()
        await carrier.clear()
        await until(lambda: shop.has("append-1", "OrderReserved"))
        await until(lambda: shop.has("append-2", "PaymentCaptured"))
        await until(lambda: shop.has("append-3", "OrderCompleted"))
        await shop.kill("worker-steps")
    for order_id in ("append-1", "append-2", "append-3"):
        assert await shop.outcome(order_id) == "completed"
        await shop.require_fulfilled_once(order_id, 678)


@asynccontextmanager
async def locked_stream(shop: Shop, stream: str) -> AsyncIterator[None]:
    """Keep everybody from appending to a stream."""
    connection = await asyncpg.connect(shop.services.settings.dsn())
    try:
        async with connection.transaction():
            found: Any = await connection.fetchval(
                "SELECT 1 FROM eventstore.streams WHERE name = $1 FOR UPDATE", stream
            )
            assert found == 1
            yield
    finally:
        await connection.close()


async def appends_wait(shop: Shop) -> bool:
    """Whether somebody waits for a lock in the database."""
    waiting: int = await shop.services.pool.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    )
    return waiting > 0


async def test_a_saga_waits_out_the_death_of_postgresql_and_of_temporal(shop: Shop) -> None:
    await shop.stack.receive("71053", 2, "delivery servers")
    number = await shop.hold(shop.stack.carrier, FaultKind.HOLD_BEFORE, "buy_label", "servers")
    await shop.sagas.place(order_document("servers"))
    await shop.stack.carrier.wait_until_holding(number)
    await shop.kill("postgres", "temporal")
    await shop.stack.carrier.clear()
    assert await shop.outcome("servers") == "completed"
    await until(lambda: shop.services.store.read_stream(order_stream(OrderId("servers"))))
    await shop.require_fulfilled_once("servers", 678)

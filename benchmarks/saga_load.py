"""The load of the saga benchmark: many workflows at once, or one after the other."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import count

import psutil  # type: ignore[import-untyped]  # it ships no types
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy

from activities.aggregates import STOCK
from activities.messages import ORDERS_QUEUE
from activities.unit_of_work import record
from adapters.events.codec import JsonEventCodec
from benchmarks.bare import BARE
from domain.ids import Sku
from domain.stock.commands import ReceiveStock
from eventstore.commands.handler import CommandContext, CommandHandler
from eventstore.model import Metadata
from eventstore.postgres.pool import create_pool
from eventstore.postgres.store import PostgresEventStore
from ordersaga.operations.starting import start_saga
from workflows.documents.order import parse_document

_numbers = count(1)
_skus = count(1)

RunOne = Callable[[], Awaitable[str]]
"""Runs one workflow to its end; returns its outcome."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One load: how many a second, how long each took, the outcomes, CPU by group of processes."""

    per_s: float
    p50_ms: float
    p99_ms: float
    outcomes: dict[str, int]
    cpu_ms: dict[str, float]


@dataclass(frozen=True, slots=True)
class Placed:
    """An order that came to its end, and how long that took."""

    order_id: str
    outcome: str
    reason: str
    seconds: float


def bare(client: Client) -> RunOne:
    """The bare workflow."""

    async def run() -> str:
        order_id = f"{next(_numbers)}"
        handle = await client.start_workflow(
            BARE, order_id, id=f"bare-{order_id}", task_queue=ORDERS_QUEUE
        )
        await handle.result()
        return "done"

    return run


def saga(client: Client, sku: Callable[[int], str]) -> RunOne:
    """An order of one piece of `sku`, as ordersaga's own client starts it."""

    async def run() -> str:
        return (await place(client, sku(next(_skus)))).outcome

    return run


async def place(client: Client, sku: str) -> Placed:
    """Place an order of one piece and wait for its outcome."""
    order_id = f"B{next(_numbers)}"
    began = time.perf_counter()
    document = parse_document(_order(order_id, sku), f"order-{order_id}")
    handle = await start_saga(client, document, WorkflowIDConflictPolicy.FAIL)
    result = await handle.result()
    seconds = time.perf_counter() - began
    return Placed(order_id, str(result["outcome"]), str(result["reason"]), seconds)


def _order(order_id: str, sku: str) -> dict[str, object]:
    return {
        "order_id": order_id,
        "customer_id": f"customer-{order_id}",
        "currency": "GBP",
        "placed_at": "2026-01-02T03:04:05+00:00",
        "lines": [
            {"sku": sku, "description": "White mug", "quantity": 1, "unit_price_minor": 250},
        ],
        "address": {
            "name": "Jo Example",
            "line1": "1 High Street",
            "city": "Leeds",
            "postal_code": "LS1 1AA",
            "country": "GB",
        },
        "payment": {"token": "tok_visa"},
    }


async def receive(database_url: str, skus: Sequence[str], pieces: int) -> None:
    """Put pieces of each SKU in stock."""
    pool = await create_pool(database_url, max_size=4)
    handler = CommandHandler(PostgresEventStore(pool), JsonEventCodec())

    async def one(sku: Sku) -> None:
        command = ReceiveStock(sku, pieces, "benchmark")
        context = CommandContext(f"receive/{sku}", Metadata("benchmark", "benchmark", "benchmark"))
        await record(handler, STOCK.stream(sku), (command,), context)

    await asyncio.gather(*(one(Sku(sku)) for sku in skus))
    await handler.close()
    await pool.close()


async def drive(run: RunOne, at_once: int, total: int, groups: dict[str, list[int]]) -> Measured:
    """Keep `at_once` running until `total` have ended."""
    times: list[float] = []
    outcomes: dict[str, int] = {}
    todo = iter(range(total))

    async def caller() -> None:
        for _ in todo:
            started = time.perf_counter()
            outcome = await run()
            times.append(time.perf_counter() - started)
            outcomes[outcome] = outcomes.get(outcome, 0) + 1

    before = _cpu(groups)
    started = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(at_once)))
    seconds = time.perf_counter() - started
    after = _cpu(groups)
    times.sort()
    return Measured(
        total / seconds,
        times[len(times) // 2] * 1000,
        times[int(len(times) * 0.99)] * 1000,
        outcomes,
        {name: (after[name] - before[name]) * 1000 / total for name in groups},
    )


def _cpu(groups: dict[str, list[int]]) -> dict[str, float]:
    """Seconds of CPU that the processes of each group, with their children, have used."""
    return {name: sum(_seconds(pid) for pid in pids) for name, pids in groups.items()}


def _seconds(pid: int) -> float:
    used = 0.0
    for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        used += times.user + times.system
    return used

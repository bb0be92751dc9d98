"""A sender in the test's own process, and the outbox after it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg

from adapters.notifications.signature import parse_secrets
from adapters.notifications.webhooks import WebhookSink
from eventstore.postgres.store import PostgresEventStore
from ordersaga.daemons.notifier import Notifier, RetryLimits, SendLimits
from projections.outbox import outbox
from projections.outbox import rules as notifications
from tests.support.stack.stack import until
from tests.support.stores.read_models import runner_of
from tests.support.stores.webhooks import SECRET, Receiver

QUICK = RetryLimits(attempts=6, first_s=0.02, longest_s=0.1)
PACE = SendLimits(timeout_s=0.4, idle_s=0.02, backoff_s=0.02, longest_backoff_s=0.1)
SUBMITTED = "ordersaga.order.submitted"
COMPLETED = "ordersaga.order.completed"


async def catch_up(pool: asyncpg.Pool, store: PostgresEventStore) -> None:
    await runner_of(pool, store, [notifications.PROJECTION]).catch_up()


@asynccontextmanager
async def sending(
    pool: asyncpg.Pool,
    receiver: Receiver,
    *,
    limits: RetryLimits = QUICK,
    send_limits: SendLimits = PACE,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncIterator[Notifier]:
    """A sender that runs while the block does."""
    sink = WebhookSink(receiver.url, parse_secrets(SECRET), timeout_s=send_limits.timeout_s)
    sender = Notifier(pool, sink, "/shop", send_limits=send_limits, limits=limits, clock=clock)
    stop = asyncio.Event()
    task = asyncio.create_task(sender.run(stop))
    try:
        yield sender
    finally:
        stop.set()
        await task
        await sink.close()


async def settled(pool: asyncpg.Pool) -> dict[str, tuple[str, int, str | None]]:
    """Wait until nothing waits; then state, attempts and last error by order and kind."""

    async def nothing_waits() -> bool:
        return (await outbox.count(pool)).waiting == 0

    await until(nothing_waits)
    return await rows(pool)


async def rows(pool: asyncpg.Pool) -> dict[str, tuple[str, int, str | None]]:
    page = await outbox.list_notifications(pool, limit=1000)
    return {
        f"{row.subject} {row.kind}": (row.state, row.attempts, row.last_error) for row in page.items
    }

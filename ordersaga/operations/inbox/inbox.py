"""One list of everything that waits for a person, or will change by itself soon."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from temporalio.client import Client
from temporalio.service import RPCError

from ordersaga.errors import Unreachable
from ordersaga.findings.table import load_watch
from ordersaga.operations.inbox.items import InboxItem, stored_items, with_orders
from ordersaga.operations.inbox.live import LiveSaga, live_sagas
from projections.engine.projection import Pool
from projections.read_models.returns.model import ReturnRow, list_returns

LIVE_WITHIN_S: Final = 8.0
_MOST_RETURNS: Final = 200


@dataclass(frozen=True, slots=True)
class Inbox:
    """What waits.

    Attributes:
        items: the oldest first.
        awaiting_decision: ordinary business: returns that wait for their decisions.
        remarks: what the list could not rely on, such as that Temporal does not answer.
    """

    items: Sequence[InboxItem]
    awaiting_decision: Sequence[ReturnRow]
    remarks: Sequence[str]


async def load_inbox(pool: Pool, connect: Callable[[], Awaitable[Client]]) -> Inbox:
    """The inbox as it is now.

    Args:
        pool: connections to PostgreSQL.
        connect: gives the Temporal client; without Temporal, the list says so and is shorter.
    """
    stored = await stored_items(pool)
    watch = await load_watch(pool)
    sagas, remark = await _live(stored, connect)
    shown_by_store = {item.order_id for item in stored}
    live = [saga.item() for saga in sagas if saga.order_id not in shown_by_store]
    actions = {saga.order_id: saga.actions for saga in sagas}
    items = [
        replace(item, actions=actions.get(item.order_id or "", item.actions)) for item in stored
    ]
    items += await with_orders(pool, live)
    items.sort(key=lambda item: (item.since is not None, item.since))
    remarks = [each for each in (watch.remark, remark) if each]
    return Inbox(items, await _undecided(pool), remarks)


async def _live(
    stored: Sequence[InboxItem], connect: Callable[[], Awaitable[Client]]
) -> tuple[list[LiveSaga], str | None]:
    order_ids = [item.order_id for item in stored if item.order_id]
    try:
        async with asyncio.timeout(LIVE_WITHIN_S):
            return await live_sagas(await connect(), order_ids), None
    except (TimeoutError, RPCError, Unreachable):
        return [], "Temporal does not answer: sagas that wait or are on hold are not listed"


async def _undecided(pool: Pool) -> Sequence[ReturnRow]:
    page = await list_returns(pool, open_only=True, limit=_MOST_RETURNS)
    return [case for case in page.items if "undecided" in (case.refund, case.restock)]

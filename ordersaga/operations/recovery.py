"""Starts every open order that has no running saga again, from the event store alone.

For the day on which Temporal lost its database, or somebody terminated sagas. A saga that is
started again recognises what earlier runs did, because each step asks the event store first and
the providers know each request by its key: nothing is reserved, charged or shipped twice, and a
saga that had turned back goes on undoing. Doing this twice, from several places, or while workers
run is harmless: Temporal runs one saga an order.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities.aggregates import ORDER
from activities.messages import OperatorAction, OrderDocument
from adapters.personal_data.errors import PersonalDataError
from domain.errors import RuleBroken
from domain.ids import OrderId, fulfillment_stream, order_stream
from eventstore.commands.handler import CommandHandler
from eventstore.model import FeedFilter
from eventstore.store import EventStore
from ordersaga.client.starting import start_saga
from ordersaga.daemons.starter import document_of
from ordersaga.operations.sagas import running_sagas

_BEGINS: Final = "OrderSubmitted"
_ENDS: Final = frozenset({"OrderCompleted", "OrderCancelled"})
_WANTED: Final = FeedFilter(frozenset({"order"}), frozenset({_BEGINS, *_ENDS}))
_PAGE: Final = 2000
AT_ONCE: Final = 16


class Fate(StrEnum):
    """What a recovery did with an open order."""

    STARTED = "started"
    WOULD_START = "would_start"
    RUNNING = "running"
    ENDED = "ended"
    LEFT = "left"


_WHY: Final = {
    Fate.STARTED: "it was open and had no running saga",
    Fate.WOULD_START: "it is open and has no running saga",
    Fate.RUNNING: "its saga runs",
    Fate.ENDED: "it ended in the meantime",
}


@dataclass(frozen=True, slots=True)
class Recovered:
    """What became of one open order, and why; LEFT needs a person."""

    order_id: OrderId
    fate: Fate
    why: str


Seen = Callable[[Recovered], None]


def _silent(_recovered: Recovered) -> None:
    """No progress display."""


async def open_orders(store: EventStore) -> list[OrderId]:
    """Orders that were submitted and have not ended, in the order of their submission."""
    found: dict[str, None] = {}
    async for stream, event_type in _milestones(store):
        if event_type == _BEGINS:
            found[stream] = None
        else:
            found.pop(stream, None)
    return [OrderId(stream.partition("-")[2]) for stream in found]


async def _milestones(store: EventStore) -> AsyncIterator[tuple[str, str]]:
    async with aclosing(store.feed_pages(0, limit=_PAGE, wanted=_WANTED)) as pages:
        async for page in pages:
            for event in page.events:
                yield event.stream, event.event_type


class Recovery:
    """One recovery.

    Args:
        handler: loads orders, with personal data readable.
        store: the event store; it need not show personal data.
        client: Temporal.
        dry_run: only say what would be done.
        at_once: orders under way at the same time.
    """

    def __init__(
        self,
        handler: CommandHandler,
        store: EventStore,
        client: Client,
        *,
        dry_run: bool = False,
        at_once: int = AT_ONCE,
    ) -> None:
        self._handler = handler
        self._store = store
        self._client = client
        self._dry_run = dry_run
        self._at_once = at_once

    async def run(self, order_ids: Iterable[OrderId], seen: Seen = _silent) -> Sequence[Recovered]:
        """Look at each order and start its saga if it has none.

        Args:
            order_ids: usually the `open_orders`; others are recognised as ended.
            seen: told of each order as soon as it is decided.

        Raises:
            ExceptionGroup: of RPCError or StoreUnavailable; what was started stays started, and
                the next recovery goes on.
        """
        waiting, done = iter(order_ids), list[Recovered]()

        async def lane() -> None:
            for order_id in waiting:
                recovered = await self._recover(order_id)
                done.append(recovered)
                seen(recovered)

        async with asyncio.TaskGroup() as lanes:
            for _ in range(self._at_once):
                lanes.create_task(lane())
        return sorted(done, key=lambda recovered: recovered.order_id)

    async def _recover(self, order_id: OrderId) -> Recovered:
        if await running_sagas(self._client, [order_stream(order_id)]):
            return _told(order_id, Fate.RUNNING)
        try:
            document = await self._document(order_id)
        except (RuleBroken, PersonalDataError) as problem:
            return Recovered(order_id, Fate.LEFT, f"cannot be started: {problem}")
        if document is None:
            return _told(order_id, Fate.ENDED)
        if self._dry_run:
            return _told(order_id, Fate.WOULD_START)
        return await self._start(document)

    async def _document(self, order_id: OrderId) -> OrderDocument | None:
        loaded = await self._handler.load(order_stream(order_id), ORDER.fold)
        return document_of(order_id, loaded.state)

    async def _start(self, document: OrderDocument) -> Recovered:
        order_id = document.order_id
        holder = await self._holder(order_id)
        try:
            await start_saga(
                self._client,
                document,
                WorkflowIDConflictPolicy.FAIL,
                # Whatever Temporal says of earlier runs, the event store says that it is open.
                reuse=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                held_by=holder,
            )
        except WorkflowAlreadyStartedError:
            return _told(order_id, Fate.RUNNING)
        except RPCError as error:
            if error.status is not RPCStatusCode.INVALID_ARGUMENT:
                raise
            return Recovered(order_id, Fate.LEFT, f"Temporal refuses it: {error.message}")
        held = f"; it is still on hold for {holder.actor}" if holder else ""
        return Recovered(order_id, Fate.STARTED, _WHY[Fate.STARTED] + held)

    async def _holder(self, order_id: OrderId) -> OperatorAction | None:
        """Who had put the saga on hold, if nobody resumed it and it has not turned back."""
        holder: OperatorAction | None = None
        for event in await self._store.read_stream(fulfillment_stream(order_id)):
            match event.event_type, event.data.get("action"):
                case "OperatorActed", "hold":
                    holder = OperatorAction(event.data["actor"], "hold", event.data["reason"])
                case ("OperatorActed", "resume") | ("CompensationStarted", _):
                    holder = None
        return holder


def _told(order_id: OrderId, fate: Fate) -> Recovered:
    return Recovered(order_id, fate, _WHY[fate])

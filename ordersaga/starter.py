"""Starts a saga for every order that was submitted through the event store.

The starter follows the feed with a checkpoint of its own, at least once: an order is handed over
again when the process died between starting its saga and saving the checkpoint, and starting twice
does nothing. So a crash between "submitted" and "started" loses nothing.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Final

import structlog
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities.messages import OrderDocument
from domain import order
from domain.errors import RuleBroken
from domain.ids import OrderId, order_stream
from domain.values import readable
from eventstore.errors import StoreUnavailable
from eventstore.handling import CommandHandler, Fold
from eventstore.model import FeedFilter, StoredEvent
from eventstore.subscription import Subscription
from ordersaga.sagas import start_saga

CHECKPOINT: Final = "starter"
SAGA_ACTOR: Final = "saga"
WANTED: Final = FeedFilter(
    categories=frozenset({"order"}), event_types=frozenset({"OrderSubmitted"})
)

_ORDER: Final = Fold(order.INITIAL, order.evolve)
_LONGEST_PAUSE_S: Final = 10.0
_log = structlog.stdlib.get_logger("ordersaga.starter")


class SagaStarter:
    """Starts sagas for submitted orders.

    Args:
        client: Temporal.
        handler: loads the orders.
        concurrency: starts under way at once.
        pause_s: wait after a failure; doubles with each further one.
    """

    def __init__(
        self, client: Client, handler: CommandHandler, concurrency: int, *, pause_s: float = 0.25
    ) -> None:
        self._client = client
        self._handler = handler
        self._slots = asyncio.Semaphore(concurrency)
        self._pause_s = pause_s
        self._failures = 0

    async def follow(self, subscription: Subscription, stop: asyncio.Event) -> None:
        """Follow the feed until `stop` is set; outages are waited out.

        Args:
            subscription: its handler is `handle`.
            stop: ends it.
        """
        while not stop.is_set():
            try:
                await subscription.run(stop)
            except* (RPCError, StoreUnavailable) as errors:
                self._failures += 1
                _log.warning("no saga can be started now", problem=_kinds(errors))
                await self._pause(stop)

    async def handle(self, events: Sequence[StoredEvent]) -> None:
        """Start the sagas of a page of OrderSubmitted events.

        Raises:
            ExceptionGroup: of RPCError or StoreUnavailable; hand the same page in again.
        """
        wanted = [event for event in events if event.metadata.actor != SAGA_ACTOR]
        async with asyncio.TaskGroup() as group:
            for event in wanted:
                group.create_task(self._start(OrderId(event.stream.partition("-")[2])))
        self._failures = 0

    def problems(self) -> Sequence[str]:
        """What keeps sagas from being started right now; empty if nothing does."""
        return (f"{self._failures} failures in a row",) if self._failures else ()

    async def _pause(self, stop: asyncio.Event) -> None:
        pause = min(self._pause_s * 2**self._failures, _LONGEST_PAUSE_S)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)

    async def _start(self, order_id: OrderId) -> None:
        async with self._slots:
            loaded = await self._handler.load(order_stream(order_id), _ORDER)
            try:
                document = document_of(order_id, loaded.state)
            except RuleBroken as refusal:
                _log.error("saga cannot be started", order_id=order_id, problem=str(refusal))
                return
            if document is not None:
                await self._start_saga(document)

    async def _start_saga(self, document: OrderDocument) -> None:
        order_id = document.order_id
        try:
            await start_saga(self._client, document, WorkflowIDConflictPolicy.USE_EXISTING)
        except WorkflowAlreadyStartedError:
            _log.debug("saga ended before", order_id=order_id)
        except RPCError as error:
            if error.status is not RPCStatusCode.INVALID_ARGUMENT:
                raise
            # Trying again would not help, and would keep all later orders waiting.
            _log.exception("saga cannot be started", order_id=order_id)
        else:
            _log.info("saga started", order_id=order_id)


def _kinds(errors: BaseExceptionGroup[Exception]) -> str:
    return ", ".join(sorted({type(error).__name__ for error in errors.exceptions}))


def document_of(order_id: OrderId, state: order.OrderState) -> OrderDocument | None:
    """The document that stands for a submitted order; None if it is a draft or has ended.

    Raises:
        RuleBroken: its personal data cannot be read any more.
    """
    known = order.frozen_order(state)
    if known is None or isinstance(state, order.Completed | order.Cancelled):
        return None
    return OrderDocument(
        order_id=order_id,
        customer_id=known.customer_id,
        currency=known.currency,
        placed_at=known.placed_at,
        lines=known.submitted.lines,
        address=readable(known.submitted_address, "delivery address"),
        payment=known.payment,
        unavailable=known.unavailable,
    )

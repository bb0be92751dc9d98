"""Follows the feed for sagas, at least once, through outages of Temporal and the event store.

If the process dies between acting on an event and saving the checkpoint, the event comes again: so
acting on it twice must change nothing.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final

import structlog
from temporalio.client import Client
from temporalio.service import RPCError

from eventstore.commands.handler import CommandHandler
from eventstore.errors import StoreUnavailable
from eventstore.model import StoredEvent
from eventstore.reading.subscription import Subscription
from ordersaga.daemons.loops import Heartbeat

_LONGEST_PAUSE_S: Final = 10.0
_log = structlog.stdlib.get_logger("ordersaga.following")


class Follower(ABC):
    """Acts on events of the feed.

    Args:
        client: Temporal.
        handler: loads the aggregates of the events.
        concurrency: events that are processed concurrently.
        pause_s: pause after a failure; doubles with each further one.

    Attributes:
        heartbeat: beats with each event that was acted on, and while it waits for an outage to end.
    """

    def __init__(
        self, client: Client, handler: CommandHandler, concurrency: int, *, pause_s: float = 0.25
    ) -> None:
        self.client = client
        self.handler = handler
        self._slots = asyncio.Semaphore(concurrency)
        self._pause_s = pause_s
        self._failures = 0
        self.heartbeat = Heartbeat()

    async def follow(self, subscription: Subscription, stop: asyncio.Event) -> None:
        """Follow the feed until `stop` is set; the subscription's handler must be `handle`."""
        while not stop.is_set():
            try:
                await subscription.run(stop)
            except* (RPCError, StoreUnavailable) as errors:
                self._failures += 1
                follower = type(self).__name__
                _log.debug(
                    "waiting for an outage to end", follower=follower, problem=_kinds(errors)
                )
                await self._pause(stop)

    async def handle(self, events: Sequence[StoredEvent]) -> None:
        """Act on a page of events.

        Raises:
            ExceptionGroup: of RPCError or StoreUnavailable; pass the same page again.
        """
        async with asyncio.TaskGroup() as group:
            for event in filter(self.wants, events):
                group.create_task(self._act(event))
        self._failures = 0

    def wants(self, event: StoredEvent) -> bool:
        """Whether to act on an event."""
        del event
        return True

    @abstractmethod
    async def act(self, event: StoredEvent) -> None:
        """Act on one event.

        Raises:
            RPCError: Temporal does not answer.
            StoreUnavailable: the event store does not answer.
        """
        ...

    def problems(self) -> Sequence[str]:
        """What prevents it from working right now; empty if nothing does."""
        return (f"{self._failures} failures in a row",) if self._failures else ()

    async def _act(self, event: StoredEvent) -> None:
        async with self._slots:
            await self.act(event)
            self.heartbeat.beat()

    async def _pause(self, stop: asyncio.Event) -> None:
        pause = min(self._pause_s * 2**self._failures, _LONGEST_PAUSE_S)
        await self.heartbeat.pause(pause, stop)


def _kinds(errors: BaseExceptionGroup[Exception]) -> str:
    return ", ".join(sorted({type(error).__name__ for error in errors.exceptions}))

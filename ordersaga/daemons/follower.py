"""Follows the feed for sagas, at least once, through outages of Temporal and the event store.

If the process dies between acting on an event and saving the checkpoint, the event comes again: so
acting on it twice must change nothing.

No event ends a follower or holds up the others. An outage is waited for; an event that fails for
any other reason is set aside and tried again later.
"""

import asyncio
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from typing import Final

import structlog
from temporalio.client import Client

from eventstore.commands.handler import CommandHandler
from eventstore.model import StoredEvent
from eventstore.reading.subscription import Subscription
from ordersaga.daemons.loops import Heartbeat
from ordersaga.daemons.outages import is_outage, reason
from ordersaga.daemons.set_aside import SetAside

_LONGEST_PAUSE_S: Final = 10.0
_PASSES: Final = 5
"""An event is set aside if it fails in so many passes in a row in which others succeed: what looks
like an outage, such as a time limit, is then the event's own."""

_log = structlog.stdlib.get_logger("ordersaga.following")


class Follower(ABC):
    """Acts on events of the feed.

    Args:
        client: Temporal.
        handler: loads the aggregates of the events.
        concurrency: events that are processed concurrently.
        aside: keeps the events that could not be acted on.
        pause_s: pause after a failure; doubles with each further one.

    Attributes:
        heartbeat: beats with each event that was acted on, and while it waits for an outage to end.
    """

    def __init__(
        self,
        client: Client,
        handler: CommandHandler,
        concurrency: int,
        aside: SetAside,
        *,
        pause_s: float = 0.25,
    ) -> None:
        self.client = client
        self.handler = handler
        self._concurrency = concurrency
        self._slots = asyncio.Semaphore(concurrency)
        self._aside = aside
        self._pause_s = pause_s
        self._failures = 0
        self._successes = 0  # in this pass
        self._outages: list[Exception] = []  # in this pass, since the last success
        self._failed_passes: Counter[int] = Counter()  # by position, of the page that is repeated
        self.heartbeat = Heartbeat()

    async def follow(self, subscription: Subscription, stop: asyncio.Event) -> None:
        """Follow the feed until `stop` is set; the subscription's handler must be `handle`."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._aside.run(self.act, self.heartbeat, stop))
            while not stop.is_set():
                try:
                    await subscription.run(stop)
                except Exception as error:
                    if not is_outage(error):
                        raise
                    self._failures += 1
                    _log.debug(
                        "waiting for an outage to end",
                        follower=type(self).__name__,
                        problem=reason(error),
                    )
                    await self._pause(stop)

    async def handle(self, events: Sequence[StoredEvent]) -> None:
        """Act on a page of events; set aside what fails for another reason than an outage.

        Raises:
            ExceptionGroup: of outages; pass the same page again.
        """
        self._successes, self._outages = 0, []
        results = await asyncio.gather(
            *(self._act(event) for event in events), return_exceptions=True
        )
        outages = []
        for event, error in zip(events, results, strict=True):
            if isinstance(error, Exception) and is_outage(error) and not self._is_its_own(event):
                outages.append(error)
            elif error is not None:
                await self._aside.put(event, error)
        if outages:
            raise ExceptionGroup("the page comes again", outages)
        self._failures = 0
        self._failed_passes.clear()

    def wants(self, event: StoredEvent) -> bool:
        """Whether to act on an event."""
        del event
        return True

    @abstractmethod
    async def act(self, event: StoredEvent) -> None:
        """Act on one event.

        Raises:
            Exception: an outage is waited for; for any other reason the event is set aside.
        """
        ...

    def problems(self) -> Sequence[str]:
        """What prevents it from working right now; empty if nothing does."""
        return (f"{self._failures} failures in a row",) if self._failures else ()

    def notices(self) -> Sequence[str]:
        """What somebody should look at, although it works."""
        count = self._aside.count
        return (f"{count} events are set aside: see `ordersaga store set-aside`",) if count else ()

    async def _act(self, event: StoredEvent) -> Exception | None:
        """The error of one event; in an outage, the rest of a page is not tried in vain."""
        async with self._slots:
            if len(self._outages) >= self._concurrency:
                return self._outages[-1]
            try:
                if not self.wants(event):
                    return None
                await self.act(event)
            except Exception as error:  # noqa: BLE001  whatever it is, the other events go on
                if is_outage(error):
                    self._outages.append(error)
                return error
            self._successes += 1
            self._outages.clear()
            self.heartbeat.beat()
            return None

    def _is_its_own(self, event: StoredEvent) -> bool:
        """Whether what looks like an outage follows the event, not the servers."""
        if self._successes:
            self._failed_passes[event.position] += 1
        return self._failed_passes[event.position] >= _PASSES

    async def _pause(self, stop: asyncio.Event) -> None:
        pause = min(self._pause_s * 2 ** min(self._failures, 20), _LONGEST_PAUSE_S)
        await self.heartbeat.pause(pause, stop)

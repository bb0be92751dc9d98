"""Keeps what a follower could not act on, and tries it again until it succeeds."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from eventstore.model import StoredEvent
from eventstore.reading.set_aside import SetAsideEvent, SetAsideEvents
from eventstore.store import EventStore
from ordersaga.daemons.loops import Heartbeat
from ordersaga.daemons.outages import is_outage, reason

_AT_ONCE: Final = 100
_FIRST_PAUSE_S: Final = 5.0
_LONGEST_PAUSE_S: Final = 600.0
_AFTER_OUTAGE_S: Final = 30.0
_log = structlog.stdlib.get_logger("ordersaga.following")


class SetAside:
    """The events that one follower has set aside.

    All of them are tried at the start, because what was wrong, such as a master key, may have been
    put right; then each with growing pauses, 5 seconds to 10 minutes.

    Args:
        follower: its name.
        events: where they are kept.
        store: has the events.
        show: called with the number of events, for a metric.
        look_every_s: how often it is looked whether one is due.

    Attributes:
        count: how many there were when it was last looked.
    """

    def __init__(
        self,
        follower: str,
        events: SetAsideEvents,
        store: EventStore,
        *,
        show: Callable[[int], None] = lambda _: None,
        look_every_s: float = 2.0,
    ) -> None:
        self._follower = follower
        self._events = events
        self._store = store
        self._show = show
        self._look_every_s = look_every_s
        self.count = 0

    async def put(self, event: StoredEvent, error: BaseException) -> None:
        """Set an event aside; raises StoreUnavailable."""
        await self._events.put(self._follower, event, reason(error), _FIRST_PAUSE_S)
        self.count += 1
        self._show(self.count)
        _log.error(
            "event set aside",
            follower=self._follower,
            stream=event.stream,
            position=event.position,
            event_type=event.event_type,
            error=reason(error),
        )

    async def run(
        self,
        act: Callable[[StoredEvent], Awaitable[None]],
        heartbeat: Heartbeat,
        stop: asyncio.Event,
    ) -> None:
        """Try what is due until `stop` is set; an outage ends the present round only."""
        is_first = True
        while not stop.is_set():
            try:
                if is_first:
                    await self._events.make_due(self._follower)
                    is_first = False
                await self._try_due(act, stop)
                self.count = await self._events.count(self._follower)
                self._show(self.count)
            except Exception as error:
                if not is_outage(error):
                    raise
            await heartbeat.pause(self._look_every_s, stop)

    async def _try_due(
        self, act: Callable[[StoredEvent], Awaitable[None]], stop: asyncio.Event
    ) -> None:
        for kept in await self._events.due(self._follower, _AT_ONCE):
            if stop.is_set():
                return
            await self._try(kept, act)

    async def _try(
        self, kept: SetAsideEvent, act: Callable[[StoredEvent], Awaitable[None]]
    ) -> None:
        version = kept.version
        for event in await self._store.read_stream(
            kept.stream, from_version=version, to_version=version
        ):
            try:
                await act(event)
            except Exception as error:
                outage = is_outage(error)
                await self._events.put(
                    self._follower, event, reason(error), _pause_s(kept.tries, outage=outage)
                )
                if outage:
                    raise
                return
        await self._events.remove(self._follower, kept.position)
        _log.info(
            "event that was set aside is done",
            follower=self._follower,
            stream=kept.stream,
            position=kept.position,
            tries=kept.tries,
        )


def _pause_s(tries: int, *, outage: bool) -> float:
    """An outage says nothing about the event, which must not wait for long after it."""
    if outage:
        return _AFTER_OUTAGE_S
    return float(min(_FIRST_PAUSE_S * 2.0 ** min(tries, 20), _LONGEST_PAUSE_S))

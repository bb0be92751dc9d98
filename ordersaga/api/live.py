"""Changes as they happen, as Server-Sent Events; each is sent with its position in the feed.

A stream follows the feed of the event store, which skips nothing: a client that lost its
connection goes on after the last position that it got. Streams that are at the same position share
one read, so that many of them cost the database hardly more than one.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from eventstore.errors import StoreUnavailable
from eventstore.model import FeedFilter, FeedPage, StoredEvent
from eventstore.postgres.errors import translated
from eventstore.postgres.feed_lag import complete_position
from ordersaga.api.problems import TOO_MANY_STREAMS, Problem
from ordersaga.bootstrap.wiring import Services
from ordersaga.display.jsonable import json_text

MOST_STREAMS: Final = 400
MOST_OF_A_TOKEN: Final = 20
LASTS_AT_MOST_S: Final = 3600
SIGN_EVERY_S: Final = 10.0
"""A stream without changes sends a sign of life after this time."""

_PAGE: Final = 500
_PAUSE_S: Final = 0.1
"""Shortest time between two reads of a stream: people watch it."""

_POLL_S: Final = 0.5
_WITHOUT_STORE_S: Final = 1.0
_RETRY_MS: Final = 2000
_COME_BACK: Final = {"Retry-After": "10"}
_CATEGORIES: Final = FeedFilter(
    frozenset({"order", "payment", "shipment", "fulfillment", "returns", "stock"})
)
Check = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Change:
    """An event, without its data: what happened to which order or product, and by whom."""

    position: int
    recorded_at: datetime
    order_id: str | None
    sku: str | None
    stream: str
    version: int
    event_type: str
    actor: str


def change_of(event: StoredEvent) -> Change:
    """The event as streams show it."""
    own = event.stream.partition("-")[2]
    is_stock = event.category == "stock"
    return Change(
        event.position,
        event.recorded_at,
        event.data.get("order_id") if is_stock else own,
        own if is_stock else None,
        event.stream,
        event.version,
        event.event_type,
        event.metadata.actor,
    )


class LiveFeed:
    """Serves any number of streams of a process.

    Args:
        services: of the composition root.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._reads: dict[int, asyncio.Task[FeedPage]] = {}
        self._streams: Counter[str] = Counter()
        self._closed = asyncio.Event()

    def close(self) -> None:
        """End all streams; their clients come back with the position that they got."""
        self._closed.set()

    @property
    def is_closed(self) -> bool:
        """Whether the process ends."""
        return self._closed.is_set()

    def require_place(self, token_id: str) -> None:
        """Refuse a stream if there are enough; raises Problem, too_many_streams."""
        if self._streams.total() >= MOST_STREAMS or self._streams[token_id] >= MOST_OF_A_TOKEN:
            raise Problem(TOO_MANY_STREAMS, headers=_COME_BACK)

    def ends(self, position: int) -> bool:
        """Whether a stream at this position ends: with the process, or with its history.

        Its client comes back, and is told what it has seen that is gone.
        """
        return self.is_closed or self._services.histories.is_lost(position)

    @contextmanager
    def place(self, token_id: str) -> Iterator[None]:
        """Takes the place of a stream as long as the context lasts."""
        self._streams[token_id] += 1
        try:
            yield
        finally:
            self._streams[token_id] -= 1
            if not self._streams[token_id]:
                del self._streams[token_id]

    async def end(self) -> int:
        """The position up to which the feed is complete now; raises StoreUnavailable."""
        with translated():
            return await complete_position(self._services.pool)

    async def after(self, position: int) -> FeedPage:
        """The next changes after a position; waits a moment if there are none.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        waker = await self._services.waker()
        mark = waker.mark()
        page = await self._read(position)
        if page.events or page.more:
            return page
        await waker.wait(_POLL_S, mark)
        await asyncio.sleep(_PAUSE_S)
        return page

    async def _read(self, position: int) -> FeedPage:
        read = self._reads.get(position)
        if read is None:
            following = self._services.log.read_feed(position, limit=_PAGE, feed_filter=_CATEGORIES)
            read = self._reads[position] = asyncio.ensure_future(following)
            read.add_done_callback(lambda _: self._reads.pop(position, None))
        return await asyncio.shield(read)


@dataclass(frozen=True, slots=True)
class Stream:
    """One client that listens.

    Attributes:
        feed: where changes come from.
        after: the last position that the client has.
        order_id: only changes of this order; None: all.
        lasts_s: the stream ends after this time, and the client comes back.
        is_allowed: whether its token is still valid.
    """

    feed: LiveFeed
    token_id: str
    after: int
    order_id: str | None
    lasts_s: float
    is_allowed: Check

    async def texts(self) -> AsyncIterator[str]:
        """The parts of the answer, until the time is over, the token ends or the process does."""
        position, until = self.after, time.monotonic() + self.lasts_s
        sent_at = time.monotonic()
        with self.feed.place(self.token_id):
            yield f"retry: {_RETRY_MS}\n{_sign(position)}"
            while time.monotonic() < until and not self.feed.ends(position):
                page = await self._next(position)
                if page is None:
                    return
                position = page.next_position
                text = "".join(self._changes(page.events))
                if not text and time.monotonic() - sent_at > SIGN_EVERY_S:
                    text = _sign(position)
                if text:
                    sent_at = time.monotonic()
                    yield text

    async def _next(self, position: int) -> FeedPage | None:
        """What comes after a position; None if the token is valid no more."""
        try:
            return await self.feed.after(position) if await self.is_allowed() else None
        except StoreUnavailable:
            await asyncio.sleep(_WITHOUT_STORE_S)
            return FeedPage((), position, position, more=False)

    def _changes(self, events: Sequence[StoredEvent]) -> Iterator[str]:
        for event in events:
            change = change_of(event)
            if self.order_id in (None, change.order_id):
                yield f"event: change\ndata: {json_text(change)}\n{_sign(change.position)}"


def _sign(position: int) -> str:
    """What tells a client how far it is; alone, it is a sign of life."""
    return f"id: {position}\n\n"

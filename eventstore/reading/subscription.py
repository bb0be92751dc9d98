"""Follows the feed: catching up and live through one code path."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Final

from eventstore.errors import StoreUnavailable
from eventstore.model import FeedFilter, FeedPage, StoredEvent
from eventstore.reading.checkpoints import Checkpoints
from eventstore.reading.waking import Waker
from eventstore.store import EventStore

Handle = Callable[[Sequence[StoredEvent]], Awaitable[None]]

_SHORTEST_REPOLL_S: Final = 0.001
_LONGEST_REPOLL_S: Final = 0.005
_LONGEST_RETRY_S: Final = 5.0
_SAVE_EVERY: Final = 1000
"""While all events are filtered out, the checkpoint is saved after this many positions."""


class Subscription:
    """Passes every selected event to `handle` at least once, in order of position.

    While `handle` works on a full page, only the next one is read ahead. The checkpoint is saved
    after `handle`; events that were handled but not saved come again after a crash.

    Args:
        store: the store whose feed it follows.
        checkpoints: where the position is kept under `name`.
        waker: ends the wait when events were appended.
        name: of this reader; two readers at the same time would both handle everything.
        feed_filter: selects the events.
        handle: takes at most `batch` events; any error of it ends `run`.
        batch: events in a page.
        poll_s: the longest wait before the store is read again.

    Attributes:
        position: all events up to here are handled.
        head: the last position drawn when the store was last read.
        healthy: False while the store cannot be reached.
    """

    def __init__(
        self,
        store: EventStore,
        checkpoints: Checkpoints,
        waker: Waker,
        name: str,
        feed_filter: FeedFilter,
        handle: Handle,
        *,
        batch: int = 500,
        poll_s: float = 0.5,
    ) -> None:
        self._store = store
        self._checkpoints = checkpoints
        self._waker = waker
        self._name = name
        self._filter = feed_filter
        self._handle = handle
        self._batch = batch
        self._poll_s = poll_s
        self._saved = 0
        self._pause_s = _SHORTEST_REPOLL_S
        self._retry_s = 0.0
        self._started = False
        self._pages: AsyncGenerator[FeedPage, None] | None = None
        self.position = 0
        self.head = 0
        self.healthy = True
        self._turned_at = time.monotonic()

    def age_s(self) -> float:
        """The seconds since it last came round: it read a page, or waited for a few seconds."""
        return time.monotonic() - self._turned_at

    async def run(self, stop: asyncio.Event) -> None:
        """Follow the feed until `stop` is set; events that are being handled are finished first.

        Raises:
            whatever `handle` raises; these events come again with the next `run`.
        """
        try:
            await self._follow(stop)
        finally:
            await self._leave_pages()
        if self._started and self.position != self._saved:
            await self._save()

    async def _follow(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._turned_at = time.monotonic()
            mark = self._waker.mark()
            page = await self._next_page()
            if page is None:
                await self._unless(stop, asyncio.sleep(self._retry_s))
                continue
            if page.events:
                await self._handle(page.events)
            await self._move_to(page)
            await self._wait_for_more(page, mark, stop)

    async def _next_page(self) -> FeedPage | None:
        try:
            if not self._started:
                self.position = self._saved = await self._checkpoints.load(self._name)
                self._started = True
            if self._pages is None:
                self._pages = self._store.feed_pages(
                    self.position, limit=self._batch, feed_filter=self._filter
                )
            page = await anext(self._pages)
        except StoreUnavailable:
            await self._leave_pages()
            self.healthy = False
            self._retry_s = min(max(2 * self._retry_s, 0.1), _LONGEST_RETRY_S)
            return None
        if not page.more:
            await self._leave_pages()  # it was the last one
        self.healthy = True
        self._retry_s = 0.0
        return page

    async def _leave_pages(self) -> None:
        pages, self._pages = self._pages, None
        if pages is not None:
            await pages.aclose()

    async def _move_to(self, page: FeedPage) -> None:
        # A crash can set the sequence back: positions of transactions that never committed are
        # drawn again.
        self.position, self.head = min(page.next_position, page.head), page.head
        if page.events or self.position - self._saved >= _SAVE_EVERY:
            await self._save()

    async def _save(self) -> None:
        try:
            await self._checkpoints.save(self._name, self.position)
        except StoreUnavailable:
            self.healthy = False  # saved with the next page, or the events come again
        else:
            self._saved = self.position

    async def _wait_for_more(self, page: FeedPage, mark: int, stop: asyncio.Event) -> None:
        if page.more:
            return
        if page.head > page.next_position:
            # Drawn but not committed: readable in a moment, perhaps without another poke.
            await self._unless(stop, asyncio.sleep(self._pause_s))
            self._pause_s = min(2 * self._pause_s, _LONGEST_REPOLL_S)
            return
        self._pause_s = _SHORTEST_REPOLL_S
        await self._unless(stop, self._waker.wait(self._poll_s, mark))

    async def _unless(self, stop: asyncio.Event, waiting: Awaitable[object]) -> None:
        """Wait for `waiting`, at most until `stop` is set."""
        tasks = {asyncio.ensure_future(waiting), asyncio.ensure_future(stop.wait())}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

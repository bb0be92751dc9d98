"""One reader of the feed for all lanes of a process that are close together.

It keeps a window: the last pages that the leading lane asked for. Lanes within the window are
served from it, each its own part. A lane behind the window reads for itself, with its own filter,
until it has caught up. Nothing is read before a lane asks for it, and the window is bounded: when
it is full, the leading lane waits for lanes that move; lanes that do not move drop out.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID
from weakref import WeakSet

from eventstore.model import BUCKETS, FeedFilter, FeedPage, StoredEvent
from eventstore.store import EventStore, selects
from projections.engine import control
from projections.engine.projection import Pool

WINDOW: Final = 8000
"""Events kept for the lanes that follow the leading one."""

_PAGES: Final = 64
"""Most pages kept: when little happens, pages are small."""

_LOOK_AGAIN_S: Final = 0.005
_PATIENCE_S: Final = 1.0
"""How long the leading lane waits for a lane after its last read, before that lane drops out."""


@dataclass(frozen=True, slots=True)
class FeedSlice:
    """The part of the feed after a position that one lane asked for.

    Attributes:
        next_position: the position from which to read next.
        head: the last position drawn when this was read.
        more: more events can be read immediately.
        era: the era of the database, between two crashes, in which it was read.
    """

    events: Sequence[StoredEvent]
    next_position: int
    head: int
    more: bool
    era: UUID | None


def union(filters: Iterable[FeedFilter]) -> FeedFilter:
    """The union of some filters, none of which may name event types."""
    parts = list(filters)
    categories = [part.categories for part in parts]
    ranges = [part.buckets or (0, BUCKETS) for part in parts]
    buckets = (min(first for first, _ in ranges), max(end for _, end in ranges))
    everything: frozenset[str] = frozenset()
    return FeedFilter(
        categories=everything.union(*categories) if all(categories) else everything,
        buckets=None if buckets == (0, BUCKETS) else buckets,
    )


class FeedReader:
    """One lane's view of a shared feed."""

    def __init__(self, feed: "SharedFeed", feed_filter: FeedFilter) -> None:
        self._feed = feed
        self.feed_filter = feed_filter
        self.position = 0  # where the lane reads next
        self.read_at = -_PATIENCE_S  # when the lane last read

    async def read(self, after: int, limit: int) -> FeedSlice:
        """What follows a position, at most `limit` events."""
        part = await self._feed.read(after, limit, self.feed_filter)
        self.position, self.read_at = part.next_position, time.monotonic()
        return part

    def drop(self, era: UUID | None) -> None:
        """Drop the cached pages of this era, which a crash may have ended."""
        self._feed.drop(era)


class SharedFeed:
    """Reads the feed for several lanes.

    Args:
        feed_filter: selects everything that any of the lanes needs.
        window: most events kept, besides the last page.
    """

    def __init__(
        self, pool: Pool, store: EventStore, feed_filter: FeedFilter, window: int = WINDOW
    ) -> None:
        self._pool = pool
        self._store = store
        self._filter = feed_filter
        self._window = window
        self._pages: deque[FeedPage] = deque()
        self._kept = 0  # events in the pages
        self._start = 0  # the window holds what follows this position
        self._end = 0  # up to and including this one
        self._more = False
        self._era: UUID | None = None
        self._begun = 0  # the number of the last read that was begun
        self._finished = 0  # the number of the last read that was finished
        self._reading = asyncio.Lock()
        self._readers: WeakSet[FeedReader] = WeakSet()

    def reader(self, feed_filter: FeedFilter) -> FeedReader:
        """A view for one lane."""
        reader = FeedReader(self, feed_filter)
        self._readers.add(reader)
        return reader

    def drop(self, era: UUID | None) -> None:
        """Drop all pages if they were read in this era."""
        if self._era == era:
            self._pages.clear()
            self._kept = self._start = self._end = 0
            self._more, self._era = False, None

    async def read(self, after: int, limit: int, feed_filter: FeedFilter) -> FeedSlice:
        """What follows a position for a lane with this filter, at most `limit` events."""
        begun = self._begun
        if after >= self._end:
            async with self._reading:
                # A read that began before this call may miss events committed since then.
                outdated = after == self._end and self._finished <= begun
                if after > self._end or outdated or not self._pages:
                    await self._extend(after, limit)
        if after < self._start:
            return await self._read_apart(after, limit, feed_filter)
        return self._slice(after, limit, feed_filter)

    async def _read_apart(self, after: int, limit: int, feed_filter: FeedFilter) -> FeedSlice:
        page = await self._store.read_feed(after, limit=limit, feed_filter=feed_filter)
        era = await self._load_era()
        return FeedSlice(page.events, page.next_position, page.head, page.more, era)

    async def _extend(self, after: int, limit: int) -> None:
        if after == self._end:
            await self._wait_for_followers(limit)
        self._begun += 1
        number = self._begun
        page = await self._store.read_feed(after, limit=limit, feed_filter=self._filter)
        era = await self._load_era()
        if after != self._end or era != self._era:
            self._pages.clear()
            self._kept, self._start, self._era = 0, after, era
        self._keep(page)
        self._end, self._more = page.next_position, page.more
        self._finished = number

    async def _wait_for_followers(self, limit: int) -> None:
        """Wait while the window is full and a lane that moves still needs the oldest page."""
        while self._pages and self._kept + limit > self._window:
            edge, recent = self._pages[0].next_position, time.monotonic() - _PATIENCE_S
            if not any(
                self._start <= reader.position < edge and reader.read_at > recent
                for reader in self._readers
            ):
                return
            await asyncio.sleep(_LOOK_AGAIN_S)

    def _keep(self, page: FeedPage) -> None:
        if self._pages and not page.events:  # an idle reader must not collect empty pages
            page = replace(page, events=self._pages.pop().events)
        else:
            self._kept += len(page.events)
        self._pages.append(page)
        # A single lane has no followers, and keeping events costs garbage collection.
        window = self._window if len(self._readers) > 1 else 0
        while len(self._pages) > 1 and (self._kept > window or len(self._pages) > _PAGES):
            oldest = self._pages.popleft()
            self._kept -= len(oldest.events)
            self._start = oldest.next_position

    async def _load_era(self) -> UUID | None:
        """The current era; loaded after a page, so an unchanged era holds for the page too."""
        era: UUID | None = await self._pool.fetchval(control.sql("load_era"))
        return era

    def _slice(self, after: int, limit: int, feed_filter: FeedFilter) -> FeedSlice:
        head = self._pages[-1].head
        everything = feed_filter == self._filter
        events: list[StoredEvent] = []
        for page in self._pages:
            if page.next_position <= after:
                continue
            for event in page.events:
                if event.position > after and (everything or selects(feed_filter, event)):
                    if len(events) == limit:
                        return FeedSlice(events, events[-1].position, head, True, self._era)
                    events.append(event)
        return FeedSlice(events, self._end, head, self._more, self._era)

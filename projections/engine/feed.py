"""One reading of the feed for all lanes of a process that stand close together.

It keeps a window: the last pages that the lane in front asked for. Lanes that stand in the window
are served from it, each its own part. A lane behind the window reads on its own, with its own
filter, until it has come up. Nothing is read before a lane asks for it and the window is bounded:
when it is full the lane in front waits for those that move, and those that do not drop out.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID
from weakref import WeakSet

from eventstore.model import BUCKETS, FeedFilter, FeedPage, StoredEvent
from eventstore.store import EventStore, selects
from projections.engine import control
from projections.engine.projection import Pool

WINDOW: Final = 8000
"""Events that are kept for the lanes that follow the one in front."""

_PAGES: Final = 64
"""Pages that are kept at most: a store with little to do is followed in small ones."""

_LOOK_AGAIN_S: Final = 0.005
_PATIENCE_S: Final = 1.0
"""So long after its last read a lane is waited for, before it drops out of the window."""


@dataclass(frozen=True, slots=True)
class Portion:
    """A part of the feed for one lane.

    Attributes:
        next_position: where to read on.
        head: the last position drawn when this was read.
        more: True if there is something to read on at once.
        era: between which two crashes of the database it was read.
    """

    events: Sequence[StoredEvent]
    next_position: int
    head: int
    more: bool
    era: UUID | None


def union(filters: Iterable[FeedFilter]) -> FeedFilter:
    """The part of the feed that holds the parts of all filters, which name no event types."""
    every = list(filters)
    names = [wanted.categories for wanted in every]
    ranges = [wanted.buckets or (0, BUCKETS) for wanted in every]
    buckets = (min(first for first, _ in ranges), max(end for _, end in ranges))
    together: frozenset[str] = frozenset().union(*names) if all(names) else frozenset()
    return FeedFilter(
        categories=together,
        buckets=None if buckets == (0, BUCKETS) else buckets,
    )


class FeedReader:
    """One lane's view of a shared feed."""

    def __init__(self, feed: "SharedFeed", wanted: FeedFilter) -> None:
        self._feed = feed
        self.wanted = wanted
        self.place = 0  # where it will read next
        self.read_at = -_PATIENCE_S  # when it read last

    async def read(self, after: int, limit: int) -> Portion:
        """What comes after a position, at most `limit` events."""
        portion = await self._feed.read(after, limit, self.wanted)
        self.place, self.read_at = portion.next_position, time.monotonic()
        return portion

    def drop(self, era: UUID | None) -> None:
        """Let go of what the feed holds if it is of this era: a crash may have overtaken it."""
        self._feed.drop(era)


class SharedFeed:
    """Reads the feed for several lanes.

    Args:
        wanted: the part that the lanes need together.
        window: how many events are kept at most, beside the page read last.
    """

    def __init__(
        self, pool: Pool, store: EventStore, wanted: FeedFilter, window: int = WINDOW
    ) -> None:
        self._pool = pool
        self._store = store
        self._wanted = wanted
        self._window = window
        self._pages: deque[FeedPage] = deque()
        self._kept = 0
        self._low = 0  # the window holds what comes after this position
        self._high = 0  # up to and including this one
        self._more = False
        self._era: UUID | None = None
        self._begun = 0
        self._finished = 0
        self._reading = asyncio.Lock()
        self._readers: WeakSet[FeedReader] = WeakSet()

    def reader(self, wanted: FeedFilter) -> FeedReader:
        """A view for one lane."""
        reader = FeedReader(self, wanted)
        self._readers.add(reader)
        return reader

    def drop(self, era: UUID | None) -> None:
        """Forget all pages if they were read in this era."""
        if self._era == era:
            self._pages.clear()
            self._kept = self._low = self._high = 0
            self._more, self._era = False, None

    async def read(self, after: int, limit: int, wanted: FeedFilter) -> Portion:
        """What comes after a position for a lane with this filter, at most `limit` events."""
        asked = self._begun
        if after >= self._high:
            async with self._reading:
                # A read that began before we asked may lack what was committed since.
                late = after == self._high and self._finished <= asked
                if after > self._high or late or not self._pages:
                    await self._read_on(after, limit)
        if after < self._low:
            return await self._read_apart(after, limit, wanted)
        return self._cut(after, limit, wanted)

    async def _read_apart(self, after: int, limit: int, wanted: FeedFilter) -> Portion:
        page = await self._store.read_feed(after, limit=limit, wanted=wanted)
        more = len(page.events) == limit
        return Portion(page.events, page.next_position, page.head, more, await self._load_era())

    async def _read_on(self, after: int, limit: int) -> None:
        if after == self._high:
            await self._wait_for_followers(limit)
        self._begun += 1
        number = self._begun
        page = await self._store.read_feed(after, limit=limit, wanted=self._wanted)
        era = await self._load_era()
        if after != self._high or era != self._era:
            self._pages.clear()
            self._kept, self._low, self._era = 0, after, era
        self._keep(page)
        self._high, self._more = page.next_position, len(page.events) == limit
        self._finished = number

    async def _wait_for_followers(self, limit: int) -> None:
        """Wait as long as room is needed and somebody who moves still needs the oldest page."""
        while self._pages and self._kept + limit > self._window:
            edge, recent = self._pages[0].next_position, time.monotonic() - _PATIENCE_S
            if not any(
                self._low <= reader.place < edge and reader.read_at > recent
                for reader in self._readers
            ):
                return
            await asyncio.sleep(_LOOK_AGAIN_S)

    def _keep(self, page: FeedPage) -> None:
        if self._pages and not page.events:  # an idle reader must not pile up empty pages
            page = FeedPage(self._pages.pop().events, page.next_position, page.head)
        else:
            self._kept += len(page.events)
        self._pages.append(page)
        # Nobody follows a lane that is alone; and what lives longer costs the collector more.
        window = self._window if len(self._readers) > 1 else 0
        while len(self._pages) > 1 and (self._kept > window or len(self._pages) > _PAGES):
            oldest = self._pages.popleft()
            self._kept -= len(oldest.events)
            self._low = oldest.next_position

    async def _load_era(self) -> UUID | None:
        """Read after a page: if it is still the era that a lane knows, the page is of it too."""
        era: UUID | None = await self._pool.fetchval(control.sql("load_era"))
        return era

    def _cut(self, after: int, limit: int, wanted: FeedFilter) -> Portion:
        head = self._pages[-1].head
        everything = wanted == self._wanted
        found: list[StoredEvent] = []
        for page in self._pages:
            if page.next_position <= after:
                continue
            for event in page.events:
                if event.position > after and (everything or selects(wanted, event)):
                    if len(found) == limit:
                        return Portion(found, found[-1].position, head, True, self._era)
                    found.append(event)
        return Portion(found, self._high, head, self._more, self._era)

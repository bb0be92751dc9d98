"""The feed from its first event to its end."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from eventstore.model import FeedFilter, StoredEvent
from eventstore.store import EVERYTHING, EventStore

_PAGE: Final = 2000


async def feed_events(
    store: EventStore, feed_filter: FeedFilter = EVERYTHING
) -> AsyncGenerator[StoredEvent]:
    """All events that pass the filter, in order; close it when leaving before the end."""
    async with aclosing(store.feed_pages(0, limit=_PAGE, feed_filter=feed_filter)) as pages:
        async for page in pages:
            for event in page.events:
                yield event

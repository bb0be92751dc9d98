"""Limits and filters of reads, the same for all stores."""

from eventstore.model import FeedFilter, StoredEvent


def selects(wanted: FeedFilter, event: StoredEvent) -> bool:
    """Whether a feed with this filter shows the event."""
    if wanted.categories and event.category not in wanted.categories:
        return False
    if wanted.event_types and event.event_type not in wanted.event_types:
        return False
    return wanted.buckets is None or wanted.buckets[0] <= event.bucket < wanted.buckets[1]


def check_limit(limit: int | None) -> int | None:
    """The limit itself.

    Raises:
        ValueError: below 1.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"a limit must be at least 1, not {limit}")
    return limit

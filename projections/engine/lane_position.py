"""What a worker remembers of its lane between two batches."""

from uuid import UUID

from projections.engine.feed import FeedSlice


class LanePosition:
    """The stored checkpoint as this worker knows it, and how far it has read beyond it.

    Another worker may move the checkpoint, and a crash of the database may take it back. After
    either, everything here is outdated: `forget` makes the worker load the checkpoint again.

    Args:
        batch: events in a slice of a lane that is not behind.
        growth: factor by which slices may grow while each one is full.
    """

    def __init__(self, batch: int, growth: int) -> None:
        self._smallest = batch
        self._largest = batch * growth
        self.limit = batch
        self.checkpoint: int | None = None  # None: not loaded
        self.next = 0  # read from here; beyond the checkpoint if nothing had to be applied
        self.era: UUID | None = None
        self._prefetched: tuple[int, FeedSlice] | None = None  # the position before it

    def load(self, checkpoint: int, era: UUID) -> None:
        """Start from the stored checkpoint."""
        self.checkpoint = self.next = checkpoint
        self.era = era

    def forget(self) -> None:
        """Everything may be outdated: load the checkpoint before the next batch."""
        self.checkpoint = self._prefetched = None

    def commit(self, position: int) -> None:
        """The checkpoint was moved to this position."""
        self.checkpoint = self.next = position

    def prefetch(self, after: int, feed_slice: FeedSlice) -> None:
        """Keep the slice that follows a position."""
        self._prefetched = after, feed_slice

    def take_prefetched(self) -> FeedSlice | None:
        """Return the kept slice if it follows `next`, otherwise None; drop it either way."""
        prefetched, self._prefetched = self._prefetched, None
        if prefetched is None or prefetched[0] != self.next:
            return None
        return prefetched[1]

    def resize(self, *, full: bool) -> None:
        """Double the size of the next slice after a full one, otherwise reset it."""
        self.limit = min(self.limit * 2, self._largest) if full else self._smallest

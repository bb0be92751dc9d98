"""What the runner reports for metrics: batches, parked streams, outages."""

from collections import Counter
from typing import Protocol


class Observer(Protocol):
    """Receives what happens. Calls must be quick and must not raise."""

    def applied(self, projection: str, lane: int, events: int, seconds: float) -> None:
        """A batch of `events` was committed, `seconds` after it asked for the fence."""
        ...

    def parked(self, projection: str, lane: int, streams: int) -> None:
        """`streams` more streams were parked."""
        ...

    def passed_over(self, projection: str, lane: int, events: int) -> None:
        """`events` events became dead letters: those that failed and those behind them."""
        ...

    def outage(self, projection: str, lane: int) -> None:
        """A batch failed because of the database; it is retried."""
        ...


class Counters:
    """An observer that only counts, by (what, projection)."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()

    def applied(self, projection: str, lane: int, events: int, seconds: float) -> None:  # noqa: ARG002  the protocol's
        """Count the events."""
        self.counts["applied", projection] += events

    def parked(self, projection: str, lane: int, streams: int) -> None:  # noqa: ARG002  the protocol's
        """Count the streams."""
        self.counts["parked", projection] += streams

    def passed_over(self, projection: str, lane: int, events: int) -> None:  # noqa: ARG002  the protocol's
        """Count the events."""
        self.counts["passed_over", projection] += events

    def outage(self, projection: str, lane: int) -> None:  # noqa: ARG002  the protocol's
        """Count the failure."""
        self.counts["outage", projection] += 1

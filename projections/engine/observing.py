"""What the runner tells whoever counts: batches, parked streams, outages."""

from collections import Counter
from typing import Protocol


class Observer(Protocol):
    """Receives what happens; must be quick and must not raise."""

    def applied(self, projection: str, lane: int, events: int, seconds: float) -> None:
        """A batch of `events` was committed, `seconds` after its fence was asked for."""
        ...

    def parked(self, projection: str, lane: int, streams: int) -> None:
        """So many further streams were parked."""
        ...

    def passed_over(self, projection: str, lane: int, events: int) -> None:
        """So many events became dead letters, the failed ones and those behind them."""
        ...

    def outage(self, projection: str, lane: int) -> None:
        """A batch failed because of the database; it is tried again."""
        ...


class Counters:
    """An observer that just counts, by (what, projection)."""

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

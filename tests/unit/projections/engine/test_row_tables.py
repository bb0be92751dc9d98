"""Which streams of a batch may have stored rows."""

from datetime import UTC, datetime
from uuid import UUID

from eventstore.model import Metadata, StoredEvent
from projections.engine.projection import Recorded
from projections.engine.row_tables import ids_of_earlier_streams


def recorded(stream: str, version: int) -> Recorded:
    metadata = Metadata("correlation", "causation", "shop")
    at = datetime(2026, 3, 1, tzinfo=UTC)
    stored = StoredEvent(
        UUID(int=version), stream, "order", version, version, "Event", 1, {}, metadata, at, 0
    )
    return Recorded(stored, None)


def test_only_streams_that_began_before_the_batch_are_loaded() -> None:
    batch = [
        recorded("order-new", 1),
        recorded("order-new", 2),
        recorded("order-old", 7),
        recorded("order-old", 8),
    ]
    assert ids_of_earlier_streams(batch) == ["old"]


def test_a_batch_of_new_streams_loads_nothing() -> None:
    assert ids_of_earlier_streams([recorded("order-new", 1)]) == []

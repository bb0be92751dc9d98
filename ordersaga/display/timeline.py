"""The timeline of an order as a table."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from ordersaga.display.tables import clock, make_table

if TYPE_CHECKING:
    from ordersaga.operations.orders import TimelineEntry


def timeline_table(entries: "Sequence[TimelineEntry]", title: str | None = None) -> Table:
    """One row per event."""
    return make_table(
        ("when (UTC)", "stream", "version>", "event", "what", "who"),
        (
            (clock(e.recorded_at), e.stream, e.version, e.event_type, e.what, e.actor)
            for e in entries
        ),
        title=title,
    )

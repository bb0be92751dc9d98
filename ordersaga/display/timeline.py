"""The timeline of an order as a table."""

from typing import Final

from ordersaga.display.tables import Columns

TIMELINE: Final = Columns(
    "recorded_at: when (UTC), stream, version>, event_type: event, what, actor: who"
)
"""One row per `ordersaga.operations.orders.TimelineEntry`."""

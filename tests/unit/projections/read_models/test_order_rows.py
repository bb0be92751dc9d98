"""The lines of a draft are parsed and written once a batch, whatever a batch holds."""

import json
from datetime import UTC, datetime
from uuid import UUID

from domain import events as domain_events
from domain.ids import CustomerId, OrderId, Sku
from domain.money import Money
from domain.order import events as order_events
from eventstore.model import Metadata, StoredEvent
from projections.engine.projection import Recorded
from projections.read_models.current_orders.order_row import OrderRow, apply_to, settle

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TOLD = [
    order_events.OrderCreated(OrderId("A1"), CustomerId("17850"), "GBP", NOON),
    order_events.ItemAdded(Sku("cup"), "Cup", 2, Money(250, "GBP")),
    order_events.ItemAdded(Sku("pot"), "Pot", 1, Money(900, "GBP")),
    order_events.QuantityChanged(Sku("cup"), 5),
    order_events.ItemRemoved(Sku("pot")),
    order_events.ItemAdded(Sku("cup"), "Cup", 1, Money(250, "GBP")),
]


def recorded(version: int, event: domain_events.Event) -> Recorded:
    stored = StoredEvent(
        UUID(int=version),
        "order-A1",
        "order",
        version,
        version,
        type(event).__name__,
        1,
        {},
        Metadata("order-A1", "command", "shop"),
        NOON,
        0,
    )
    return Recorded(stored, event)


def rows_after(batch: int) -> dict[str, OrderRow]:
    """The rows when so many events at a time are applied and stored."""
    rows: dict[str, OrderRow] = {}
    items = [recorded(version, event) for version, event in enumerate(TOLD, 1)]
    for first in range(0, len(items), batch):
        for item in items[first : first + batch]:
            apply_to(rows, item)
        for row in rows.values():
            settle(row)
    return rows


def test_a_draft_comes_out_the_same_whatever_the_batches_were() -> None:
    whole = rows_after(len(TOLD))
    assert [rows_after(batch) for batch in range(1, len(TOLD))] == [whole] * (len(TOLD) - 1)
    row = whole["A1"]
    assert row.draft is not None
    assert json.loads(row.draft) == {"cup": [6, 250]}
    assert (row.line_count, row.item_count, row.total_minor) == (1, 6, 1500)

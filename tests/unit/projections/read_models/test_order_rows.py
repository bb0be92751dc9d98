"""A draft gives the same row, however its events are divided into batches."""

import json
from datetime import UTC, datetime
from uuid import UUID

from domain import events as domain_events
from domain.ids import CustomerId, LineId, OrderId, Sku
from domain.lines import Adjustment, AdjustmentKind, LineKind
from domain.money import Money
from domain.order import events as order_events
from eventstore.model import Metadata, StoredEvent
from projections.engine.projection import Recorded
from projections.read_models.order_row import OrderRow, new_row, settle, update_row

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _off(minor: int) -> Adjustment:
    return Adjustment(AdjustmentKind.DISCOUNT, Money(-minor, "GBP"))


CUP, POT, POST = LineId("1"), LineId("2"), LineId("post")
EVENTS = [
    order_events.OrderCreated(OrderId("A1"), CustomerId("17850"), "GBP", NOON),
    order_events.ItemAdded(CUP, Sku("cup"), "Cup", 2, Money(250, "GBP")),
    order_events.ItemAdded(POT, Sku("pot"), "Pot", 1, Money(900, "GBP")),
    order_events.QuantityChanged(CUP, 5),
    order_events.ItemRemoved(POT),
    order_events.ItemAdded(CUP, Sku("cup"), "Cup", 1, Money(250, "GBP")),
    order_events.ItemAdded(POST, None, "Post", 1, Money(499, "GBP"), LineKind.SHIPPING),
    order_events.AdjustmentsSet((_off(100),), CUP),
    order_events.AdjustmentsSet((_off(50),)),
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


def row_after(batch: int) -> OrderRow:
    """The order's row after all events, applied and stored in batches of this size."""
    created, *items = [recorded(version, event) for version, event in enumerate(EVENTS, 1)]
    row = new_row(created)
    for first in range(0, len(items), batch):
        for item in items[first : first + batch]:
            update_row(row, item)
        settle(row)
    return row


def test_a_draft_gives_the_same_row_in_batches_of_any_size() -> None:
    row = row_after(len(EVENTS))
    assert [row_after(batch) for batch in range(1, len(EVENTS))] == [row] * (len(EVENTS) - 1)
    assert row.draft is not None
    assert json.loads(row.draft) == {
        "1": [6, 6, 250, -100, "cup"],
        "post": [1, 0, 499, 0, ""],
        "": [0, 0, 0, -50, ""],
    }
    assert row.skus == "cup"
    assert (row.line_count, row.item_count, row.total_minor) == (2, 6, 1500 - 100 + 499 - 50)

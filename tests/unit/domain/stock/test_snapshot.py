"""A stock item's state comes back from its stored form, and further events continue it."""

import json

from hypothesis import given
from hypothesis import strategies as st

from domain.errors import DomainError
from domain.stock import item as stock_item
from domain.stock import snapshot
from domain.stock.commands import ReceiveStock, StockCommand
from domain.stock.events import StockEvent
from tests.support.sagas.domain_samples import LANTERN
from tests.unit.domain.stock.test_backorder_machine import COMMANDS


def history_of(commands: list[StockCommand]) -> list[StockEvent]:
    """The events of those commands that the ledger allows."""
    state = stock_item.decide(ReceiveStock(LANTERN, 10, "first"), stock_item.INITIAL)
    history: list[StockEvent] = list(state)
    for number, command in enumerate(commands):
        try:
            history += stock_item.decide(command, folded(history))
        except DomainError:
            history += stock_item.decide(
                ReceiveStock(LANTERN, 1, f"delivery {number}"), folded(history)
            )
    return history


def folded(
    events: list[StockEvent], state: stock_item.StockState = stock_item.INITIAL
) -> stock_item.StockState:
    for event in events:
        state = stock_item.evolve(state, event)
    return state


@given(st.lists(COMMANDS, max_size=30), st.data())
def test_a_snapshot_and_the_events_after_it_are_the_whole_history(
    commands: list[StockCommand], data: st.DataObject
) -> None:
    history = history_of(commands)
    taken_after = data.draw(st.integers(0, len(history)))
    stored = json.dumps(snapshot.to_data(folded(history[:taken_after])))
    restored = snapshot.from_data(json.loads(stored))
    assert restored == folded(history[:taken_after])
    assert folded(history[taken_after:], restored) == folded(history)
    assert list(restored.waiting) == list(folded(history[:taken_after]).waiting)


def test_the_stored_form_of_this_schema_version_is_this_one() -> None:
    """If it changes, so must `SCHEMA_VERSION`: old snapshots are ignored then."""
    assert snapshot.SCHEMA_VERSION == 1
    assert snapshot.to_data(stock_item.INITIAL) == {
        "sku": None,
        "on_hand": 0,
        "reservations": {},
        "deliveries": {},
        "shipped": [],
        "waiting": {"last": 0, "turns": [], "orders": [], "pieces": []},
    }

"""The stored form of a stock item's state, for snapshots.

Reading must be fast: a popular product has thousands of open reservations. So the maps of the state
are stored as JSON objects and used as they are, without creating an object for each entry.
"""

from collections.abc import Mapping
from typing import Any, Final

from domain.stock.item import StockState
from domain.stock.persistent_map import PersistentMap
from domain.stock.queue import WaitingQueue

SCHEMA_VERSION: Final = 1
"""Increase it with every change of the form or of a field's meaning."""


def to_data(state: StockState) -> dict[str, Any]:
    """The state as a JSON object."""
    return {
        "sku": state.sku,
        "on_hand": state.on_hand,
        "reservations": dict(state.reservations),
        "deliveries": dict(state.deliveries),
        "shipped": list(state.shipped),
        "waiting": state.waiting.to_data(),
    }


def from_data(data: Mapping[str, Any]) -> StockState:
    """The state that `to_data` wrote.

    Raises:
        KeyError, TypeError, ValueError: `data` has another form.
    """
    reservations = data["reservations"]
    return StockState(
        sku=data["sku"],
        on_hand=data["on_hand"],
        reserved=sum(reservations.values()),
        reservations=PersistentMap(reservations),
        deliveries=PersistentMap(data["deliveries"]),
        shipped=tuple(data["shipped"]),
        waiting=WaitingQueue.from_data(data["waiting"]),
    )

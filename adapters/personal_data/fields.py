"""Which fields of stored events are personal, and whom they belong to."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from domain.ids import CustomerId, OrderId, customer_subject
from eventstore.model import JsonObject

Path = tuple[str, ...]
"""The names that lead to a field inside an event's data."""

Fields = Mapping[str, Sequence[Path]]
"""Paths by stored event type."""

PERSONAL_FIELDS: Final[Fields] = {
    "AddressSet": (("address",),),
    "OrderSubmitted": (("address",), ("payment", "token")),
    "DeliveryAddressChanged": (("address",),),
}
"""Entries stay for ever, as the events do."""

PERSONAL_CATEGORIES: Final = frozenset({"order"})
"""Streams whose states hold personal data; no snapshots of them are kept."""

_NAMING_EVENTS: Final = ("OrderCreated", "OrderSubmitted")


def subject_in(stream: str, event_type: str, data: JsonObject) -> str | None:
    """Whom the personal data of a stream belongs to, if this event tells."""
    if event_type not in _NAMING_EVENTS:
        return None
    order_id = OrderId(stream.partition("-")[2])
    customer_id: str | None = data.get("customer_id")
    return customer_subject(None if customer_id is None else CustomerId(customer_id), order_id)


def value_at(data: JsonObject, path: Path) -> Any:
    """The value of a field, None if there is no such field."""
    found: Any = data
    for name in path:
        if not isinstance(found, Mapping):
            return None
        found = found.get(name)
    return found


def with_value(data: JsonObject, path: Path, value: Any) -> JsonObject:
    """A copy of `data` with another value in a field that exists."""
    name, *rest = path
    inner = with_value(data[name], tuple(rest), value) if rest else value
    return {**data, name: inner}

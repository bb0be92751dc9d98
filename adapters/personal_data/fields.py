"""The personal fields of stored events, and the person they belong to."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from domain.ids import CustomerId, OrderId, customer_subject
from eventstore.model import JsonObject

Path = tuple[str, ...]
"""The names that lead to a field in the data of an event."""

Fields = Mapping[str, Sequence[Path]]
"""Paths by stored event type."""

PERSONAL_FIELDS: Final[Fields] = {
    "AddressSet": (("address",),),
    "OrderSubmitted": (("address",), ("payment", "token"), ("customer",)),
    "DeliveryAddressChanged": (("address",),),
    "PaymentReplaced": (("token",),),
}
"""Entries must never be removed, because events are never removed."""

PERSONAL_CATEGORIES: Final = frozenset({"order"})
"""Categories whose states hold personal data; their streams have no snapshots."""

_NAMING_EVENTS: Final = ("OrderCreated", "OrderSubmitted")


def subject_in(stream: str, event_type: str, data: JsonObject) -> str | None:
    """The person whose data a stream holds, if this event names one."""
    if event_type not in _NAMING_EVENTS:
        return None
    order_id = OrderId(stream.partition("-")[2])
    customer_id: str | None = data.get("customer_id")
    return customer_subject(None if customer_id is None else CustomerId(customer_id), order_id)


def value_at(data: JsonObject, path: Path) -> Any:
    """The value of a field; None if it does not exist."""
    value: Any = data
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def with_value(data: JsonObject, path: Path, value: Any) -> JsonObject:
    """A copy of `data` with another value in an existing field."""
    name, *rest = path
    inner = with_value(data[name], tuple(rest), value) if rest else value
    return {**data, name: inner}

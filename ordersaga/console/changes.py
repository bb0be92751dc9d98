"""What an event changed of an order: the same fields before and after it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_STATUSES: Final = {
    "status": "Order",
    "payment_status": "Payment",
    "fulfilment_status": "Fulfilment",
    "return_status": "Return",
}
_AMOUNTS: Final = {
    "total_minor": "Total",
    "authorised_minor": "Authorised",
    "captured_minor": "Captured",
    "refunded_minor": "Refunded",
    "kept_minor": "Kept",
}


@dataclass(frozen=True, slots=True)
class Change:
    """A field before and after; `is_amount`: in minor units of the order's currency."""

    name: str
    before: Any
    after: Any
    is_amount: bool


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """The statuses and amounts that differ."""
    return [
        Change(title, before[name], after[name], is_amount)
        for fields, is_amount in ((_STATUSES, False), (_AMOUNTS, True))
        for name, title in fields.items()
        if before[name] != after[name]
    ]

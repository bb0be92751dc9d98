"""What goes wrong in the demonstration; derived from order id and SKU, so every run is the same."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from domain.ids import Sku
from domain.values import CaptureMode, PaymentTerms
from ordersaga.importing.plan import PlannedOrder, demand, part_of

UNSERVED_COUNTRIES: Final = ("DE", "FR", "NO")
"""Where the demonstration's carrier does not deliver."""

_DECLINES: Final = ("tok_declined", "tok_insufficient_funds", "tok_expired")
_DECLINED_OF_100: Final = 7
_ON_SHIPMENT_OF_100: Final = 15
_SHORT_OF_100: Final = 3
_SHORT_PERCENT: Final = 50


def with_payments(orders: Iterable[PlannedOrder]) -> list[PlannedOrder]:
    """The orders; some of them with a declined card, or captured on shipment."""
    return [
        replace(order, document=replace(order.document, payment=payment_for(order)))
        for order in orders
    ]


def payment_for(order: PlannedOrder) -> PaymentTerms:
    """How an order of the demonstration is paid."""
    order_id = order.document.order_id
    if _draw("card", order_id) < _DECLINED_OF_100:
        token = _DECLINES[_draw("which card", order_id) % len(_DECLINES)]
    else:
        token = "tok_visa"  # noqa: S105  a test token of the sandbox, no secret
    late = _draw("capture", order_id) < _ON_SHIPMENT_OF_100
    return PaymentTerms(token, CaptureMode.ON_SHIPMENT if late else CaptureMode.AUTOMATIC)


def stock_for(orders: Iterable[PlannedOrder]) -> dict[Sku, int]:
    """Pieces to receive per product: the whole demand, but only half for a few products."""
    return {
        sku: part_of(pieces, _SHORT_PERCENT) if _draw("short", sku) < _SHORT_OF_100 else pieces
        for sku, pieces in demand(orders).items()
    }


def _draw(what: str, key: str) -> int:
    """A number from 0 to 99, derived from `what` and `key`."""
    return int.from_bytes(hashlib.sha256(f"{what}:{key}".encode()).digest()[:8]) % 100

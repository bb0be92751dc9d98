"""Idempotency keys, by which payment provider and carrier recognise a repeated request.

They depend on the order alone, so a retry, another worker, another run of the saga and a recovery
after the loss of Temporal all use the same key.
"""

from collections.abc import Iterator
from typing import Final

from domain.ids import OrderId, ReturnId, order_stream
from domain.money import Money

_CHARGES: Final = 3


def payment_key(order_id: OrderId) -> str:
    """Key of the charge (or the authorisation) of an order."""
    return f"{order_stream(order_id)}:payment"


def payment_keys(order_id: OrderId) -> Iterator[str]:
    """Keys of an order's charges; each one after the first replaces an expired authorisation."""
    yield payment_key(order_id)
    for number in range(2, _CHARGES + 1):
        yield f"{payment_key(order_id)}-{number}"


def capture_key(order_id: OrderId) -> str:
    """Key of the capture of an authorisation."""
    return f"{order_stream(order_id)}:capture"


def void_key(order_id: OrderId) -> str:
    """Key of voiding an authorisation."""
    return f"{order_stream(order_id)}:void"


def refund_key(order_id: OrderId) -> str:
    """Key of refunding a payment."""
    return f"{order_stream(order_id)}:refund"


def return_refund_key(order_id: OrderId, return_id: ReturnId) -> str:
    """Key of the refund for one return."""
    return f"{order_stream(order_id)}:refund:{return_id}"


def amendment_refund_key(order_id: OrderId, total: Money) -> str:
    """Key of refunding what was paid beyond an amended total; each total has its own key."""
    return f"{order_stream(order_id)}:amended-to-{total.minor}"


def shipment_key(order_id: OrderId) -> str:
    """Key of the label of an order's parcel."""
    return f"{order_stream(order_id)}:shipment"


def cancel_label_key(order_id: OrderId) -> str:
    """Key of cancelling the label."""
    return f"{order_stream(order_id)}:cancel-label"

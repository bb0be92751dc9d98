"""Idempotency keys: what the outside world recognises a repeated request by.

They depend on the order alone, so that a retry, another worker, another run of the saga and a
recovery after the loss of Temporal all ask with the same key.
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
    """Keys of an order's charges: each further one replaces an authorisation that has expired."""
    yield payment_key(order_id)
    for number in range(2, _CHARGES + 1):
        yield f"{payment_key(order_id)}-{number}"


def capture_key(order_id: OrderId) -> str:
    """Key of the capture of an authorisation."""
    return f"{order_stream(order_id)}:capture"


def void_key(order_id: OrderId) -> str:
    """Key of giving an authorisation back."""
    return f"{order_stream(order_id)}:void"


def refund_key(order_id: OrderId) -> str:
    """Key of giving captured money back."""
    return f"{order_stream(order_id)}:refund"


def return_refund_key(order_id: OrderId, return_id: ReturnId) -> str:
    """Key of giving money back for one return."""
    return f"{order_stream(order_id)}:refund:{return_id}"


def amendment_refund_key(order_id: OrderId, total: Money) -> str:
    """Key of giving back what an order paid beyond its amended total; each total has its own."""
    return f"{order_stream(order_id)}:amended-to-{total.minor}"


def shipment_key(order_id: OrderId) -> str:
    """Key of the label of an order's parcel."""
    return f"{order_stream(order_id)}:shipment"


def cancel_label_key(order_id: OrderId) -> str:
    """Key of taking the label back."""
    return f"{order_stream(order_id)}:cancel-label"

"""Idempotency keys: what the outside world recognises a repeated request by.

They depend on the order alone, so that a retry, another worker, another run of the saga and a
recovery after the loss of Temporal all ask with the same key.
"""

from domain.ids import OrderId, order_stream


def payment_key(order_id: OrderId) -> str:
    """Key of the charge (or the authorisation) of an order."""
    return f"{order_stream(order_id)}:payment"


def capture_key(order_id: OrderId) -> str:
    """Key of the capture of an authorisation."""
    return f"{order_stream(order_id)}:capture"


def void_key(order_id: OrderId) -> str:
    """Key of giving an authorisation back."""
    return f"{order_stream(order_id)}:void"


def refund_key(order_id: OrderId) -> str:
    """Key of giving captured money back."""
    return f"{order_stream(order_id)}:refund"


def shipment_key(order_id: OrderId) -> str:
    """Key of the label of an order's parcel."""
    return f"{order_stream(order_id)}:shipment"


def cancel_label_key(order_id: OrderId) -> str:
    """Key of taking the label back."""
    return f"{order_stream(order_id)}:cancel-label"

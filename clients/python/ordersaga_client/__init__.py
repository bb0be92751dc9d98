"""Places and steers orders of ordersaga through Temporal."""

from ordersaga_client.batching import batch
from ordersaga_client.client import OrderSagaClient
from ordersaga_client.documents import (
    Address,
    Adjustment,
    Line,
    OrderDocument,
    OrderResult,
    OrderStatus,
    Placed,
    UpdateAnswer,
)
from ordersaga_client.errors import (
    InvalidDocument,
    OrderConflict,
    OrderFailed,
    OrderSagaError,
    OrderUnknown,
    Refused,
    Unanswered,
)

__all__ = [
    "Address",
    "Adjustment",
    "InvalidDocument",
    "Line",
    "OrderConflict",
    "OrderDocument",
    "OrderFailed",
    "OrderResult",
    "OrderSagaClient",
    "OrderSagaError",
    "OrderStatus",
    "OrderUnknown",
    "Placed",
    "Refused",
    "Unanswered",
    "UpdateAnswer",
    "batch",
]

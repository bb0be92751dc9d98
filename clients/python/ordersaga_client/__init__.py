"""Places and steers orders of ordersaga through Temporal."""

from ordersaga_client.batching import batch
from ordersaga_client.client import OrderSagaClient
from ordersaga_client.documents import (
    Address,
    Adjustment,
    DeliveryStatus,
    Line,
    OrderDocument,
    OrderResult,
    OrderStatus,
    Placed,
    RefundAnswer,
    ReturnDocument,
    ReturnResult,
    ReturnStatus,
    UpdateAnswer,
)
from ordersaga_client.errors import (
    InvalidDocument,
    NotFound,
    NotPossibleNow,
    OrderConflict,
    OrderSagaError,
    ReturnConflict,
    ReturnRefused,
    RunFailed,
    SagaUnknown,
    TemporalUnavailable,
)
from ordersaga_client.parcels import ParcelsClient
from ordersaga_client.returns import ReturnsClient

__all__ = [
    "Address",
    "Adjustment",
    "DeliveryStatus",
    "InvalidDocument",
    "Line",
    "NotFound",
    "NotPossibleNow",
    "OrderConflict",
    "OrderDocument",
    "OrderResult",
    "OrderSagaClient",
    "OrderSagaError",
    "OrderStatus",
    "ParcelsClient",
    "Placed",
    "RefundAnswer",
    "ReturnConflict",
    "ReturnDocument",
    "ReturnRefused",
    "ReturnResult",
    "ReturnStatus",
    "ReturnsClient",
    "RunFailed",
    "SagaUnknown",
    "TemporalUnavailable",
    "UpdateAnswer",
    "batch",
]

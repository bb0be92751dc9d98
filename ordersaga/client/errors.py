"""What the clients for orders raise."""

from domain import faults
from ordersaga.errors import OrderSagaError, Refused, Unreachable


class OrderConflict(Refused):
    """The order id belongs to an order with other content; nothing was changed.

    Attributes:
        fields: the fields of the document that differ; empty: that order was never submitted.
    """

    fault = faults.ORDER_CONFLICT

    def __init__(self, message: str, fields: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.fields = fields


class DocumentRefused(Refused):
    """The document is wrong; the text names every field."""

    fault = faults.INVALID_DOCUMENT


class PlacingUnanswered(Unreachable):
    """Nothing answered in time; the order may be placed. Place it again: that changes nothing."""

    fault = faults.TEMPORAL_AWAY


class SagaUnknown(Refused):
    """Temporal has no saga of this order."""

    fault = faults.SAGA_UNKNOWN


class SagaRefused(Refused):
    """The saga does not accept the command now; the text says why."""

    fault = faults.NOT_POSSIBLE


class SagaFailed(OrderSagaError):
    """The saga failed instead of ending the order; the text says why."""

"""What can go wrong with an order, by what a caller does about it."""

from collections.abc import Sequence


class OrderSagaError(Exception):
    """Something is wrong with an order or a request; the text says what, without personal data."""


class InvalidDocument(OrderSagaError):
    """The document or message is wrong; the text names every field. Nothing was changed."""


class OrderConflict(OrderSagaError):
    """The order id belongs to another order; nothing was changed.

    Attributes:
        fields: what differs.
    """

    def __init__(self, message: str, fields: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.fields = tuple(fields)


class Refused(OrderSagaError):
    """The order does not allow it now, or it has ended; the text says why."""


class OrderUnknown(OrderSagaError):
    """Temporal has no such order."""


class OrderFailed(OrderSagaError):
    """The run failed, or was terminated, instead of ending the order."""


class Unanswered(OrderSagaError):
    """Nothing answered in time. The order may be placed: place it again."""

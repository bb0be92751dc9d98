"""What can go wrong, as the one list of errors names it: each class has the name of its code."""

from collections.abc import Sequence
from typing import ClassVar, TypedDict


class FieldProblem(TypedDict):
    """What is wrong with one field.

    `field` is its dotted path, ``lines.0.quantity``; `rule` names what it breaks, for programs.
    """

    field: str
    rule: str
    message: str


class OrderSagaError(Exception):
    """Something is wrong with an order or a request; the text says what, without personal data.

    Attributes:
        code: the entry in the list of errors.
    """

    code: ClassVar[str] = "refused"


class InvalidDocument(OrderSagaError):
    """The document or message is wrong; the text names every field. Nothing was changed.

    Attributes:
        details: the wrong fields, at most 20.
    """

    code = "invalid_document"

    def __init__(self, message: str, details: Sequence[FieldProblem] = ()) -> None:
        super().__init__(message)
        self.details = tuple(details)


class OrderConflict(OrderSagaError):
    """The order id belongs to another order; nothing was changed.

    Attributes:
        fields: what differs; empty: that order was never submitted.
    """

    code = "order_conflict"

    def __init__(self, message: str, fields: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.fields = tuple(fields)


class NotPossibleNow(OrderSagaError):
    """The present state does not allow it, or it has ended; the text says why."""

    code = "not_possible_now"


class SagaUnknown(OrderSagaError):
    """Temporal has no such order."""

    code = "saga_unknown"


class NotFound(OrderSagaError):
    """Temporal has no such return or parcel."""

    code = "not_found"


class ReturnConflict(OrderSagaError):
    """The return id belongs to a return with other content; nothing was changed."""

    code = "return_conflict"


class ReturnRefused(OrderSagaError):
    """What was shipped, captured or decided does not allow it; the text says why."""

    code = "return_refused"


class TemporalUnavailable(OrderSagaError):
    """Nothing answered in time, and it may be done.

    To place an order and to open a return again does nothing twice; before anything else is sent
    again, the status says whether it is done.
    """

    code = "temporal_unavailable"


class RunFailed(OrderSagaError):
    """The run failed, or was terminated, instead of ending; the text says why."""

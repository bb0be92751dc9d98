"""What is told of the order that has an order id, to whoever brings another one under it."""

from dataclasses import dataclass

from activities.messages import ClosedSaga


@dataclass(frozen=True, slots=True)
class Conflict:
    """The order id belongs to another order; the details of an OrderConflict.

    Attributes:
        fields: the fields of the document that differ; empty: that order was never submitted.
        run_id: the run that took that order on; None: none has yet.
        closed: how that order ended; None: it is open.
    """

    fields: tuple[str, ...]
    run_id: str | None = None
    closed: ClosedSaga | None = None

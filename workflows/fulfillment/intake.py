"""What a saga knows of the arrival of its order."""

from dataclasses import dataclass

from temporalio.exceptions import ApplicationError

from activities.conflict import Conflict
from activities.failures import ORDER_CONFLICT
from domain.ids import OrderId


@dataclass(slots=True)
class Intake:
    """What became of the order at the event store.

    Attributes:
        recorded: the event store has the order, with this content.
        created: this run brought it there.
        conflict: the order id belongs to another order.
        waiting: calls of ``place`` that are not answered yet.
        placed: at least one was answered, or waits.
        announced: a caller of ``place`` was told of the conflict.
    """

    recorded: bool = False
    created: bool = False
    conflict: Conflict | None = None
    waiting: int = 0
    placed: bool = False
    announced: bool = False

    @property
    def decided(self) -> bool:
        """Whether the event store has answered."""
        return self.recorded or self.conflict is not None

    def note(self, *, created: bool) -> None:
        """The event store has the order; only its first answer counts."""
        if not self.recorded:
            self.recorded, self.created = True, created


def order_conflict(
    order_id: OrderId, fields: tuple[str, ...], **details: object
) -> ApplicationError:
    """The order id belongs to an order that differs in these fields."""
    what = f"{', '.join(fields)} differ" if fields else "it was never submitted"
    return ApplicationError(
        f"order {order_id} already exists: {what}",
        {"fields": list(fields), **details},
        type=ORDER_CONFLICT,
        non_retryable=True,
    )

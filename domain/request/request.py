"""What an idempotency key was used for: for one request, once and for all."""

from dataclasses import dataclass
from typing import Final

from domain.errors import ImpossibleHistory, RuleBroken
from domain.ids import OrderId
from domain.request.events import OrderRequested

KEY_REUSED: Final = "idempotency_key_reused"


@dataclass(frozen=True, slots=True)
class RecordRequest:
    """Use a key for a request; the same request again changes nothing."""

    order_id: OrderId
    subject: str
    fingerprint: str
    is_new: bool


RequestState = OrderRequested | None
"""What the key was used for; None: for nothing yet."""

INITIAL: Final[RequestState] = None


def decide(command: RecordRequest, state: RequestState) -> tuple[OrderRequested, ...]:
    """The resulting event; none if the request is recorded.

    Raises:
        RuleBroken: the key was used for another request.
    """
    if state is None:
        used = (command.order_id, command.subject, command.fingerprint, command.is_new)
        return (OrderRequested(*used),)
    if state.fingerprint != command.fingerprint:
        raise RuleBroken(KEY_REUSED, "the idempotency key was used for another request")
    return ()


def evolve(state: RequestState, event: OrderRequested) -> OrderRequested:
    """The state after an event; raises ImpossibleHistory if it cannot follow on `state`."""
    if state is not None:
        raise ImpossibleHistory(event, state)
    return event

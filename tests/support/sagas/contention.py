"""Activities that compete for the same stock, each called once and without a workflow."""

from dataclasses import replace

from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.messages import ReservationResult, SagaRef
from eventstore.errors import StoreUnavailable

_ATTEMPTS = 10


async def outcome_of(method: object, request: object, activity_id: str) -> str:
    """How an activity ended: ``done``, why it cancelled the order, or the type of its failure.

    A store that is away, which on a busy machine it may seem to be, is asked again, as by Temporal.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        environment = ActivityEnvironment()
        environment.info = replace(environment.info, activity_id=activity_id, attempt=attempt)
        try:
            result = await environment.run(method, request)  # type: ignore[arg-type]  # any activity
            break
        except StoreUnavailable:
            if attempt == _ATTEMPTS:
                raise
        except ApplicationError as error:
            return str(error.type)
    closed = result.finished if isinstance(result, ReservationResult) else None
    return str(closed.reason) if closed else "done"


def saga_of(number: int) -> SagaRef:
    return SagaRef(f"order-H{number}", f"run-{number}")

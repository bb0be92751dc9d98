"""Activities that compete for the same stock, each called once and without a workflow."""

import asyncio
from dataclasses import replace

from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.messages import ReservationResult, SagaRef
from eventstore.errors import StoreUnavailable


async def outcome_of(method: object, request: object, activity_id: str) -> str:
    """How an activity ended: ``done``, why it cancelled the order, or the type of its failure.

    While the store is away, which on a busy machine it may seem to be, it is tried again, as
    Temporal does.
    """
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, activity_id=activity_id)
    try:
        result = await environment.run(method, request)  # type: ignore[arg-type]  # any activity
    except StoreUnavailable:
        await asyncio.sleep(0.1)
        return await outcome_of(method, request, activity_id)
    except ApplicationError as error:
        return str(error.type)
    closed = result.finished if isinstance(result, ReservationResult) else None
    return str(closed.reason) if closed else "done"


def saga_of(number: int) -> SagaRef:
    return SagaRef(f"order-H{number}", f"run-{number}")

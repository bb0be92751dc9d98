"""What becomes of an order's parcel: scans by the carrier, and a parcel that needs a person."""

from datetime import datetime
from typing import Any, Final, get_args, get_type_hints

from temporalio.client import Client, WorkflowHandle

from ordersaga_client.calls import Json, Missing, answered, send_update, status_of
from ordersaga_client.documents import DeliveryStatus, Scan, UpdateAnswer
from ordersaga_client.failures import invalid, missing
from ordersaga_client.placing import QUEUE

WORKFLOW: Final = "OrderDelivery"
STATUSES: Final[tuple[str, ...]] = get_args(get_type_hints(Scan)["status"])
"""What a carrier can report."""


class ParcelsClient:
    """Reports scans; watches and steers what follows a parcel. `OrderSagaClient.parcels` is one.

    Every method raises temporalio's RPCError when Temporal does not answer.
    """

    def __init__(self, client: Client) -> None:
        """Use a connection that the service has already."""
        self._client = client

    async def report(self, order_id: str, status: str, at: datetime) -> None:
        """Report a scan by the carrier; scans may be repeated and come in any order.

        Args:
            order_id: the order.
            status: one of `STATUSES`.
            at: the carrier's time, with time zone.

        Raises:
            InvalidDocument: the status is unknown, or the time has no zone.
            TemporalUnavailable: nothing answered within a minute.
        """
        if status not in STATUSES:
            raise invalid("status", "literal_error", f"must be one of {', '.join(STATUSES)}")
        if at.utcoffset() is None:
            raise invalid("at", "timezone_aware", "must have a time zone")
        problem = f"nothing answered for the parcel of order {order_id}: report it again"
        async with answered(problem):
            await self._client.start_workflow(
                WORKFLOW,
                id=f"delivery-{order_id}",
                task_queue=QUEUE,
                start_signal="carrier_update",
                start_signal_args=[{"status": status, "at": at.isoformat()}],
                static_summary="follows the parcel",
            )

    async def status(self, order_id: str) -> DeliveryStatus:
        """Where the parcel is; needs a running worker.

        Raises:
            NotFound: nothing was ever reported about it, or Temporal has forgotten it.
            TemporalUnavailable: nothing answered within a minute.
        """
        answer = await status_of(self._handle(order_id), _missing(order_id))
        return DeliveryStatus.model_validate(answer)

    async def retry(self, order_id: str, *, actor: str, reason: str) -> UpdateAnswer:
        """Record a scan again, or keep waiting for one.

        Raises:
            InvalidDocument: actor or reason is wrong.
            NotPossibleNow: nobody is asked, or the parcel is no longer followed.
            NotFound, TemporalUnavailable: as `status`.
        """
        return await self._update(order_id, "retry", {"actor": actor, "reason": reason})

    async def resolve(self, order_id: str, *, actor: str, note: str) -> UpdateAnswer:
        """State that a person has handled the parcel; raises as `retry`."""
        return await self._update(order_id, "resolve", {"actor": actor, "note": note})

    async def _update(self, order_id: str, update: str, message: Json) -> UpdateAnswer:
        handle = self._handle(order_id)
        answer = await send_update(handle, update, message, _missing(order_id))
        return UpdateAnswer.model_validate(answer)

    def _handle(self, order_id: str) -> WorkflowHandle[Any, Any]:
        return self._client.get_workflow_handle(f"delivery-{order_id}")


def _missing(order_id: str) -> Missing:
    return lambda error: missing(error, f"parcel of order {order_id}")

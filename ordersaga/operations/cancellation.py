"""Cancels any submitted order that has not ended, whatever became of its saga."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import uuid4

from ordersaga_client import OrderSagaClient
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy

from activities.aggregates import FULFILLMENT, ORDER
from activities.messages import WORKFLOW_TYPE
from activities.unit_of_work import UnitOfWork, transact
from domain.errors import NotFound
from domain.ids import OrderId, order_stream
from domain.order.commands import CancelOrder
from domain.order.state import Cancelled, Completed, NoOrder, Submitted, status_of
from domain.saga.commands import CloseFulfillment, RecordOperatorAction
from domain.saga.trail import Underway
from domain.values import Outcome, Reason
from eventstore.commands.handler import CommandContext, CommandHandler
from eventstore.model import Metadata
from ordersaga.errors import Refused
from ordersaga.operations.starting import FirstRequest, start_saga, submitted_document
from ordersaga.operations.temporal_runs import Run, find_run

_SHOWN: Final = 80  # characters of a name that a client chose


class CancelledBy(StrEnum):
    """Who cancels the order; the values are told to people."""

    RUNNING_SAGA = "its saga cancels it"
    STORE = "it has no running saga, and nothing was done for it: it was cancelled at once"
    NEW_SAGA = "it had no running saga: a new one undoes what was done"


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """Who cancels an order and why; `by_customer` is False if an operator decided it."""

    actor: str
    reason: str
    by_customer: bool

    @property
    def message(self) -> dict[str, str]:
        """The argument of the saga's update and signal."""
        requester = "customer" if self.by_customer else "operator"
        return {"actor": self.actor, "reason": self.reason, "requested_by": requester}

    @property
    def why(self) -> Reason:
        """Why the order ends."""
        return Reason.CUSTOMER_REQUEST if self.by_customer else Reason.OPERATOR_REQUEST


async def cancel_order(
    handler: CommandHandler, client: Client, order_id: OrderId, request: CancelRequest
) -> CancelledBy:
    """Cancel an order, whatever became of its saga.

    Raises:
        NotFound: there is no such order, and no saga of it runs.
        NotPossibleNow: its saga does not accept it now.
        Refused: the order has ended, or another workflow holds the id of its saga.
    """
    run = await find_run(client, order_stream(order_id))
    if run is None or not run.is_open or run.workflow_type != WORKFLOW_TYPE:
        return await _cancel_without_saga(handler, client, order_id, request, run)
    await OrderSagaClient(client).update(order_id, "cancel", request.message)
    return CancelledBy.RUNNING_SAGA


async def _cancel_without_saga(
    handler: CommandHandler,
    client: Client,
    order_id: OrderId,
    request: CancelRequest,
    run: Run | None,
) -> CancelledBy:
    state = await ORDER.stream(order_id).load(handler)
    if isinstance(state, NoOrder):
        raise NotFound("order", order_id)
    if isinstance(state, Completed | Cancelled):
        raise Refused(f"the order is {status_of(state)}: it cannot be cancelled any more")
    if await _cancel_at_once(handler, order_id, request):
        return CancelledBy.STORE
    if run is not None and run.is_open:
        raise Refused(
            f"a workflow of type {run.workflow_type[:_SHOWN]} holds the id of the order's saga: "
            f"end it first, with `temporal workflow terminate -w {run.workflow_id}`"
        )
    document = submitted_document(order_id, state)
    if document is None:
        raise Refused(f"the order is a {status_of(state)}: it has no saga")
    await start_saga(
        client,
        document,
        WorkflowIDConflictPolicy.USE_EXISTING,
        reuse=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        request=FirstRequest("cancel", request.message),
    )
    return CancelledBy.NEW_SAGA


async def _cancel_at_once(
    handler: CommandHandler, order_id: OrderId, request: CancelRequest
) -> bool:
    """End an order for which nothing was done; False: something was, or it was never submitted.

    No step comes before the reservation, but a payment that the shop has confirmed is to be given
    back. A saga that starts just now finds the order ended, and one
    that fails again and again, whatever for, is not needed.
    """
    order, trail = ORDER.stream(order_id), FULFILLMENT.stream(order_id)

    def rule(unit: UnitOfWork) -> bool:
        state = unit.state(order)
        if not isinstance(state, Submitted) or state.order.confirmed is not None:
            return False
        unit.execute(order, CancelOrder(request.why, request.reason))
        if isinstance(unit.state(trail), Underway):
            unit.execute(
                trail,
                RecordOperatorAction(request.actor, "cancel", request.reason),
                CloseFulfillment(Outcome.CANCELLED, request.why, request.reason),
            )
        return True

    command_id = f"cancel-{uuid4()}"
    context = CommandContext(command_id, Metadata(order.name, command_id, request.actor))
    return await transact(handler, (order, trail), rule, context)

"""A saga that is gone is started again: the order goes on where it stood."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from domain.ids import OrderId, order_stream
from domain.order.state import Cancelled, Completed
from ordersaga.access.requests import BegunRequest, RequestKey
from ordersaga.access.tokens import Token
from ordersaga.api import problems
from ordersaga.api.acting import ActionAnswer, body_model
from ordersaga.api.authentication import Caller
from ordersaga.api.context import Context, context_of
from ordersaga.api.documentation import ProblemRoute, answers, body_of
from ordersaga.api.parameters import OrderPath
from ordersaga.api.problems import Problem
from ordersaga.api.writing import KeyHeader, once, read_body, read_key
from ordersaga.operations.actor import Caller as CommandCaller
from ordersaga.operations.orders import OrdersService
from ordersaga.operations.recovery.orders import Recovery
from ordersaga.operations.recovery.outcome import RecoveryOutcome
from ordersaga.operations.sagas import running_workflows
from workflows.documents.messages import OperatorMessage

router: Final = APIRouter(route_class=ProblemRoute, tags=["actions"])

RECOVER: Final = "recover"
RecoverBody: Final = body_model(OperatorMessage)


@router.post(
    "/orders/{order_id}/recover",
    operation_id="recover_order",
    name="recover_order",
    summary="Start the saga of an open order again, if it is gone",
    responses=answers(ActionAnswer, writes=True),
    openapi_extra=body_of(RecoverBody),
)
async def recover(
    request: Request, order_id: OrderPath, caller: Caller, key: KeyHeader = None
) -> Response:
    """Nothing that was done is done again: each step asks the event store first."""
    body = await read_body(request, RecoverBody)
    request_key = await read_key(request, caller, key)
    reason = str(body.model_dump()["reason"])
    return await recover_order(context_of(request), caller, order_id, reason, request_key)


async def can_recover(context: Context, order_id: OrderId) -> bool:
    """Whether an order is open and has no saga that runs.

    Raises:
        NotFound: there is no such order.
        Unreachable: Temporal does not answer.
    """
    state = await OrdersService.of(context.services).state(order_id)
    if isinstance(state, Completed | Cancelled):
        return False
    return not await running_workflows(await context.temporal(), [order_stream(order_id)])


async def recover_order(
    context: Context, token: Token, order_id: OrderId, reason: str, key: RequestKey
) -> Response:
    """Start the saga again, once for the key; who did it and why stands in the trail.

    Raises:
        Problem: the key was used for something else; or what is no final answer.
    """

    async def carry_out(_: BegunRequest) -> tuple[int, ActionAnswer]:
        if not await can_recover(context, order_id):
            raise Problem(problems.NOT_POSSIBLE, "its saga runs, or the order has ended")
        services = context.services
        orders = OrdersService.of(services, CommandCaller(token.actor, key.request_id))
        await orders.record_act(order_id, RECOVER, reason)
        client = await context.temporal()
        recovery = Recovery(services.handler, services.redacted_store, client, at_once=1)
        (recovered,) = await recovery.run([order_id])
        if recovered.outcome is RecoveryOutcome.LEFT:
            raise Problem(problems.REFUSED, recovered.why)
        return 200, ActionAnswer(order_id, RECOVER, "done")

    return await once(context, key, carry_out)

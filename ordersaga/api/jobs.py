"""Jobs by whoever may do their act: the one way in which many orders are acted on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi.responses import Response

from activities.jobs.messages import JobAct
from domain.ids import JobId, OrderId
from ordersaga.access.requests import BegunRequest, RequestKey
from ordersaga.access.tokens import Token
from ordersaga.api.acting import OPERATIONS, requester
from ordersaga.api.authentication import admit
from ordersaga.api.context import Context
from ordersaga.api.failures import invalid
from ordersaga.api.writing import once
from ordersaga.operations.jobs.jobs import abort_job, carry_out_job, show_job, start_job
from ordersaga.operations.order_lists import OrderQuery, find_orders
from workflows.documents.jobs import MOST_ORDERS, USUAL_PER_SECOND, JobDocument
from workflows.documents.validation import validate

_DIGITS: Final = 20
_OPERATION_OF: Final = {operation.act.value: operation.name for operation in OPERATIONS}


@dataclass(frozen=True, slots=True)
class JobRequest:
    """A job that somebody wants.

    Attributes:
        query: which orders; None: those that are named.
        selection: the same for people.
        orders: the orders that are named.
        details: what the act needs besides a reason.
    """

    act: JobAct
    reason: str
    selection: str
    query: OrderQuery | None = None
    orders: Sequence[str] = ()
    per_second: float = USUAL_PER_SECOND
    details: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class StartedJob:
    """A job whose dry run has begun, and of how many orders."""

    job_id: str
    orders: int


@dataclass(frozen=True, slots=True)
class ChangedJob:
    """A job that was carried out or aborted."""

    job_id: str
    outcome: str


async def admit_to_act(context: Context, token: Token, act: JobAct) -> None:
    """Let a token do on many orders what it may do on one; raises Problem, forbidden."""
    await admit(context, token, _OPERATION_OF[act.value])


async def begin_job(
    context: Context, token: Token, request: JobRequest, key: RequestKey
) -> Response:
    """Start the dry run, once for the key.

    Raises:
        InvalidDocument: a field is wrong.
        Problem: the token may not do the act; the filter selects no orders, or too many.
    """
    await admit_to_act(context, token, request.act)

    async def carry_out(_: BegunRequest) -> tuple[int, StartedJob]:
        document = _document(token, request, await _orders(context, request), key)
        await start_job(await context.temporal(), document)
        return 201, StartedJob(document.id, len(document.orders))

    return await once(context, key, carry_out)


async def _orders(context: Context, request: JobRequest) -> list[OrderId]:
    if request.query is None:
        return [OrderId(each) for each in request.orders]
    if request.query.is_empty:
        raise invalid("filter", "must name a condition: an empty one would select all orders")
    orders = await find_orders(context.services.pool, request.query, MOST_ORDERS + 1)
    if not orders:
        raise invalid("filter", "selects no order")
    if len(orders) > MOST_ORDERS:
        raise invalid("filter", f"selects more than {MOST_ORDERS} orders: narrow it")
    return orders


def _document(
    token: Token, request: JobRequest, orders: Sequence[OrderId], key: RequestKey
) -> JobDocument:
    details = dict(request.details or {})
    if request.act is JobAct.CANCEL and "requested_by" not in details:
        details["requested_by"] = requester(token)
    content = {
        "job_id": key.request_id.removeprefix("api-")[:_DIGITS],
        "act": request.act,
        "actor": token.actor,
        "reason": request.reason,
        "selection": request.selection,
        "orders": list(orders),
        "per_second": request.per_second,
        "details": details,
    }
    return validate(JobDocument, content, "job")


async def run_job(context: Context, token: Token, job_id: JobId, key: RequestKey) -> Response:
    """Carry the act out where it is possible, once for the key; raises Problem if it may not."""
    return await _change(context, token, job_id, key, "running")


async def end_job(context: Context, token: Token, job_id: JobId, key: RequestKey) -> Response:
    """End the job: no further order is asked. Raises Problem if the token may not."""
    return await _change(context, token, job_id, key, "aborted")


async def _change(
    context: Context, token: Token, job_id: JobId, key: RequestKey, outcome: str
) -> Response:
    client = await context.temporal()
    job = await show_job(client, job_id)
    await admit_to_act(context, token, job.act)
    change = carry_out_job if outcome == "running" else abort_job

    async def carry_out(_: BegunRequest) -> tuple[int, ChangedJob]:
        await change(client, job_id, token.actor, key.request_id)
        return 200, ChangedJob(job_id, outcome)

    return await once(context, key, carry_out)

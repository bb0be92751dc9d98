"""One act on many orders: a dry run by filter, then the act where it is possible."""

import base64
from dataclasses import dataclass
from typing import Annotated, Any, Final, Self

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from activities.jobs.messages import JobAct, OrderOutcome
from domain.fields import MAX_AMOUNT
from domain.ids import JobId, OrderId, order_stream
from domain.order.status import OrderStatus
from domain.order.terms import ShortageChoice
from domain.parcel_left import IfLeft
from domain.values import Reason
from ordersaga.api.answers import AsForm, Cursor, Form, Limit, json_answer, list_answer
from ordersaga.api.authentication import Caller
from ordersaga.api.context import Context, context_of
from ordersaga.api.documentation import ProblemRoute, answers, body_of, list_answers
from ordersaga.api.jobs import ChangedJob, JobRequest, StartedJob, begin_job, end_job, run_job
from ordersaga.api.writing import KeyHeader, read_body, read_key
from ordersaga.operations.jobs.jobs import Job, JobRow, job_rows, list_jobs, show_job
from ordersaga.operations.order_lists import OrderQuery
from ordersaga.operations.statuses import FulfilmentProgress, PaymentProgress, ReturnProgress
from ordersaga.operations.temporal_runs import find_run
from ordersaga.operations.what_if import if_cancelled, load_standing, refusal_of
from projections.errors import InvalidCursor
from projections.paging import Page
from projections.read_models.current_orders.model import OrderFilter
from workflows.documents.jobs import MOST_ORDERS, USUAL_PER_SECOND, JobReason, PerSecond
from workflows.documents.messages import RequestedBy
from workflows.documents.parts import CustomerIdText, Moment, OrderIdText, SkuText, Strict

router: Final = APIRouter(route_class=ProblemRoute, tags=["jobs"])

_Minor = Annotated[int, Field(ge=0, le=MAX_AMOUNT, description="in minor units")]
JobPath = Annotated[str, Path(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", description="The job.")]


class OrderFilterBody(Strict):
    """Which orders, as in the list of orders; at least one condition."""

    status: OrderStatus | None = None
    reason: Reason | None = None
    customer: CustomerIdText | None = None
    placed_from: Moment | None = None
    placed_before: Moment | None = None
    payment_status: PaymentProgress | None = None
    fulfilment_status: FulfilmentProgress | None = None
    return_status: ReturnProgress | None = None
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] | None = None
    total_from_minor: _Minor | None = None
    total_until_minor: _Minor | None = None
    sku: SkuText | None = None
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")] | None = None
    needs_attention: bool = False

    def query(self) -> OrderQuery:
        """The same for the read models."""
        conditions = OrderFilter(
            self.status,
            self.customer,
            self.reason,
            self.placed_from,
            self.placed_before,
            payment_status=self.payment_status,
            fulfilment_status=self.fulfilment_status,
            currency=self.currency,
            total_from=self.total_from_minor,
            total_until=self.total_until_minor,
            sku=self.sku,
            country=self.country,
            return_status=self.return_status,
        )
        return OrderQuery(conditions, self.needs_attention)

    def in_words(self) -> str:
        """The conditions as text."""
        return ", ".join(
            f"{name}={value}" for name, value in self.model_dump(mode="json").items() if value
        )


class JobBody(Strict):
    """An act on all orders that a filter selects, or on those that are named."""

    act: JobAct
    reason: JobReason
    filter: OrderFilterBody | None = None
    orders: Annotated[list[OrderIdText], Field(min_length=1, max_length=MOST_ORDERS)] | None = None
    per_second: PerSecond = USUAL_PER_SECOND
    requested_by: RequestedBy | None = None
    goods: IfLeft | None = None
    choice: ShortageChoice | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.filter is None) == (self.orders is None):
            raise PydanticCustomError("selection", "needs either a filter or orders")
        if (self.act is JobAct.CHOOSE) != (self.choice is not None):
            raise PydanticCustomError("choice", "choice belongs to the act choose, which needs it")
        if self.goods and self.act is not JobAct.RESOLVE:
            raise PydanticCustomError("goods", "goods belongs to the act resolve")
        if self.requested_by and self.act is not JobAct.CANCEL:
            raise PydanticCustomError("requested_by", "requested_by belongs to the act cancel")
        return self

    def request(self) -> JobRequest:
        """What the job is to do."""
        selection = f"filter: {self.filter.in_words()}" if self.filter else "orders by name"
        chosen = {"requested_by", "goods", "choice"}
        return JobRequest(
            self.act,
            self.reason,
            selection,
            self.filter.query() if self.filter else None,
            self.orders or (),
            self.per_second,
            self.model_dump(mode="json", include=chosen, exclude_none=True),
        )


@dataclass(frozen=True, slots=True)
class JobOrderAnswer:
    """An order of a job.

    Attributes:
        possible: whether the act is possible, as the dry run found; None: not looked at yet.
        outcome: what became of the act; None: nothing yet.
        why: why it is not possible, or was not done.
        effects: what a cancellation would do now, before the job is carried out.
        doubts: what of that only a provider knows.
    """

    order_id: str
    possible: bool | None
    outcome: OrderOutcome | None
    why: str
    effects: tuple[str, ...]
    doubts: tuple[str, ...]


@router.post(
    "/jobs",
    operation_id="start_job",
    name="start_job",
    summary="Start a dry run of an act on many orders",
    responses=answers(StartedJob, status=201, writes=True),
    openapi_extra=body_of(JobBody),
)
async def start(request: Request, caller: Caller, key: KeyHeader = None) -> Response:
    """Nothing is changed. Needs the right to the act on one order."""
    body = await read_body(request, JobBody)
    request_key = await read_key(request, caller, key)
    return await begin_job(context_of(request), caller, body.request(), request_key)


@router.get(
    "/jobs",
    operation_id="list_jobs",
    name="list_jobs",
    summary="List the latest jobs",
    responses=list_answers(Job),
)
async def jobs(
    request: Request,
    caller: Caller,  # noqa: ARG001  it authorises
    limit: Limit = 50,
    cursor: Cursor = None,
    form: AsForm = Form.JSON,
) -> Response:
    """Each as it was when it entered its phase; a job of its own shows its progress."""
    client = await context_of(request).temporal()

    async def fetch(rows: int, after: str | None) -> Page[Any]:
        return await list_jobs(client, rows, after)

    return await list_answer(request, fetch, Job, limit, cursor, form)


@router.get(
    "/jobs/{job_id}",
    operation_id="get_job",
    name="get_job",
    summary="Show where a job stands",
    responses=answers(Job),
)
async def job(
    request: Request,
    job_id: JobPath,
    caller: Caller,  # noqa: ARG001  it authorises
) -> Response:
    """Its phase, and how many orders ended how."""
    return json_answer(await show_job(await context_of(request).temporal(), JobId(job_id)))


@router.get(
    "/jobs/{job_id}/orders",
    operation_id="list_job_orders",
    name="list_job_orders",
    summary="List the orders of a job, with what would happen or became of each",
    responses=list_answers(JobOrderAnswer),
)
async def job_orders(
    request: Request,
    job_id: JobPath,
    caller: Caller,  # noqa: ARG001  it authorises
    outcome: Annotated[OrderOutcome | None, Query(description="Only these.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    form: AsForm = Form.JSON,
) -> Response:
    """In the order in which they are acted on."""
    context = context_of(request)

    async def fetch(rows: int, after: str | None) -> Page[Any]:
        return await orders_page(context, JobId(job_id), rows, after, outcome)

    return await list_answer(request, fetch, JobOrderAnswer, limit, cursor, form)


async def orders_page(
    context: Context,
    job_id: JobId,
    limit: int,
    cursor: str | None,
    outcome: OrderOutcome | None = None,
) -> Page[JobOrderAnswer]:
    """Some orders of a job; raises InvalidCursor, and as `show_job` does."""
    offset, client = _offset(cursor), await context.temporal()
    whole = await show_job(client, job_id)
    rows = await job_rows(client, job_id, offset=offset, limit=limit, outcome=outcome)
    items = tuple([await _shown(context, whole, row) for row in rows])
    more = len(rows) == limit and offset + limit < whole.orders
    return Page(items, _cursor(offset + limit) if more else None)


async def _shown(context: Context, whole: Job, row: JobRow) -> JobOrderAnswer:
    is_possible = row.outcome is None if row.looked_at else None
    would_cancel = whole.act is JobAct.CANCEL and is_possible and whole.carried_out_by is None
    effects, doubts = (
        await _if_cancelled(context, OrderId(row.order_id)) if would_cancel else ((), ())
    )
    return JobOrderAnswer(row.order_id, is_possible, row.outcome, row.why, effects, doubts)


async def _if_cancelled(
    context: Context, order_id: OrderId
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    run = await find_run(await context.temporal(), order_stream(order_id))
    standing = await load_standing(context.services.handler, order_id)
    what_if = refusal_of(lambda: if_cancelled(standing, run.running if run else ()))
    if isinstance(what_if, str):
        return (what_if,), ()
    return tuple(what_if.effects), tuple(what_if.doubts)


def _cursor(offset: int) -> str:
    return base64.urlsafe_b64encode(str(offset).encode()).decode()


def _offset(cursor: str | None) -> int:
    if cursor is None:
        return 0
    try:
        offset = int(base64.urlsafe_b64decode(cursor.encode()).decode())
    except ValueError:
        raise InvalidCursor from None
    if not 0 <= offset <= MOST_ORDERS:
        raise InvalidCursor
    return offset


@router.post(
    "/jobs/{job_id}/run",
    operation_id="run_job",
    name="run_job",
    summary="Carry a job out where it is possible",
    responses=answers(ChangedJob, writes=True),
)
async def run(request: Request, job_id: JobPath, caller: Caller, key: KeyHeader = None) -> Response:
    """The sagas are told who carries it out. Needs the right to the act on one order."""
    request_key = await read_key(request, caller, key)
    return await run_job(context_of(request), caller, JobId(job_id), request_key)


@router.post(
    "/jobs/{job_id}/abort",
    operation_id="abort_job",
    name="abort_job",
    summary="End a job: no further order is acted on",
    responses=answers(ChangedJob, writes=True),
)
async def abort(
    request: Request, job_id: JobPath, caller: Caller, key: KeyHeader = None
) -> Response:
    """What was done stays done. Needs the right to the act on one order."""
    request_key = await read_key(request, caller, key)
    return await end_job(context_of(request), caller, JobId(job_id), request_key)

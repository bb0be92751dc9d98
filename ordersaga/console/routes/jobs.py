"""Many orders at once: a job's dry run, its progress, its end."""

import secrets
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from activities.jobs.messages import JobAct, OrderOutcome
from domain.ids import JobId, parse_order_id
from ordersaga.api.answers import Cursor
from ordersaga.api.context import context_of
from ordersaga.api.failures import invalid
from ordersaga.api.jobs import JobRequest, begin_job, end_job, run_job
from ordersaga.api.routes.jobs import JobPath, orders_page
from ordersaga.console.acts import ACTS, ActForm, Form, one
from ordersaga.console.filters import filters_of
from ordersaga.console.pages import PageRoute, page, see_other
from ordersaga.console.sessions import CurrentViewer, Viewer, read_form
from ordersaga.console.writing import answer_of, request_key
from ordersaga.operations.jobs.jobs import list_jobs, show_job

router: Final = APIRouter(route_class=PageRoute)

TOGETHER: Final = ("hold", "resume", "retry", "cancel")
"""The acts that need nothing but a reason."""
ROWS: Final = 50
_ALL: Final = "all"


def acts_together(viewer: Viewer) -> list[ActForm]:
    """The acts on many orders that the viewer has a right to."""
    return [ACTS[name] for name in TOGETHER if viewer.may(ACTS[name].operation)]


@router.post("/jobs", name="start_job")
async def start(request: Request, viewer: CurrentViewer) -> Response:
    """Look what an act would do to the chosen orders, or to all that the filter selects."""
    fields = await read_form(request, viewer)
    job_request = _request(viewer, fields)
    content = repr(sorted(fields.items())).encode()
    key = request_key(viewer, one(fields, "key"), "job ", content)
    response = await begin_job(context_of(request), viewer.token, job_request, key)
    return see_other(f"/jobs/{answer_of(response)['job_id']}")


def _request(viewer: Viewer, fields: Form) -> JobRequest:
    act = one(fields, "act")
    if act not in TOGETHER:
        raise invalid("act", f"must be one of {', '.join(TOGETHER)}")
    reason = one(fields, "reason")
    if one(fields, "scope") == _ALL:
        text = one(fields, "filter")
        query = filters_of(text).query(viewer.zone)
        return JobRequest(JobAct(act), reason, f"filter: {text}", query)
    chosen = [parse_order_id(each, "order") for each in dict.fromkeys(fields.get("order", ()))]
    if not chosen:
        raise invalid("order", "choose orders of the list, or all that match the filter")
    return JobRequest(JobAct(act), reason, "orders by name", orders=chosen)


@router.get("/jobs", name="list_jobs")
async def jobs(
    request: Request,
    viewer: CurrentViewer,  # noqa: ARG001  it admits
    cursor: Cursor = None,
) -> Response:
    """The latest jobs."""
    client = await context_of(request).temporal()
    return await page(request, "jobs.html", rows=await list_jobs(client, ROWS, cursor))


@router.get("/jobs/{job_id}", name="get_job")
async def job(
    request: Request,
    job_id: JobPath,
    viewer: CurrentViewer,
    outcome: OrderOutcome | None = None,
    cursor: Cursor = None,
) -> Response:
    """How far a job is, and what became of each order."""
    context = context_of(request)
    shown = await show_job(await context.temporal(), JobId(job_id))
    rows = await orders_page(context, JobId(job_id), ROWS, cursor, outcome)
    act = ACTS[shown.act.value]
    return await page(
        request,
        "job.html",
        job=shown,
        rows=rows,
        act=act,
        may_act=viewer.may(act.operation),
        key=secrets.token_hex(16),
    )


@router.post("/jobs/{job_id}/run", name="run_job")
async def run(request: Request, job_id: JobPath, viewer: CurrentViewer) -> Response:
    """Carry it out, once for the form."""
    key = request_key(viewer, await _key(request, viewer), f"job {job_id} run", b"")
    answer_of(await run_job(context_of(request), viewer.token, JobId(job_id), key))
    return see_other(f"/jobs/{job_id}")


@router.post("/jobs/{job_id}/abort", name="abort_job")
async def abort(request: Request, job_id: JobPath, viewer: CurrentViewer) -> Response:
    """End it, once for the form."""
    key = request_key(viewer, await _key(request, viewer) + "end", f"job {job_id} abort", b"")
    answer_of(await end_job(context_of(request), viewer.token, JobId(job_id), key))
    return see_other(f"/jobs/{job_id}")


async def _key(request: Request, viewer: Viewer) -> str:
    """The key of the form; both buttons share it, and ask for different things."""
    return one(await read_form(request, viewer), "key")

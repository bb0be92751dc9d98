"""`ordersaga job list|show|run|abort`: one act on many orders."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Final

import typer
from rich.console import Group
from temporalio.client import Client

from domain.ids import JobId, parse_job_id
from ordersaga.cli.answers import Answer, CommandGroup, page_answer
from ordersaga.cli.common import Cursor, Limit, Services
from ordersaga.cli.output import OK
from ordersaga.display.tables import Columns, clock, make_table
from ordersaga.errors import REFUSED, WrongUsage
from ordersaga.operations.actor import operator
from ordersaga.operations.jobs.jobs import (
    Job,
    JobRow,
    abort_job,
    all_rows,
    carry_out_job,
    follow_job,
    list_jobs,
    show_job,
    start_job,
)
from workflows.documents.jobs import MOST_ORDERS, JobDocument
from workflows.documents.validation import InvalidDocument, validate
from workflows.jobs.state import Phase

app = CommandGroup("job", "Show, carry out and end jobs: one act on many orders.")

JobArgument = Annotated[JobId, typer.Argument(metavar="ID", help="Job id.", parser=parse_job_id)]
_ENDS: Final = tuple(phase for phase in Phase if phase.is_end)
_JOBS: Final = Columns(
    "job_id: job, act, phase, orders>, reason, started_by: by, started_at: started (UTC)"
)
_ROWS: Final = Columns(
    "order_id: order, outcome: result, why",
    outcome=lambda row: row.outcome or ("possible" if row.looked_at else ""),
)


@app.answer("list")
async def list_(
    services: Services,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Answer:
    """List the latest jobs, each as it was when it entered its phase."""
    return page_answer(await list_jobs(await services.temporal(), limit, cursor), _JOBS)


@app.answer()
async def show(services: Services, job_id: JobArgument) -> Answer:
    """Show where a job stands, and what became of each order."""
    client = await services.temporal()
    return await _answer(client, await show_job(client, job_id))


@app.answer()
async def run(services: Services, job_id: JobArgument) -> Answer:
    """Carry a job out where it is possible, and wait for its end.

    Ends with 1 if an order did not accept the act.
    """
    client = await services.temporal()
    return await carry_out(client, await show_job(client, job_id))


@app.answer()
async def abort(services: Services, job_id: JobArgument) -> Answer:
    """End a job: no further order is acted on; what was done stays done."""
    client = await services.temporal()
    await abort_job(client, job_id, operator(), _new_id())
    return await _answer(client, await _followed(client, job_id, _ENDS))


# --- for the commands that act on many sagas -----------------------------------------------------


@dataclass(frozen=True, slots=True)
class NewJob:
    """An act on many orders; `selection` says by what they were chosen."""

    act: str
    reason: str
    orders: Sequence[str]
    selection: str
    per_second: float
    details: Mapping[str, Any]


async def look(client: Client, new: NewJob) -> Job:
    """The dry run of a new job, once it has ended.

    Raises:
        WrongUsage: there are too many orders, or a value is wrong.
    """
    if len(new.orders) > MOST_ORDERS:
        raise WrongUsage(f"{len(new.orders)} orders: a job has at most {MOST_ORDERS}")
    content = {**asdict(new), "job_id": _new_id(), "actor": operator()}
    try:
        document = validate(JobDocument, content, "job")
    except InvalidDocument as error:
        raise WrongUsage(str(error)) from None
    await start_job(client, document)
    return await _followed(client, document.id, (Phase.READY, *_ENDS))


def _new_id() -> str:
    return secrets.token_hex(10)


async def _followed(client: Client, job_id: JobId, until: Sequence[Phase]) -> Job:
    jobs = [job async for job in follow_job(client, job_id, until)]
    return jobs[-1]


async def carry_out(client: Client, job: Job) -> Answer:
    """Carry a job out, and wait for its end."""
    job_id = JobId(job.job_id)
    await carry_out_job(client, job_id, operator(), _new_id())
    answer = await _answer(client, await _followed(client, job_id, _ENDS))
    rows: Sequence[JobRow] = answer.data["orders"]
    is_done = all(row.outcome is not None and row.outcome.is_success for row in rows)
    return answer._replace(code=OK if is_done else REFUSED)


async def looked_answer(client: Client, job: Job) -> Answer:
    """What the dry run found, and how to carry it out."""
    remark = f"to carry it out: ordersaga job run {job.job_id}"
    return (await _answer(client, job))._replace(remarks=[remark])


async def _answer(client: Client, job: Job) -> Answer:
    rows = await all_rows(client, JobId(job.job_id))
    return Answer({"job": job, "orders": rows}, lambda: _page(job, rows))


def _page(job: Job, rows: Sequence[JobRow]) -> Group:
    counts = ", ".join(f"{count} {outcome}" for outcome, count in job.outcomes.items())
    properties: Sequence[tuple[str, object]] = (
        ("act", job.act),
        ("phase", job.phase),
        ("orders", job.orders),
        ("possible", job.possible),
        ("outcomes", counts),
        ("reason", job.reason),
        ("chosen by", job.selection),
        ("looked by", job.started_by),
        ("carried out by", job.carried_out_by),
        ("aborted by", job.aborted_by),
        ("expires (UTC)", job.ready_until and clock(job.ready_until)),
        ("waits for", job.waits_for),
    )
    summary = make_table(("job", job.job_id), [each for each in properties if each[1]])
    return Group(summary, _ROWS.table(rows))

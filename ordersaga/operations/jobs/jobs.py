"""Starts jobs, carries them out, ends and shows them."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from temporalio.client import (
    Client,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities.jobs.messages import JOB_WORKFLOW_TYPE, JobAct, OrderOutcome
from activities.messages import ORDERS_QUEUE
from domain.errors import NotFound
from domain.ids import JobId, job_workflow
from ordersaga.errors import Refused, Unreachable
from ordersaga.operations.temporal_runs import Run, list_runs
from projections.paging import Page, decode_cursor, encode_cursor
from workflows.documents.jobs import LONGEST_PAGE, JobDocument
from workflows.jobs.state import Phase

_ANSWER_WITHIN: Final = timedelta(seconds=5)
_UPDATE_WITHIN_S: Final = 10.0
_LISTED: Final = f"WorkflowType = '{JOB_WORKFLOW_TYPE}' AND ExecutionStatus != 'ContinuedAsNew'"
_SILENT: Final = "the job did not answer: is a worker for the queue `orders` running?"
_REQUEST: Final = "carried_out_request"
_SAME_MOMENT: Final = 20
"""More runs than begin within a microsecond."""
_TIMES: Final = ("started_at", "ready_until", "ended_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Where a job stands.

    Attributes:
        selection: by what its orders were chosen.
        phase: looking, ready, running, done, aborted or expired.
        orders: how many it has.
        looked_at: of how many it is known whether the act is possible.
        possible: how many it has still to act on, or would.
        outcomes: how many orders ended how: done, pending, refused, unanswered, failed, skipped.
        ready_until: when a dry run that nobody carries out ends.
        waits_for: what keeps it from going on; None: nothing does.
    """

    job_id: str
    act: JobAct
    reason: str
    selection: str
    phase: Phase
    orders: int
    looked_at: int
    possible: int
    outcomes: Mapping[str, int]
    per_second: float
    started_by: str
    started_at: datetime | None
    carried_out_by: str | None
    aborted_by: str | None
    ready_until: datetime | None
    ended_at: datetime | None
    waits_for: str | None


@dataclass(frozen=True, slots=True)
class JobRow:
    """An order of a job.

    Attributes:
        looked_at: whether it is known if the act is possible; it is if there is no outcome then.
        why: why it was not acted on, if it was not.
    """

    order_id: str
    looked_at: bool
    outcome: OrderOutcome | None
    why: str


async def start_job(client: Client, document: JobDocument) -> None:
    """Start the dry run of a job; one that was started with the same id is left as it is.

    Raises:
        RPCError: Temporal does not answer.
    """
    try:
        await client.start_workflow(
            JOB_WORKFLOW_TYPE,
            document.model_dump(mode="json", exclude_none=True),
            id=job_workflow(document.id),
            task_queue=ORDERS_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            static_summary=f"{document.act}: {len(document.orders)} orders",
        )
    except WorkflowAlreadyStartedError:
        return


async def show_job(client: Client, job_id: JobId) -> Job:
    """Where a job stands.

    Raises:
        NotFound: there is no such job, or Temporal has forgotten it.
        Unreachable: no worker answers.
        RPCError: Temporal does not answer.
    """
    return _job(await _query(client, job_id, "status"))


async def job_rows(
    client: Client, job_id: JobId, *, offset: int, limit: int, outcome: OrderOutcome | None = None
) -> list[JobRow]:
    """Some orders of a job, from the one with this number on; raises as `show_job` does."""
    asked: dict[str, Any] = {"offset": offset, "limit": limit}
    if outcome is not None:
        asked["outcome"] = outcome.value
    rows = await _query(client, job_id, "orders", asked)
    return [JobRow(**{**row, "outcome": _outcome(row["outcome"])}) for row in rows]


def _outcome(text: str | None) -> OrderOutcome | None:
    return OrderOutcome(text) if text else None


async def all_rows(client: Client, job_id: JobId) -> list[JobRow]:
    """Every order of a job; raises as `show_job` does."""
    rows: list[JobRow] = []
    while page := await job_rows(client, job_id, offset=len(rows), limit=LONGEST_PAGE):
        rows += page
    return rows


async def list_jobs(client: Client, limit: int, cursor: str | None = None) -> Page[Job]:
    """The latest jobs, each as it was when it entered its phase; a page may have fewer than asked.

    Raises:
        InvalidCursor: the cursor is not from this listing.
        RPCError: Temporal does not answer.
    """
    until, last = decode_cursor(cursor, datetime, str)
    query = _LISTED if until is None else f"{_LISTED} AND StartTime <= '{until.isoformat()}'"
    listed = [run async for run in list_runs(client, query, limit + _SAME_MOMENT)]
    left = _after(listed, last)
    runs = left[:limit]
    jobs = [job for run in runs if (job := await _listed(client, run)) is not None]
    more = len(left) > limit
    return Page(tuple(jobs), encode_cursor(runs[-1].started_at, runs[-1].run_id) if more else None)


def _after(runs: Sequence[Run], last: str | None) -> Sequence[Run]:
    """The runs after the last one of the page before; some may have begun at the same moment."""
    place = next((number for number, run in enumerate(runs, 1) if run.run_id == last), 0)
    return runs[place:]


async def _listed(client: Client, run: Run) -> Job | None:
    """The job as its memo says; None: it has just been started, or its document was refused."""
    payload = run.memo.get("summary")
    if payload is None:
        return None
    (summary,) = await client.data_converter.decode([payload])
    return _job(summary)


def _job(summary: Mapping[str, Any]) -> Job:
    times = {name: _time(summary[name]) for name in _TIMES}
    kinds = {"act": JobAct(summary["act"]), "phase": Phase(summary["phase"])}
    shown = {name: value for name, value in summary.items() if name != _REQUEST}
    return Job(**{**shown, **times, **kinds})


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


async def carry_out_job(client: Client, job_id: JobId, actor: str, request_id: str) -> None:
    """Let a job act on the orders for which it found the act possible.

    Args:
        client: Temporal.
        job_id: the job.
        actor: who wants it; the sagas are told.
        request_id: the same for the same request, which has its effect once.

    Raises:
        NotFound: there is no such job.
        Refused: it is not ready: it still looks, runs already, or has ended.
        Unreachable: no worker answers.
    """
    await _update(client, job_id, "carry_out", actor, request_id)


async def abort_job(client: Client, job_id: JobId, actor: str, request_id: str) -> None:
    """End a job: it asks no further order. Raises as `carry_out_job` does."""
    await _update(client, job_id, "abort", actor, request_id)


async def _update(client: Client, job_id: JobId, name: str, actor: str, request_id: str) -> None:
    handle = _handle(client, job_id)
    try:
        async with asyncio.timeout(_UPDATE_WITHIN_S):
            await handle.execute_update(name, {"actor": actor}, id=request_id)
    except WorkflowUpdateFailedError:
        await _unless_done(client, job_id, name, request_id)
    except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError):
        raise Unreachable(_SILENT) from None
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        await _unless_done(client, job_id, name, request_id)


async def _unless_done(client: Client, job_id: JobId, name: str, request_id: str) -> None:
    """Find out whether the same request had its effect before; raises Refused if it had none."""
    answer = await _query(client, job_id, "status")
    is_same = answer[_REQUEST] == request_id if name == "carry_out" else answer["aborted_by"]
    if not is_same:
        raise Refused(f"the job is {answer['phase']}")


async def _query(client: Client, job_id: JobId, name: str, *asked: Any) -> Any:
    try:
        return await _handle(client, job_id).query(name, *asked, rpc_timeout=_ANSWER_WITHIN)
    except (WorkflowQueryFailedError, WorkflowQueryRejectedError):
        raise NotFound("job", job_id) from None  # a workflow of another type has its id
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise NotFound("job", job_id) from None
        if error.status in (RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED):
            raise Unreachable(_SILENT) from None
        raise


def _handle(client: Client, job_id: JobId) -> WorkflowHandle[Any, Any]:
    return client.get_workflow_handle(job_workflow(job_id))


# --- waiting for it, for whoever stays -----------------------------------------------------------


async def follow_job(
    client: Client, job_id: JobId, until: Sequence[Phase], every_s: float = 0.5
) -> AsyncIterator[Job]:
    """A job again and again, until it is in one of these phases.

    Raises:
        NotFound: there is no such job.
        RPCError, Unreachable: it has not answered for long.
    """
    failures = 0
    while True:
        try:
            job = await show_job(client, job_id)
        except (RPCError, Unreachable):
            failures += 1
            if failures > _FAILURES_TOLERATED:
                raise
        else:
            failures = 0
            yield job
            if job.phase in until:
                return
        await asyncio.sleep(every_s)


_FAILURES_TOLERATED: Final = 20

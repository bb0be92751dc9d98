"""The courses of jobs, for `record_histories`."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from temporalio.client import Client, WorkflowHistory

from adapters.providers.faults import Fault, FaultKind
from domain.ids import JobId, job_workflow
from ordersaga.errors import Unreachable
from ordersaga.operations.jobs.jobs import abort_job, carry_out_job, show_job, start_job
from tests.support.sagas.sagas import start, until, until_status
from tests.support.sagas.shop import Shop, document, running_workers
from workers.converter import DATA_CONVERTER
from workflows.documents.jobs import JobDocument
from workflows.jobs.state import Phase

WHO = "operator:anna"
Course = Callable[[Client, JobDocument], Awaitable[None]]


async def _begin(client: Client, job: JobDocument) -> None:
    """Start the dry run by a client that skips no time, so that it does not expire at once."""
    address = client.service_client.config.target_host
    await start_job(await Client.connect(address, data_converter=DATA_CONVERTER), job)
    await _reach(client, job.id, Phase.READY)


async def _reach(client: Client, job_id: JobId, phase: Phase) -> None:
    async def reached() -> bool:
        try:
            return (await show_job(client, job_id)).phase is phase
        except Unreachable:  # a busy machine answers late
            return False

    await until(reached)


async def _carried_out(client: Client, job: JobDocument) -> None:
    await _begin(client, job)
    await carry_out_job(client, job.id, WHO, "run")
    await _reach(client, job.id, Phase.DONE)


async def _aborted(client: Client, job: JobDocument) -> None:
    await _begin(client, job)
    await abort_job(client, job.id, WHO, "abort")
    await _reach(client, job.id, Phase.ABORTED)


async def _expired(client: Client, job: JobDocument) -> None:
    await start_job(client, job)
    await client.get_workflow_handle(job_workflow(job.id)).result()


JOB_PATHS: dict[str, Course] = {
    "carried-out": _carried_out,
    "aborted": _aborted,
    "expired": _expired,
}


async def record_job(client: Client, name: str) -> list[tuple[str, WorkflowHistory]]:
    """The history of the job of this course, by workflow id; empty for another name."""
    if name not in JOB_PATHS:
        return []
    shop, order_id = Shop(), f"{name}-order"
    shop.payments.faults.add(Fault(FaultKind.UNAVAILABLE, "confirm", order_id))
    await shop.receive(f"{order_id}-sku", 10)
    async with running_workers(client, shop):
        saga = await start(client, order_id, document(order_id))
        await until_status(saga, step="process_payment")
        job = _job(name, [order_id, "nobody"])
        await JOB_PATHS[name](client, job)
        handle = client.get_workflow_handle(job_workflow(job.id))

        async def has_ended() -> bool:
            return (await handle.describe()).close_time is not None

        await until(has_ended)
        await saga.terminate("it was needed for the job alone")
        return [(handle.id, await handle.fetch_history())]


def _job(name: str, orders: list[str]) -> JobDocument:
    content: dict[str, Any] = {
        "job_id": name,
        "act": "hold",
        "actor": WHO,
        "reason": "as agreed",
        "selection": "orders by name",
        "orders": orders,
    }
    return JobDocument.model_validate_json(json.dumps(content))

"""Jobs over running sagas: a dry run, the act, what became of each order, ends before the end."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from activities.jobs.messages import JobAct, OrderOutcome
from activities.messages import WORKFLOW_TYPE
from adapters.providers.faults import Fault, FaultKind
from domain.errors import NotFound
from domain.ids import JobId, OrderId, fulfillment_stream
from domain.saga.events import OperatorActed
from ordersaga.errors import Refused
from ordersaga.operations.jobs.jobs import (
    Job,
    JobRow,
    abort_job,
    all_rows,
    carry_out_job,
    job_rows,
    list_jobs,
    show_job,
    start_job,
)
from ordersaga.operations.steering import Outcome, UpdateRequest, steer
from projections.errors import InvalidCursor
from tests.support.sagas.sagas import Handle, new_order_id, start, until, until_status
from tests.support.sagas.shop import Shop, document, running_workers
from workers.converter import DATA_CONVERTER
from workflows import policies
from workflows.documents.jobs import JobDocument
from workflows.jobs.state import JobState, Phase

WHO = "operator:ann"
ACCEPTED = (OrderOutcome.DONE, OrderOutcome.PENDING)


class Jobs:
    """A shop with orders that wait for their payment, and jobs over them."""

    def __init__(self, client: Client, shop: Shop) -> None:
        self.client = client
        self.shop = shop
        self.handles: dict[str, Handle] = {}

    async def orders(self, count: int, **changes: Any) -> list[str]:
        """Orders whose payment the provider cannot take."""
        ids = [new_order_id() for _ in range(count)]
        for order_id in ids:
            self.shop.payments.faults.add(Fault(FaultKind.UNAVAILABLE, "confirm", order_id))
            await self.shop.receive(f"{order_id}-sku", 10)
            content = document(order_id, **changes)
            self.handles[order_id] = await start(self.client, order_id, content)
        for order_id in ids:
            await until_status(self.handles[order_id], step="process_payment")
        return ids

    async def in_real_time(self) -> Client:
        """A client whose workflows have the real clock: a dry run does not expire at once."""
        address = self.client.service_client.config.target_host
        return await Client.connect(address, data_converter=DATA_CONVERTER)

    async def start(
        self, name: str, act: JobAct, orders: list[str], per_second: float = 50, **details: str
    ) -> JobId:
        """A dry run that has ended."""
        job = job_document(name, act, orders, per_second, **details)
        await start_job(await self.in_real_time(), job)
        await self.reaches(job.id, Phase.READY)
        return job.id

    async def reaches(self, job_id: JobId, *phases: Phase) -> Job:
        """Wait until the job is in one of the phases."""

        async def reached() -> bool:
            return (await show_job(self.client, job_id)).phase in phases

        await until(reached)
        return await show_job(self.client, job_id)

    async def carried_out(self, job_id: JobId) -> Job:
        """Carry it out, and wait for its end."""
        await carry_out_job(self.client, job_id, WHO, f"run-{job_id}")
        return await self.reaches(job_id, Phase.DONE, Phase.ABORTED)

    async def rows(self, job_id: JobId) -> dict[str, JobRow]:
        """What became of each order."""
        return {row.order_id: row for row in await all_rows(self.client, job_id)}

    async def acts(self, order_id: str) -> list[tuple[str, str]]:
        """What operators did to an order, as it is recorded: who and why."""
        name = fulfillment_stream(OrderId(order_id))
        streams = await self.shop.store.read_streams([name])
        decoded = [self.shop.codec.decode(each) for each in streams[name]]
        return [(each.actor, each.reason) for each in decoded if isinstance(each, OperatorActed)]


def accepted(job: Job) -> int:
    """How many sagas have accepted the act; on a busy machine some are not done with it yet."""
    return job.outcomes.get("done", 0) + job.outcomes.get("pending", 0)


def job_document(
    name: str, act: JobAct, orders: list[str], per_second: float = 50, **details: str
) -> JobDocument:
    return JobDocument.model_validate_json(
        json.dumps(
            {
                "job_id": name,
                "act": act,
                "actor": "support:bob",
                "reason": "provider is down",
                "selection": "the orders of a test",
                "orders": orders,
                "per_second": per_second,
                "details": details,
            }
        )
    )


@pytest.fixture
def jobs(client: Client, shop: Shop) -> Jobs:
    return Jobs(client, shop)


async def test_a_dry_run_changes_nothing_and_says_for_each_order_whether_it_is_possible(
    jobs: Jobs,
) -> None:
    first, second = await jobs.orders(2)
    job_id = await jobs.start("dry-run", JobAct.HOLD, [first, second, "nobody"])
    job = await show_job(jobs.client, job_id)
    assert (job.orders, job.looked_at, job.possible) == (3, 3, 2)
    assert job.outcomes == {"refused": 1}
    assert (await jobs.rows(job_id))["nobody"].why == "there is no such order"
    for order_id in (first, second):
        assert (await jobs.handles[order_id].query("status"))["held_by"] is None
    assert job.ready_until is not None

    async def is_listed() -> bool:
        listed = {each.job_id: each for each in (await list_jobs(jobs.client, 100)).items}
        return job_id in listed and listed[job_id].phase is Phase.READY

    await until(is_listed)  # Temporal's lists lag


async def test_it_is_carried_out_where_it_is_still_possible_and_says_why_not_elsewhere(
    jobs: Jobs,
) -> None:
    held, gone, late = await jobs.orders(3)
    job_id = await jobs.start("still-possible", JobAct.HOLD, [held, gone, late])
    message = {"actor": "x", "reason": "y"}
    await jobs.handles[gone].execute_update("cancel", message)
    await until(lambda: _is_closed(jobs.handles[gone]))
    await jobs.handles[late].execute_update("hold", message)
    job = await jobs.carried_out(job_id)
    assert (job.phase, job.carried_out_by, job.started_by) == (Phase.DONE, WHO, "support:bob")
    rows = await jobs.rows(job_id)
    assert rows[held].outcome in ACCEPTED
    assert (rows[gone].outcome, rows[gone].why) == (OrderOutcome.REFUSED, "its saga has ended")
    assert rows[late].outcome is OrderOutcome.REFUSED
    assert "on hold already" in rows[late].why
    refused = await job_rows(jobs.client, job_id, offset=0, limit=10, outcome=OrderOutcome.REFUSED)
    assert {row.order_id for row in refused} == {gone, late}

    async def is_recorded() -> bool:
        return await jobs.acts(held) == [(WHO, f"provider is down (job {job_id})")]

    await until(is_recorded)


async def _is_closed(handle: Handle) -> bool:
    return (await handle.describe()).close_time is not None


async def test_the_same_start_is_the_same_job_and_the_same_request_runs_it_once(
    jobs: Jobs,
) -> None:
    (order_id,) = await jobs.orders(1)
    job_id = await jobs.start("again", JobAct.HOLD, [order_id])
    await start_job(jobs.client, job_document("again", JobAct.CANCEL, [order_id, "other"]))
    assert (await show_job(jobs.client, job_id)).act is JobAct.HOLD
    await asyncio.gather(
        *(carry_out_job(jobs.client, job_id, WHO, "one-request") for _ in range(5))
    )
    await jobs.reaches(job_id, Phase.DONE)
    await carry_out_job(jobs.client, job_id, WHO, "one-request")
    with pytest.raises(Refused, match="done"):
        await carry_out_job(jobs.client, job_id, WHO, "another")
    await start_job(jobs.client, job_document("again", JobAct.HOLD, [order_id]))
    assert (await show_job(jobs.client, job_id)).phase is Phase.DONE


async def test_an_abort_in_the_middle_leaves_the_rest_as_it_was(jobs: Jobs) -> None:
    ids = await jobs.orders(4)
    job_id = await jobs.start("aborted", JobAct.HOLD, ids, per_second=0.1)
    await carry_out_job(jobs.client, job_id, WHO, "run-aborted")

    async def has_begun() -> bool:
        return accepted(await show_job(jobs.client, job_id)) > 0

    await until(has_begun)
    await abort_job(jobs.client, job_id, "operator:bob", "abort-1")
    job = await jobs.reaches(job_id, Phase.ABORTED)
    assert job.aborted_by == "operator:bob"
    assert accepted(job) + job.outcomes["skipped"] == 4
    assert job.outcomes["skipped"] > 0
    await abort_job(jobs.client, job_id, "operator:bob", "abort-2")
    for order_id, row in (await jobs.rows(job_id)).items():
        held_by = (await jobs.handles[order_id].query("status"))["held_by"]
        assert (held_by is not None) == (row.outcome in ACCEPTED)


async def test_a_dry_run_that_nobody_carries_out_expires(jobs: Jobs) -> None:
    (order_id,) = await jobs.orders(1)
    dry_run = job_document("expired", JobAct.CANCEL, [order_id])
    await start_job(jobs.client, dry_run)
    await jobs.client.get_workflow_handle("job-expired").result()
    job = await show_job(jobs.client, dry_run.id)
    assert (job.phase, job.outcomes) == (Phase.EXPIRED, {"skipped": 1})


async def test_a_worker_that_dies_after_an_act_does_not_act_twice(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first answer is lost: the next attempt asks what became of the same update."""
    shop = Shop()
    async with running_workers(client, shop):
        jobs = Jobs(client, shop)
        (order_id,) = await jobs.orders(1)
        job_id = await jobs.start("killed", JobAct.HOLD, [order_id])
    lost: list[str] = []

    async def steer_and_die(*arguments: Any) -> Any:
        acted = await steer(*arguments)
        if not lost:
            lost.append(acted.outcome)
            raise ConnectionResetError
        return acted

    async def dying(*arguments: Any) -> Any:
        try:
            return await steer_and_die(*arguments)
        except ConnectionResetError:
            raise RPCError("gone", RPCStatusCode.UNAVAILABLE, b"") from None

    monkeypatch.setattr("ordersaga.operations.jobs.acts.steer", dying)
    async with running_workers(client, shop):
        job = await jobs.carried_out(job_id)
        assert lost[0] in (Outcome.DONE, Outcome.PENDING)
        assert accepted(job) == 1

        async def is_recorded() -> bool:
            return len(await jobs.acts(order_id)) == 1

        await until(is_recorded)


async def test_a_saga_that_goes_on_as_a_new_run_is_asked_in_the_run_that_was_noted(
    jobs: Jobs,
) -> None:
    (order_id,) = await jobs.orders(1)
    job_id = await jobs.start("moved", JobAct.HOLD, [order_id])
    before = (await jobs.handles[order_id].describe()).run_id
    await jobs.handles[order_id].terminate("as if Temporal was lost")
    jobs.handles[order_id] = await start(jobs.client, order_id)
    assert (await jobs.handles[order_id].describe()).run_id != before
    await until_status(jobs.handles[order_id], step="process_payment")
    assert accepted(await jobs.carried_out(job_id)) == 1


async def test_an_order_without_a_saga_is_cancelled_all_the_same(jobs: Jobs) -> None:
    (order_id,) = await jobs.orders(1)
    await jobs.handles[order_id].terminate("by mistake")
    hold = await jobs.start("no-saga-hold", JobAct.HOLD, [order_id])
    assert (await show_job(jobs.client, hold)).outcomes == {"refused": 1}
    job_id = await jobs.start("no-saga", JobAct.CANCEL, [order_id])
    jobs.shop.payments.faults.clear()
    assert accepted(await jobs.carried_out(job_id)) == 1

    async def is_cancelled() -> bool:
        return await jobs.shop.status(order_id) == "cancelled"

    await until(is_cancelled)


async def test_a_long_job_goes_on_as_a_new_run(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = await jobs.orders(6)
    monkeypatch.setattr(policies, "MOST_EVENTS", 20)
    monkeypatch.setattr(policies, "FEWEST_EVENTS", 20)
    monkeypatch.setattr("workflows.jobs.state.PART", 1)
    job_id = await jobs.start("long", JobAct.HOLD, ids)
    first = (await jobs.client.get_workflow_handle(f"job-{job_id}").describe()).run_id
    job = await jobs.carried_out(job_id)
    last = (await jobs.client.get_workflow_handle(f"job-{job_id}").describe()).run_id
    assert first != last
    assert accepted(job) == 6
    await carry_out_job(jobs.client, job_id, WHO, f"run-{job_id}")

    async def is_listed_once() -> bool:
        listed = (await list_jobs(jobs.client, 100)).items
        return [each.job_id for each in listed].count(job_id) == 1

    await until(is_listed_once)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"orders": []}, "orders"),
        ({"orders": ["a", "a"]}, "orders: names an order twice"),
        ({"act": "amend"}, "act"),
        ({"job_id": "other"}, "job_id: is not that of the workflow id"),
        ({"lunch": 12}, "lunch: is not a known field"),
    ],
)
async def test_a_wrong_dry_runfails_the_run_and_asks_nobody(
    jobs: Jobs, changes: dict[str, Any], says: str
) -> None:
    name = f"wrong-{next(iter(changes))}-{len(str(changes))}"
    content = job_document(name, JobAct.HOLD, ["x"]).model_dump(mode="json", exclude_none=True)
    handle = await jobs.client.start_workflow(
        "OperatorJob", {**content, **changes}, id=f"job-{name}", task_queue="orders"
    )
    with pytest.raises(WorkflowFailureError) as failed:
        await handle.result()
    assert isinstance(failed.value.cause, ApplicationError)
    assert says in failed.value.cause.message


async def test_there_is_no_job_of_another_name(jobs: Jobs) -> None:
    with pytest.raises(NotFound):
        await show_job(jobs.client, JobId("never"))
    with pytest.raises(NotFound):
        await carry_out_job(jobs.client, JobId("never"), WHO, "x")


async def test_the_control_another_request_id_acts_again(jobs: Jobs) -> None:
    (order_id,) = await jobs.orders(1)

    async def ask(request_id: str) -> Outcome:
        async def note(_run_id: str) -> None: ...

        message = {"actor": "x", "reason": "y"}
        request = UpdateRequest(f"order-{order_id}", WORKFLOW_TYPE, "hold", message, request_id)
        return (await steer(jobs.client, request, note)).outcome

    assert await ask("first") is Outcome.DONE
    assert await ask("first") is Outcome.DONE
    assert await ask("second") is Outcome.REFUSED


def test_the_pace_counts_what_an_answer_took() -> None:
    state = JobState(per_second=10)
    assert state.pause_after(10, timedelta(seconds=0.4)) == timedelta(seconds=0.6)
    assert state.pause_after(10, timedelta(seconds=3)) == timedelta()


async def test_jobs_are_listed_page_by_page_without_a_gap(jobs: Jobs) -> None:
    (order_id,) = await jobs.orders(1)
    started = [await jobs.start(f"page-{number}", JobAct.HOLD, [order_id]) for number in range(5)]

    async def all_pages() -> list[str]:
        seen: list[str] = []
        page = await list_jobs(jobs.client, 2)
        while True:
            assert len(page.items) <= 2
            seen += [each.job_id for each in page.items]
            if page.next_cursor is None:
                return seen
            page = await list_jobs(jobs.client, 2, page.next_cursor)

    async def are_listed() -> bool:
        seen = await all_pages()
        return [each for each in seen if each in started] == started[::-1]

    await until(are_listed)  # Temporal's lists lag
    seen = await all_pages()
    assert len(seen) == len(set(seen))
    with pytest.raises(InvalidCursor):
        await list_jobs(jobs.client, 2, "nonsense")

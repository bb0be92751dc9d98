"""Jobs of the API on real servers: a filter, a dry run, the act, an abort."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.acceptance.stack.test_api import Client
from tests.support.stack.stack import Up, order_document, until

TERMS = {"policy": "wait", "deadline_hours": 24, "default": "cancel"}


@pytest.fixture
async def api(running_stack: Up) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as http:
        yield Client(running_stack, http)


async def waiting_orders(api: Client, customer: str, count: int) -> list[str]:
    """Orders of a customer that wait for stock that never comes."""
    lines = [{**order_document("x")["lines"][0], "sku": f"{customer}-never"}]
    ids = [f"{customer}-{number}" for number in range(count)]
    for order_id in ids:
        document = order_document(order_id, customer_id=customer, unavailable=TERMS, lines=lines)
        status, _ = await api.post("/orders", document, order_id)
        assert status == 201

    async def all_wait() -> bool:
        listed = (await api.get(f"/orders?customer={customer}&status=backordered"))["items"]
        return len(listed) == count

    await until(all_wait)
    return ids


async def started(api: Client, key: str, **body: Any) -> str:
    """A job whose dry run has ended."""
    status, job = await api.post("/jobs", {"reason": "outage", **body}, key)
    assert status == 201, job
    await reaches(api, job["job_id"], "ready")
    return str(job["job_id"])


async def reaches(api: Client, job_id: str, phase: str) -> Any:
    """The job, once it is in a phase."""

    async def reached() -> bool:
        return bool((await api.get(f"/jobs/{job_id}"))["phase"] == phase)

    await until(reached)
    return await api.get(f"/jobs/{job_id}")


async def test_all_orders_of_a_filter_are_held_where_it_is_still_possible(api: Client) -> None:
    first, second, gone = await waiting_orders(api, "job-a", 3)
    body = {"act": "hold", "reason": "outage", "filter": {"customer": "job-a"}}
    answers = await asyncio.gather(*(api.post("/jobs", body, "job-a-start") for _ in range(3)))
    assert len({answer["job_id"] for _, answer in answers}) == 1
    job_id = answers[0][1]["job_id"]
    job = await reaches(api, job_id, "ready")
    assert (job["orders"], job["possible"], job["started_by"]) == (3, 3, "admin:up")
    assert (await api.post(f"/orders/{gone}/cancel", {"reason": "x"}, "job-a-gone"))[0] == 200

    async def is_cancelled() -> bool:
        return await api.status(gone) == "cancelled"

    await until(is_cancelled)
    ran = await asyncio.gather(*(api.post(f"/jobs/{job_id}/run", {}, "run-a") for _ in range(3)))
    assert {status for status, _ in ran} == {200}
    job = await reaches(api, job_id, "done")
    rows = {row["order_id"]: row for row in (await api.get(f"/jobs/{job_id}/orders"))["items"]}
    assert rows[gone]["outcome"] == "refused"
    assert rows[gone]["why"]
    for order_id in (first, second):
        assert rows[order_id]["outcome"] in ("done", "pending")
        _, dry = await api.post(f"/orders/{order_id}/hold?dry_run=true", {"reason": "x"}, "dry")
        assert not dry["possible"]

        async def is_audited(order_id: str = order_id) -> bool:
            path = f"/audit?order_id={order_id}&event_type=OperatorActed"
            rows = (await api.get(path))["items"]
            return [(row["actor"], row["act"]) for row in rows] == [("admin:up", "hold")]

        await until(is_audited)
    status, late = await api.post(f"/jobs/{job_id}/run", {}, "run-a-late")
    assert (status, late["code"]) == (409, "refused")
    assert job_id in [each["job_id"] for each in (await api.get("/jobs"))["items"]]


async def test_what_a_cancellation_would_do_stands_in_the_dry_run_and_an_abort_ends_it(
    api: Client,
) -> None:
    ids = await waiting_orders(api, "job-b", 2)
    job_id = await started(api, "job-b", act="cancel", orders=ids, per_second=0.1)
    page = await api.get(f"/jobs/{job_id}/orders?limit=1")
    assert page["items"][0]["possible"] is True
    assert "the order ends as cancelled" in page["items"][0]["effects"]
    following = await api.get(f"/jobs/{job_id}/orders?limit=1&cursor={page['next_cursor']}")
    assert {each["items"][0]["order_id"] for each in (page, following)} == set(ids)
    assert (await api.post(f"/jobs/{job_id}/abort", {}, "abort-b"))[0] == 200
    job = await reaches(api, job_id, "aborted")
    assert job["outcomes"] == {"skipped": 2}
    assert [await api.status(order_id) for order_id in ids] == ["backordered"] * 2
    assert (await api.post(f"/jobs/{job_id}/run", {}, "run-b"))[0] == 409

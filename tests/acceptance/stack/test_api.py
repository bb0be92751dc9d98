"""The API of `ordersaga up` on real servers: orders placed, held, seen in the inbox, cancelled."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support.stack.stack import Up, order_document, until


class Client:
    """Speaks to the API of a stack with the token that it made."""

    def __init__(self, stack: Up, http: aiohttp.ClientSession) -> None:
        state = stack.state()
        self._url, self._http = state.api_url, http
        token = Path(state.api_token_file).read_text().strip()
        self._headers = {"Authorization": f"Bearer {token}"}

    async def get(self, path: str) -> Any:
        async with self._http.get(f"{self._url}{path}", headers=self._headers) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def post(self, path: str, body: Any, key: str) -> tuple[int, Any]:
        headers = {**self._headers, "Idempotency-Key": key}
        url = f"{self._url}{path}"
        async with self._http.post(url, data=json.dumps(body), headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    async def status(self, order_id: str) -> str:
        return str((await self.get(f"/orders/{order_id}"))["status"])


@pytest.fixture
async def api(running_stack: Up) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as http:
        yield Client(running_stack, http)


async def test_an_order_that_was_placed_by_the_api_is_fulfilled(
    running_stack: Up, api: Client
) -> None:
    await running_stack.receive("71053", 2, "delivery of api-1")
    status, placed = await api.post("/orders", order_document("api-1"), "api-1")
    assert (status, placed["created"]) == (201, True)

    async def is_completed() -> bool:
        return await api.status("api-1") == "completed"

    await until(is_completed)
    order = await api.get("/orders/api-1?expand=payment,parcels,saga,story")
    assert (order["payment_status"], order["fulfilment_status"]) == ("captured", "label_bought")
    assert order["kept_minor"] == order["payment"]["kept_minor"] == order["total_minor"]
    assert order["saga"]["recorded"]["outcome"] == "completed"
    assert order["story"][0]["actor"] == "admin:up"
    before = await api.get("/orders/api-1?version=4")
    assert (before["status"], before["payment_status"]) == ("submitted", "unpaid")
    verified = await api.get("/orders/api-1/verification")
    assert (verified["clean"], verified["findings"]) == (True, [])


async def test_an_order_that_is_held_stands_in_the_inbox_with_what_is_possible(
    running_stack: Up, api: Client
) -> None:
    terms = {"policy": "wait", "deadline_hours": 24, "default": "cancel"}
    lines = [{**order_document("x")["lines"][0], "sku": "never-there"}]
    document = order_document("api-2", unavailable=terms, lines=lines)
    await api.post("/orders", document, "api-2")

    async def waits() -> bool:
        return await api.status("api-2") == "backordered"

    await until(waits)
    body = {"reason": "fraud check"}
    first, again = await asyncio.gather(
        *(api.post("/orders/api-2/hold", body, "hold-2") for _ in range(2))
    )
    assert first == again
    assert first[0] == 200
    status, refused = await api.post("/orders/api-2/hold", body, "hold-2b")
    assert (status, refused["code"]) == (409, "not_possible_now")

    async def is_listed() -> bool:
        items = (await api.get("/inbox"))["items"]
        return any(item["order_id"] == "api-2" for item in items)

    await until(is_listed, timeout_s=60)
    items = (await api.get("/inbox"))["items"]
    (item,) = [each for each in items if each["order_id"] == "api-2"]
    assert item["total_minor"] == 678
    assert {"cancel", "resume"} <= set(item["actions"])
    assert "hold" not in item["actions"]
    for act in ("cancel", "resume", "hold"):
        _, possible = await api.post(f"/orders/api-2/{act}?dry_run=true", body, f"dry-{act}")
        assert possible["possible"] == (act in item["actions"]), act

    status, done = await api.post("/orders/api-2/cancel", body, "cancel-2")
    assert (status, done["outcome"]) == (200, "done")

    async def is_cancelled() -> bool:
        return await api.status("api-2") == "cancelled"

    await until(is_cancelled)
    assert await api.post("/orders/api-2/hold", body, "hold-2") == first
    status, late = await api.post("/orders/api-2/resume", body, "resume-2")
    assert (status, late["code"]) == (409, "saga_ended")
    audit = (await api.get("/audit?order_id=api-2&event_type=OperatorActed"))["items"]
    assert {"hold", "cancel"} <= {row["act"] for row in audit}
    assert {row["actor"] for row in audit} == {"admin:up"}


async def test_a_return_is_opened_decided_and_closed_and_a_parcel_reported(
    running_stack: Up, api: Client
) -> None:
    await running_stack.receive("71053", 2, "delivery of api-3")
    await api.post("/orders", order_document("api-3"), "api-3")

    async def is_completed() -> bool:
        return await api.status("api-3") == "completed"

    await until(is_completed)
    scan = {"status": "delivered", "at": "2026-11-01T10:00:00Z"}
    assert (await api.post("/orders/api-3/parcel/scans", scan, "scan-3"))[0] == 200
    opening = {"return_id": "R1", "lines": [{"line_id": "1", "quantity": 1}], "reason": "broken"}
    for key in ("open-3", "open-3", "open-3b"):  # the same return again changes nothing
        status, opened = await api.post("/orders/api-3/returns", opening, key)
        assert (status, opened["outcome"]) == (200, "done")
    other = {**opening, "lines": [{"line_id": "1", "quantity": 2}]}
    status, refused = await api.post("/orders/api-3/returns", other, "open-3c")
    assert (status, refused["code"]) == (409, "return_conflict")

    async def is_delivered() -> bool:
        return (await api.get("/orders/api-3"))["fulfilment_status"] == "delivered"

    await until(is_delivered)
    of_return, why = "/orders/api-3/returns/R1", {"reason": "broken"}
    too_much = {"refund": {"amount_minor": 10**6}, **why}
    status, refused = await api.post(f"{of_return}/refund", too_much, "refund-3a")
    assert (status, refused["code"]) == (409, "not_possible_now")
    first, again = await asyncio.gather(
        *(api.post(f"{of_return}/refund", {"refund": "full", **why}, "refund-3") for _ in range(2))
    )
    assert first == again
    assert first[0] == 200
    assert (await api.post(f"{of_return}/restock", {"restock": "all", **why}, "restock-3"))[
        0
    ] == 200

    async def is_closed() -> bool:
        rows = (await api.get("/returns?order_id=api-3"))["items"]
        return bool(rows) and rows[0]["closed_at"] is not None

    await until(is_closed)
    order = await api.get("/orders/api-3")
    assert (order["payment_status"], order["refunded_minor"]) == ("partly_refunded", 339)
    assert order["return_status"] == "closed"
    assert (await api.post(f"{of_return}/refund", {"refund": "full", **why}, "refund-3")) == first
    status, late = await api.post(f"{of_return}/retry", why, "retry-3")
    assert (status, late["code"]) == (409, "not_possible_now")
    status, unknown = await api.post("/orders/api-3/returns/R9/retry", why, "retry-9")
    assert (status, unknown["code"]) == (404, "not_found")
    returned = (await api.get("/audit?order_id=api-3&event_type=RefundGranted"))["items"]
    assert {row["actor"] for row in returned} == {"admin:up"}

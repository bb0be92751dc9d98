"""A provider's outage on a whole stack: one incident, and each saga says what it waits for."""

import re
from typing import Any

import pytest

from adapters.providers.faults import Fault, FaultKind
from ordersaga.incidents.table import BEGUN, ENDED
from tests.support.stack.stack import Up, order_document, until

ORDERS = [f"OUTAGE-{number}" for number in range(4)]
PROVIDER = "payment provider"


async def incidents(stack: Up) -> list[dict[str, Any]]:
    answer = (await stack.ordersaga("providers", "--json")).json()
    return [each for each in answer["items"] if each["provider"] == PROVIDER]


@pytest.fixture(scope="module")
async def begun(running_stack: Up) -> list[str]:
    """The incidents before."""
    return [each["begun_at"] for each in await incidents(running_stack)]


async def test_an_outage_is_one_incident_and_all_orders_go_on(
    running_stack: Up, begun: list[str]
) -> None:
    stack = running_stack
    await stack.receive("71053", 2 * len(ORDERS), "delivery of an outage")
    number = await stack.payment.add(Fault(FaultKind.REJECTED, order="OUTAGE-*"))
    async with stack.services() as services:
        client = await services.temporal()
        for order_id in ORDERS:
            await client.start_workflow(
                "OrderFulfillment",
                order_document(order_id),
                id=f"order-{order_id}",
                task_queue="orders",
            )

        async def now() -> dict[str, Any] | None:
            new = [each for each in await incidents(stack) if each["begun_at"] not in begun]
            assert len(new) <= 1
            return new[0] if new else None

        async def all_wait() -> bool:
            incident = await now()
            return incident is not None and incident["waiting"] == len(ORDERS)

        await until(all_wait)
        incident = await now()
        assert incident is not None
        assert (incident["access_refused"], incident["ended_at"]) == (True, None)
        assert "HTTP 401" in incident["failure"]
        assert "OUTAGE" not in incident["failure"]
        shown = await stack.ordersaga("providers")
        assert "repair them" in shown.err
        await _one_saga_says_it_all(stack, ORDERS[0])
        await stack.payment.remove(number)
        for order_id in ORDERS:
            result = await client.get_workflow_handle(f"order-{order_id}").result()
            assert result["outcome"] == "completed"

        async def has_ended() -> bool:
            incident = await now()
            return incident is not None and incident["ended_at"] is not None

        await until(has_ended)
    rows = (await stack.ordersaga("notifications", "list", "--limit", "1000", "--json")).json()
    told = [row["kind"] for row in rows["items"] if row["subject"] == PROVIDER]
    assert sorted(told[:2]) == [BEGUN, ENDED]
    calls = [row for row in rows["items"] if "attention" in row["kind"]]
    assert not [row for row in calls if row["subject"] in ORDERS]


async def _one_saga_says_it_all(stack: Up, order_id: str) -> None:
    """In two lines: since when and what will happen; attempt, last failure, next try."""
    status: list[dict[str, Any]] = []

    async def waits_for_its_next_try() -> bool:
        saga = (await stack.ordersaga("saga", "show", order_id, "--json")).json()
        status[:] = saga["activities"]
        return bool(status) and status[0]["next_try_at"] is not None

    await until(waits_for_its_next_try)
    shown = re.sub(r"\s+", " ", (await stack.ordersaga("saga", "show", order_id)).out)
    assert re.search(r"because provider since [-\d]+ [:\d]+ UTC: .*HTTP 401.*on by itself", shown)
    assert re.search(r"running process_payment, attempt \d+, \w+; last failure: .*401", shown)

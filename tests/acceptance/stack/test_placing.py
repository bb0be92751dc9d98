"""`place` by Temporal's own command line, on a whole stack: no client of ours takes part."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from ordersaga_client import OrderConflict, OrderSagaClient

from adapters.providers.faults import Fault, FaultKind
from tests.support.sagas.sagas import forget
from tests.support.stack.stack import Ended, Up, order_document


@pytest.fixture
async def sagas(running_stack: Up) -> AsyncIterator[OrderSagaClient]:
    async with running_stack.services() as services:
        yield OrderSagaClient(await services.temporal())
        await running_stack.payment.clear()


async def place(stack: Up, order_id: str, **changes: object) -> Ended:
    """Place an order as docs/order-document.md says."""
    document = json.dumps(order_document(order_id, **changes))
    return await stack.temporal(
        *("workflow", "execute-update-with-start", "--type", "OrderFulfillment"),
        *("--task-queue", "orders", "--workflow-id", f"order-{order_id}"),
        *("--id-conflict-policy", "UseExisting", "--id-reuse-policy", "AllowDuplicate"),
        *("--input", document, "--update-name", "place", "--update-input", document, "-o", "json"),
    )


def is_conflict(ended: Ended) -> bool:
    said = ended.out + ended.err
    return ended.code != 0 and "already exists: customer_id differ" in said


async def test_an_order_is_placed_once_whatever_became_of_its_id(
    running_stack: Up, sagas: OrderSagaClient
) -> None:
    await running_stack.receive("71053", 2, "delivery placed-1")
    fault = Fault(FaultKind.HOLD_BEFORE, "confirm", "placed-1")
    number = await running_stack.payment.add(fault)

    placed = await place(running_stack, "placed-1")
    assert placed.code == 0, placed.err
    assert '"created": true' in placed.out
    await running_stack.payment.wait_until_holding(number)
    assert '"created": false' in (await place(running_stack, "placed-1")).out
    assert is_conflict(await place(running_stack, "placed-1", customer_id="666"))

    await running_stack.payment.clear()
    owners = await sagas.result("placed-1")
    assert is_conflict(await place(running_stack, "placed-1", customer_id="666"))
    assert '"created": false' in (await place(running_stack, "placed-1")).out
    result = await running_stack.temporal("workflow", "result", "-w", "order-placed-1")
    assert "completed" in result.out

    async with running_stack.services() as services:
        await forget(await services.temporal(), "order-placed-1")
    assert is_conflict(await place(running_stack, "placed-1", customer_id="666"))
    assert '"created": false' in (await place(running_stack, "placed-1")).out
    assert await sagas.result("placed-1") == owners
    shown = await running_stack.ordersaga("saga", "show", "placed-1", "--json")
    assert (shown.json()["outcome"], shown.json()["compensations"]) == ("completed", [])


async def test_ten_orders_at_once_under_one_id_are_one_order(
    running_stack: Up, sagas: OrderSagaClient
) -> None:
    await running_stack.receive("71053", 2, "delivery placed-10")
    calls = (place(running_stack, "placed-10", customer_id=f"racer-{n}") for n in range(10))
    ended = await asyncio.gather(*calls)
    assert [one.code == 0 for one in ended].count(True) == 1
    assert [is_conflict(one) for one in ended].count(True) == 9
    assert (await sagas.result("placed-10")).outcome == "completed"


async def test_saga_show_follows_the_owner_past_a_plain_start_of_another_order(
    running_stack: Up, sagas: OrderSagaClient
) -> None:
    await running_stack.receive("71053", 2, "delivery placed-2")
    await sagas.place(order_document("placed-2"))
    owners = await sagas.result("placed-2")
    before = (await running_stack.ordersaga("saga", "show", "placed-2", "--json")).json()
    started = await running_stack.temporal(
        *("workflow", "execute", "--type", "OrderFulfillment", "--task-queue", "orders"),
        *("--workflow-id", "order-placed-2", "-o", "json"),
        *("--input", json.dumps(order_document("placed-2", customer_id="666"))),
    )
    assert "OrderConflict" in started.out + started.err
    after = (await running_stack.ordersaga("saga", "show", "placed-2", "--json")).json()
    assert (after["run_id"], after["run_status"]) == (before["run_id"], "completed")
    assert await sagas.result("placed-2") == owners
    with pytest.raises(OrderConflict):
        await sagas.place(order_document("placed-2", customer_id="666"))

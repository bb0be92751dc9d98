"""Steering many sagas at once from the command line, and how operators hear of them."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from ordersaga_client import OrderSagaClient

from adapters.providers.faults import Fault, FaultKind
from tests.support.stack.stack import Ended, Up, free_ports, order_document, until

WHY = ("--reason", "provider is down")
NO_SHIP = {**order_document("x")["address"], "postal_code": "NOSHIP"}


@pytest.fixture
async def shop(running_stack: Up) -> AsyncIterator["Shop"]:
    async with running_stack.services() as services:
        yield Shop(running_stack, OrderSagaClient(await services.temporal()))
        await running_stack.payment.clear()
        await running_stack.carrier.clear()


class Shop:
    """A running stack and orders that nobody else touches."""

    def __init__(self, stack: Up, sagas: OrderSagaClient) -> None:
        self.stack = stack
        self.sagas = sagas

    async def orders(self, prefix: str, count: int, **changes: Any) -> list[str]:
        """Start sagas; returns the order ids."""
        ids = [f"{prefix}-{n}" for n in range(count)]
        await self.stack.receive("71053", 2 * count, f"delivery {prefix}")
        for order_id in ids:
            await self.sagas.place(order_document(order_id, **changes))
        return ids

    async def run(self, *arguments: str) -> Ended:
        return await self.stack.ordersaga("saga", *arguments)

    async def stuck(self, order_id: str) -> None:
        """An order whose money cannot be given back."""
        await self.stack.payment.add(Fault(FaultKind.INVALID, "refund", order_id))
        await self.stack.receive("71053", 2, f"delivery {order_id}")
        await self.sagas.place(order_document(order_id, address=NO_SHIP))

        async def needs_attention() -> bool:
            return (await self.sagas.status(order_id)).needs_attention

        await until(needs_attention)

    async def acts(self, order_id: str) -> list[str]:
        """What the audit trail says operators did to an order, as ``<who> <what>``."""
        entries = (await self.stack.ordersaga("order", "history", order_id, "--json")).json()
        return [entry["what"] for entry in entries if entry["event_type"] == "OperatorActed"]


def named(prefix: str) -> str:
    return f"WorkflowId STARTS_WITH 'order-{prefix}-'"


async def found(shop: Shop, prefix: str, count: int) -> None:
    """Wait until visibility lists the sagas."""

    async def listed() -> bool:
        answer = await shop.run("list", "--filter", named(prefix), "--json")
        return len(answer.json()) == count

    await until(listed)


async def test_a_filter_is_tried_out_first_and_then_holds_all_it_finds(shop: Shop) -> None:
    await shop.stack.payment.add(Fault(FaultKind.UNAVAILABLE, "confirm", "many-*"))
    ids = await shop.orders("many", 5)
    await found(shop, "many", 5)
    select = ("--filter", named("many"))

    tried = (await shop.run("hold", *select, *WHY, "--dry-run", "--json")).json()
    assert (tried["job"]["orders"], tried["job"]["possible"]) == (5, 5)
    assert sorted(row["order_id"] for row in tried["orders"]) == ids
    assert "WorkflowType = 'OrderFulfillment'" in tried["job"]["selection"]
    unconfirmed = await shop.run("hold", *select, *WHY)
    assert (unconfirmed.code, unconfirmed.out) == (2, "")
    assert "possible for 5 of 5 orders" in unconfirmed.err
    assert not [act for order_id in ids for act in await shop.acts(order_id)]

    job_id = tried["job"]["job_id"]
    held = (await shop.stack.ordersaga("job", "run", job_id, "--json")).json()
    assert held["job"]["outcomes"] == {"done": 5}
    again = await shop.run("hold", *select, *WHY, "--yes", "--json")
    assert again.code == 1
    assert '"refused": 5' in again.out

    await shop.stack.payment.clear()
    resumed = (await shop.run("resume", *ids, "--reason", "it is back", "--json")).json()
    assert resumed["job"]["outcomes"] == {"done": 5}
    for order_id in ids:
        async with asyncio.timeout(150):
            assert (await shop.sagas.result(order_id)).outcome == "completed"
        acts = await shop.acts(order_id)
        assert len(acts) == 2
        assert all("cli:" in act for act in acts)
        assert "provider is down" in acts[0]


async def test_all_that_need_attention_are_told_and_found_in_every_way(shop: Shop) -> None:
    await shop.stuck("stuck-1")
    await shop.stuck("stuck-2")
    mine = ("--needs-attention", "--filter", named("stuck"))

    async def listed() -> bool:
        return len((await shop.run("list", *mine, "--json")).json()) == 2

    await until(listed)
    async with metrics(shop.stack) as port:
        await until(lambda: gauge_is(port, 2), timeout_s=90)
    await shop.stack.payment.clear()
    told = (await shop.run("retry", *mine, "--reason", "refunds work", "--yes", "--json")).json()
    assert sorted((row["order_id"], row["outcome"]) for row in told["orders"]) == [
        ("stuck-1", "done"),
        ("stuck-2", "done"),
    ]
    for order_id in ("stuck-1", "stuck-2"):
        async with asyncio.timeout(150):
            assert (await shop.sagas.result(order_id)).outcome == "cancelled"


@asynccontextmanager
async def metrics(stack: Up) -> AsyncIterator[int]:
    """The metrics port of a projection process of its own."""
    (port,) = free_ports(1)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "ordersaga", "projections", "run", "fulfillments"),
        env={**stack.env, "ORDERSAGA_METRICS_PORT": str(port)},
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0


async def gauge_is(port: int, least: int) -> bool:
    return (await gauge(port) or 0) >= least


async def gauge(port: int) -> float | None:
    """The gauge's values, added up; None as long as nobody serves it."""
    try:
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"http://127.0.0.1:{port}/metrics") as answer,
        ):
            lines = (await answer.text()).splitlines()
    except aiohttp.ClientError:
        return None
    values = [x.rsplit(" ", 1)[1] for x in lines if x.startswith("ordersaga_sagas_needing_atten")]
    return sum(map(float, values)) if values else None


async def test_signals_reach_a_paused_saga_which_refuses_updates(shop: Shop) -> None:
    fault = await shop.stack.payment.add(Fault(FaultKind.HOLD_BEFORE, "confirm", "paused-*"))
    (order_id,) = await shop.orders("paused", 1)
    await shop.stack.payment.wait_until_holding(fault)
    workflow = ("-w", f"order-{order_id}")
    assert (await shop.stack.temporal("workflow", "pause", *workflow)).code == 0
    refused = await shop.run("cancel", order_id, "nobody-at-all", "--reason", "out", "--json")
    assert refused.code == 1
    assert '"refused": 2' in refused.out
    assert "it is paused in Temporal" in refused.out
    assert "there is no such order" in refused.out
    sent = await shop.run("cancel", order_id, "--reason", "out", "--signal", "--json")
    assert sent.json() == {"order_id": order_id, "result": "sent"}
    assert (await shop.stack.temporal("workflow", "unpause", *workflow)).code == 0
    await shop.stack.payment.clear()
    async with asyncio.timeout(150):
        assert (await shop.sagas.result(order_id)).outcome == "cancelled"


async def test_an_address_is_put_right_while_the_saga_is_on_hold_and_the_order_ships(
    shop: Shop,
) -> None:
    fault = await shop.stack.payment.add(Fault(FaultKind.HOLD_BEFORE, "confirm", "moved-*"))
    (order_id,) = await shop.orders("moved", 1, address=NO_SHIP)
    await shop.stack.payment.wait_until_holding(fault)
    assert (await shop.run("hold", order_id, "--reason", "address looks wrong")).code == 0
    await shop.stack.payment.clear()
    moved = await shop.run(
        *("change-address", order_id, "--reason", "asked the customer", "--name", "Ann Example"),
        *("--line1", "2 Low Street", "--city", "York", "--postal-code", "YO1 7HH"),
        *("--country", "GB"),
    )
    assert moved.code == 0, moved.err
    assert (await shop.run("resume", order_id, "--reason", "put right")).code == 0
    async with asyncio.timeout(150):
        assert (await shop.sagas.result(order_id)).outcome == "completed"
    acts = await shop.acts(order_id)
    assert len(acts) == 3
    assert not any("Low Street" in act for act in acts)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("hold", *WHY), "which sagas"),
        (("hold", "some-id", "--step", "on_hold", *WHY), "which sagas"),
        (("hold", "--step", "lunch", *WHY), "--step: must be one of"),
        (("hold", "--filter", "lunch = 12", *WHY, "--yes"), "--filter"),
        (("retry", "some-id", "--dry-run", *WHY), "--dry-run"),
        (("cancel", "a", "b", "--signal", *WHY), "--signal takes one id"),
        (("list", "--filter", "ORDER BY lunch"), "--filter"),
    ],
)
async def test_a_wrong_choice_is_refused_in_one_line(
    running_stack: Up, arguments: tuple[str, ...], says: str
) -> None:
    ended = await running_stack.ordersaga("saga", *arguments)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1), ended.err
    assert says in ended.err


async def test_a_filter_cannot_reach_workflows_that_are_no_sagas(running_stack: Up) -> None:
    started = await running_stack.temporal(
        *("workflow", "start", "--type", "SomethingElse", "--task-queue", "nobody"),
        *("--workflow-id", "order-other"),
    )
    assert started.code == 0
    sly = "WorkflowId = 'none') OR (WorkflowType = 'SomethingElse'"

    async def visible() -> bool:
        count = await running_stack.temporal(
            "workflow", "count", "--query", "WorkflowType = 'SomethingElse'"
        )
        return "1" in count.out

    await until(visible)
    listed = await running_stack.ordersaga("saga", "list", "--filter", sly, "--json")
    assert listed.json() == []
    await running_stack.temporal("workflow", "terminate", "--workflow-id", "order-other")

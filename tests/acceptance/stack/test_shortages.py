"""Unavailable items on a whole stack: real processes, the command line, Temporal's own too."""

import json
from typing import Any

import pytest

from tests.support.stack.stack import Ended, Up, order_document, until

WHY = ("--reason", "asked the customer")


async def _start(stack: Up, order_id: str, sku: str, pieces: int, **terms: object) -> None:
    line = {"sku": sku, "description": "LAMP", "quantity": pieces, "unit_price_minor": 250}
    document = order_document(order_id, lines=[line], unavailable=terms)
    ended = await stack.temporal(
        *("workflow", "start", "--type", "OrderFulfillment", "--task-queue", "orders"),
        *("--workflow-id", f"order-{order_id}", "--input", json.dumps(document)),
    )
    assert ended.code == 0, ended.err


async def _show(stack: Up, *command: str) -> Any:
    return (await stack.ordersaga(*command, "--json")).json()


async def _at(stack: Up, order_id: str, step: str) -> bool:
    ended = await stack.ordersaga("saga", "show", order_id, "--json")
    return ended.code == 0 and ended.json()["step"] == step


async def _status(stack: Up, order_id: str) -> str:
    return str((await _show(stack, "order", "show", order_id))["status"])


async def _ended(stack: Up, order_id: str, status: str) -> bool:
    return await _status(stack, order_id) == status


async def _clean(stack: Up) -> Ended:
    return await stack.ordersaga("verify", "--skip", "read-models")


async def test_two_orders_wait_and_the_first_that_came_is_served_first(
    running_stack: Up,
) -> None:
    stack, sku = running_stack, "QUEUE-1"
    assert (await stack.ordersaga("stock", "receive", sku, "1")).code == 0
    await _start(stack, "queue-1", sku, 3, policy="wait")
    await until(lambda: _at(stack, "queue-1", "awaiting_stock"))
    await _start(stack, "queue-2", sku, 2, policy="ask")
    await until(lambda: _at(stack, "queue-2", "awaiting_choice"))
    shown = await _show(stack, "stock", "show", sku)
    assert (shown["available"], shown["reserved"], shown["backordered"]) == (0, 1, 4)
    assert shown["waiting"] == [
        {"order_id": "queue-1", "pieces": 2},
        {"order_id": "queue-2", "pieces": 2},
    ]
    saga = await _show(stack, "saga", "show", "queue-2")
    assert (saga["order_status"], saga["choices"]) == ("backordered", ["wait", "cancel"])
    assert (await _clean(stack)).code == 0

    assert (await stack.ordersaga("stock", "receive", sku, "3")).code == 0
    await until(lambda: _ended(stack, "queue-1", "completed"))
    assert await _status(stack, "queue-2") == "backordered"
    await until(lambda: _can(stack, "queue-2", "ship_available"))
    chosen = ("saga", "choose", "queue-2", "--choice", "ship_available", *WHY)
    assert (await stack.ordersaga(*chosen)).code == 0
    await until(lambda: _ended(stack, "queue-2", "completed"))
    order = await _show(stack, "order", "show", "queue-2")
    assert ([line["quantity"] for line in order["lines"]], order["total_minor"]) == ([1], 250)

    history = await stack.ordersaga("order", "history", "queue-2")
    assert "not available: 2 of 2 of QUEUE-1, the customer is asked" in " ".join(
        history.out.split()
    )
    audit = await _show(stack, "audit", "queue-2")
    acts = [row["reason"] for row in audit["items"] if row["event_type"] == "OperatorActed"]
    assert acts == ["asked the customer"]
    ended = await stack.ordersaga("verify")
    assert ended.code == 0, ended.out


async def _can(stack: Up, order_id: str, choice: str) -> bool:
    return choice in (await _show(stack, "saga", "show", order_id))["choices"]


async def test_many_waiting_orders_are_answered_at_once_and_an_order_is_amended(
    running_stack: Up,
) -> None:
    stack, sku = running_stack, "QUEUE-2"
    orders = ["bulk-1", "bulk-2", "bulk-3"]
    for order_id in orders:
        await _start(stack, order_id, sku, 2, policy="ask")
        await until(lambda order_id=order_id: _at(stack, order_id, "awaiting_choice"))
    cancelled = ("saga", "choose", *orders[:2], "--choice", "cancel", *WHY)
    told = (await stack.ordersaga(*cancelled, "--json")).json()
    outcomes = told["job"]["outcomes"]
    assert outcomes.get("done", 0) + outcomes.get("pending", 0) == 2, told
    for order_id in orders[:2]:
        await until(lambda order_id=order_id: _ended(stack, order_id, "cancelled"))
    late = await stack.ordersaga("saga", "choose", orders[0], "--choice", "wait", *WHY)
    assert late.code == 1
    wrong = await stack.ordersaga("saga", "amend", orders[2], "--line", "1=3", *WHY)
    assert wrong.code == 1
    assert "none can be added" in wrong.err
    amended = await stack.ordersaga("saga", "amend", orders[2], "--line", "1=1", *WHY)
    assert amended.code == 0, amended.err
    assert (await stack.ordersaga("stock", "receive", sku, "1")).code == 0
    await until(lambda: _ended(stack, orders[2], "completed"))
    assert (await _show(stack, "order", "show", orders[2]))["total_minor"] == 250
    ended = await _clean(stack)
    assert ended.code == 0, ended.out


@pytest.mark.parametrize("line", ["LAMP", "=1", "LAMP=", "LAMP=-1", "LAMP=1.5"])
async def test_a_line_that_cannot_be_read_is_refused(running_stack: Up, line: str) -> None:
    ended = await running_stack.ordersaga("saga", "amend", "any", "--line", line, *WHY)
    assert ended.code == 2
    assert "--line" in ended.err


async def test_an_order_of_the_command_line_waits_and_is_served(running_stack: Up) -> None:
    stack, sku = running_stack, "QUEUE-3"
    where = ("--name", "Ann", "--line1", "1 Street", "--city", "Leeds")
    for command in (
        ("order", "create", "typed-1"),
        ("order", "add-item", "typed-1", sku, "--price", "2.50"),
        ("order", "set-address", "typed-1", *where, "--postal-code", "LS1", "--country", "GB"),
        ("order", "submit", "typed-1", "--token", "tok_visa", "--unavailable", "wait"),
    ):
        ended = await stack.ordersaga(*command)
        assert ended.code == 0, ended.err
    await until(lambda: _at(stack, "typed-1", "awaiting_stock"))
    assert (await stack.ordersaga("stock", "receive", sku, "1")).code == 0
    await until(lambda: _ended(stack, "typed-1", "completed"))

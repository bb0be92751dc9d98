"""Orders of the shapes that shops have, on the whole stack: the books agree to the penny."""

import json

import pytest

from domain.values import CaptureMode
from tests.support.sagas.real_orders import SHAPES
from tests.support.stack.checkouts import sandbox_checkout
from tests.support.stack.stack import Up, order_document, until


@pytest.mark.timeout(900)  # many orders, each by several processes
async def test_orders_of_all_real_shapes_end_with_the_books_in_order(running_stack: Up) -> None:
    up = running_stack
    for number, shape in enumerate(SHAPES.values()):
        order_id = f"SHAPE{number}"
        document = shape.document(order_document(order_id))
        if "confirmed" in (document.get("payment") or {}):
            bank, total = up.state().payment_url, document["total_minor"]
            reference = await sandbox_checkout(bank, CaptureMode.AUTOMATIC, total)
            document["payment"] = {"confirmed": {"reference": reference}}
        for sku in {line["sku"] for line in document["lines"] if "kind" not in line}:
            await up.receive(sku, 10, "first")
        started = await up.temporal(
            *("workflow", "execute", "--type", "OrderFulfillment", "--task-queue", "orders"),
            *("--workflow-id", f"order-{order_id}", "--input", json.dumps(document)),
        )
        assert started.code == 0, started.err
        shown = (await up.ordersaga("order", "show", order_id, "--json")).json()
        assert (shown["status"], shown["total_minor"]) == ("completed", shape.total)
        assert shown["gift_card_minor"] == shape.gift_card
    first = ("return", "open", "SHAPE0", "R1", "--all", "--refund", "full", "--restock", "all")
    assert (await up.ordersaga(*first, "--reason", "all of it")).code == 0

    async def is_refunded() -> bool:
        rows = (await up.ordersaga("return", "list", "--order", "SHAPE0", "--json")).json()
        return [row["refund_minor"] for row in rows["items"] if row["refund"] == "refunded"] == [
            SHAPES["discount, tax and shipping"].total
        ]

    await until(is_refunded)
    found = (await up.ordersaga("orders", "search", "#10", "--json")).json()["items"]
    references = {row["order_id"]: row["reference"] for row in found}
    assert references == {"SHAPE0": "#1001", "SHAPE8": "#1002"}
    verified = await up.ordersaga("verify")
    assert verified.code == 0, verified.out

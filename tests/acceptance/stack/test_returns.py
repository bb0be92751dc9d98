"""After the pivot, through the command line alone: scans, a lost parcel, a return of a part."""

import json
from typing import Any

from ordersaga.books.table import last_comparison, list_differences
from tests.support.stack.stack import Ended, Up, order_document, until


async def shipped(up: Up, order_id: str) -> None:
    """An order of two lanterns whose saga has completed."""
    sku = f"{order_id}-sku"
    lines = [{"sku": sku, "description": "LANTERN", "quantity": 2, "unit_price_minor": 339}]
    await up.receive(sku, 10, "first")
    document = json.dumps(order_document(order_id, lines=lines))
    started = await up.temporal(
        *("workflow", "execute", "--type", "OrderFulfillment", "--task-queue", "orders"),
        *("--workflow-id", f"order-{order_id}", "--input", document),
    )
    assert started.code == 0, started.err


async def json_of(up: Up, *arguments: str) -> Any:
    return (await up.ordersaga(*arguments, "--json")).json()


async def until_listed(up: Up, *arguments: str, **wanted: Any) -> dict[str, Any]:
    """Wait until a read model's listing has a row with these values; returns it."""
    found: list[dict[str, Any]] = []

    async def there() -> bool:
        rows = (await json_of(up, *arguments))["items"]
        found[:] = [row for row in rows if all(row[k] == v for k, v in wanted.items())]
        return bool(found)

    await until(there)
    return found[0]


async def test_a_parcel_is_followed_and_a_part_of_it_comes_back(running_stack: Up) -> None:
    up, order_id = running_stack, "BACK1"
    await shipped(up, order_id)
    for status in ("in_transit", "handed_over", "delivered", "delivered"):
        told = await json_of(up, "parcel", "report", order_id, "--status", status)
        assert told["workflow_id"] == f"delivery-{order_id}"
    await until_listed(up, "parcel", "list", order_id=order_id, status="delivered")

    line = ("--line", "1=1", "--reason", "broken")
    opened = await json_of(up, "return", "open", order_id, "R1", *line)
    assert opened["undecided"] == ["refund", "restock"]
    again = await json_of(up, "return", "open", order_id, "R1", *line)
    assert again["content_digest"] == opened["content_digest"]
    await until_listed(up, "return", "list", "--open", order_id=order_id, needs_attention=True)

    too_much = ("refund", order_id, "R1", "--amount-minor", "679", "--reason", "angry")
    refused = await up.ordersaga("return", *too_much)
    assert (refused.code, "only 678 minor units" in refused.err) == (1, True)
    await json_of(up, "return", "refund", order_id, "R1", "full", "--reason", "broken")
    await json_of(up, "return", "restock", order_id, "R1", "none", "--reason", "broken")
    row = await until_listed(up, "return", "list", "--order", order_id, refund="refunded")
    assert (row["refund_minor"], row["currency"], row["restock"]) == (339, "GBP", "none")
    for command, shown in (
        (("return", "list", "--order", order_id), "refunded"),
        (("return", "show", order_id, "R1"), "339"),
        (("parcel", "list"), "delivered"),
        (("parcel", "show", order_id), "Sandbox Express"),
        (("audit", order_id), "RefundGranted"),
    ):
        assert shown in (await up.ordersaga(*command)).out
    story = [entry["event_type"] for entry in await json_of(up, "order", "history", order_id)]
    assert {"ShipmentDelivered", "ReturnOpened", "RefundGranted", "PaymentRefunded"} < set(story)


async def test_a_lost_parcel_opens_a_return_and_the_books_agree(running_stack: Up) -> None:
    up, order_id = running_stack, "LOST-ON-ITS-WAY"
    await shipped(up, order_id)
    scan = json.dumps({"status": "lost", "at": "2026-01-31T12:00:00Z"})
    reported = await up.temporal(
        *("workflow", "signal-with-start", "--type", "OrderDelivery", "--task-queue", "orders"),
        *("--workflow-id", f"delivery-{order_id}"),
        *("--signal-name", "carrier_update", "--signal-input", scan),
    )
    assert reported.code == 0, reported.err
    await until_listed(up, "return", "list", order_id=order_id, kind="lost", restock="none")
    await json_of(up, "return", "refund", order_id, "lost", "full", "--reason", "lost")
    closed = await until_listed(up, "return", "list", order_id=order_id, refund="refunded")
    assert closed["refund_minor"] == 678
    assert (await up.ordersaga("recover")).code == 0
    verified = await up.ordersaga("verify")
    assert verified.code == 0, verified.out
    async with up.services() as services:
        compared = await last_comparison(services.pool)
        assert compared is not None
        assert (compared.provider, compared.differences) == ("sandbox", 0)
        assert (await list_differences(services.pool)).items == ()


async def test_a_return_that_cannot_be_is_refused_with_one_line(running_stack: Up) -> None:
    up, order_id = running_stack, "NORET1"
    await shipped(up, order_id)

    async def refused(*arguments: str) -> Ended:
        ended = await up.ordersaga("return", "open", order_id, *arguments, "--reason", "x")
        assert ended.err.count("\n") == 1
        return ended

    three = await refused("R1", "--line", "1=3")
    assert (three.code, "2 are left to return" in three.err) == (1, True)
    assert (await refused("R-1", "--all")).code == 1
    assert (await refused("R1", "--line", "nonsense")).code == 2
    assert (await refused("R1")).code == 2
    assert (await json_of(up, "return", "list", "--order", order_id))["items"] == []

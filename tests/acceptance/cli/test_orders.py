"""`ordersaga order` and `stock`: the life of an order on the command line, and its past."""

from pathlib import Path

import pytest

from tests.acceptance.cli_shop import ADDRESS, CliShop


@pytest.fixture
async def shop(empty_database: str, tmp_path: Path) -> CliShop:
    return await CliShop.opened(empty_database, tmp_path)


async def test_an_order_is_put_together_submitted_and_shown_as_it_was(shop: CliShop) -> None:
    created = await shop.json("order", "create", "A1", "--customer", "C7")
    assert (created["status"], created["version"], created["lines"]) == ("draft", 1, [])
    await shop.json(
        "order",
        "add-item",
        "A1",
        "71053",
        "--price",
        "3.39",
        "--quantity",
        "2",
        "--description",
        "LANTERN 🏮",
    )
    await shop.json("order", "add-item", "A1", "22222", "--price", "0.5")
    await shop.json("order", "set-quantity", "A1", "1", "4")
    await shop.json("order", "remove-item", "A1", "2")
    then = await shop.json("order", "set-address", "A1", *ADDRESS)
    submitted = await shop.json(
        "order", "submit", "A1", "--token", "tok_visa", "--capture", "on_shipment"
    )
    assert (submitted["status"], submitted["total"], submitted["version"]) == (
        "submitted",
        "13.56 GBP",
        7,
    )
    assert (submitted["capture"], submitted["address"]["city"]) == ("on_shipment", "Leeds")
    assert submitted["lines"][0]["description"] == "LANTERN 🏮"

    second = await shop.json("order", "show", "A1", "--at-version", "2")
    assert (second["version"], second["total"]) == (2, "6.78 GBP")
    earlier = await shop.json("order", "show", "A1", "--at", then["as_of"])
    assert (earlier["version"], earlier["status"]) == (6, "draft")
    before = await shop.run("order", "show", "A1", "--at", "2001-01-01")
    assert (before.code, "there is no order" in before.err) == (1, True)

    story = await shop.json("order", "history", "A1")
    assert [entry["event_type"] for entry in story] == [
        "OrderCreated",
        "ItemAdded",
        "ItemAdded",
        "QuantityChanged",
        "ItemRemoved",
        "AddressSet",
        "OrderSubmitted",
    ]
    assert all(entry["actor"].startswith("cli:") for entry in story)
    assert all(entry["correlation_id"] == "order-A1" for entry in story)
    shown = await shop.run("order", "show", "A1")
    assert "13.56 GBP" in shown.out
    assert "tok_visa" not in shown.out + str(submitted) + str(story)


async def test_services_and_adjustments_count_and_a_reference_gives_the_id(shop: CliShop) -> None:
    derived = (await shop.json("order", "id", " #1001 "))["order_id"]
    created = await shop.json("order", "create", "--reference", "#1001")
    assert (created["order_id"], created["reference"]) == (derived, "#1001")
    await shop.json("order", "add-item", derived, "71053", "--price", "10", "--quantity", "3")
    await shop.json("order", "add-item", derived, "71053", "--price", "9", "--line", "second")
    await shop.json("order", "add-service", derived, "shipping", "--price", "4.99")
    await shop.json("order", "adjust", derived, "--line", "1", "--tax", "1.50")
    await shop.json("order", "adjust", derived, "--discount", "4.55", "--included-tax", "3")
    await shop.json("order", "set-address", derived, *ADDRESS)
    more = ("--email", "ada@example.org", "--metadata", "channel=web")
    submitted = await shop.json("order", "submit", derived, "--token", "tok_visa", *more)
    assert [line["line_id"] for line in submitted["lines"]] == ["1", "second", "3"]
    assert submitted["total_minor"] == 3000 + 900 + 499 + 150 - 455
    assert sum(line["amount_minor"] for line in submitted["lines"]) == submitted["total_minor"]
    assert submitted["customer"] == {"email": "ada@example.org"}
    assert submitted["metadata"] == {"channel": "web"}
    shown = await shop.run("order", "show", derived)
    assert ("included in the prices" in shown.out, "ada@example.org" in shown.out) == (True, True)
    wrong = await shop.run("order", "add-service", derived, "goods", "--price", "1")
    assert wrong.code == 2


async def test_a_draft_is_cancelled_at_once_and_an_order_under_way_by_its_saga(
    shop: CliShop,
) -> None:
    await shop.draft("A1")
    cancelled = await shop.json("order", "cancel", "A1", "--reason", "changed my mind")
    assert (cancelled["status"], cancelled["detail"]) == ("cancelled", "changed my mind")
    await shop.draft("A2")
    await shop.json("order", "submit", "A2", "--token", "tok_visa")
    head = await shop.head()
    ended = await shop.run("order", "cancel", "A2")
    assert (ended.code, "Temporal" in ended.err) == (3, True)
    assert await shop.head() == head


async def test_what_the_domain_refuses_ends_with_1_and_changes_nothing(shop: CliShop) -> None:
    await shop.draft("A1")
    await shop.json("order", "create", "empty")
    await shop.draft("done")
    await shop.json("order", "submit", "done", "--token", "tok_visa")
    head = await shop.head()
    refused = [
        ("order", "create", "A1"),
        ("order", "add-item", "A1", "71053", "--price", "-9.99"),
        ("order", "add-item", "A1", "71053", "--price", "3.39", "--quantity", "1000000"),
        ("order", "remove-item", "A1", "2"),
        ("order", "adjust", "A1", "--line", "2", "--tax", "1"),
        ("order", "adjust", "A1", "--line", "1", "--discount", "1000"),
        ("order", "submit", "A1"),
        ("order", "submit", "empty", "--token", "tok_visa"),
        ("order", "submit", "done", "--token", "tok_visa"),
        ("order", "add-item", "done", "22222", "--price", "1"),
        ("stock", "adjust", "71053", "--by", "-1", "--reason", "count"),
    ]
    for command, ended in zip(refused, await shop.run_all(refused), strict=True):
        assert (ended.code, ended.err.count("\n")) == (1, 1), (command, ended.err)
        assert ended.err.startswith("error: ")
    assert await shop.head() == head


async def test_stock_is_received_once_per_reference_and_adjusted(shop: CliShop) -> None:
    for _ in range(2):
        received = await shop.json("stock", "receive", "71053", "10", "--reference", "D1")
        assert received["on_hand"] == 10
    adjusted = await shop.json("stock", "adjust", "71053", "--by", "-3", "--reason", "broken")
    assert (adjusted["on_hand"], adjusted["available"]) == (7, 7)
    assert (await shop.json("stock", "show", "71053"))["on_hand"] == 7


async def test_an_unreachable_database_ends_with_3(shop: CliShop) -> None:
    env = {**shop.env, "ORDERSAGA_DATABASE_URL": "postgresql://shop:hunter2@127.0.0.1:1/none"}
    ended = await CliShop(shop.database_url, shop.folder, env).run("order", "show", "A1")
    assert ended.code == 3
    assert "hunter2" not in ended.out + ended.err

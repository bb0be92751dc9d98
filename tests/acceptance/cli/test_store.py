"""`ordersaga store …` as processes: partitions and the archive of closed orders."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.acceptance.cli_shop import CliShop
from tests.support.stores.event_store import opened_store
from tests.support.stores.read_models import Order, append_events


@pytest.fixture
async def shop(empty_database: str, tmp_path: Path) -> CliShop:
    return await CliShop.opened(empty_database, tmp_path)


async def told(shop: CliShop) -> str:
    """Two completed orders and one under way; returns the time after them."""
    async with opened_store(shop.database_url) as store:
        for order_id in ("A1", "A2"):
            await append_events(store, *Order(order_id).completed())
        open_order = Order("B1")
        await append_events(store, open_order.draft(), open_order.submit())
    return datetime.now(UTC).isoformat()


async def test_closed_orders_are_archived_and_shown_as_before(shop: CliShop) -> None:
    start = datetime.now(UTC).isoformat()
    limit = await told(shop)
    shown = await shop.json("order", "history", "A1")
    nothing = await shop.json("store", "archive", "--closed-before", start)
    assert (nothing["orders"], nothing["events"]) == (0, 0)
    counted = await shop.json("store", "archive", "--closed-before", limit, "--dry-run")
    assert counted["orders"] == 2
    assert (await shop.json("store", "status"))["archived_events"] == 0
    moved = await shop.json("store", "archive", "--closed-before", limit, "--batch", "1")
    assert {**moved, "dry_run": True} == counted
    again = await shop.json("store", "archive", "--closed-before", limit)
    assert again["orders"] == 0
    status = await shop.json("store", "status")
    assert status["archived_events"] == moved["events"] > 0
    assert await shop.json("order", "history", "A1") == shown
    back = await shop.json("store", "restore", "A1")
    assert 0 < back["events"] < moved["events"]


async def test_partitions_are_made_and_shown(shop: CliShop) -> None:
    await told(shop)
    early = await shop.run("store", "add-partitions")
    assert early.code == 1
    assert "store partition" in early.err
    assert (await shop.json("store", "partition", "--size", "1000"))["partitioned"]
    assert not (await shop.json("store", "partition", "--size", "1000"))["partitioned"]
    assert (await shop.json("store", "add-partitions", "--ahead", "6"))["made"] > 0
    status = await shop.json("store", "status")
    assert status["size"] == 1000
    assert len(status["partitions"]) > 5
    assert "events_default" in (await shop.run("store", "status")).out
    checks = await shop.run("doctor")
    assert "ok   partitions" in checks.out


@pytest.mark.parametrize("limit", ["2999-01-01", "yesterday-ish"])
async def test_a_limit_that_is_no_past_time_is_refused(shop: CliShop, limit: str) -> None:
    assert (await shop.run("store", "archive", "--closed-before", limit)).code == 2

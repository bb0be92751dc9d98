"""`ordersaga verify` as a program: clean, spoilt, and with servers away."""

from pathlib import Path
from uuid import uuid4

import pytest

from eventstore.model import Expected, Metadata, NewEvent, StreamAppend
from tests.acceptance.cli_shop import CliShop

ALONE = ("--skip", "payments", "--skip", "carrier", "--skip", "sagas")


@pytest.fixture
async def shop(empty_database: str, tmp_path: Path) -> CliShop:
    shop = await CliShop.opened(empty_database, tmp_path)
    await shop.draft("A1")
    return shop


async def insert(shop: CliShop, stream: str, event_type: str, **data: object) -> None:
    event = NewEvent(uuid4(), event_type, data, Metadata("c", "c", "a careless hand"))
    async with shop.services() as services:
        await services.store.append(StreamAppend(stream, Expected.ANY, [event]))


async def test_a_sound_shop_is_clean(shop: CliShop) -> None:
    report = await shop.json("verify", *ALONE)
    assert (report["clean"], report["complete"], report["findings"]) == (True, True, [])
    assert {missing["check"] for missing in report["not_checked"]} == {
        "payments",
        "carrier",
        "sagas",
    }


async def test_an_inserted_fault_is_named_and_ends_with_1(shop: CliShop) -> None:
    await insert(shop, "stock-71053", "StockReserved", sku="71053", order_id="nobody", quantity=3)
    ended = await shop.run("verify", *ALONE)
    assert ended.code == 1
    assert "reservation_without_open_order" in ended.out
    assert "nobody" in ended.out
    assert "stock_below_zero" in ended.out
    assert "3 of 71053" in ended.out


async def test_a_read_model_that_was_tampered_with_is_named(
    shop: CliShop,
) -> None:
    async with shop.services() as services:
        await services.pool.execute(
            "INSERT INTO read_models.stock_levels"
            " (sku, on_hand, reserved, received, shipped, backordered, updated_at)"
            " VALUES ('71053', 1, 0, 1, 0, 0, now())"
        )
    ended = await shop.run("verify", *ALONE, "--json")
    assert ended.code == 1
    assert "read_model_equals_fold" in ended.out
    assert "stock_levels" in ended.out


async def test_servers_that_are_away_are_named_and_end_with_3(shop: CliShop) -> None:
    ended = await shop.run("verify")
    assert ended.code == 3
    for check in ("payments", "carrier", "sagas"):
        assert f"not checked: {check}" in ended.out
    assert "no offender, but not everything checked" in ended.out

"""`ordersaga import` while the connections to the database break again and again."""

from pathlib import Path

import pytest

from ordersaga.demo.source import SHIPPED_SAMPLE
from tests.acceptance.cli_shop import CliShop
from tests.support.faults import database as faults
from tests.support.stack.stack import ordersaga
from tests.support.stores.logins import as_processes

IMPORT = ("import", str(SHIPPED_SAMPLE), "--limit", "200", "--with-stock", "100", "--json")
WAITING = "the event store is unavailable: waiting for it, each time for up to 60 s\n"


@pytest.fixture
async def shop(empty_database: str, tmp_path: Path) -> CliShop:
    return await CliShop.opened(empty_database, tmp_path)


async def test_an_import_rides_out_connections_that_are_killed(shop: CliShop) -> None:
    url = await as_processes(shop.database_url)
    env = {**shop.env, "ORDERSAGA_DATABASE_URL": url}
    async with faults.killed_connections(shop.database_url, "processes", every_s=0.2):
        summary = None
        for _ in range(10):  # its first connections may be killed: then it says so and ends
            ended = await ordersaga(*IMPORT, env=env, cwd=shop.folder)
            if ended.code == 0:
                summary = ended.json()
                break
            assert ended.code == 3
            assert ended.err.startswith("error: PostgreSQL at "), ended.err
    assert summary is not None
    # One line for people at most, and no other text.
    assert ended.err in ("", WAITING)
    assert summary["orders_new"] + summary["orders_already_there"] == 200
    again = await shop.json(*IMPORT[:-1])
    assert (again["orders_new"], again["orders_already_there"]) == (0, 200)
    assert again["pieces_received"] == 0

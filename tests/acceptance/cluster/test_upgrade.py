"""Temporal's server is upgraded by a minor version, one process at a time, under open sagas."""

import asyncio
import os
import signal
from pathlib import Path

import aiohttp
import pytest

from ordersaga.demo.source import SHIPPED_SAMPLE
from ordersaga.embedded.layout import TEMPORAL
from ordersaga.embedded.ports import HOST, is_free
from tests.support.cluster import switch
from tests.support.cluster.cluster import point_at, prepare_schema
from tests.support.cluster.layout import DATABASES, SERVICES, Layout, members
from tests.support.cluster.programs import BEFORE, VERSION
from tests.support.faults.temporal_lost import open_at_random_points
from tests.support.stack.chaos_shop import ChaosShop, chaos_shop, real_orders
from tests.support.stack.stack import until

OPEN = 30
MEANWHILE = 20


@pytest.mark.cluster
async def test_open_sagas_do_not_notice_an_upgrade_of_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(switch.VARIABLE, f"cluster:{BEFORE}")
    orders = real_orders(SHIPPED_SAMPLE, OPEN + MEANWHILE, seed=11)
    async with chaos_shop(tmp_path / "data", print) as shop:
        layout = Layout.found(shop.stack.data_dir / "temporal.db")
        assert await served_version(layout) == BEFORE
        await open_at_random_points(shop, orders[:OPEN], seed=11)
        await shop.receive_stock_for(orders[OPEN:], some_short=False)
        opened = await shop.open()
        assert len(opened) >= OPEN * 0.8

        async with asyncio.TaskGroup() as group:
            group.create_task(upgrade(shop, layout))
            for order in orders[OPEN:]:
                group.create_task(shop.submit(order, through_temporal=True))

        assert await served_version(layout) == VERSION
        assert set(await shop.open()) >= set(opened)  # the providers still refuse them
        await shop.calm_down()
        settled = await shop.settle(240)
        assert (settled.stuck, settled.attention, settled.recovered) == ([], [], 0)
        report = await shop.verify()
        assert report.complete
        assert report.clean


async def upgrade(shop: ChaosShop, layout: Layout) -> None:
    """First the schema, which the version before can use as well, then one process at a time."""
    for database in DATABASES:
        await asyncio.to_thread(prepare_schema, layout, database, VERSION)
    for name in SERVICES:
        point_at(layout.program(name), VERSION)
        before = running(shop)[name]
        os.kill(before, signal.SIGTERM)
        await until(lambda n=name, b=before: restarted(shop, layout, n, b))


def restarted(shop: ChaosShop, layout: Layout, name: str, before: int) -> bool:
    """Whether the process is another one, of the new version, and takes calls."""
    pid = running(shop).get(name, before)
    if pid == before or is_free(layout.grpc[name]):
        return False
    assert Path(f"/proc/{pid}/exe").readlink().parent.name == VERSION
    return True


def running(shop: ChaosShop) -> dict[str, int]:
    """Process ids of the cluster by name."""
    return members(shop.stack.pids()[TEMPORAL])


async def served_version(layout: Layout) -> str:
    """What the frontend says that it is."""
    url = f"http://{HOST}:{layout.http}/api/v1/cluster-info"
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        return str((await answer.json())["serverVersion"])

"""`ordersaga projections …` as processes, against a database of their own."""

import asyncio
import json
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest

from projections.operations.repairs.table import Asked, RepairKind, ask
from projections.read_models.current_orders import model as current_orders
from projections.registry import ALL
from tests.acceptance.cli_shop import CliShop
from tests.support.stack.stack import free_ports, until
from tests.support.stores.event_store import opened_pool, opened_store
from tests.support.stores.logins import as_only
from tests.support.stores.read_models import Order, append_events, append_raw


@pytest.fixture
async def shop(empty_database: str, tmp_path: Path) -> CliShop:
    return await CliShop.opened(empty_database, tmp_path)


async def _append(shop: CliShop, *order_ids: str) -> None:
    async with opened_store(shop.database_url) as store:
        for order_id in order_ids:
            await append_events(store, *Order(order_id).completed())


@asynccontextmanager
async def _following(shop: CliShop, **settings: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`ordersaga projections run` as a process."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "ordersaga", "projections", "run"),
        env={**shop.env, **settings},
        stderr=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()


async def test_status_shows_lag_and_turns_bad_when_nobody_moves_a_lane(shop: CliShop) -> None:
    await _append(shop, "A1")
    await _set_moved(shop, "now() + interval '1 hour'")  # on a slow machine too it moved just now
    behind = await shop.json("projections", "status", "current_orders")
    assert [lane["state"] for lane in behind] == ["behind"]
    assert behind[0]["lag_positions"] == behind[0]["head"] > 0
    assert behind[0]["lag_seconds"] > 0
    await _make_old(shop)
    stuck = await shop.run("projections", "status", "current_orders")
    assert stuck.code == 1
    assert "no worker has moved it" in stuck.err
    connection = await asyncpg.connect(shop.database_url)
    async with connection.transaction():
        await connection.execute("SELECT FROM read_models.checkpoints FOR UPDATE")
        held = await shop.run("projections", "status", "current_orders", "--json")
    await connection.close()
    assert held.code == 1
    (lane,) = json.loads(held.out)
    assert lane["state"] == "stuck"
    assert "a worker holds it" in lane["problem"]


async def _set_moved(shop: CliShop, moment: str) -> None:
    """Set when the checkpoints last moved."""
    connection = await asyncpg.connect(shop.database_url)
    await connection.execute(f"UPDATE read_models.checkpoints SET updated_at = {moment}")  # noqa: S608  our own text
    await connection.close()


async def _make_old(shop: CliShop) -> None:
    """As if everything had happened an hour ago."""
    await _set_moved(shop, "now() - interval '1 hour'")
    connection = await asyncpg.connect(shop.database_url)
    await connection.execute("SET session_replication_role = replica")
    await connection.execute("ALTER TABLE eventstore.events DISABLE TRIGGER events_append_only")
    await connection.execute(
        "UPDATE eventstore.events SET recorded_at = recorded_at - interval '1 hour'"
    )
    await connection.execute(
        "ALTER TABLE eventstore.events ENABLE ALWAYS TRIGGER events_append_only"
    )
    await connection.close()


async def test_status_is_good_once_everything_is_applied(shop: CliShop) -> None:
    await _append(shop, "A1")
    async with _following(shop):
        await until(lambda: _is_current(shop), 180)


async def _is_current(shop: CliShop, *names: str) -> bool:
    """Whether these read models (all without names) are current; they may be stuck until then."""
    result = await shop.run("projections", "status", *names, "--json")
    return all(lane["state"] == "current" for lane in json.loads(result.out))


async def test_rebuild_reports_progress_and_replaces_the_tables(shop: CliShop) -> None:
    await _append(shop, "A1", "B2")
    rebuilt = await shop.run("projections", "rebuild", "current_orders", "--json")
    assert rebuilt.json()["projection"] == "current_orders"
    assert "current_orders: 100 %" in rebuilt.err
    assert "done" in rebuilt.err
    page = await shop.json("orders", "current")
    assert {order["order_id"] for order in page["items"]} == {"A1", "B2"}
    sorted_by_total = ("--sort", "lowest_total", "--currency", "GBP")
    page = await shop.json("orders", "current", "--sku", "71053", *sorted_by_total)
    assert [order["order_id"] for order in page["items"]] == ["A1", "B2"]
    assert (await shop.json("orders", "current", "--sku", "none"))["items"] == []
    refused = await shop.run("orders", "current", "--sort", "lowest_total")
    assert (refused.code, "is needed to sort by totals" in refused.err) == (1, True)


async def test_a_paused_read_model_says_so_until_it_is_resumed(shop: CliShop) -> None:
    paused = await shop.json("projections", "pause", "current_orders")
    assert paused == {"paused": ["current_orders"]}
    await _append(shop, "A1")
    async with _following(shop):
        await until(lambda: _is_current(shop, "order_history"), 180)
        (lane,) = await shop.json("projections", "status", "current_orders")
        assert (lane["state"], lane["position"]) == ("paused", 0)
        assert (await shop.run("projections", "resume", "current_orders")).code == 0
        await until(lambda: _is_current(shop, "current_orders"), 180)


async def test_dead_letters_are_listed_and_replayed(shop: CliShop) -> None:
    async with opened_store(shop.database_url) as store:
        await append_raw(store, "order-A1", "FromTheFuture", {})
    assert (await shop.run("projections", "rebuild", "current_orders")).code == 0
    page = await shop.json("projections", "dead-letters", "current_orders")
    assert [(x["stream"], x["events"]) for x in page["items"]] == [("order-A1", 1)]
    letters = await shop.json("projections", "dead-letters", "current_orders", "--stream=order-A1")
    assert [(x["event_type"], x["waiting"]) for x in letters] == [("FromTheFuture", False)]
    again = await shop.run("projections", "replay", "current_orders", "--stream", "order-A1")
    assert again.code == 1
    assert "UnknownEventType" in again.out
    other = await shop.run("projections", "replay", "current_orders", "--stream", "order-B2")
    assert other.code == 1
    assert "not parked" in other.err


async def test_parked_streams_show_in_health_and_metrics_as_long_as_they_are_parked(
    shop: CliShop,
) -> None:
    health_port, metrics_port = free_ports(2)
    ports = {
        "ORDERSAGA_HEALTH_PORT": str(health_port),
        "ORDERSAGA_METRICS_PORT": str(metrics_port),
    }
    async with opened_store(shop.database_url) as store:
        await append_raw(store, "shipment-A1", "FromTheFuture", {})
    async with _following(shop, **ports) as process, aiohttp.ClientSession() as session:

        async def says(url: str, pattern: str) -> bool:
            try:
                async with session.get(url) as answer:
                    return bool(answer.status == 200 and re.search(pattern, await answer.text()))
            except aiohttp.ClientError:
                return False

        health = f"http://127.0.0.1:{health_port}/readyz"
        metrics = f"http://127.0.0.1:{metrics_port}/metrics"
        gauge = r'ordersaga_parked_streams{projection="parcels"[^}]*}'
        await until(lambda: says(health, "parcels: 1 parked streams"), 180)
        await until(lambda: says(metrics, gauge + r" 1\n"), 180)
        connection = await asyncpg.connect(shop.database_url)
        # What a replay does that succeeds.
        await connection.execute("DELETE FROM read_models.parked_streams")
        await connection.execute("UPDATE read_models.checkpoints SET parked = 0")
        await connection.close()
        await until(lambda: says(metrics, gauge + r" 0\n"), 180)
        assert process.returncode is None


async def test_a_rebuild_that_was_asked_for_outlives_the_process_that_began_it(
    shop: CliShop,
) -> None:
    await _append(shop, "A1", "B2")
    reader = await asyncpg.connect(shop.database_url)
    await reader.execute("UPDATE read_models.current_orders SET status = 'wrong'")
    async with opened_pool(await as_only(shop.database_url, "api")) as api:
        model, who = current_orders.PROJECTION, "operator:ann"
        place = (RepairKind.REBUILD, model.name, model.version, "")
        asked = await ask(api, Asked(*place, who, "rows are wrong", "r-1"))

    async def shown() -> dict[str, Any]:
        (repair,) = (await shop.json("projections", "repairs"))["items"]
        assert (repair["id"], repair["reason"]) == (asked.id, "rows are wrong")
        return dict(repair)

    async def is_before_the_switch() -> bool:
        repair = await shown()
        return bool(repair["state"] == "running" and repair["position"] == repair["head"] > 0)

    async with reader.transaction(), _following(shop):
        await reader.execute("SELECT FROM read_models.current_orders LIMIT 1")
        await until(is_before_the_switch)  # it waits for this reader, and is killed there
    assert (await shown())["state"] == "running"
    async with _following(shop):

        async def is_done() -> bool:
            return bool((await shown())["state"] == "done")

        await until(is_done, 180)
        await until(lambda: _is_current(shop), 180)
    statuses = "SELECT order_id, status FROM read_models.current_orders ORDER BY order_id"
    rows = [tuple(row) for row in await reader.fetch(statuses)]
    assert rows == [("A1", "completed"), ("B2", "completed")]
    await reader.close()


async def test_an_unknown_read_model_is_wrong_usage(shop: CliShop) -> None:
    ended = await shop.run_all(
        [
            ("projections", command, "nothing")
            for command in ("status", "rebuild", "pause", "resume", "replay", "dead-letters")
        ]
    )
    assert [(one.code, "there is no projection 'nothing'" in one.err) for one in ended] == [
        (2, True)
    ] * 6


async def test_ready_turns_bad_when_a_lane_hangs_and_good_again(shop: CliShop) -> None:
    (port,) = free_ports(1)
    settings = {"ORDERSAGA_HEALTH_PORT": str(port)}
    blocker = await asyncpg.connect(shop.database_url)
    async with _following(shop, **settings), aiohttp.ClientSession() as session:

        async def health() -> tuple[int, str]:
            try:
                async with session.get(f"http://127.0.0.1:{port}/readyz") as answer:
                    return answer.status, await answer.text()
            except aiohttp.ClientError:
                return 0, ""

        await until(lambda: _is(health, 200, '"ready": true'))
        async with blocker.transaction():
            await blocker.execute("LOCK TABLE read_models.current_orders")
            await _append(shop, "A1")
            await until(lambda: _is(health, 503, "current_orders lane 0: "))
        await until(lambda: _is(health, 200, '"ready": true'))
    await blocker.close()


async def _is(health, status: int, text: str) -> bool:  # type: ignore[no-untyped-def]  # a local function
    found, body = await health()
    return found == status and text in body


async def test_a_process_starts_beside_an_outdated_model_and_keeps_it_when_it_fits(
    shop: CliShop,
) -> None:
    connection = await asyncpg.connect(shop.database_url)
    change = "UPDATE read_models.checkpoints SET version = version + $1 WHERE projection = $2"
    await connection.execute(change, -1, "current_orders")
    others = [model.name for model in ALL if model.name != "current_orders"]
    await _append(shop, "A1")
    async with _following(shop) as process:
        await until(lambda: _is_current(shop, *others), 180)
        wrong: dict[str, Any] = {}

        async def only_the_outdated_one_is_wrong() -> bool:
            # On a busy machine one that has nothing to apply may pass the events of others late.
            status = await shop.run("projections", "status", "--json")
            assert status.code == 1
            wrong.clear()
            wrong.update({x["projection"]: x for x in json.loads(status.out) if x["problem"]})
            return list(wrong) == ["current_orders"]

        await until(only_the_outdated_one_is_wrong)
        assert wrong["current_orders"]["state"] == "outdated"
        assert wrong["current_orders"]["lag_seconds"] > 0
        advice = "run `ordersaga projections rebuild current_orders`"
        assert advice in wrong["current_orders"]["problem"]
        await connection.execute(change, 1, "current_orders")
        await until(lambda: _is_current(shop, "current_orders"), 180)
        assert process.returncode is None
    await connection.close()

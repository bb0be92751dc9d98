"""A long-running process: readiness, health, an orderly end."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ordersaga.bootstrap.settings import Settings
from ordersaga.daemons.service import Loop, serve
from tests.support.stores.postgres_server import free_port


async def until_stopped(stop: asyncio.Event) -> None:
    await stop.wait()


async def asked(port: int) -> tuple[int, dict[str, Any]]:
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"http://127.0.0.1:{port}/healthz") as answer,
    ):
        return answer.status, await answer.json()


async def answering(port: int) -> tuple[int, dict[str, Any]]:
    async with asyncio.timeout(60):
        while True:
            try:
                return await asked(port)
            except aiohttp.ClientError:
                await asyncio.sleep(0.01)


async def test_a_signal_lets_all_loops_finish(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    finished = []

    async def drains(stop: asyncio.Event) -> None:
        await stop.wait()
        await asyncio.sleep(0)
        finished.append("drained")

    serving = asyncio.create_task(serve(Settings(ready_file=ready), [Loop("work", drains)]))
    async with asyncio.timeout(60):
        while not ready.exists():  # noqa: ASYNC110  a file cannot be awaited
            await asyncio.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)
        await serving
    assert finished == ["drained"]
    assert not ready.exists()


async def test_health_tells_what_is_wrong_with_each_loop() -> None:
    port, wrong = free_port(), list[str]()
    loops = [Loop("good", until_stopped), Loop("ill", until_stopped, problems=lambda: wrong)]
    serving = asyncio.create_task(serve(Settings(health_port=port), loops))
    assert await answering(port) == (
        200,
        {"healthy": True, "ready": True, "loops": {"good": [], "ill": []}},
    )
    wrong.append("cannot reach the database")
    status, body = await asked(port)
    assert (status, body["loops"]["ill"]) == (503, ["cannot reach the database"])
    os.kill(os.getpid(), signal.SIGTERM)
    await serving


async def test_a_dead_loop_turns_health_bad_and_ends_the_process() -> None:
    port, release = free_port(), asyncio.Event()

    async def dies(_stop: asyncio.Event) -> None:
        raise LookupError("broken")

    async def drains_slowly(stop: asyncio.Event) -> None:
        await stop.wait()
        await release.wait()

    loops = [Loop("dies", dies), Loop("slow", drains_slowly)]
    serving = asyncio.create_task(serve(Settings(health_port=port), loops))
    status, body = await answering(port)
    assert status == 503
    assert body["loops"] == {"dies": ["is dead"], "slow": []}
    release.set()
    with pytest.raises(LookupError, match="broken"):
        await serving

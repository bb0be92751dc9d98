"""A long-running process: readiness, health, an orderly end."""

import asyncio
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from structlog.testing import capture_logs

from eventstore.errors import StoreUnavailable
from ordersaga.bootstrap.settings import Settings
from ordersaga.daemons.loops import Heartbeat, Loop
from ordersaga.daemons.needs import Need
from ordersaga.daemons.service import run_process
from ordersaga.errors import STOPPED_LATE, StoppedLate, Unreachable
from tests.support.stack.stack import until
from tests.support.stores.postgres_server import free_port
from tests.unit.ordersaga.daemons.test_needs import Planned


async def until_stopped(stop: asyncio.Event) -> None:
    await stop.wait()


def loop(name: str, run: Any, **more: Any) -> Loop:
    return Loop(name, run, lambda: 0.0, **more)


def served(
    settings: Settings, loops: Sequence[Loop], needs: Sequence[Need] = ()
) -> asyncio.Task[None]:
    async def made() -> Sequence[Loop]:
        return loops

    return asyncio.create_task(run_process(settings, needs, made, last_resort=lambda: None))


async def asked(port: int, address: str) -> tuple[int, dict[str, Any]]:
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"http://127.0.0.1:{port}/{address}") as answer,
    ):
        return answer.status, await answer.json()


async def statuses(port: int) -> tuple[int, int]:
    """What `/livez` and `/readyz` answer; (0, 0) if nobody listens."""
    try:
        return (await asked(port, "livez"))[0], (await asked(port, "readyz"))[0]
    except aiohttp.ClientError:
        return 0, 0


async def until_statuses(port: int, live: int, ready: int) -> dict[str, Any]:
    async def are_there() -> bool:
        return await statuses(port) == (live, ready)

    await until(are_there)
    return (await asked(port, "readyz"))[1]


async def test_a_signal_lets_all_loops_finish(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    finished = []

    async def drains(stop: asyncio.Event) -> None:
        await stop.wait()
        await asyncio.sleep(0)
        finished.append("drained")

    serving = served(Settings(ready_file=ready), [loop("work", drains)])
    await until(ready.exists)
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(60):
        await serving
    assert finished == ["drained"]
    assert not ready.exists()


async def test_ready_tells_what_is_wrong_and_live_stays_good() -> None:
    port, wrong = free_port(), list[str]()
    loops = [loop("good", until_stopped), loop("ill", until_stopped, problems=lambda: wrong)]
    serving = served(Settings(health_port=port), loops)
    body = await until_statuses(port, 200, 200)
    assert body == {
        "live": True,
        "ready": True,
        "problems": [],
        "needs": {},
        "loops": {
            "good": {"heartbeat_age_s": 0.0, "restarts": 0, "problems": [], "notices": []},
            "ill": {"heartbeat_age_s": 0.0, "restarts": 0, "problems": [], "notices": []},
        },
    }
    wrong.append("a lane hangs")
    body = await until_statuses(port, 200, 503)
    assert body["problems"] == ["ill: a lane hangs"]
    os.kill(os.getpid(), signal.SIGTERM)
    await serving


async def test_a_loop_that_has_not_begun_or_does_not_move_is_not_ready() -> None:
    port, begun, heartbeat = free_port(), list[bool](), Heartbeat()
    starting = loop("starting", until_stopped, is_ready=lambda: bool(begun))
    still = Loop("still", until_stopped, lambda: 11.0 if begun else 0.0)
    serving = served(Settings(health_port=port, stuck_after_s=60), [starting, still])
    body = await until_statuses(port, 200, 503)
    assert body["problems"] == ["starting: has not begun"]
    heartbeat.beat()
    begun.append(True)
    await until_statuses(port, 200, 200)  # it was started a moment ago, so it cannot be late yet
    os.kill(os.getpid(), signal.SIGTERM)
    await serving


async def test_a_loop_that_cannot_work_is_spoken_of_once_and_when_it_can_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ordersaga.daemons.health._SAY_AFTER_S", 0.1)
    port, wrong = free_port(), ["an outdated read model"]
    loops = [loop("ill", until_stopped, problems=lambda: wrong)]

    def said(words: str) -> bool:
        return any(line["event"] == words for line in log)

    with capture_logs() as log:
        serving = served(Settings(health_port=port), loops)
        await until(lambda: said("a loop cannot work"))
        await until_statuses(port, 200, 503)
        wrong.clear()
        await until(lambda: said("a loop works again"))
        os.kill(os.getpid(), signal.SIGTERM)
        await serving
    assert sum("loop" in line["event"] for line in log) == 2


async def test_what_an_outage_explains_is_not_said_of_each_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ordersaga.daemons.health._SAY_AFTER_S", 0.1)
    port = free_port()
    need = Planned(None, *[StoreUnavailable("no answer from the database")] * 2)
    loops = [loop("ill", until_stopped, problems=lambda: ["the database does not answer"])]
    with capture_logs() as log:
        serving = served(Settings(health_port=port), loops, [need])
        await until(lambda: any(line["event"] == "unavailable" for line in log))
        log.clear()
        for _ in range(20):
            await until_statuses(port, 200, 503)
        os.kill(os.getpid(), signal.SIGTERM)
        await serving
    assert [line["event"] for line in log] == ["stopping", "stopped"]


async def test_an_error_of_ours_turns_live_bad_and_ends_the_process() -> None:
    port, release = free_port(), asyncio.Event()

    async def dies(_stop: asyncio.Event) -> None:
        raise LookupError("broken")

    async def drains_slowly(stop: asyncio.Event) -> None:
        await stop.wait()
        await release.wait()

    serving = served(Settings(health_port=port), [loop("dies", dies), loop("slow", drains_slowly)])
    body = await until_statuses(port, 503, 503)
    assert body["problems"] == ["dies: is dead"]
    release.set()
    with pytest.raises(LookupError, match="broken"):
        await serving


async def test_a_process_that_waits_is_live_and_not_ready_and_a_signal_ends_the_wait() -> None:
    port = free_port()
    away = Planned(Unreachable("PostgreSQL at db:5432/shop does not answer"))
    serving = served(Settings(health_port=port), [loop("work", until_stopped)], [away])

    async def is_said() -> bool:
        return "does not answer" in str((await until_statuses(port, 200, 503))["problems"])

    await until(is_said)
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(60):
        await serving


async def test_work_that_does_not_end_is_given_up_and_that_is_said() -> None:
    begun = asyncio.Event()

    async def works_on(_stop: asyncio.Event) -> None:
        begun.set()
        await asyncio.Event().wait()

    serving = served(Settings(drain_timeout_s=0.1), [loop("slow", works_on)])
    await until(begun.is_set)
    os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(StoppedLate, match="slow") as ended:
        await serving
    assert ended.value.exit_code == STOPPED_LATE


async def test_a_close_that_hangs_does_not_hold_the_process() -> None:
    class Clinging(Planned):
        async def close(self) -> None:
            await asyncio.Event().wait()

    port = free_port()
    serving = served(Settings(health_port=port), [loop("work", until_stopped)], [Clinging(None)])
    await until_statuses(port, 200, 200)
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(60):
        await serving

"""A process whose database is not there waits for it, says so once, and still obeys SIGTERM."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE

import pytest

from tests.support.stack.stack import clean_environment, free_ports
from tests.support.stores.releases import make_old_chain

PROCESSES = [("worker", "all"), ("starter",), ("projections", "run"), ("notifications", "run")]
processes = pytest.mark.parametrize("command", PROCESSES, ids=lambda command: command[0])


async def waits_for(command: tuple[str, ...], url: str) -> str:
    """What a process says that it waits for, until SIGTERM ends it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ordersaga", *command),
        env=clean_environment(
            ORDERSAGA_DATABASE_URL=url,
            ORDERSAGA_ENCRYPT_PERSONAL_DATA="false",
            ORDERSAGA_LOG_FORMAT="json",
        ),
        stdout=DEVNULL,
        stderr=PIPE,
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(120):
            said = json.loads(await process.stderr.readline())
            await asyncio.sleep(2)  # it looks several times meanwhile
            process.send_signal(signal.SIGTERM)
            rest = (await process.stderr.read()).decode()
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
    assert said["event"] == "waiting"
    assert "waiting" not in rest
    assert "hunter2" not in rest + str(said)
    return str(said["problem"])


@processes
async def test_a_database_that_is_down_is_waited_for(command: tuple[str, ...]) -> None:
    port = free_ports(1)[0]
    problem = await waits_for(command, f"postgresql://shop:hunter2@127.0.0.1:{port}/orders")
    assert f"127.0.0.1:{port}" in problem


@processes
async def test_a_database_without_schema_is_waited_for(
    empty_database: str, command: tuple[str, ...]
) -> None:
    assert "ordersaga migrate" in await waits_for(command, empty_database)


@processes
async def test_a_database_of_before_the_first_release_is_named_with_what_to_do(
    empty_database: str, command: tuple[str, ...]
) -> None:
    await make_old_chain(empty_database)
    assert "use a new one" in await waits_for(command, empty_database)

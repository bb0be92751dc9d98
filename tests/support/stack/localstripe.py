"""Stripe's API from `localstripe`, always as a process of its own."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from tests.support.stores.postgres_server import free_port

_PICKLE = Path("/tmp/localstripe.pickle")


@asynccontextmanager
async def running_localstripe() -> AsyncIterator[str]:
    """The URL of an empty server."""
    port = free_port()
    # --from-scratch: it writes the pickle whatever we say, but need not read it.
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "localstripe", "--port", str(port), "--from-scratch"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        await _wait_until_it_answers(process, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        _remove_pickle()


def _remove_pickle() -> None:
    # Left behind, it would stand in the way of the next user of this machine.
    with contextlib.suppress(OSError):
        _PICKLE.unlink()


async def _wait_until_it_answers(process: asyncio.subprocess.Process, port: int) -> None:
    async with asyncio.timeout(60), aiohttp.ClientSession() as session:
        while process.returncode is None:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(f"http://127.0.0.1:{port}/v1/plans"):
                    return
            await asyncio.sleep(0.05)
    raise AssertionError("localstripe ended while starting")

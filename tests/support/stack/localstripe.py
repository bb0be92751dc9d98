"""Stripe's API from `localstripe`, always as a process of its own."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import aiohttp
from aiohttp import web

from tests.support.stores.postgres_server import free_port

_PICKLE = Path("/tmp/localstripe.pickle")


@asynccontextmanager
async def running_localstripe() -> AsyncIterator[str]:
    """The URL of an empty server.

    It does not know two parameters of Stripe's documentation, which are left out on the way:
    `off_session` where an intent is confirmed (https://docs.stripe.com/api/payment_intents/confirm)
    and `created` where intents are listed (https://docs.stripe.com/api/payment_intents/list).
    """
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
        async with _in_front_of(f"http://127.0.0.1:{port}") as url:
            yield url
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        _remove_pickle()


@asynccontextmanager
async def _in_front_of(target: str) -> AsyncIterator[str]:
    async def forward(request: web.Request) -> web.Response:
        body = await request.read()
        if request.path.endswith("/confirm"):
            fields = [pair for pair in parse_qsl(body.decode()) if pair[0] != "off_session"]
            body = urlencode(fields).encode()
        names = ("Authorization", "Content-Type")
        headers = {name: request.headers[name] for name in names if name in request.headers}
        query = [pair for pair in request.query.items() if not pair[0].startswith("created")]
        async with session.request(
            request.method, target + request.path, params=query, data=body, headers=headers
        ) as answer:
            content = await answer.read()
            kind = answer.content_type
            return web.Response(body=content, status=answer.status, content_type=kind)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", forward)
    runner = web.AppRunner(app)
    await runner.setup()
    async with aiohttp.ClientSession() as session:
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


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

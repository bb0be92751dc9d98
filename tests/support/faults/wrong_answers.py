"""A service in a provider's place that answers every request in the same wrong way."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from tests.support.faults.proxy import HOST

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

_PART: Final = b" " * 1_000_000
_PARTS: Final = 400


@asynccontextmanager
async def answering(answer: Answer) -> AsyncIterator[int]:
    """Answer everything; its port."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with serving(app) as port:
        yield port


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[int]:
    """Serve an application from this process; its port."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, 0).start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


def status(code: int, **headers: str) -> Answer:
    """Refuse with a status."""

    async def answer(_: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.json_response({}, status=code, headers=named)

    return answer


async def garbage(_: web.Request) -> web.StreamResponse:
    """Say that all went well, in a form that nobody can read."""
    return web.Response(text='{"reference": 7, "stat', content_type="application/json")


async def endless(request: web.Request) -> web.StreamResponse:
    """Send 400 MB, to whoever reads them."""
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(_PARTS):
        await response.write(_PART)
    return response

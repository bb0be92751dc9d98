"""A server between the Stripe adapter and `localstripe`, which may change what passes."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from adapters.payments.stripe.gateway import StripePaymentGateway

KEY = "sk_test_very_secret"
STRIPE = web.AppKey("stripe", str)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def proxy(stripe_url: str, handler: Handler) -> AsyncIterator[str]:
    """The URL of a server that passes each request to `handler`, which may `forward` it."""
    app = web.Application()
    app[STRIPE] = stripe_url
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def connected(url: str, timeout_s: float = 30.0) -> AsyncIterator[StripePaymentGateway]:
    gateway = StripePaymentGateway(KEY, url, timeout_s=timeout_s)
    try:
        yield gateway
    finally:
        await gateway.close()


async def forward(request: web.Request) -> web.Response:
    url = request.app[STRIPE] + request.path_qs
    headers = {"Authorization": request.headers["Authorization"]}
    headers["Content-Type"] = request.headers.get("Content-Type", "")
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(request.method, url, data=await request.read()) as response,
    ):
        body = await response.read()
        return web.Response(body=body, status=response.status, content_type="application/json")

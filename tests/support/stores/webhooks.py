"""A receiver of webhooks: a real HTTP server that misbehaves on demand."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from tests.support.stack.stack import free_ports

SECRET = "whsec_" + base64.b64encode(b"a key of thirty-two bytes, really").decode()

Answer = int | tuple[int, Mapping[str, str]] | Callable[[], Awaitable[int]]
"""A status, a status with headers, or a function that answers later."""


class WrongSignature(Exception):
    """A receiver would reject the request."""


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> None:
    """Verify a request as the specification requires, without any of our code."""
    sent_at = int(headers["webhook-timestamp"])
    if abs(now - sent_at) > 300:
        raise WrongSignature("too old or from the future")
    key = base64.b64decode(secret.split("_", 1)[1])
    message = b".".join((headers["webhook-id"].encode(), b"%d" % sent_at, body))
    expected = base64.b64encode(hmac.digest(key, message, hashlib.sha256)).decode()
    for candidate in headers["webhook-signature"].split(" "):
        version, _, value = candidate.partition(",")
        if version == "v1" and hmac.compare_digest(value, expected):
            return
    raise WrongSignature("no signature matches")


class Receiver:
    """Listens on its own port and keeps every request.

    It gives `answers` in turn, then `usual`. It never accepts a request with a wrong signature.
    """

    def __init__(self, secret: str = SECRET) -> None:
        self.port = free_ports(1)[0]
        self.usual: Answer = 204
        self.answers: deque[Answer] = deque()
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.accepted: list[dict[str, Any]] = []
        self._secret = secret
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The address of the receiver."""
        return f"http://127.0.0.1:{self.port}/hooks?key=in-the-url"

    async def start(self) -> None:
        """Listen."""
        app = web.Application()
        app.router.add_post("/hooks", self._handle)
        app.router.add_post("/elsewhere", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
        self._runner = None

    def bodies(self) -> list[dict[str, Any]]:
        """The bodies of all requests, accepted or not."""
        return [json.loads(body) for _, body in self.requests]

    def types(self, subject: str | None = None) -> list[str]:
        """The types of the accepted events, in order."""
        return [e["type"] for e in self.accepted if subject in (None, e["subject"])]

    def repetitions(self) -> int:
        """The number of accepted duplicates."""
        counted = Counter(event["id"] for event in self.accepted)
        return sum(counted.values()) - len(counted)

    async def _handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append((headers, body))
        try:
            verify(self._secret, headers, body, time.time())
        except WrongSignature:
            return web.Response(status=401)
        answer = self.answers.popleft() if self.answers else self.usual
        status, more = await _response(answer)
        if 200 <= status < 300:
            self.accepted.append(json.loads(body))
        return web.Response(status=status, headers=more, text="" if status == 204 else "no!")


async def _response(answer: Answer) -> tuple[int, Mapping[str, str]]:
    if isinstance(answer, int):
        return answer, {}
    if isinstance(answer, tuple):
        return answer
    return await answer(), {}


async def hang() -> int:
    """Never answer."""
    await asyncio.Event().wait()
    return 500

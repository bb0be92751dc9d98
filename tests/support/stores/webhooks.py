"""A receiver of webhooks: a real HTTP server that can be told how to misbehave."""

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
"""A status, a status with headers, or something that takes its time."""


class WrongSignature(Exception):
    """A receiver would throw the request away."""


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> None:
    """What the specification tells receivers to do, from its text and nothing of ours."""
    sent_at = int(headers["webhook-timestamp"])
    if abs(now - sent_at) > 300:
        raise WrongSignature("too old or from the future")
    key = base64.b64decode(secret.split("_", 1)[1])
    message = b".".join((headers["webhook-id"].encode(), b"%d" % sent_at, body))
    wanted = base64.b64encode(hmac.digest(key, message, hashlib.sha256)).decode()
    for candidate in headers["webhook-signature"].split(" "):
        version, _, value = candidate.partition(",")
        if version == "v1" and hmac.compare_digest(value, wanted):
            return
    raise WrongSignature("none of the signatures fits")


class Receiver:
    """Listens on one port of its own and keeps every request it got.

    `answers` are given in turn, then `usual`. A request with a wrong signature is never accepted.
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
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/hooks?key=in-the-url"

    async def start(self) -> None:
        """Listen."""
        app = web.Application()
        app.router.add_post("/hooks", self._take)
        app.router.add_post("/elsewhere", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def stop(self) -> None:
        """Be down."""
        if self._runner is not None:
            await self._runner.cleanup()
        self._runner = None

    def bodies(self) -> list[dict[str, Any]]:
        """Everything that was sent, accepted or not."""
        return [json.loads(body) for _, body in self.requests]

    def types(self, subject: str | None = None) -> list[str]:
        """What was accepted, in this order."""
        return [e["type"] for e in self.accepted if subject in (None, e["subject"])]

    def repetitions(self) -> int:
        """How often an event was accepted that was accepted before."""
        counted = Counter(event["id"] for event in self.accepted)
        return sum(counted.values()) - len(counted)

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append((headers, body))
        try:
            verify(self._secret, headers, body, time.time())
        except WrongSignature:
            return web.Response(status=401)
        answer = self.answers.popleft() if self.answers else self.usual
        status, more = await _said(answer)
        if 200 <= status < 300:
            self.accepted.append(json.loads(body))
        return web.Response(status=status, headers=more, text="" if status == 204 else "no!")


async def _said(answer: Answer) -> tuple[int, Mapping[str, str]]:
    if isinstance(answer, int):
        return answer, {}
    if isinstance(answer, tuple):
        return answer
    return await answer(), {}


async def hang() -> int:
    """Never answer."""
    await asyncio.Event().wait()
    return 500

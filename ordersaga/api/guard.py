"""The outermost layer: a request has a limit in bytes and in time, and every error an answer."""

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

import structlog

from ordersaga.api.connections import MOST_HEADER_BYTES
from ordersaga.api.failures import problem_of
from ordersaga.api.problems import HEADERS_TOO_LARGE, TOO_LARGE, TOO_LONG, TOO_SLOW, Problem

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Scope = MutableMapping[str, Any]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MOST_BODY_BYTES: Final = 2_000_000
BODY_WITHIN_S: Final = 15.0
ANSWER_WITHIN_S: Final = 30.0
"""How long a request may take until its answer begins."""

_CLOSE: Final = {"Connection": "close"}
_log = structlog.stdlib.get_logger("ordersaga.api")


class Guard:
    """An ASGI application that guards another one.

    Args:
        app: the API.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Carry out one request."""
        if scope["type"] != "http":
            return
        exchange = _Exchange(receive, send)
        try:
            exchange.check_length(scope["headers"])
            async with asyncio.timeout(ANSWER_WITHIN_S) as limit:
                exchange.on_start = lambda: None if limit.expired() else limit.reschedule(None)
                await self._app(scope, exchange.receive, exchange.send)
        except Problem as problem:
            await exchange.fail(scope, problem)
        except TimeoutError:
            await exchange.fail(scope, Problem(TOO_LONG, headers=_CLOSE))
        except Exception as error:  # noqa: BLE001  whatever it is, the client gets an answer
            await exchange.fail(scope, problem_of(error))
        finally:
            exchange.log(scope)


class _Exchange:
    """One request and its answer."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._bytes = 0
        self._is_whole = False
        self._begun = time.monotonic()
        self._body_by = self._begun + BODY_WITHIN_S
        self._status = 0
        self.on_start: Callable[[], None] = lambda: None

    def check_length(self, headers: "list[tuple[bytes, bytes]]") -> None:
        """Refuse headers that are too long, and a body that says itself that it is."""
        if sum(len(name) + len(value) for name, value in headers) > MOST_HEADER_BYTES:
            raise Problem(HEADERS_TOO_LARGE, headers=_CLOSE)
        for name, value in headers:
            if name == b"content-length" and int(value) > MOST_BODY_BYTES:
                raise Problem(TOO_LARGE, headers=_CLOSE)

    async def receive(self) -> Message:
        """The next part of the body, within its limits."""
        if self._is_whole or self._status:  # this waits for the client to leave
            return await self._receive()
        try:
            async with asyncio.timeout(self._body_by - time.monotonic()):
                message = await self._receive()
        except TimeoutError:
            raise Problem(TOO_SLOW, headers=_CLOSE) from None
        self._is_whole = not message.get("more_body", False)
        self._bytes += len(message.get("body", b""))
        if self._bytes > MOST_BODY_BYTES:
            raise Problem(TOO_LARGE, headers=_CLOSE)
        return message

    async def send(self, message: Message) -> None:
        """Pass a part of the answer on."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self.on_start()
        await self._send(message)

    async def fail(self, scope: Scope, problem: Problem) -> None:
        """Answer with a problem, unless the answer has begun: then it stays unfinished."""
        if self._status:
            _log.error("an answer was cut off", problem=problem.type.code)
            return
        await problem.response()(scope, self.receive, self.send)

    def log(self, scope: Scope) -> None:
        """One line, without anything that the client wrote."""
        route = getattr(scope.get("route"), "path", "none")
        level = _log.debug if scope["method"] == "GET" and self._status < 500 else _log.info
        took_ms = round(1000 * (time.monotonic() - self._begun))
        actor = scope.get("state", {}).get("actor")
        level(
            "request",
            method=scope["method"],
            route=route,
            status=self._status,
            ms=took_ms,
            actor=actor,
        )

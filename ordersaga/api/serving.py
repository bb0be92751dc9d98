"""The process `ordersaga api`: uvicorn as a loop of a long-running process."""

import asyncio
import contextlib
import resource
import socket
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final

import uvicorn
from fastapi import FastAPI

from ordersaga.access.identities import Provider
from ordersaga.access.requests import Requests
from ordersaga.api.app import build_app
from ordersaga.api.callers import RateLimiter
from ordersaga.api.connections import MOST_HEADER_BYTES, BoundedConnection, Waiting
from ordersaga.api.context import Context
from ordersaga.api.guard import Guard
from ordersaga.bootstrap.settings import Settings
from ordersaga.bootstrap.telemetry import metrics_runtime
from ordersaga.bootstrap.wiring import Services
from ordersaga.daemons.event_store import EventStoreNeed
from ordersaga.daemons.loops import BEAT_EVERY_S, Heartbeat, Loop
from ordersaga.daemons.service import begin, run_process
from ordersaga.errors import Refused

MOST_CONNECTIONS: Final = 4000
_BACKLOG: Final = 512
_FILES_KEPT: Final = 200
_FORGET_EVERY_S: Final = 600.0
Build = Callable[[], FastAPI]


async def run_api(build: Build = build_app) -> None:
    """Serve the API until a signal arrives.

    Args:
        build: makes the application: the API, alone or with what is mounted beside it.

    Raises:
        Refused: the port is taken.
    """
    settings = begin("api")
    listener = listen(settings.bind_host, settings.api_port)
    store = EventStoreNeed(settings, "api", opens_personal_data=True)
    runtime = metrics_runtime(settings)

    async def loops() -> Sequence[Loop]:
        server = ApiServer(store.services, listener, settings, build)
        return [server.loop(), Forgetting(Requests(store.services.pool)).loop()]

    try:
        await run_process(settings, [store], loops, runtime=runtime)
    finally:
        listener.close()


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; raises Refused if the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio sends at once; else the end of an answer waits 40 ms for the
    # client to confirm its beginning.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise Refused(f"cannot serve the API on port {port}: {error.strerror}") from None
    return listener


class ApiServer:
    """Serves the API on a socket.

    Args:
        services: of the composition root.
        listener: bound, not listening yet: until the process can work, nobody connects.
        settings: limits.
        build: makes the application.
    """

    def __init__(
        self,
        services: Services,
        listener: socket.socket,
        settings: Settings,
        build: Build = build_app,
    ) -> None:
        self._build = build
        self._listener = listener
        self._settings = settings
        self._heartbeat = Heartbeat()
        self._server: uvicorn.Server | None = None
        options = settings.oidc()
        self._provider = Provider.of(options) if options else None
        self._context = Context(services, RateLimiter(settings.api_rate_per_s), self._provider)

    def loop(self) -> Loop:
        """The work as a loop of a process."""
        return Loop("api", self.run, self._heartbeat.age_s, is_ready=self._is_serving)

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set, then finish the requests that are under way."""
        self._server = server = _Server(self._config())
        serving = asyncio.create_task(server.serve([self._listener.dup()]))
        stopping = asyncio.create_task(stop.wait())
        try:
            while not serving.done() and not stop.is_set():
                self._heartbeat.beat()
                await asyncio.wait({serving, stopping}, timeout=BEAT_EVERY_S)
            self._context.live.close()
            server.should_exit = True
            await serving
        finally:
            serving.cancel()
            stopping.cancel()
            if self._provider is not None:
                await self._provider.issuer.close()

    def _is_serving(self) -> bool:
        return self._server is not None and self._server.started

    def _config(self) -> uvicorn.Config:
        app = self._build()
        app.state.context = self._context
        connection: Any = partial(BoundedConnection, waiting=Waiting(most_connections()))
        return uvicorn.Config(
            Guard(app),
            http=connection,
            ws="none",
            lifespan="off",
            loop="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=_BACKLOG,
            h11_max_incomplete_event_size=MOST_HEADER_BYTES,
            timeout_graceful_shutdown=max(1, int(self._settings.drain_timeout_s)),
        )


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the process has its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def most_connections() -> int:
    """How many connections the process can hold; raises the limit of open files if it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = MOST_CONNECTIONS + _FILES_KEPT
    if soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(min(MOST_CONNECTIONS, soft - _FILES_KEPT), 10)


class Forgetting:
    """Forgets idempotency keys that are older than a month.

    Args:
        requests: where they are.
    """

    def __init__(self, requests: Requests) -> None:
        self._requests = requests
        self._heartbeat = Heartbeat()

    def loop(self) -> Loop:
        """The work as a loop of a process."""
        return Loop("requests", self.run, self._heartbeat.age_s)

    async def run(self, stop: asyncio.Event) -> None:
        """Look every ten minutes until `stop` is set."""
        while not stop.is_set():
            await self._requests.forget()
            await self._heartbeat.pause(_FORGET_EVERY_S, stop)

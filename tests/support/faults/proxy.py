"""A TCP proxy before a server, which on command does what networks do to connections.

    with Proxy(("127.0.0.1", 5432)) as proxy:
        connect_to("127.0.0.1", proxy.port)
        proxy.forget()  # the present connections are silent for ever, new ones work

It runs in a thread of its own, so it goes on while the caller's event loop is blocked. What a
silent connection is sent is acknowledged all the same, by the kernel: no keepalive finds it.
"""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Any, Final, Self

Address = tuple[str, int]

HOST: Final = "127.0.0.1"
_CHUNK: Final = 65_536
_COMMAND_LIMIT_S: Final = 10.0
_CLOSE_BY_RESET: Final = struct.pack("ii", 1, 0)


class Way(StrEnum):
    """The direction of bytes."""

    TO_SERVER = "to the server"
    TO_CLIENT = "to the client"


BOTH: Final = frozenset(Way)


@dataclass(slots=True)
class _Rules:
    """What happens to bytes now; shared by all connections that are not forgotten."""

    held: frozenset[Way] = frozenset()
    delay_s: float = 0.0
    halves: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def change(self, **values: Any) -> None:
        for name, value in values.items():
            setattr(self, name, value)
        self.changed.set()
        self.changed = asyncio.Event()


@dataclass(eq=False, slots=True)
class _Connection:
    rules: _Rules
    client: socket.socket
    server: socket.socket

    async def carry(self, target: Address) -> None:
        """Connect to the target and carry bytes both ways until both ends have closed."""
        await asyncio.get_running_loop().sock_connect(self.server, target)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._carry(Way.TO_SERVER, self.client, self.server))
            group.create_task(self._carry(Way.TO_CLIENT, self.server, self.client))

    async def _carry(self, way: Way, source: socket.socket, sink: socket.socket) -> None:
        data = b"begin"
        while data:
            data = await _received(source)
            await self._let_pass(way)
            passing = data[: len(data) // 2] if self.rules.halves else data
            await asyncio.get_running_loop().sock_sendall(sink, passing)
        sink.shutdown(socket.SHUT_WR)

    async def _let_pass(self, way: Way) -> None:
        await asyncio.sleep(self.rules.delay_s)
        while way in self.rules.held:
            await self.rules.changed.wait()

    def end(self) -> None:
        """Close both ends; one that is still open learns of it by RST."""
        for each in (self.client, self.server):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _CLOSE_BY_RESET)
            each.close()


async def _received(source: socket.socket) -> bytes:
    """The next bytes; none if the other end closed or reset it, which is not told when held."""
    try:
        return await asyncio.get_running_loop().sock_recv(source, _CHUNK)
    except OSError:
        return b""


class Proxy:
    """Forwards connections to a server; all commands may be given from any thread.

    Args:
        target: where new connections go; set it to another server for a fail-over.
        port: to listen on; 0: any free one.
    """

    def __init__(self, target: Address, port: int = 0) -> None:
        self.target = target
        self.port = port
        self.accepted = 0
        self._connections: dict[_Connection, asyncio.Task[None]] = {}
        self._accepting: asyncio.Task[None] | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._begin())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_COMMAND_LIMIT_S)
        self._loop.close()

    @property
    def connections(self) -> int:
        """The connections that are open, forgotten ones included."""
        return len(self._connections)

    # --- commands --------------------------------------------------------------------------------

    def forward(self) -> None:
        """Behave again: what was held back arrives, new connections are accepted."""
        self._change(held=frozenset(), delay_s=0.0, halves=False)
        self._do(self._listen())

    def hold(self, ways: frozenset[Way] = BOTH) -> None:
        """Forward nothing of any connection, new ones included, and close none."""
        self._change(held=ways)

    def forget(self) -> None:
        """Forward nothing of the present connections any more, for ever; new ones work."""
        self._do(self._forget())

    def end_forgotten(self) -> None:
        """End by RST what was forgotten, so that the server has its slots back."""
        self._do(self._end_all(lambda connection: connection.rules is not self._rules))

    def slow(self, delay_s: float) -> None:
        """Forward each piece after a delay."""
        self._change(delay_s=delay_s)

    def halve(self) -> None:
        """Lose the second half of each piece."""
        self._change(halves=True)

    def refuse(self) -> None:
        """Refuse new connections; the present ones go on."""
        self._do(self._stop_listening())

    def reset(self) -> None:
        """End all present connections by RST."""
        self._do(self._end_all(lambda _: True))

    # --- in the proxy's thread -------------------------------------------------------------------

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_COMMAND_LIMIT_S)

    def _change(self, **values: Any) -> None:
        async def change() -> None:
            self._rules.change(**values)

        self._do(change())

    async def _begin(self) -> None:
        self._rules = _Rules()
        await self._listen()

    async def _end(self) -> None:
        await self._stop_listening()
        await self._end_all(lambda _: True)

    async def _listen(self) -> None:
        if self._accepting is not None:
            return
        listener = socket.create_server((HOST, self.port), backlog=256)
        listener.setblocking(False)
        self.port = listener.getsockname()[1]
        self._accepting = asyncio.create_task(self._accept(listener))

    async def _stop_listening(self) -> None:
        accepting, self._accepting = self._accepting, None
        if accepting is not None:
            accepting.cancel()
            await asyncio.wait({accepting})

    async def _accept(self, listener: socket.socket) -> None:
        with listener:
            while True:
                client, _ = await asyncio.get_running_loop().sock_accept(listener)
                self.accepted += 1
                self._connect(client)

    def _connect(self, client: socket.socket) -> None:
        server = socket.socket()
        server.setblocking(False)
        connection = _Connection(self._rules, client, server)
        self._connections[connection] = asyncio.create_task(self._carry(connection))

    async def _carry(self, connection: _Connection) -> None:
        try:
            await connection.carry(self.target)
        except* OSError:  # one end refused or is gone; the other is told by RST
            pass
        finally:
            connection.end()
            del self._connections[connection]

    async def _forget(self) -> None:
        forgotten = _Rules(held=BOTH)
        for connection in self._connections:
            connection.rules = forgotten

    async def _end_all(self, chosen: Callable[[_Connection], bool]) -> None:
        tasks = [task for connection, task in self._connections.items() if chosen(connection)]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

"""Connections that end in time, whatever a client does or does not do.

uvicorn bounds only the pause after an answer. A client that connects and says nothing, sends its
headers byte by byte, or does not read its answer would keep a connection for ever.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

HEADERS_WITHIN_S: Final = 10.0
"""How long a connection may wait for its next request, or take to send the headers of one."""

READ_WITHIN_S: Final = 20.0
"""How long a client may leave an answer unread."""

MOST_HEADER_BYTES: Final = 16_384


class Waiting:
    """The connections that wait for a request, the longest waiting first.

    Args:
        most: connections of the process; beyond that, those that wait longest make room.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: dict[BoundedConnection, None] = {}

    def add(self, connection: "BoundedConnection") -> None:
        """This connection waits from now on."""
        self._waiting.pop(connection, None)
        self._waiting[connection] = None

    def remove(self, connection: "BoundedConnection") -> None:
        """This connection waits no more."""
        self._waiting.pop(connection, None)

    def make_room(self, connections: int) -> None:
        """End the longest waiting connection, if there are too many."""
        if connections > self._most and self._waiting:
            longest = next(iter(self._waiting))
            self.remove(longest)
            longest.transport.abort()


class BoundedConnection(H11Protocol):
    """uvicorn's connection, with limits on what it waits for.

    Args:
        waiting: the connections of this process that wait for a request.
        **options: see uvicorn.
    """

    def __init__(self, *, waiting: Waiting, **options: Any) -> None:
        super().__init__(**options)
        self._waiting = waiting
        self._request_timer: asyncio.TimerHandle | None = None
        self._reading_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn
        """Wait for the first request."""
        super().connection_made(transport)
        self._await_request()
        self._waiting.make_room(len(self.connections))

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_awaiting_request()
        self._stop_awaiting_reader()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Take what has come; a whole head of a request ends the wait for it."""
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self._stop_awaiting_request()

    def on_response_complete(self) -> None:
        """Wait for the next request, unless it is there."""
        answered = self.cycle
        super().on_response_complete()
        if self.cycle is answered and not self.transport.is_closing():
            self._await_request()

    def pause_writing(self) -> None:
        """The client does not read; from now on its time counts."""
        super().pause_writing()
        self._reading_timer = self.loop.call_later(READ_WITHIN_S, self.transport.abort)

    def resume_writing(self) -> None:
        """The client reads again."""
        self._stop_awaiting_reader()
        super().resume_writing()

    def _await_request(self) -> None:
        self._stop_awaiting_request()
        self._waiting.add(self)
        self._request_timer = self.loop.call_later(HEADERS_WITHIN_S, self.transport.abort)

    def _stop_awaiting_request(self) -> None:
        self._waiting.remove(self)
        if self._request_timer is not None:
            self._request_timer.cancel()
            self._request_timer = None

    def _stop_awaiting_reader(self) -> None:
        if self._reading_timer is not None:
            self._reading_timer.cancel()
            self._reading_timer = None

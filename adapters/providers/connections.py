"""Pools of HTTP connections."""

from typing import Final

import aiohttp

_CONNECT_TIMEOUT_S: Final = 5.0
# Shorter than servers keep idle connections, so that calls rarely use one that is being closed.
_KEEPALIVE_S: Final = 30.0


class HttpPool:
    """A pool of at most `size` connections, without cookies; the first request opens it.

    Args:
        timeout_s: seconds for a whole request, including the connection.
        size: most connections at the same time.
    """

    def __init__(self, timeout_s: float, size: int) -> None:
        connect_s = min(_CONNECT_TIMEOUT_S, timeout_s)
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, connect=connect_s)
        self._size = size
        self._session: aiohttp.ClientSession | None = None

    def session(self) -> aiohttp.ClientSession:
        """The session for a request."""
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=self._size, keepalive_timeout=_KEEPALIVE_S)
            self._session = aiohttp.ClientSession(
                connector=connector, timeout=self._timeout, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session

    async def close(self) -> None:
        """Release the connections; a later request opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

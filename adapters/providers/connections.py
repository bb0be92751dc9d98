"""Pools of HTTP connections, and answers that are read with a bound."""

import ssl
from typing import Final

import aiohttp

_CONNECT_TIMEOUT_S: Final = 5.0
# Shorter than servers keep idle connections, so that calls rarely use one that is being closed.
_KEEPALIVE_S: Final = 30.0
MOST_BYTES: Final = 4_000_000
"""The longest answer of a provider that is read; a full page of records is much shorter."""
# Compressed, a short answer could become a very long one.
_HEADERS: Final = {"Accept-Encoding": "identity"}


class AnswerTooLong(aiohttp.ClientPayloadError):
    """An answer is longer than MOST_BYTES."""


async def read_answer(response: aiohttp.ClientResponse) -> bytes:
    """The whole body of an answer.

    Raises:
        AnswerTooLong: it is too long; the rest is not read.
    """
    content = bytearray()
    async for part in response.content.iter_any():
        content += part
        if len(content) > MOST_BYTES:
            response.close()
            raise AnswerTooLong
    return bytes(content)


class HttpPool:
    """A pool of at most `size` connections, without cookies; the first request opens it.

    Args:
        timeout_s: seconds for a whole request, including the connection.
        size: most connections at the same time.
        cafile: the certificates to trust; None: the system's.
    """

    def __init__(self, timeout_s: float, size: int, cafile: str | None = None) -> None:
        connect_s = min(_CONNECT_TIMEOUT_S, timeout_s)
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, connect=connect_s)
        self._size = size
        self._cafile = cafile
        self._session: aiohttp.ClientSession | None = None

    def session(self) -> aiohttp.ClientSession:
        """The session for a request."""
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=self._size,
                keepalive_timeout=_KEEPALIVE_S,
                ssl=ssl.create_default_context(cafile=self._cafile),
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=self._timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=_HEADERS,
                auto_decompress=False,
            )
        return self._session

    async def close(self) -> None:
        """Release the connections; a later request opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

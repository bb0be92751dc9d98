"""CloudEvents over HTTP to one receiver, signed according to Standard Webhooks 1.0."""

import time
from collections.abc import Callable, Sequence
from typing import Final

import aiohttp

from adapters.notifications.cloud_events import CONTENT_TYPE, CloudEvent, NotDelivered
from adapters.notifications.signature import signature
from adapters.providers.connections import HttpPool
from adapters.providers.retry_after import retry_after_s

# The same request may succeed later; the same is true for all of 5xx.
_TEMPORARY: Final = frozenset({408, 425, 429})
_LONGEST_DELAY_S: Final = 86_400.0


class WebhookSink:
    """Posts events to one URL; the first event opens the connections.

    Args:
        url: the receiver; redirects are not followed, so that no other host gets an event.
        keys: sign each request; from `parse_secrets`.
        timeout_s: seconds for one request, including the connection.
        connections: most connections at the same time.
        clock: Unix time in seconds.
    """

    def __init__(
        self,
        url: str,
        keys: Sequence[bytes],
        *,
        timeout_s: float = 10.0,
        connections: int = 8,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._url = url
        self._keys = tuple(keys)
        self._pool = HttpPool(timeout_s, connections)
        self._clock = clock

    async def send(self, event: CloudEvent) -> None:
        """Post the event.

        Raises:
            NotDelivered: no answer, or one that is not 2xx. Final if the receiver refused it: 400
                to 499 except 408, 425 and 429.
        """
        body = event.to_json()
        try:
            async with self._pool.session().post(
                self._url, data=body, headers=self._headers(event, body), allow_redirects=False
            ) as response:
                status, headers = response.status, response.headers
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            # The text of the error can hold the URL, which may hold a key.
            raise NotDelivered(type(error).__name__) from None
        if not 200 <= status < 300:
            final = 400 <= status < 500 and status not in _TEMPORARY
            wait_s = retry_after_s(headers, _LONGEST_DELAY_S)
            raise NotDelivered(f"HTTP {status}", final=final, retry_after_s=wait_s)

    async def close(self) -> None:
        """Release the connections; a later call opens new ones."""
        await self._pool.close()

    def _headers(self, event: CloudEvent, body: bytes) -> dict[str, str]:
        timestamp = int(self._clock())
        return {
            "Content-Type": f"{CONTENT_TYPE}; charset=utf-8",
            "User-Agent": "ordersaga",
            "webhook-id": event.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(self._keys, event.id, timestamp, body),
            **_trace_context(event),
        }


def _trace_context(event: CloudEvent) -> dict[str, str]:
    """The trace of the event as the HTTP header that tools expect."""
    traceparent = event.extensions.get("traceparent")
    return {} if traceparent is None else {"traceparent": traceparent}

"""HTTP for Stripe's package: our pool of connections, and answers that are read with a bound."""

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any, Final

import stripe

from adapters.providers.connections import HttpPool, read_answer

_POOL_SIZE: Final = 100


class StripeHttp(stripe.HTTPClient):
    """What the package sends its requests with; `timeout_s` bounds a whole request."""

    name = "aiohttp"

    def __init__(self, timeout_s: float) -> None:
        super().__init__()
        self._pool = HttpPool(timeout_s, _POOL_SIZE, stripe.ca_bundle_path)

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Send a request; raises aiohttp's errors, which are translated with the package's."""
        async with self._pool.session().request(
            method, url, headers=headers, data=post_data, allow_redirects=False
        ) as response:
            return await read_answer(response), response.status, response.headers

    def sleep_async(self, secs: float) -> Awaitable[None]:
        """Wait before a retry of the package."""
        return asyncio.sleep(secs)

    async def close_async(self) -> None:
        """Release the connections; a later request opens new ones."""
        await self._pool.close()

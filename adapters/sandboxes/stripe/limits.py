"""Rate limits, keys in work, and locks of objects: what goes on at the same moment.

https://docs.stripe.com/rate-limits
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from adapters.sandboxes.stripe.account import AccountSettings
from adapters.sandboxes.stripe.errors import key_in_use, locked, rate_limited


class RateLimiter:
    """Counts the requests of the last second, of the account and of each endpoint."""

    def __init__(self) -> None:
        self._times: dict[str, deque[float]] = {}

    def admit(self, endpoint: str, settings: AccountSettings) -> None:
        """Count a request.

        Raises:
            StripeRefusal: it is one too many; it is not counted.
        """
        is_search = endpoint == "search"
        own = settings.searches_per_second if is_search else settings.requests_per_endpoint
        limits = {"": settings.requests_per_second, endpoint: own}
        for name, most in limits.items():
            if most and len(self._recent(name)) >= most:
                raise rate_limited("endpoint-rate" if name else "global-rate")
        for name in limits:
            self._recent(name).append(time.monotonic())

    def _recent(self, name: str) -> deque[float]:
        times = self._times.setdefault(name, deque())
        while times and times[0] <= time.monotonic() - 1.0:
            times.popleft()
        return times


class InWork:
    """The idempotency keys and the objects that requests are working with."""

    def __init__(self) -> None:
        self._keys: set[str] = set()
        self._locks: dict[str, asyncio.Lock] = {}
        self._users: Counter[str] = Counter()

    @contextmanager
    def key(self, key: str) -> Iterator[None]:
        """Work under a key; "" is none.

        Raises:
            StripeRefusal: another request works under it.
        """
        if key in self._keys:
            raise key_in_use(key)
        if key:
            self._keys.add(key)
        try:
            yield
        finally:
            self._keys.discard(key)

    @asynccontextmanager
    async def object(self, reference: str, wait_s: float) -> AsyncIterator[None]:
        """Work with an object; "" is none.

        Raises:
            StripeRefusal: another request holds it for too long.
        """
        if not reference:
            yield
            return
        lock = self._locks.setdefault(reference, asyncio.Lock())
        self._users[reference] += 1
        try:
            await _acquire(lock, wait_s)
            try:
                yield
            finally:
                lock.release()
        finally:
            self._users[reference] -= 1
            if not self._users[reference]:
                del self._users[reference], self._locks[reference]


async def _acquire(lock: asyncio.Lock, wait_s: float) -> None:
    if lock.locked() and not wait_s:
        raise locked()
    try:
        async with asyncio.timeout(wait_s or None):
            await lock.acquire()
    except TimeoutError:
        raise locked() from None

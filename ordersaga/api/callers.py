"""The tokens that a process has just seen, and how often it may be asked by each."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

from ordersaga.access.oidc.errors import NotAdmitted, TokenRefused
from ordersaga.access.tokens import Token

CACHED_FOR_S: Final = 5.0
"""A token that was looked up is looked up again after this time: so late is a revocation seen."""

_MOST: Final = 10_000
_BURST: Final = 2


class TokenSource(Protocol):
    """Where tokens are looked up; see `Identities`."""

    async def find(self, text: str) -> Token | None:
        """The token of this text, valid or not; None: there is none."""
        ...


class TokenCache:
    """Tokens that were looked up a moment ago.

    Args:
        tokens: where they are looked up.
        clock: seconds that only go forward.
    """

    def __init__(self, tokens: TokenSource, clock: Callable[[], float] = time.monotonic) -> None:
        self._tokens = tokens
        self._clock = clock
        self._cached: dict[bytes, tuple[float, Token]] = {}

    async def find(self, text: str) -> Token | None:
        """The token of this text if it is valid now.

        Raises:
            StoreUnavailable: the database does not answer.
            IssuerUnavailable: the issuer does not answer, and its keys are needed.
            TokenRefused: the text is a token of the issuer, and it proves nothing.
            NotAdmitted: it is a good one, and names no role of ours.
        """
        key, now = hashlib.sha256(text.encode()).digest(), self._clock()
        until, token = self._cached.get(key, (0.0, None))
        if token is None or until < now:
            token = await self._tokens.find(text)
            self._keep(key, token, now)
        return token if token and token.is_valid(datetime.now(UTC)) else None

    async def accepted(self, text: str) -> Token | None:
        """As `find`; None also for a token of the issuer that is refused."""
        try:
            return await self.find(text)
        except (TokenRefused, NotAdmitted):
            return None

    def _keep(self, key: bytes, token: Token | None, now: float) -> None:
        if len(self._cached) >= _MOST:
            self._cached.clear()
        if token is None:
            self._cached.pop(key, None)
        else:
            self._cached[key] = now + CACHED_FOR_S, token


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class RateLimiter:
    """Lets each token send so many requests a second to this process, twice as many in a burst.

    Args:
        per_second: requests of one token.
        clock: seconds that only go forward.
    """

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._most = per_second * _BURST
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def wait_s(self, token_id: str) -> float:
        """Count a request; 0 if it may be carried out, otherwise the seconds to wait."""
        now = self._clock()
        if len(self._buckets) >= _MOST:
            self._buckets.clear()
        bucket = self._buckets.setdefault(token_id, _Bucket(self._most, now))
        bucket.left = min(self._most, bucket.left + (now - bucket.at) * self._per_second)
        bucket.at = now
        if bucket.left < 1:
            return (1 - bucket.left) / self._per_second
        bucket.left -= 1
        return 0.0

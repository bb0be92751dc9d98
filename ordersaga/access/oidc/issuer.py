"""The issuer as a process knows it: its endpoints and its keys, read rarely and kept for a day.

What is there is used while it is read again beside it. An unknown key id makes it be read at once,
but not more often than every ten seconds, whatever tokens come.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog

from ordersaga.access.oidc.errors import IssuerUnavailable
from ordersaga.access.oidc.fetching import fetch_json
from ordersaga.access.oidc.keys import SigningKey, read_keys
from ordersaga.access.oidc.options import require_safe_url

FRESH_FOR_S: Final = 600.0
"""After this time the keys are read again."""

USABLE_FOR_S: Final = 86_400.0
"""Keys that could not be read again for so long are not believed any more."""

PAUSE_S: Final = 10.0
"""Shortest time between two readings, successful or not."""

_WELL_KNOWN: Final = "/.well-known/openid-configuration"
_log = structlog.stdlib.get_logger("ordersaga.access")
Fetch = Callable[[str], Awaitable[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a client of the issuer turns to; None: the issuer names none."""

    authorization: str | None
    token: str | None


@dataclass(frozen=True, slots=True)
class _Reading:
    endpoints: Endpoints
    keys: tuple[SigningKey, ...]
    at: float


class Issuer:
    """One issuer; a process has one.

    Args:
        url: as it names itself.
        clock: seconds that only go forward.
        fetch: reads one of its documents.
    """

    def __init__(
        self, url: str, clock: Callable[[], float] = time.monotonic, fetch: Fetch = fetch_json
    ) -> None:
        self.url = url
        self._clock = clock
        self._fetch = fetch
        self._reading: _Reading | None = None
        self._tried_at = float("-inf")
        self._failure = "the issuer was not asked yet"
        self._task: asyncio.Task[None] | None = None

    async def key(self, kid: str | None, algorithm: str) -> SigningKey | None:
        """The key with this id that may sign with this algorithm; None: the issuer has none.

        Raises:
            IssuerUnavailable: no key is usable, or whether there is such a key cannot be found out.
        """
        key = _choose((await self._current()).keys, kid, algorithm)
        if key is None:
            await self._read_again()
            key = _choose((await self._current()).keys, kid, algorithm)
        if key is None and self._failure:
            raise IssuerUnavailable(self._failure)
        return key

    async def endpoints(self) -> Endpoints:
        """Where clients turn to; raises IssuerUnavailable."""
        return (await self._current()).endpoints

    async def close(self) -> None:
        """End a reading that is under way."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _current(self) -> _Reading:
        if self._age_s() > USABLE_FOR_S:
            await self._read_again()
        elif self._age_s() > FRESH_FOR_S:
            self._begin_reading()
        if self._reading is None or self._age_s() > USABLE_FOR_S:
            raise IssuerUnavailable(self._failure)
        return self._reading

    def _age_s(self) -> float:
        return float("inf") if self._reading is None else self._clock() - self._reading.at

    async def _read_again(self) -> None:
        """Read what the issuer says now, unless that was tried a moment ago; many wait for one."""
        if task := self._begin_reading():
            await asyncio.shield(task)

    def _begin_reading(self) -> asyncio.Task[None] | None:
        if self._task is not None and not self._task.done():
            return self._task
        if self._clock() - self._tried_at < PAUSE_S:
            return None
        self._tried_at = self._clock()
        self._task = asyncio.create_task(self._read())
        return self._task

    async def _read(self) -> None:
        try:
            self._reading = await self._fetched()
            self._failure = ""
        except IssuerUnavailable as error:
            self._failure = str(error)
            _log.warning("the issuer's keys cannot be read", problem=self._failure)

    async def _fetched(self) -> _Reading:
        about = await self._fetch(self.url.rstrip("/") + _WELL_KNOWN)
        if about.get("issuer") != self.url:
            raise IssuerUnavailable("the issuer names itself otherwise than the setting does")
        address = _address(about, "jwks_uri")
        if address is None:
            raise IssuerUnavailable("the issuer names no address of its keys")
        keys = read_keys(await self._fetch(address))
        if not keys:
            raise IssuerUnavailable("the issuer has no key that is usable")
        endpoints = Endpoints(
            _address(about, "authorization_endpoint"), _address(about, "token_endpoint")
        )
        return _Reading(endpoints, keys, self._clock())


def _address(about: Mapping[str, Any], name: str) -> str | None:
    url = about.get(name)
    if not isinstance(url, str):
        return None
    try:
        return require_safe_url(url)
    except ValueError as error:
        raise IssuerUnavailable(f"the issuer's {name} {error}") from None


def _choose(keys: tuple[SigningKey, ...], kid: str | None, algorithm: str) -> SigningKey | None:
    fitting = [each for each in keys if each.signs(algorithm) and kid in (None, each.kid)]
    return fitting[0] if len(fitting) == 1 else None

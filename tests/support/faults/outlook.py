"""What the health addresses of processes say, watched all the time."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import aiohttp

_EVERY_S: Final = 1.0
_SHOWN: Final = 120  # letters of a reason
_ANSWER_LIMIT: Final = aiohttp.ClientTimeout(total=10)


@dataclass(frozen=True, slots=True)
class Change:
    """A process began or ceased to be ready or live."""

    at: float
    name: str
    path: str
    good: bool


@dataclass(slots=True)
class Outlook:
    """Asks every process twice a second, and says each change in a line.

    A process that has no time to answer is no news; one that refuses to is.

    Attributes:
        ports: of the health addresses, by name.
        say: gets a line for each change.
    """

    ports: Mapping[str, int]
    say: Callable[[str], None]
    began: float = field(default_factory=time.monotonic)
    changes: list[Change] = field(default_factory=list)
    _now: dict[tuple[str, str], bool] = field(default_factory=dict)
    _said: list[tuple[float, str, str]] = field(default_factory=list)

    def ready(self, name: str) -> bool:
        """Whether a process says that it can do its work now."""
        return self._now.get((name, "readyz"), False)

    def first_said(self, word: str, names: Iterable[str], since: float) -> float | None:
        """Seconds after `since` until one of these processes named something as a problem."""
        found = [at - since for at, name, why in self._said if name in names and word in why]
        return min((seconds for seconds in found if seconds > 0), default=None)

    def first_bad(self, name: str, since: float) -> float | None:
        """Seconds after `since` until a process first said that it cannot work."""
        bad = (
            change.at - since
            for change in self.changes
            if (change.name, change.path, change.good) == (name, "readyz", False)
        )
        return next((seconds for seconds in bad if seconds > 0), None)

    def dead(self, names: Iterable[str]) -> list[str]:
        """Processes that asked for a restart at some time, and when."""
        return [
            f"{change.name} wanted a restart after {change.at - self.began:.0f} s"
            for change in self.changes
            if change.path == "livez" and not change.good and change.name in names
        ]

    def until(self, name: str, since: float, *, ready: bool) -> float | None:
        """Seconds after `since` until a process last became so; None if it is not so now."""
        if self.ready(name) is not ready:
            return None
        last = [c.at for c in self.changes if (c.name, c.path) == (name, "readyz")]
        return max(0.0, last[-1] - since) if last else 0.0

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Ask while the context lasts; it begins when all have been asked."""
        targets = [(name, path) for name in self.ports for path in ("livez", "readyz")]
        async with aiohttp.ClientSession(timeout=_ANSWER_LIMIT) as http:
            await asyncio.gather(*(self._ask(http, *target) for target in targets))
            watching = [asyncio.create_task(self._go_on(http, *target)) for target in targets]
            try:
                yield
            finally:
                for each in watching:
                    each.cancel()
                await asyncio.wait(watching)

    async def _go_on(self, http: aiohttp.ClientSession, name: str, path: str) -> None:
        while True:
            await asyncio.sleep(_EVERY_S)
            await self._ask(http, name, path)

    async def _ask(self, http: aiohttp.ClientSession, name: str, path: str) -> None:
        good, why = False, "no answer"
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with http.get(f"http://127.0.0.1:{self.ports[name]}/{path}") as answer:
                good, why = answer.status == 200, "; ".join((await answer.json())["problems"])
        self._said.append((time.monotonic(), name, why))
        before, self._now[name, path] = self._now.get((name, path), True), good
        if before is good:
            return
        self.changes.append(Change(time.monotonic(), name, path, good))
        told = "good" if good else f"bad: {why[:_SHOWN]}"
        self.say(f"{time.monotonic() - self.began:6.1f} s  {name} {path} {told}")

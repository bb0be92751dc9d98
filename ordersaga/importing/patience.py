"""Rides out short outages of the event store, and says so once."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from eventstore.errors import NotAllowed, SchemaMissing, StoreUnavailable

T = TypeVar("T")
LONGEST_S: Final = 60.0
_PAUSE_S: Final = 0.5


class Patience:
    """Repeats what an outage interrupted; for work that recognises what was done before.

    Args:
        say: called once with a line for people, when the first outage begins.
        longest_s: an outage in which nothing succeeds for this many seconds is raised.
    """

    def __init__(
        self, say: Callable[[str], None] = lambda _: None, longest_s: float = LONGEST_S
    ) -> None:
        self._say = say
        self._longest_s = longest_s
        self._began: float | None = None
        self._said = False

    async def repeat(self, work: Callable[[], Awaitable[T]]) -> T:
        """The result of `work`, however often it takes.

        Raises:
            StoreUnavailable: the outage lasts too long, or does not end by itself.
        """
        while True:
            try:
                result = await work()
            except (NotAllowed, SchemaMissing):
                raise
            except StoreUnavailable:
                if self._lasts_too_long():
                    raise
                await asyncio.sleep(_PAUSE_S)
            else:
                self._began = None
                return result

    def _lasts_too_long(self) -> bool:
        now = time.monotonic()
        if self._began is None:
            self._began = now
        if not self._said:
            self._said = True
            self._say(
                "the event store is unavailable: waiting for it, "
                f"each time for up to {self._longest_s:.0f} s"
            )
        return now - self._began > self._longest_s

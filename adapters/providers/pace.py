"""How fast a process calls a provider: no faster than the provider allows."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from activities.ports import GatewayUnavailable

LONGEST_TURN_S: Final = 2.0
"""A call that would have to wait longer for its turn is not begun."""


class Pace:
    """Gives each call its turn; shared by all callers of a process.

    Args:
        provider: its name, in errors.
        per_s: calls a second; as many may come at once after a pause.
        clock: seconds, never going back.
    """

    def __init__(
        self, provider: str, per_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._provider = provider
        self._gap_s = 1 / per_s
        self._clock = clock
        self._free_at = clock() - 1.0
        """When the next turn begins; up to a second in the past."""

    async def turn(self) -> None:
        """Wait for the turn of a call.

        Raises:
            GatewayUnavailable: it would take too long; the error says how long.
        """
        now = self._clock()
        begins = max(self._free_at, now - 1.0)
        if begins - now > LONGEST_TURN_S:
            text = f"{self._provider}: more calls at once than it allows"
            raise GatewayUnavailable(text, retry_after_s=begins - now)
        self._free_at = begins + self._gap_s
        if begins > now:
            await asyncio.sleep(begins - now)

"""How long a call to a provider may take: its own limit, or what is left of the attempt."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Final

from activities.ports import GatewayUnavailable
from eventstore.deadline import Deadline, NoTimeLeft, current, time_limit

LEAST_S: Final = 1.0
"""A call that would get less time is not begun."""

_taken: Final[ContextVar[tuple[Deadline | None, float]]] = ContextVar("taken", default=(None, 0.0))
"""The seconds that providers took of the attempt with this deadline."""


@asynccontextmanager
async def call_limit(provider: str, longest_s: float) -> AsyncIterator[None]:
    """Limit one call to `longest_s`, or to what the running attempt has left.

    A call that would get too little is not begun. If earlier calls to providers took the time, that
    is the provider's failure; otherwise something else did, and it is none.

    Raises:
        GatewayUnavailable: not begun, because the provider was slow before.
        NoTimeLeft: not begun; something else took the time.
        TimeoutError: the call took too long.
    """
    deadline, (owner, taken_s) = current(), _taken.get()
    taken_s = taken_s if owner is deadline else 0.0
    try:
        limit_s = time_limit(longest_s, least_s=min(LEAST_S, longest_s / 2))
    except NoTimeLeft:
        if taken_s >= longest_s / 2:
            raise GatewayUnavailable(f"{provider}: too slow for one attempt") from None
        raise
    begun = time.monotonic()
    try:
        async with asyncio.timeout(limit_s):
            yield
    finally:
        _taken.set((deadline, taken_s + time.monotonic() - begun))

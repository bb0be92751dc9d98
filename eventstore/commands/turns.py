"""Turns on contended streams: those who would only get in each other's way queue up instead."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager


class _Turn:
    """A lock on one stream and how many hold it or wait for it."""

    __slots__ = ("lock", "users")

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.users = 0


class Turns:
    """Locks of this process on streams that have seen a conflict, and on no others.

    Without them 50 callers on one stream would load 50 times, append 50 times, and 49 of them
    would do it again. A stream is contended from a conflict on until nobody queues for it.
    """

    def __init__(self) -> None:
        self._turns: dict[str, _Turn] = {}

    @property
    def contended(self) -> frozenset[str]:
        """The streams that somebody holds a turn on or waits for."""
        return frozenset(self._turns)

    @asynccontextmanager
    async def take(self, streams: Iterable[str], *, contended: bool) -> AsyncIterator[None]:
        """Hold the turn on all `streams` if they are `contended`, else on those that are already.

        Always taken in sorted order, so that two callers never wait for each other.
        """
        names = sorted(name for name in streams if contended or name in self._turns)
        turns = [self._turns.setdefault(name, _Turn()) for name in names]
        for turn in turns:
            turn.users += 1
        held: list[_Turn] = []
        try:
            for turn in turns:
                await turn.lock.acquire()
                held.append(turn)
            yield
        finally:
            for turn in held:
                turn.lock.release()
            self._leave(names, turns)

    def _leave(self, names: list[str], turns: list[_Turn]) -> None:
        for name, turn in zip(names, turns, strict=True):
            turn.users -= 1
            if turn.users == 0:
                del self._turns[name]

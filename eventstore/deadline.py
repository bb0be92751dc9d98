"""One deadline for everything that an attempt does, passed down through the context.

An attempt loads, perhaps calls a provider, and appends. All of it shares one deadline, so that the
attempt itself can say what it waited for, before whoever started it gives it up. A reserve at its
end belongs to the append: what a provider has done must be recorded in the same attempt.

    with within(9.0, reserve_s=3.0):
        await handler.execute(...)

A command may use the reserve as a whole, because it begins with a load. So a call to a provider and
a load for its own sake end before it.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Final

STATEMENT_S: Final = 4.0
"""How long a statement of the store may take by default, in seconds."""

_CLOCK_S: Final = 0.001
"""Less than this is no time: timers are no more exact."""


class NoTimeLeft(TimeoutError):
    """The deadline has passed, or leaves too little time; what was asked for was not begun."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """When an attempt must have ended.

    Attributes:
        at: the end, on the clock of `time.monotonic`.
        reserve_s: the seconds before the end that only a command may use.
        owner: for whom the attempt is made, for those who must tell callers apart.
    """

    at: float
    reserve_s: float = 0.0
    owner: str = ""

    def left(self) -> float:
        """The seconds that are left; negative if it has passed."""
        return self.at - self.reserve_s - time.monotonic()

    @property
    def passed(self) -> bool:
        """Whether nothing can be done any more."""
        return self.left() < _CLOCK_S


_current: Final[ContextVar[Deadline | None]] = ContextVar("deadline", default=None)


def current() -> Deadline | None:
    """The deadline of the running attempt; None if nobody set one."""
    return _current.get()


@contextmanager
def within(seconds: float, *, reserve_s: float = 0.0, owner: str = "") -> Iterator[Deadline]:
    """Give everything inside a deadline; never a later one than already holds."""
    with until(Deadline(time.monotonic() + seconds, reserve_s, owner)) as deadline:
        yield deadline


@contextmanager
def until(deadline: Deadline) -> Iterator[Deadline]:
    """Give everything inside this deadline, unless an earlier one already holds."""
    outer = _current.get()
    chosen = deadline if outer is None or deadline.at < outer.at else outer
    token = _current.set(chosen)
    try:
        yield chosen
    finally:
        _current.reset(token)


def of_command(longest_s: float) -> Deadline:
    """The deadline of a command that begins now: the present one without its reserve.

    Args:
        longest_s: how long it may take where there is no deadline.
    """
    outer = _current.get()
    return Deadline(time.monotonic() + longest_s) if outer is None else replace(outer, reserve_s=0)


@contextmanager
def using_reserve() -> Iterator[None]:
    """Let everything inside use the reserve: it is part of an append."""
    outer = _current.get()
    token = _current.set(None if outer is None else replace(outer, reserve_s=0))
    try:
        yield
    finally:
        _current.reset(token)


def time_limit(longest_s: float, *, least_s: float = 0.0) -> float:
    """The seconds that one call may take: `longest_s`, or what the deadline leaves.

    Args:
        longest_s: the limit of such a call where there is no deadline.
        least_s: a call that would get less is not begun.

    Raises:
        NoTimeLeft: too little is left.
    """
    deadline = _current.get()
    if deadline is None:
        return longest_s
    left = deadline.left()
    if left <= least_s:
        raise NoTimeLeft("no time is left in this attempt")
    return min(longest_s, left)

"""What the caller of commands knows of the event store, as the highest position that it has seen.

A database that was restored, or replaced by a replica that lacked the last commits, knows less than
those who worked with it before. A caller that says what it knows is not answered from less.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from eventstore.commands.decision import Decide, Decision
from eventstore.commands.folding import States
from eventstore.errors import StoreUnavailable

R = TypeVar("R")

IsLost = Callable[[int], bool]
"""Whether a position is of a history of the database that is gone."""

WAS_RESTORED: Final = "the database has lost what the caller knows: run `ordersaga restored`"


@dataclass(slots=True)
class Knowledge:
    """The highest position that a caller has seen; 0: none."""

    position: int = 0

    def note(self, position: int) -> None:
        """Something at this position was seen."""
        self.position = max(self.position, position)


_present: Final[ContextVar[Knowledge | None]] = ContextVar("knowledge", default=None)


@contextmanager
def knowing(position: int) -> Iterator[Knowledge]:
    """Say what is known by whoever sends the commands inside, and learn what they see."""
    knowledge = Knowledge(position)
    token = _present.set(knowledge)
    try:
        yield knowledge
    finally:
        _present.reset(token)


def present() -> Knowledge:
    """What the present caller knows; nothing, if it does not say."""
    return _present.get() or Knowledge()


def nothing_is_lost(_: int) -> bool:
    """The store goes on with the one history that it has."""
    return False


def decided_with(knowledge: Knowledge, is_lost: IsLost, decide: Decide[R]) -> Decide[R]:
    """Decides only while the store has what the caller knows; asked after the states are read.

    Whoever decides on less would undo what was done, or do it again.
    """
    position = knowledge.position
    if not position:
        return decide

    def checked(states: States) -> Decision[Any]:
        if is_lost(position):
            raise StoreUnavailable(WAS_RESTORED)
        return decide(states)

    return checked

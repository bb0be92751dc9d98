"""What a command is made of: its context, its decision, and the ids of its events."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar
from uuid import UUID, uuid5

from eventstore.commands.folding import States
from eventstore.model import Metadata

R = TypeVar("R")

_NAMESPACE: Final = UUID("0d5b3f2e-6a0c-5c1b-9f3e-3a6d1c8e7b42")


@dataclass(frozen=True, slots=True)
class Decision(Generic[R]):
    """The outcome of a decision: the events to append to each stream, if any, and the answer.

    `states`: those that follow from the events, of the streams for which it knows them.
    """

    events: Mapping[str, Sequence[Any]]
    result: R
    states: Mapping[str, Any] = field(default_factory=dict)


Decide = Callable[[States], Decision[R]]
"""Decides on the loaded states. It must be pure: it may run several times."""


@dataclass(frozen=True, slots=True)
class CommandContext:
    """Identifies a command and says where it comes from.

    Attributes:
        command_id: the same whenever the same request is sent again. The ids of the appended
            events follow from it, so a repeated command appends nothing twice.
        metadata: stored with every event of the command.
    """

    command_id: str
    metadata: Metadata


def event_id_of(command_id: str, stream: str, index: int) -> UUID:
    """The id of the event that a command appends to a stream as its `index`-th (from 0)."""
    return _event_ids(command_id, stream, (index,))[0]


def event_ids_of(command_id: str, stream: str, count: int) -> list[UUID]:
    """The ids of the events that a command appends to a stream."""
    return _event_ids(command_id, stream, range(count))


def _event_ids(command_id: str, stream: str, indexes: Iterable[int]) -> list[UUID]:
    # They differ only in their last bits, so a large unique index has them on the same page.
    first = uuid5(_NAMESPACE, f"{command_id}\n{stream}\n0").int
    return [UUID(int=first ^ index) for index in indexes]

"""The commands that wait for their batch."""

from collections import deque
from collections.abc import Sequence
from typing import Any, Final

from eventstore.commands.batching import Command
from eventstore.commands.folding import Fold
from eventstore.tasks import no_time_left

MAX_BATCH: Final = 100
"""Commands in a batch."""


class CommandQueue:
    """Hands out commands in batches, in the order in which they came.

    Args:
        max_batch: commands in a batch.
    """

    def __init__(self, max_batch: int) -> None:
        self._max_batch = max_batch
        self._waiting: deque[Command] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def first(self) -> Command:
        """The command that comes next."""
        return self._waiting[0]

    def add(self, command: Command) -> None:
        """Queue a new command."""
        self._waiting.append(command)

    def put_back(self, commands: Sequence[Command]) -> None:
        """Let commands that are not answered yet come next."""
        self._waiting.extendleft(reversed([one for one in commands if not one.answer.done()]))

    def next_batch(self) -> list[Command]:
        """The next commands that can share a batch; those whose deadline has passed are answered.

        It may be empty.
        """
        commands: list[Command] = []
        streams: dict[str, Fold[Any]] = {}
        command_ids: set[str] = set()
        while self._waiting and len(commands) < self._max_batch:
            command = self._waiting[0]
            if commands and (
                command.alone
                or command.context.command_id in command_ids
                or any(streams.get(name, fold) != fold for name, fold in command.streams.items())
            ):
                break
            self._waiting.popleft()
            if command.deadline.passed:
                command.fail(no_time_left())
            if command.answer.done():
                continue
            commands.append(command)
            if command.alone:
                break
            streams.update(command.streams)
            command_ids.add(command.context.command_id)
        return commands

    def close(self, error: Exception) -> None:
        """Answer all commands with an error."""
        while self._waiting:
            self._waiting.popleft().fail(error)

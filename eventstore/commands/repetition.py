"""Commands that were carried out before: finds their events and reproduces their first answer."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from eventstore.commands.batching import Command
from eventstore.commands.decision import Decision, event_id_of, event_ids_of
from eventstore.commands.folding import StateLoader
from eventstore.model import EventLocation
from eventstore.store import EventStore

_PAGE: Final = 100
"""Events read at once to find a stream's version at a position."""


class Repetitions:
    """Recognises commands by their event ids, and repeats their first decision."""

    def __init__(self, store: EventStore, loader: StateLoader) -> None:
        self._store = store
        self._loader = loader

    async def first_outcomes(
        self, commands: Sequence[Command], otherwise: Exception
    ) -> dict[Command, Decision[Any] | Exception]:
        """The first decisions of the commands that were carried out before.

        Args:
            commands: those that may have been carried out before.
            otherwise: the outcome of a command that now decides differently.
        """
        outcomes: dict[Command, Decision[Any] | Exception] = {}
        for command, written in (await self._find(commands)).items():
            try:
                outcomes[command] = await self._first_decision(command, written) or otherwise
            except Exception as error:  # noqa: BLE001  it is the answer to this command's caller
                outcomes[command] = error
        return outcomes

    async def _find(self, commands: Sequence[Command]) -> dict[Command, dict[str, EventLocation]]:
        """For each command that was carried out before: its first event in each stream."""
        first_ids = {
            event_id_of(command.context.command_id, stream, 0): (command, stream)
            for command in commands
            for stream in command.streams
        }
        repeated: dict[Command, dict[str, EventLocation]] = {}
        for event_id, location in (await self._store.locate_events(list(first_ids))).items():
            command, stream = first_ids[event_id]
            if location.stream == stream:
                repeated.setdefault(command, {})[stream] = location
        return repeated

    async def _first_decision(
        self, command: Command, written: Mapping[str, EventLocation]
    ) -> Decision[Any] | None:
        """The decision that was stored; None if the command now decides differently."""
        start = min(location.position for location in written.values())
        states = {}
        for stream, fold in command.streams.items():
            if stream in written:
                version = written[stream].version - 1
            else:
                version = await self._version_before(stream, start)
            states[stream] = await self._loader.load_past(stream, fold, version)
        decision = command.decide(states)
        event_ids = [
            event_id
            for stream, events in decision.events.items()
            for event_id in event_ids_of(command.context.command_id, stream, len(events))
        ]
        stored = await self._store.locate_events(event_ids)
        return decision if len(stored) == len(event_ids) else None

    async def _version_before(self, stream: str, position: int) -> int:
        """The version that a stream had when `position` was written."""
        last: int | None = None
        while True:
            events = await self._store.read_stream(
                stream, to_version=last, backward=True, limit=_PAGE
            )
            for event in events:
                if event.position < position:
                    return event.version
            if len(events) < _PAGE:
                return 0
            last = events[-1].version - 1

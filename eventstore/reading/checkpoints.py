"""How far readers of the feed have come."""

from typing import Protocol


class Checkpoints(Protocol):
    """Remembers one position per reader name."""

    async def load(self, name: str) -> int:
        """The saved position, 0 for a new name."""
        ...

    async def save(self, name: str, position: int) -> None:
        """Replace the saved position."""
        ...


class InMemoryCheckpoints:
    """Remembers as long as the process lives."""

    def __init__(self) -> None:
        self._positions: dict[str, int] = {}

    async def load(self, name: str) -> int:
        """See `Checkpoints.load`."""
        return self._positions.get(name, 0)

    async def save(self, name: str, position: int) -> None:
        """See `Checkpoints.save`."""
        self._positions[name] = position

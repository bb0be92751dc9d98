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

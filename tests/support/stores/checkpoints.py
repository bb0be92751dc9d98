"""Checkpoints without a database."""


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

"""A mapping that keeps what was used last and forgets the rest."""

from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """At most `room` entries; the one that was not used for longest makes room for a new one."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._entries: OrderedDict[K, V] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: K) -> V | None:
        """What is known under `key`, None if nothing is."""
        found = self._entries.get(key)
        if found is not None:
            self._entries.move_to_end(key)
        return found

    def put(self, key: K, value: V) -> None:
        """Remember; pushes out the oldest if there is no room."""
        self._entries[key] = value
        self._entries.move_to_end(key)
        while len(self._entries) > self._room:
            self._entries.popitem(last=False)

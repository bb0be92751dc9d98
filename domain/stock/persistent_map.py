"""An immutable map whose newest version can be changed in constant time.

A fold over thousands of events would otherwise copy its maps at every event, which is quadratic.
Here the newest version owns an ordinary dict. A change passes that dict to the new version; the old
one keeps only what it needs to undo the change: the key, its value before, and its successor. An
old version that is used again first makes itself a copy. So every version can be read, but only
folding forward is cheap. Changes by several threads at once are not safe.
"""

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class PersistentMap(Mapping[K, V], Generic[K, V]):
    """An immutable map; `put` and `drop` return the changed map."""

    __slots__ = ("_before", "_items", "_key", "_newer")

    _items: dict[K, V]
    _key: K
    _before: dict[K, V]
    _newer: "PersistentMap[K, V] | None"

    def __init__(self, items: Mapping[K, V] | None = None) -> None:
        self._items = dict(items or {})
        self._newer = None

    def put(self, key: K, value: V) -> "PersistentMap[K, V]":
        """This map with `value` at `key`."""
        after = self._hand_over(key)
        after._items[key] = value
        return after

    def drop(self, key: K) -> "PersistentMap[K, V]":
        """This map without `key`; raises KeyError if it is not there."""
        if key not in self:
            raise KeyError(key)
        after = self._hand_over(key)
        del after._items[key]
        return after

    def __getitem__(self, key: K) -> V:
        return self._own()[key]

    def __iter__(self) -> Iterator[K]:
        return iter(tuple(self._own()))

    def __len__(self) -> int:
        return len(self._own())

    def __contains__(self, key: object) -> bool:
        return key in self._own()

    def __eq__(self, other: object) -> bool:
        return dict(self) == dict(other) if isinstance(other, Mapping) else NotImplemented

    __hash__ = None  # type: ignore[assignment] # equal to any mapping, so not hashable, as a dict

    def __repr__(self) -> str:
        return f"PersistentMap({self._own()!r})"

    def _hand_over(self, key: K) -> "PersistentMap[K, V]":
        items = self._own()
        after: PersistentMap[K, V] = PersistentMap()
        if items:  # an empty map keeps its dict, because many folds start from it
            after._items = items
            self._key = key
            self._before = {key: items[key]} if key in items else {}
            self._newer = after
            del self._items
        return after

    def _own(self) -> dict[K, V]:
        """The items of this version, rebuilt from its successors if it passed its dict on."""
        if self._newer is not None:
            self._items = self._rebuilt()
            self._newer = None
        return self._items

    def _rebuilt(self) -> dict[K, V]:
        versions = [self]
        while (newer := versions[-1]._newer) is not None:
            versions.append(newer)
        items = dict(versions.pop()._items)
        for version in reversed(versions):
            items.pop(version._key, None)
            items.update(version._before)
        return items

"""Orders that wait for pieces of one SKU: first come, first served.

Each order draws a turn when it joins. Turns are never used again, so the order of the queue does
not depend on how a map keeps its keys, and joining, leaving and finding the first cost the same
however many wait.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from domain.ids import OrderId
from domain.stock.persistent_map import PersistentMap


@dataclass(frozen=True, slots=True)
class _Place:
    turn: int
    pieces: int


@dataclass(frozen=True, slots=True)
class WaitingQueue:
    """Who waits, and for how many pieces.

    Attributes:
        total: all pieces that are waited for.
        first: the turn of the order that is served next; `last` if nobody waits.
        last: the turn that the next order draws.
    """

    total: int = 0
    first: int = 0
    last: int = 0
    _turns: PersistentMap[int, OrderId] = field(default_factory=PersistentMap)
    _places: PersistentMap[OrderId, _Place] = field(default_factory=PersistentMap)

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[tuple[OrderId, int]]:
        """The orders in the order in which they are served, with the pieces each waits for."""
        for turn in range(self.first, self.last):
            if (order_id := self._turns.get(turn)) is not None:
                yield order_id, self._places[order_id].pieces

    def pieces_of(self, order_id: OrderId) -> int:
        """How many pieces an order waits for; 0 if it does not."""
        place = self._places.get(order_id)
        return place.pieces if place else 0

    def joined(self, order_id: OrderId, pieces: int) -> "WaitingQueue":
        """With an order at the end that was not in the queue."""
        return replace(
            self,
            total=self.total + pieces,
            last=self.last + 1,
            _turns=self._turns.put(self.last, order_id),
            _places=self._places.put(order_id, _Place(self.last, pieces)),
        )

    def reduced(self, order_id: OrderId, pieces: int) -> "WaitingQueue":
        """With so many pieces less for an order, which keeps its turn unless it wants no more.

        Raises:
            KeyError: the order does not wait.
        """
        place = self._places[order_id]
        rest = replace(place, pieces=place.pieces - pieces)
        total = self.total - pieces
        if rest.pieces:
            return replace(self, total=total, _places=self._places.put(order_id, rest))
        turns = self._turns.drop(place.turn)
        first = self.first
        while first < self.last and first not in turns:
            first += 1
        return replace(
            self, total=total, first=first, _turns=turns, _places=self._places.drop(order_id)
        )

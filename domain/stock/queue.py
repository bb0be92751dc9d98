"""Orders that wait for pieces of one SKU: first come, first served.

Each order draws a turn when it joins. Turns are never used again, so the order of the queue does
not depend on how a map keeps its keys, and joining, leaving and finding the first cost the same
however many wait.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from domain.ids import OrderId
from domain.stock.persistent_map import PersistentMap


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
    _orders: PersistentMap[int, OrderId] = field(default_factory=PersistentMap)
    _turns: PersistentMap[OrderId, int] = field(default_factory=PersistentMap)
    _pieces: PersistentMap[OrderId, int] = field(default_factory=PersistentMap)

    def __len__(self) -> int:
        return len(self._pieces)

    def __iter__(self) -> Iterator[tuple[OrderId, int]]:
        """The orders in the order in which they are served, with the pieces each waits for."""
        for turn in range(self.first, self.last):
            if (order_id := self._orders.get(turn)) is not None:
                yield order_id, self._pieces[order_id]

    def pieces_of(self, order_id: OrderId) -> int:
        """How many pieces an order waits for; 0 if it does not."""
        return self._pieces.get(order_id, 0)

    def joined(self, order_id: OrderId, pieces: int) -> "WaitingQueue":
        """With an order at the end that was not in the queue."""
        return replace(
            self,
            total=self.total + pieces,
            last=self.last + 1,
            _orders=self._orders.put(self.last, order_id),
            _turns=self._turns.put(order_id, self.last),
            _pieces=self._pieces.put(order_id, pieces),
        )

    def reduced(self, order_id: OrderId, pieces: int) -> "WaitingQueue":
        """The queue with `pieces` fewer for an order; it keeps its place until none are left.

        Raises:
            KeyError: the order does not wait.
        """
        rest = self._pieces[order_id] - pieces
        total = self.total - pieces
        if rest:
            return replace(self, total=total, _pieces=self._pieces.put(order_id, rest))
        orders = self._orders.drop(self._turns[order_id])
        first = self.first
        while first < self.last and first not in orders:
            first += 1
        return WaitingQueue(
            total,
            first,
            self.last,
            orders,
            self._turns.drop(order_id),
            self._pieces.drop(order_id),
        )

    def to_data(self) -> dict[str, Any]:
        """As a JSON object, in the order of the turns."""
        orders = {turn: self._orders[turn] for turn in sorted(self._orders)}
        return {
            "last": self.last,
            "turns": list(orders),
            "orders": list(orders.values()),
            "pieces": [self._pieces[order_id] for order_id in orders.values()],
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "WaitingQueue":
        """The queue that `to_data` wrote."""
        turns, orders, pieces = data["turns"], data["orders"], data["pieces"]
        last = data["last"]
        return cls(
            total=sum(pieces),
            first=turns[0] if turns else last,
            last=last,
            _orders=PersistentMap(dict(zip(turns, orders, strict=True))),
            _turns=PersistentMap(dict(zip(orders, turns, strict=True))),
            _pieces=PersistentMap(dict(zip(orders, pieces, strict=True))),
        )

"""The orders that wait for pieces of one SKU: first come, first served.

Each order gets a turn, a number, when it joins. So the sequence does not depend on the order of
keys in a map; joining, leaving and finding the first take constant time.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from domain.ids import OrderId
from domain.stock.persistent_map import PersistentMap


@dataclass(frozen=True, slots=True)
class WaitingQueue:
    """Which orders wait, and for how many pieces.

    Attributes:
        total: pieces that all orders wait for.
        first: the turn that is served next; equals `last` if no order waits.
        last: the turn that the next order gets.
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
        """Each order with the pieces that it waits for, in the sequence of service."""
        for turn in range(self.first, self.last):
            if (order_id := self._orders.get(turn)) is not None:
                yield order_id, self._pieces[order_id]

    def pieces_of(self, order_id: OrderId) -> int:
        """How many pieces an order waits for."""
        return self._pieces.get(order_id, 0)

    def joined(self, order_id: OrderId, pieces: int) -> "WaitingQueue":
        """The queue with an order added at the end, which is not in it yet."""
        return replace(
            self,
            total=self.total + pieces,
            last=self.last + 1,
            _orders=self._orders.put(self.last, order_id),
            _turns=self._turns.put(order_id, self.last),
            _pieces=self._pieces.put(order_id, pieces),
        )

    def put_ahead(self, order_id: OrderId, pieces: int) -> "WaitingQueue":
        """The queue with `pieces` more for an order; one that is new in it is served first."""
        if order_id in self._pieces:
            more = self._pieces.put(order_id, self._pieces[order_id] + pieces)
            return replace(self, total=self.total + pieces, _pieces=more)
        turn = self.first - 1
        return replace(
            self,
            total=self.total + pieces,
            first=turn,
            _orders=self._orders.put(turn, order_id),
            _turns=self._turns.put(order_id, turn),
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
        """The queue as a JSON object, in the sequence of the turns."""
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

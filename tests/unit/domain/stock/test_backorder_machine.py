"""Random commands against a stock ledger with a queue: no order is served out of turn."""

from collections import Counter
from functools import reduce
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from domain.errors import DomainError
from domain.ids import OrderId, ReturnId
from domain.stock import item as stock_item
from domain.stock.commands import (
    AdjustStock,
    BackorderStock,
    ReceiveStock,
    ReduceClaim,
    ReleaseStock,
    ReserveStock,
    ReturnStock,
    ShipStock,
    StockCommand,
)
from domain.stock.events import (
    BackorderWithdrawn,
    StockAllocated,
    StockBackordered,
    StockDeallocated,
    StockReceived,
    StockReleased,
    StockReserved,
    StockReturned,
    StockShipped,
)
from tests.support.sagas.domain_samples import LANTERN

ORDERS = st.sampled_from([OrderId(f"o{n}") for n in range(6)])
PIECES = st.integers(1, 5)
COMMANDS: st.SearchStrategy[StockCommand] = st.one_of(
    st.builds(ReserveStock, st.just(LANTERN), ORDERS, PIECES),
    st.builds(BackorderStock, st.just(LANTERN), ORDERS, PIECES),
    st.builds(BackorderStock, st.just(LANTERN), ORDERS, PIECES),
    st.builds(ReduceClaim, ORDERS, st.integers(0, 4)),
    st.builds(ReleaseStock, ORDERS),
    st.builds(ShipStock, ORDERS),
    st.builds(ReturnStock, st.just(LANTERN), ORDERS, st.just(ReturnId("R1")), PIECES),
    st.builds(AdjustStock, st.just(LANTERN), st.integers(-9, 4), st.just("count")),
)


class QueueMachine(RuleBasedStateMachine):
    """Compares the ledger with a queue that is a plain list and with the sums of its events."""

    def __init__(self) -> None:
        super().__init__()
        self.state = stock_item.INITIAL
        self.events: list[Any] = []
        self.queue: list[list[Any]] = []
        self.deliveries = 0
        self.flow: Counter[type] = Counter()
        self.adjusted = 0

    @rule(pieces=st.integers(1, 9))
    def receive(self, pieces: int) -> None:
        self.deliveries += 1
        self.execute(ReceiveStock(LANTERN, pieces, f"d{self.deliveries}"))

    @rule(command=COMMANDS)
    def command(self, command: StockCommand) -> None:
        self.execute(command)

    def execute(self, command: StockCommand) -> None:
        try:
            decided = stock_item.decide(command, self.state)
        except DomainError:
            return
        for event in decided:
            self.follow(event)
        self.state = reduce(stock_item.evolve, decided, self.state)
        self.events.extend(decided)

    def follow(self, event: Any) -> None:
        """Apply the event to the plain queue and to the sums."""
        self.flow[type(event)] += getattr(event, "quantity", 0)
        self.adjusted += getattr(event, "delta", 0)
        match event:
            case StockBackordered():
                self.queue.append([event.order_id, event.quantity])
            case StockDeallocated():
                self.give_back(event.order_id, event.quantity)
            case StockAllocated():
                assert self.queue[0][0] == event.order_id, "only the first is served"
                self.take(0, event.quantity)
            case BackorderWithdrawn():
                place = [order_id for order_id, _ in self.queue].index(event.order_id)
                self.take(place, event.quantity)

    def give_back(self, order_id: OrderId, pieces: int) -> None:
        """An order that had its pieces waits ahead of those that have never had theirs."""
        waiting = [waits for waits, _ in self.queue]
        if order_id in waiting:
            self.queue[waiting.index(order_id)][1] += pieces
        else:
            self.queue.insert(0, [order_id, pieces])

    def take(self, place: int, pieces: int) -> None:
        self.queue[place][1] -= pieces
        assert self.queue[place][1] >= 0
        if not self.queue[place][1]:
            del self.queue[place]

    @invariant()
    def nothing_is_oversold(self) -> None:
        assert 0 <= self.state.available <= self.state.on_hand
        assert self.state.reserved == sum(self.state.reservations.values())
        assert all(held > 0 for held in self.state.reservations.values())

    @invariant()
    def nothing_lies_idle_while_somebody_waits(self) -> None:
        assert not (self.state.available and len(self.state.waiting))

    @invariant()
    def the_queue_is_the_plain_one(self) -> None:
        assert [[*entry] for entry in self.state.waiting] == self.queue
        assert self.state.waiting.total == sum(pieces for _, pieces in self.queue)

    @invariant()
    def every_piece_is_accounted_for(self) -> None:
        flow = self.flow
        came = flow[StockReceived] + flow[StockReturned]
        assert self.state.on_hand == came + self.adjusted - flow[StockShipped]
        set_aside = flow[StockReserved] + flow[StockAllocated]
        gone = flow[StockReleased] + flow[StockShipped] + flow[StockDeallocated]
        assert self.state.reserved == set_aside - gone
        came_to_wait = flow[StockBackordered] + flow[StockDeallocated]
        left = came_to_wait - flow[StockAllocated] - flow[BackorderWithdrawn]
        assert self.state.waiting.total == left

    def teardown(self) -> None:
        """The fold of all events is the state."""
        assert reduce(stock_item.evolve, self.events, stock_item.INITIAL) == self.state


TestQueue = QueueMachine.TestCase
TestQueue.settings = settings(stateful_step_count=50)

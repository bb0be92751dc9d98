"""Random commands against the aggregates: what must always hold."""

from functools import reduce
from types import SimpleNamespace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from domain.errors import DomainError
from domain.ids import LineId, OrderId, Sku
from domain.lines import Adjustment, AdjustmentKind, LineKind, adjusted
from domain.money import Money, total
from domain.order import decisions
from domain.order import state as order
from domain.order.commands import (
    AddItem,
    CancelOrder,
    ChangeDeliveryAddress,
    ChangeQuantity,
    CompleteOrder,
    CreateOrder,
    MarkReserved,
    OrderCommand,
    RemoveItem,
    SetAddress,
    SetAdjustments,
    StartProcessing,
    SubmitOrder,
)
from domain.order.evolution import evolve
from domain.payment import decisions as payment_decisions
from domain.payment import state as payment
from domain.payment.commands import (
    ForbidPayment,
    RecordAuthorisation,
    RecordCapture,
    RecordDecline,
    RecordExpiry,
    RecordPreparation,
    RecordRefund,
    RecordRefundFailure,
    RecordRefundPending,
    RecordVoid,
    TakeKey,
)
from domain.stock import item as stock_item
from domain.stock.commands import (
    AdjustStock,
    ReceiveStock,
    ReleaseStock,
    ReserveStock,
    ShipStock,
    StockCommand,
)
from domain.values import CaptureMode, PaymentTerms, Reason
from tests.support.sagas.domain_samples import CARD, LANTERN, LEEDS, NOON, ORDER, YORK

QUANTITIES = st.integers(-1, 8) | st.sampled_from([999_999, 1_000_000, 1_000_001])
SKUS = st.sampled_from([Sku("A"), Sku("B"), Sku("C")])
ORDERS = st.sampled_from([OrderId(f"o{n}") for n in range(5)])
AMOUNTS = st.builds(
    Money, st.integers(-1, 4) | st.just(2**62), st.sampled_from(["GBP", "GBP", "GBP", "EUR"])
)
REFERENCES = st.sampled_from(["r1", "r2", ""])
KEYS = st.sampled_from(["k1", "k2", "k3"])
ADDRESSES = st.sampled_from([LEEDS, YORK])

KINDS = st.sampled_from([LineKind.GOODS, LineKind.GOODS, LineKind.SHIPPING])
LINES = st.sampled_from([LineId("1"), LineId("2"), LineId("a")])
LINE_IDS = st.none() | LINES
ADJUSTMENTS = st.lists(
    st.builds(Adjustment, st.sampled_from(AdjustmentKind), AMOUNTS.map(lambda x: x * -1)),
    max_size=1,
).map(tuple)

ORDER_COMMANDS: st.SearchStrategy[OrderCommand] = st.one_of(
    st.builds(AddItem, SKUS, st.just("THING"), QUANTITIES, AMOUNTS, KINDS, ADJUSTMENTS, LINE_IDS),
    st.builds(RemoveItem, LINES),
    st.builds(ChangeQuantity, LINES, QUANTITIES),
    st.builds(SetAdjustments, ADJUSTMENTS, LINE_IDS),
    st.builds(SetAddress, ADDRESSES),
    st.builds(SubmitOrder, st.just(CARD) | st.just(PaymentTerms("", CaptureMode.ON_SHIPMENT))),
    st.builds(ChangeDeliveryAddress, ADDRESSES),
    st.just(MarkReserved()),
    st.builds(StartProcessing, REFERENCES),
    st.builds(CompleteOrder, REFERENCES),
)
STOCK_COMMANDS: st.SearchStrategy[StockCommand] = st.one_of(
    st.builds(ReceiveStock, st.just(LANTERN), QUANTITIES, REFERENCES),
    st.builds(AdjustStock, st.just(LANTERN), st.integers(-9, 9), st.just("count")),
    st.builds(ReserveStock, st.just(LANTERN), ORDERS, QUANTITIES),
    st.builds(ReleaseStock, ORDERS),
    st.builds(ShipStock, ORDERS),
)
PAYMENT_COMMANDS = st.one_of(
    st.builds(TakeKey, st.just(ORDER), KEYS),
    st.builds(RecordPreparation, st.just(ORDER), AMOUNTS, REFERENCES, KEYS),
    st.just(ForbidPayment(ORDER)),
    st.builds(RecordExpiry, st.just(ORDER), REFERENCES),
    st.builds(RecordRefundPending, st.just(ORDER), AMOUNTS, REFERENCES, KEYS, REFERENCES),
    st.builds(RecordRefundFailure, st.just(ORDER), AMOUNTS, REFERENCES, KEYS, st.just("lost")),
    st.builds(RecordAuthorisation, st.just(ORDER), AMOUNTS, REFERENCES, KEYS),
    st.builds(RecordCapture, st.just(ORDER), AMOUNTS, REFERENCES, KEYS),
    st.builds(RecordDecline, st.just(ORDER), AMOUNTS, st.just("stolen"), KEYS),
    st.builds(RecordVoid, st.just(ORDER), REFERENCES),
    st.builds(RecordRefund, st.just(ORDER), AMOUNTS, REFERENCES, KEYS),
)

ALLOWED = {
    None: {"draft"},
    "draft": {"submitted", "cancelled"},
    "submitted": {"reserved", "cancelled"},
    "reserved": {"processing", "cancelled"},
    "processing": {"completed", "cancelled"},
    "completed": set(),
    "cancelled": set(),
}


class Machine(RuleBasedStateMachine):
    """Sends commands; a refused one changes nothing, the events of the others are kept."""

    aggregate: Any

    def __init__(self) -> None:
        super().__init__()
        self.state = self.aggregate.INITIAL
        self.events: list[Any] = []

    def execute(self, command: Any) -> None:
        try:
            decided = self.aggregate.decide(command, self.state)
        except DomainError:
            return
        after = reduce(self.aggregate.evolve, decided, self.state)
        self.check_step(self.state, after)
        self.state = after
        self.events.extend(decided)

    def check_step(self, before: Any, after: Any) -> None:
        """What must hold between a state and the next."""

    def teardown(self) -> None:
        """The fold of all events is the state."""
        assert reduce(self.aggregate.evolve, self.events, self.aggregate.INITIAL) == self.state


class OrderMachine(Machine):
    aggregate = SimpleNamespace(decide=decisions.decide, evolve=evolve, INITIAL=order.INITIAL)

    @initialize()
    def create(self) -> None:
        self.execute(CreateOrder(ORDER, None, "GBP", NOON))

    @rule(command=ORDER_COMMANDS)
    def command(self, command: OrderCommand) -> None:
        self.execute(command)

    # Random commands seldom come in the one order that completes an order, so some are sent in it.
    @rule(steps=st.integers(1, 6))
    def advance(self, steps: int) -> None:
        path: list[OrderCommand] = [
            AddItem(Sku("A"), "THING", 2, Money(150, "GBP")),
            SetAddress(LEEDS),
            SubmitOrder(CARD),
            MarkReserved(),
            StartProcessing("r1"),
            CompleteOrder("r1"),
        ]
        for command in path[:steps]:
            self.execute(command)

    @rule(chance=st.integers(0, 9))
    def cancel(self, chance: int) -> None:
        if chance == 9:
            self.execute(CancelOrder(Reason.CUSTOMER_REQUEST, ""))

    def check_step(self, before: Any, after: Any) -> None:
        was, now = order.status_of(before), order.status_of(after)
        assert was == now or now in ALLOWED[was]
        frozen_before, frozen_after = order.frozen_order(before), order.frozen_order(after)
        if frozen_before and frozen_after:
            assert frozen_after.lines == frozen_before.lines
            assert frozen_after.total == frozen_before.total
            assert frozen_after.submitted_address == frozen_before.submitted_address

    @invariant()
    def the_total_adds_up(self) -> None:
        content = self.state if isinstance(self.state, order.Draft) else None
        lines = tuple(content.lines.values()) if content else ()
        frozen = order.frozen_order(self.state)
        if frozen:
            content, lines = frozen, frozen.lines
            assert lines
            assert frozen.total.minor >= 0
            assert frozen.payment or not frozen.total.minor
        if content:
            adjustments = frozen.submitted.adjustments if frozen else self.state.adjustments
            made = total((line.amount for line in lines), "GBP") + adjusted(adjustments, "GBP")
            assert content.total == made


class StockMachine(Machine):
    aggregate = stock_item

    @rule(command=STOCK_COMMANDS)
    def command(self, command: StockCommand) -> None:
        self.execute(command)

    @rule(order_id=ORDERS, quantity=st.integers(1, 4))
    def reserve(self, order_id: OrderId, quantity: int) -> None:
        self.execute(ReserveStock(LANTERN, order_id, quantity))

    @invariant()
    def nothing_is_oversold(self) -> None:
        assert 0 <= self.state.available <= self.state.on_hand
        assert self.state.reserved == sum(self.state.reservations.values())
        assert all(held > 0 for held in self.state.reservations.values())

    @invariant()
    def every_piece_is_accounted_for(self) -> None:
        moved = {"StockReceived": 1, "StockShipped": -1}
        flow = sum(moved.get(type(e).__name__, 0) * getattr(e, "quantity", 0) for e in self.events)
        adjusted = sum(getattr(event, "delta", 0) for event in self.events)
        assert self.state.on_hand == flow + adjusted


class PaymentMachine(Machine):
    aggregate = SimpleNamespace(
        decide=payment_decisions.decide, evolve=payment.evolve, INITIAL=payment.INITIAL
    )

    @rule(command=PAYMENT_COMMANDS)
    def command(self, command: Any) -> None:
        self.execute(command)

    @invariant()
    def no_more_goes_back_than_was_taken(self) -> None:
        if isinstance(self.state, payment.Captured):
            assert 0 <= self.state.refunded.minor <= self.state.amount.minor

    @invariant()
    def money_is_taken_at_most_once(self) -> None:
        names = [type(event).__name__ for event in self.events]
        assert names.count("PaymentCaptured") <= 1
        if "PaymentCaptured" in names:
            before = names[: names.index("PaymentCaptured")]
            assert "PaymentPrepared" in before
            assert "PaymentForbidden" not in before


TestOrder = OrderMachine.TestCase
TestStock = StockMachine.TestCase
TestPayment = PaymentMachine.TestCase
TestOrder.settings = TestStock.settings = TestPayment.settings = settings(stateful_step_count=40)

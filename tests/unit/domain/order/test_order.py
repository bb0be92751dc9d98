from dataclasses import replace
from datetime import datetime

import pytest

from domain.errors import CurrencyMismatch, ImpossibleHistory
from domain.fields import MAX_AMOUNT
from domain.ids import CustomerId, LineId, OrderId, Sku
from domain.lines import OrderLine
from domain.money import Money
from domain.order import decisions as order_decisions
from domain.order import evolution as order_evolution
from domain.order import state as order_state
from domain.order.commands import (
    AddItem,
    AddItems,
    CancelOrder,
    ChangeDeliveryAddress,
    ChangeQuantity,
    CompleteOrder,
    CreateOrder,
    MarkReserved,
    OrderCommand,
    RemoveItem,
    SetAddress,
    StartProcessing,
    SubmitOrder,
)
from domain.order.drafting import MAX_LINES
from domain.order.events import (
    AddressSet,
    DeliveryAddressChanged,
    ItemAdded,
    ItemRemoved,
    OrderCancelled,
    OrderCompleted,
    OrderProcessingStarted,
    OrderReserved,
    OrderSubmitted,
    QuantityChanged,
)
from domain.values import PaymentTerms, Reason
from tests.support.sagas.domain_samples import (
    ADDRESS_SET,
    CARD,
    CREATED,
    FIRST,
    HEART,
    LANTERN,
    LANTERN_LINE,
    LANTERNS_ADDED,
    LEEDS,
    NOON,
    ORDER,
    SECOND,
    SUBMITTED,
    YORK,
    gbp,
)
from tests.support.sagas.specification import Given, Specification

spec = Specification(order_decisions.decide, order_evolution.evolve, order_state.INITIAL)
FILLED = (CREATED, LANTERNS_ADDED, ADDRESS_SET)
HANDED_IN = (*FILLED, SUBMITTED)
RESERVED = (*HANDED_IN, OrderReserved())
PAID = (*RESERVED, OrderProcessingStarted("pay_1"))
DONE = (*PAID, OrderCompleted("TRACK1"))
GONE = (*HANDED_IN, OrderCancelled(Reason.OUT_OF_STOCK, "71053"))
CREATE = CreateOrder(ORDER, CustomerId("17850"), "GBP", NOON)
ADD_LANTERNS = AddItem(LANTERN, "WHITE METAL LANTERN", 6, gbp(339))
CANCEL = CancelOrder(Reason.CUSTOMER_REQUEST, "changed her mind")


def draft() -> Given:
    return spec.given(*FILLED)


# --- the draft -----------------------------------------------------------------------------------


def test_creating_opens_a_draft() -> None:
    spec.given().when(CREATE).then(CREATED)


def test_an_order_is_created_once() -> None:
    spec.given(CREATED).when(CREATE).then_refused("order_exists")


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (replace(CREATE, order_id=OrderId("no spaces")), "order_id"),
        (replace(CREATE, customer_id=CustomerId("")), "customer_id"),
        (replace(CREATE, currency="pounds"), "currency"),
        (replace(CREATE, placed_at=datetime(2026, 1, 31)), "placed_at"),  # noqa: DTZ001 # that is it
    ],
)
def test_creating_refuses_a_bad_value(command: CreateOrder, field: str) -> None:
    spec.given().when(command).then_invalid(field)


def test_an_item_is_added() -> None:
    spec.given(CREATED).when(ADD_LANTERNS).then(LANTERNS_ADDED)


def line(line_id: str, quantity: int = 6, minor: int = 339) -> OrderLine:
    return OrderLine(LineId(line_id), LANTERN, " WHITE METAL LANTERN ", quantity, gbp(minor))


def test_lines_are_added_at_once_each_under_its_own_id() -> None:
    added = [replace(LANTERNS_ADDED, line_id=LineId(name)) for name in ("7", "a")]
    spec.given(CREATED).when(AddItems((line("7"), line("a")))).then(*added)
    spec.given(CREATED).when(AddItems(())).then()


@pytest.mark.parametrize(
    ("second", "field"),
    [
        (line("b", quantity=0), "lines.1.quantity"),
        (line("no spaces"), "lines.1.line_id"),
        (line("b", minor=-1), "lines.1.unit_price"),
        (line("b", quantity=2, minor=MAX_AMOUNT), "total"),
    ],
)
def test_lines_at_once_are_added_all_or_none(second: OrderLine, field: str) -> None:
    spec.given(CREATED).when(AddItems((line("a"), second))).then_invalid(field)


def test_lines_at_once_follow_the_rules_of_one_line() -> None:
    spec.given(CREATED).when(AddItems((line("a"), line("a")))).then_refused("line_exists")
    draft().when(AddItems((line("1"),))).then_refused("line_exists")
    spec.given(*HANDED_IN).when(AddItems((line("2"),))).then_refused("order_is_frozen")
    many = tuple(line(str(number), quantity=1) for number in range(MAX_LINES + 1))
    spec.given(CREATED).when(AddItems(many)).then_refused("too_many_lines")
    euros = replace(line("a"), unit_price=Money(1, "EUR"))
    with pytest.raises(CurrencyMismatch):
        spec.given(CREATED).when(AddItems((euros,))).then()


def test_more_of_the_same_at_the_same_price_adds_up() -> None:
    draft().when(ADD_LANTERNS).then(LANTERNS_ADDED)
    state = spec.state(*FILLED, LANTERNS_ADDED)
    assert [(line.sku, line.quantity) for line in state.lines.values()] == [(LANTERN, 12)]
    assert state.total == gbp(12 * 339)


def test_the_same_sku_at_another_price_is_another_line() -> None:
    draft().when(replace(ADD_LANTERNS, unit_price=gbp(340))).then(
        ItemAdded(SECOND, LANTERN, "WHITE METAL LANTERN", 6, gbp(340))
    )


def test_a_price_in_another_currency_is_refused() -> None:
    draft().when(replace(ADD_LANTERNS, unit_price=Money(339, "EUR"))).then_raises(CurrencyMismatch)


@pytest.mark.parametrize("quantity", [0, -1, 1_000_001, True, 1.0, "6"])
def test_a_quantity_is_a_whole_number_from_1_to_a_million(quantity: int) -> None:
    draft().when(replace(ADD_LANTERNS, quantity=quantity)).then_invalid("quantity")
    draft().when(ChangeQuantity(FIRST, quantity)).then_invalid("quantity")


def test_a_quantity_that_adds_up_beyond_a_million_is_refused() -> None:
    draft().when(replace(ADD_LANTERNS, quantity=999_995)).then_invalid("quantity")


def test_a_price_may_be_zero_but_not_below() -> None:
    free = replace(ADD_LANTERNS, unit_price=gbp(0))
    draft().when(free).then(ItemAdded(SECOND, LANTERN, "WHITE METAL LANTERN", 6, gbp(0)))
    draft().when(replace(ADD_LANTERNS, unit_price=gbp(-1))).then_invalid("unit_price")


@pytest.mark.parametrize("text", ["", "   ", "x" * 201, "two\nlines", "nul\x00", "\ud800"])
def test_a_description_is_printable_and_short(text: str) -> None:
    draft().when(replace(ADD_LANTERNS, description=text)).then_invalid("description")


def test_goods_need_a_proper_sku() -> None:
    draft().when(replace(ADD_LANTERNS, code=Sku("'; DROP TABLE"))).then_invalid("sku")
    draft().when(replace(ADD_LANTERNS, code=None)).then_invalid("sku")


def test_a_total_above_the_ceiling_is_refused_when_the_item_is_added() -> None:
    draft().when(AddItem(HEART, "HEART", 1, gbp(MAX_AMOUNT))).then_invalid("total")
    draft().when(AddItem(HEART, "HEART", 1, gbp(MAX_AMOUNT + 1))).then_invalid("unit_price")


def test_a_total_above_the_ceiling_is_refused_when_a_quantity_grows() -> None:
    dear = ItemAdded(SECOND, HEART, "HEART", 1, gbp(MAX_AMOUNT // 2 + 1))
    spec.given(CREATED, dear).when(ChangeQuantity(SECOND, 2)).then_invalid("total")


def test_an_order_has_at_most_2000_lines() -> None:
    full = tuple(
        ItemAdded(LineId(f"{n}"), Sku(f"S{n}"), "THING", 1, gbp(1)) for n in range(MAX_LINES)
    )
    spec.given(CREATED, full).when(ADD_LANTERNS).then_refused("too_many_lines")


def test_an_item_is_removed_with_all_its_pieces() -> None:
    draft().when(RemoveItem(FIRST)).then(ItemRemoved(FIRST))
    state = spec.state(*FILLED, ItemRemoved(FIRST))
    assert (state.lines, state.total) == ({}, gbp(0))


def test_a_missing_item_cannot_be_removed_or_changed() -> None:
    draft().when(RemoveItem(SECOND)).then_refused("line_missing")
    draft().when(ChangeQuantity(SECOND, 2)).then_refused("line_missing")


def test_a_quantity_is_changed() -> None:
    draft().when(ChangeQuantity(FIRST, 2)).then(QuantityChanged(FIRST, 2))
    assert spec.state(*FILLED, QuantityChanged(FIRST, 2)).total == gbp(2 * 339)


def test_the_same_quantity_or_address_again_changes_nothing() -> None:
    draft().when(ChangeQuantity(FIRST, 6)).then_nothing()
    draft().when(SetAddress(LEEDS)).then_nothing()


def test_the_address_is_set_and_corrected() -> None:
    spec.given(CREATED).when(SetAddress(LEEDS)).then(ADDRESS_SET)
    draft().when(SetAddress(YORK)).then(AddressSet(YORK))


def test_a_bad_address_is_refused_by_field() -> None:
    draft().when(SetAddress(replace(LEEDS, city=""))).then_invalid("address.city")


# --- submitting ----------------------------------------------------------------------------------


def test_submitting_freezes_lines_address_and_total() -> None:
    draft().when(SubmitOrder(CARD)).then(SUBMITTED)


def test_the_total_is_the_sum_of_all_lines() -> None:
    heart = ItemAdded(SECOND, HEART, "RED HEART", 2, gbp(150))
    lines = (LANTERN_LINE, OrderLine(SECOND, HEART, "RED HEART", 2, gbp(150)))
    spec.given(*FILLED, heart).when(SubmitOrder(CARD)).then(
        OrderSubmitted(ORDER, CustomerId("17850"), lines, LEEDS, gbp(2334), CARD)
    )


def test_an_empty_order_cannot_be_submitted() -> None:
    spec.given(CREATED, ADDRESS_SET).when(SubmitOrder(CARD)).then_refused("order_is_empty")


def test_an_order_without_address_cannot_be_submitted() -> None:
    spec.given(CREATED, LANTERNS_ADDED).when(SubmitOrder(CARD)).then_refused("address_missing")


def test_submitting_needs_a_payment_token() -> None:
    draft().when(SubmitOrder(PaymentTerms(""))).then_invalid("payment.token")


EDITS: list[OrderCommand] = [
    ADD_LANTERNS,
    RemoveItem(FIRST),
    ChangeQuantity(FIRST, 1),
    SetAddress(YORK),
    SubmitOrder(CARD),
]


@pytest.mark.parametrize("command", EDITS)
@pytest.mark.parametrize("history", [HANDED_IN, RESERVED, PAID])
def test_nothing_edits_a_submitted_order(command: OrderCommand, history: tuple[object]) -> None:
    spec.given(*history).when(command).then_refused("order_is_frozen")


@pytest.mark.parametrize("command", EDITS)
@pytest.mark.parametrize("history", [DONE, GONE])
def test_nothing_edits_an_order_that_ended(command: OrderCommand, history: tuple[object]) -> None:
    spec.given(*history).when(command).then_refused("order_is_closed")


# --- changing where it goes ----------------------------------------------------------------------


@pytest.mark.parametrize("history", [HANDED_IN, RESERVED, PAID])
def test_the_delivery_address_is_corrected_after_submission(history: tuple[object]) -> None:
    spec.given(*history).when(ChangeDeliveryAddress(YORK)).then(DeliveryAddressChanged(YORK))
    spec.given(*history).when(ChangeDeliveryAddress(LEEDS)).then_nothing()


def test_what_the_customer_submitted_is_kept_beside_the_corrected_address() -> None:
    frozen = order_state.frozen_order(spec.state(*RESERVED, DeliveryAddressChanged(YORK)))
    assert frozen is not None
    assert (frozen.submitted_address, frozen.address) == (LEEDS, YORK)


def test_the_delivery_address_of_drafts_and_ended_orders_is_not_corrected() -> None:
    command = ChangeDeliveryAddress(YORK)
    spec.given().when(command).then_refused("order_missing")
    draft().when(command).then_refused("order_is_draft")
    spec.given(*DONE).when(command).then_refused("order_is_closed")
    spec.given(*GONE).when(command).then_refused("order_is_closed")


# --- moving on -----------------------------------------------------------------------------------


def test_a_submitted_order_is_reserved_once() -> None:
    spec.given(*HANDED_IN).when(MarkReserved()).then(OrderReserved())
    spec.given(*RESERVED).when(MarkReserved()).then_nothing()


def test_a_reserved_order_starts_processing_once() -> None:
    spec.given(*RESERVED).when(StartProcessing("pay_1")).then(OrderProcessingStarted("pay_1"))
    spec.given(*PAID).when(StartProcessing("pay_1")).then_nothing()
    spec.given(*PAID).when(StartProcessing("pay_2")).then_refused("payment_reference_differs")


def test_a_processing_order_completes_once() -> None:
    spec.given(*PAID).when(CompleteOrder("TRACK1")).then(OrderCompleted("TRACK1"))
    spec.given(*DONE).when(CompleteOrder("TRACK1")).then_nothing()
    spec.given(*DONE).when(CompleteOrder("TRACK2")).then_refused("tracking_number_differs")


@pytest.mark.parametrize(
    ("history", "command"),
    [
        (FILLED, MarkReserved()),
        (PAID, MarkReserved()),
        (HANDED_IN, StartProcessing("pay_1")),
        (HANDED_IN, CompleteOrder("T")),
        (RESERVED, CompleteOrder("T")),
    ],
)
def test_no_step_is_skipped_or_reversed(history: tuple[object], command: OrderCommand) -> None:
    spec.given(*history).when(command).then_refused("wrong_status")


@pytest.mark.parametrize("history", [DONE, GONE])
def test_an_order_that_ended_does_not_move_on(history: tuple[object]) -> None:
    spec.given(*history).when(MarkReserved()).then_refused("order_is_closed")


@pytest.mark.parametrize("history", [FILLED, HANDED_IN, RESERVED, PAID])
def test_an_open_order_is_cancelled_with_its_reason(history: tuple[object]) -> None:
    spec.given(*history).when(CANCEL).then(
        OrderCancelled(Reason.CUSTOMER_REQUEST, "changed her mind")
    )


def test_cancelling_again_changes_nothing() -> None:
    spec.given(*GONE).when(CANCEL).then_nothing()


def test_a_completed_order_cannot_be_cancelled() -> None:
    spec.given(*DONE).when(CANCEL).then_refused("order_is_closed")


@pytest.mark.parametrize("command", [*EDITS, MarkReserved(), CANCEL])
def test_an_order_must_exist(command: OrderCommand) -> None:
    spec.given().when(command).then_refused("order_missing")


# --- the state -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("history", "status"),
    [
        ((), None),
        (FILLED, "draft"),
        (HANDED_IN, "submitted"),
        (RESERVED, "reserved"),
        (PAID, "processing"),
        (DONE, "completed"),
        (GONE, "cancelled"),
    ],
)
def test_each_state_has_its_status(history: tuple[object], status: str | None) -> None:
    state = spec.state(*history)
    assert order_state.status_of(state) == status
    assert (order_state.frozen_order(state) is None) == (status in (None, "draft"))


def test_a_cancelled_draft_was_never_frozen() -> None:
    state = spec.state(*FILLED, OrderCancelled(Reason.CUSTOMER_REQUEST, ""))
    assert order_state.frozen_order(state) is None


@pytest.mark.parametrize(
    "history",
    [
        (LANTERNS_ADDED,),
        (CREATED, CREATED),
        (*FILLED, OrderReserved()),
        (SUBMITTED,),
        (*DONE, OrderCancelled(Reason.OPERATOR_REQUEST, "")),
        (*GONE, DeliveryAddressChanged(YORK)),
    ],
)
def test_an_impossible_history_is_refused(history: tuple[object]) -> None:
    with pytest.raises(ImpossibleHistory):
        spec.state(*history)

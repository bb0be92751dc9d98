from dataclasses import replace

import pytest

from domain.customer import erasure as customer
from domain.customer.commands import RecordErasure
from domain.customer.events import CustomerErased
from domain.errors import InvalidValue, RuleBroken
from domain.ids import CustomerId, OrderId, customer_subject, erasure_stream
from domain.order import decisions as order_decisions
from domain.order import evolution as order_evolution
from domain.order import state as order_state
from domain.order.commands import ChangeDeliveryAddress, SubmitOrder
from domain.order.events import AddressSet, OrderCancelled
from domain.order.state import OrderState
from domain.values import Reason, Redacted, Redaction, readable
from tests.support.sagas.domain_samples import CARD, CREATED, LANTERNS_ADDED, LEEDS, SUBMITTED, YORK

ERASED = Redacted(Redaction.ERASED)
ENDED = OrderCancelled(Reason.CUSTOMER_REQUEST, "")


def state_after(*events: object) -> OrderState:
    state: OrderState = order_state.INITIAL
    for event in events:
        state = order_evolution.evolve(state, event)  # type: ignore[arg-type]  # any event of an order
    return state


def test_an_erasure_names_the_destroyed_keys() -> None:
    command = RecordErasure("customer-1", ("k1", "k2"), "asked")
    assert customer.decide(command, customer.INITIAL) == (
        CustomerErased("customer-1", ("k1", "k2"), "asked"),
    )


def test_the_same_erasure_again_changes_nothing() -> None:
    event = CustomerErased("customer-1", ("k1",), "asked")
    state = customer.evolve(customer.INITIAL, event)
    assert customer.decide(RecordErasure("customer-1", ("k1",), "again"), state) == ()
    assert customer.decide(RecordErasure("customer-1", (), "again"), state) == ()


def test_a_later_key_is_a_later_erasure() -> None:
    state = customer.evolve(customer.INITIAL, CustomerErased("customer-1", ("k1",), "asked"))
    later = customer.decide(RecordErasure("customer-1", ("k1", "k2"), "again"), state)
    assert later == (CustomerErased("customer-1", ("k2",), "again"),)


def test_a_reason_that_cannot_be_stored_is_refused() -> None:
    with pytest.raises(InvalidValue, match="reason"):
        customer.decide(RecordErasure("customer-1", (), "a\0b"), customer.INITIAL)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (state_after(CREATED), "draft"),
        (state_after(CREATED, LANTERNS_ADDED, SUBMITTED), "submitted"),
    ],
)
def test_a_customer_with_open_orders_is_not_erased(state: OrderState, status: str) -> None:
    ended = state_after(CREATED, LANTERNS_ADDED, SUBMITTED, ENDED)
    with pytest.raises(RuleBroken, match=rf"A2 \({status}\)") as refusal:
        customer.check_erasable({OrderId("A1"): ended, OrderId("A2"): state})
    assert refusal.value.rule == "customer_has_open_orders"
    assert "A1" not in str(refusal.value)


def test_a_long_list_of_open_orders_is_shortened() -> None:
    orders = {OrderId(f"A{n}"): state_after(CREATED) for n in range(1, 9)}
    with pytest.raises(RuleBroken, match=r"A5 .* and 3 more"):
        customer.check_erasable(orders)


def test_a_customer_whose_orders_have_ended_may_be_erased() -> None:
    ended = state_after(CREATED, LANTERNS_ADDED, SUBMITTED, ENDED)
    customer.check_erasable({OrderId("A1"): ended})
    assert customer.check_erasable({}) is None  # type: ignore[func-returns-value]  # it raises or not


def test_the_data_of_a_guest_belongs_to_the_order() -> None:
    assert customer_subject(CustomerId("17850"), OrderId("A1")) == "customer-17850"
    assert customer_subject(None, OrderId("A1")) == "order-A1"
    assert erasure_stream("customer-17850") == "customer-17850"
    assert erasure_stream("order-A1") == "guest-A1"


# --- redacted values in orders -------------------------------------------------------------------


def test_a_redacted_value_says_why_it_cannot_be_used() -> None:
    assert readable(LEEDS, "delivery address") is LEEDS
    with pytest.raises(RuleBroken, match="the delivery address is erased") as refusal:
        readable(ERASED, "delivery address")
    assert refusal.value.rule == "personal_data_erased"


def test_a_draft_without_a_readable_address_cannot_be_submitted() -> None:
    state = state_after(CREATED, LANTERNS_ADDED, AddressSet(ERASED))
    with pytest.raises(RuleBroken, match="address is erased"):
        order_decisions.decide(SubmitOrder(CARD), state)


def test_a_redacted_address_can_be_replaced() -> None:
    state = state_after(CREATED, LANTERNS_ADDED, replace(SUBMITTED, address=ERASED))
    (event,) = order_decisions.decide(ChangeDeliveryAddress(YORK), state)
    order = order_state.frozen_order(order_evolution.evolve(state, event))
    assert order is not None
    assert (order.submitted_address, order.address) == (ERASED, YORK)

"""The page of an order says in a sentence where its money is while that is not settled."""

import re
from collections.abc import Callable

import pytest

from domain.ids import OrderId, ReturnId
from domain.lines import LineShare
from domain.money import Money
from domain.order import events as order_events
from domain.payment import events as payment_events
from domain.returns import events as returns_events
from domain.returns.values import ReturnKind
from ordersaga.access.roles import Role
from tests.support.api.pages import Reader
from tests.support.api.shop import ApiShop
from tests.support.stores.read_models import Append, append_events
from tests.unit.ordersaga.operations.verification.story import (
    FIRST,
    LAMP,
    TOTAL,
    captured,
    taken_in,
)

PART = Money(250, "GBP")
ASKED = "The provider was asked for the payment"
LAPSED = "The authorisation has lapsed"
ON_ITS_WAY = "2.50 GBP is on its way back"
GRANTED = "2.50 GBP is to go back for return R1"
SENTENCES = (ASKED, LAPSED, ON_ITS_WAY, GRANTED)


def begun(order_id: OrderId) -> Append:
    return [*taken_in(order_id), (f"order-{order_id}", order_events.OrderReserved())]


def prepared(order_id: OrderId) -> Append:
    event = payment_events.PaymentPrepared(order_id, TOTAL, f"pi-{order_id}", "key")
    return [(f"payment-{order_id}", event)]


def authorised(order_id: OrderId) -> Append:
    event = payment_events.PaymentAuthorised(order_id, TOTAL, f"pi-{order_id}", "key")
    return [(f"payment-{order_id}", event)]


def expired(order_id: OrderId) -> Append:
    event = payment_events.PaymentExpired(order_id, TOTAL, f"pi-{order_id}")
    return [(f"payment-{order_id}", event)]


def pending(order_id: OrderId) -> Append:
    event = payment_events.RefundPending(order_id, PART, f"pay-{order_id}", "back", "re_1")
    return [(f"payment-{order_id}", event)]


def refunded(order_id: OrderId) -> Append:
    event = payment_events.PaymentRefunded(order_id, PART, f"pay-{order_id}", "back")
    return [(f"payment-{order_id}", event)]


def granted(order_id: OrderId) -> Append:
    return_id = ReturnId("R1")
    line = LineShare(FIRST, LAMP, 1, PART, Money(0, "GBP"))
    opened = returns_events.ReturnOpened(
        order_id, return_id, ReturnKind.CUSTOMER, (line,), False, "ann", "broken"
    )
    decided = returns_events.RefundGranted(return_id, PART, "ann", "broken")
    return [(f"returns-{order_id}", event) for event in (opened, decided)]


async def sentences(shop: ApiShop, order_id: OrderId, query: str = "") -> list[str]:
    """The sentences that the page of an order says."""
    page = (await Reader.of(shop, Role.ADMIN).get(f"/orders/{order_id}{query}")).text
    text = re.sub(r"<[^>]+>", "", page)
    return [each for each in SENTENCES if each in text]


@pytest.mark.parametrize(
    ("name", "happened", "says"),
    [
        ("untouched", [], []),
        ("asked", [prepared], [ASKED]),
        ("held", [prepared, authorised], []),
        ("lapsed", [prepared, authorised, expired], [LAPSED]),
        ("kept", [captured], []),
        ("promised", [captured, granted], [GRANTED]),
        ("on-its-way", [captured, pending], [ON_ITS_WAY]),
        ("arrived", [captured, pending, refunded], []),
    ],
)
async def test_what_is_not_settled_has_its_own_sentence(
    shop: ApiShop, name: str, happened: list[Callable[[OrderId], Append]], says: list[str]
) -> None:
    order_id = OrderId(f"money-{name}")
    await append_events(shop.services.log, begun(order_id), *(each(order_id) for each in happened))
    assert await sentences(shop, order_id) == says


async def test_it_is_said_of_the_moment_that_is_looked_at(shop: ApiShop) -> None:
    order_id = OrderId("money-then")
    await append_events(shop.services.log, begun(order_id), captured(order_id))
    position = await append_events(shop.services.log, pending(order_id))
    await append_events(shop.services.log, refunded(order_id))
    assert await sentences(shop, order_id) == []
    assert await sentences(shop, order_id, f"?position={position}") == [ON_ITS_WAY]

"""Returns are held against what was shipped, captured and granted, and against the provider."""

import pytest

from activities.payment_port import PaymentStatus, ProviderPayment
from domain.lines import Pieces
from domain.money import Money
from domain.payment import events as payment_events
from domain.returns import events as returns_events
from domain.stock import events as stock_events
from ordersaga.operations.verification import ledgers
from ordersaga.operations.verification.report import Rule
from ordersaga.operations.verification.rules import check_events
from tests.unit.ordersaga.operations.verification.story import (
    DONE,
    FIRST,
    LAMP,
    PAYMENTS,
    R1,
    RETURN_OPENED,
    STORY,
    Recorded,
    facts_of,
    own,
    payment,
)

STREAM = f"returns-{DONE}"
BY = ("ann", "broken")
HALF = Money(500, "GBP")
GRANTED = (STREAM, returns_events.RefundGranted(R1, HALF, *BY))
REFUNDED = (
    (f"payment-{DONE}", payment_events.PaymentRefunded(DONE, HALF, f"pay-{DONE}", "key")),
    (STREAM, returns_events.ReturnRefunded(R1, HALF, "key")),
)
RESTOCKED = (
    (STREAM, returns_events.RestockDecided(R1, (Pieces(FIRST, 2),), *BY)),
    (f"stock-{LAMP}", stock_events.StockReturned(LAMP, DONE, R1, 2)),
    (STREAM, returns_events.ReturnRestocked(R1)),
)
WHOLE = [RETURN_OPENED, GRANTED, *REFUNDED, *RESTOCKED, (STREAM, returns_events.ReturnClosed(R1))]


def offences(story: list[Recorded]) -> list[tuple[Rule, str]]:
    return [(each.rule, each.subject) for each in check_events(facts_of([*STORY, *story]))]


def test_a_return_with_a_part_of_the_money_and_the_goods_back_is_in_order() -> None:
    assert offences(WHOLE) == []
    facts = facts_of([*STORY, *WHOLE])
    assert facts.orders[DONE].returns.open == set()
    assert facts.orders[DONE].kept_minor == 500
    assert facts_of([*STORY, RETURN_OPENED]).orders[DONE].returns.open == {R1}


def test_a_grant_that_is_still_to_be_paid_is_in_order() -> None:
    assert offences([RETURN_OPENED, GRANTED]) == []


@pytest.mark.parametrize(
    ("story", "rule"),
    [
        ([REFUNDED[0]], Rule.COMPLETED_CAPTURED_ONCE),
        ([RETURN_OPENED, GRANTED, REFUNDED[1]], Rule.COMPLETED_CAPTURED_ONCE),
        ([RETURN_OPENED, *REFUNDED], Rule.REFUNDS_WITHIN_CAPTURE),
        (
            [RETURN_OPENED, (STREAM, returns_events.RefundGranted(R1, Money(1001, "GBP"), *BY))],
            Rule.REFUNDS_WITHIN_CAPTURE,
        ),
        (
            [(f"stock-{LAMP}", stock_events.StockReturned(LAMP, DONE, R1, 2))],
            Rule.RESTOCKED_WITHIN_RETURNS,
        ),
        ([RETURN_OPENED, (STREAM, RETURN_OPENED[1])], Rule.RETURNS_WITHIN_SHIPMENT),
    ],
    ids=["unexplained", "untold", "not granted", "too much", "no return", "twice"],
)
def test_what_was_given_back_without_a_reason_is_found(story: list[Recorded], rule: Rule) -> None:
    assert offences(story) == [(rule, DONE)]


async def at_provider(refunded: int, story: list[Recorded], now: list[Recorded]) -> list[Rule]:
    status = PaymentStatus.REFUNDED if refunded == 1000 else PaymentStatus.CAPTURED
    theirs = payment(DONE, refunded=Money(refunded, "GBP"), status=status)
    others: list[ProviderPayment] = [x for x in PAYMENTS if x.order_id != DONE]
    ledger = await own([theirs, *others])
    before, later = facts_of([*STORY, *story]), facts_of([*STORY, *now])
    return [each.rule for each in ledgers.check_payments(before, ledger, later)]


async def test_the_provider_gave_back_what_returns_say() -> None:
    odd = [Rule.PROVIDER_COMPLETED_PAYMENT]
    assert await at_provider(500, WHOLE, WHOLE) == []
    assert await at_provider(0, WHOLE, WHOLE) == odd
    assert await at_provider(501, WHOLE, WHOLE) == odd
    assert await at_provider(500, [], []) == odd


async def test_a_refund_under_way_may_or_may_not_be_at_the_provider_yet() -> None:
    assert await at_provider(0, [RETURN_OPENED, GRANTED], [RETURN_OPENED, GRANTED]) == []
    assert await at_provider(500, [RETURN_OPENED, GRANTED], [RETURN_OPENED, GRANTED]) == []


async def test_a_refund_granted_since_the_events_were_read_is_no_offence() -> None:
    assert await at_provider(500, [], WHOLE) == []
    assert await at_provider(501, [], WHOLE) == [Rule.PROVIDER_COMPLETED_PAYMENT]


async def test_an_order_whose_money_went_back_in_full_is_in_order() -> None:
    whole = Money(1000, "GBP")
    story: list[Recorded] = [
        RETURN_OPENED,
        (STREAM, returns_events.RefundGranted(R1, whole, *BY)),
        (f"payment-{DONE}", payment_events.PaymentRefunded(DONE, whole, f"pay-{DONE}", "key")),
        (STREAM, returns_events.ReturnRefunded(R1, whole, "key")),
    ]
    assert offences(story) == []
    assert await at_provider(1000, story, story) == []
    assert facts_of([*STORY, *story]).orders[DONE].kept_minor == 0

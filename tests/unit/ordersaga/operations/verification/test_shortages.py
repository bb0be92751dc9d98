"""What verification says of backorders and of amended orders."""

from typing import Any

import pytest

from activities.payment_port import PaymentStatus
from domain.ids import OrderId
from domain.lines import LineShare
from domain.money import Money
from domain.order import events as order_events
from domain.payment import events as payment_events
from domain.returns import events as returns_events
from domain.returns.values import ReturnKind
from domain.shipment import events as shipment_events
from domain.stock import events as stock_events
from domain.values import MissingItem, Reason
from ordersaga.operations.verification.ledgers import check_payments, compare_money
from ordersaga.operations.verification.report import Rule
from ordersaga.operations.verification.rules import check_events
from tests.unit.ordersaga.operations.verification.story import (
    DONE,
    FIRST,
    LAMP,
    MUG,
    NOW,
    PRICE,
    R1,
    STORY,
    TOTAL,
    Recorded,
    facts_of,
    payment,
    taken_in,
)

WAITS = OrderId("waits")
LESS = Money(500, "GBP")
SHORT: list[Recorded] = [
    *taken_in(WAITS),
    (f"stock-{LAMP}", stock_events.StockReceived(LAMP, 2, "short")),
    (f"stock-{LAMP}", stock_events.StockReserved(LAMP, WAITS, 2)),
    (f"stock-{LAMP}", stock_events.StockBackordered(LAMP, WAITS, 1)),
    (f"stock-{MUG}", stock_events.StockBackordered(MUG, WAITS, 1)),
    (f"order-{WAITS}", order_events.ItemsUnavailable((MissingItem(LAMP, 3, 1),), True, NOW)),
]
"""An order for three lamps and a mug, of which two lamps are there."""


def offences(*more: Recorded) -> list[tuple[Rule, str]]:
    found = list(check_events(facts_of([*STORY, *SHORT, *more])))
    assert all(finding.expected and finding.actual for finding in found)
    return [(finding.rule, finding.subject) for finding in found]


def amended(order_id: OrderId) -> Recorded:
    return (
        f"order-{order_id}",
        order_events.OrderAmended((LineShare(FIRST, LAMP, 2, LESS, Money(0, "GBP")),), LESS),
    )


def story_of_less(captured: Money, *refunds: Money) -> list[Recorded]:
    """An order that ships two lamps of what it ordered."""
    reference = f"pay-{WAITS}"
    paid: list[Recorded] = [
        (f"payment-{WAITS}", payment_events.PaymentCaptured(WAITS, captured, reference, "key")),
        *(
            (
                f"payment-{WAITS}",
                payment_events.PaymentRefunded(WAITS, amount, reference, f"r{amount.minor}"),
            )
            for amount in refunds
        ),
    ]
    return [
        (f"stock-{LAMP}", stock_events.BackorderWithdrawn(LAMP, WAITS, 1)),
        (f"stock-{MUG}", stock_events.BackorderWithdrawn(MUG, WAITS, 1)),
        amended(WAITS),
        (f"order-{WAITS}", order_events.OrderReserved()),
        *paid,
        (f"order-{WAITS}", order_events.OrderProcessingStarted(reference)),
        (f"shipment-{WAITS}", shipment_events.LabelBought(WAITS, "acme", "label-w", "T9", "k")),
        (f"stock-{LAMP}", stock_events.StockShipped(LAMP, WAITS, 2)),
        (f"order-{WAITS}", order_events.OrderCompleted("T9")),
    ]


def test_an_order_that_waits_is_no_offence() -> None:
    assert offences() == []


@pytest.mark.parametrize(
    ("captured", "refunds"), [(LESS, ()), (TOTAL, (Money(500, "GBP"),)), (TOTAL, (LESS,))]
)
def test_an_amended_order_kept_its_amended_total(
    captured: Money, refunds: tuple[Money, ...]
) -> None:
    assert offences(*story_of_less(captured, *refunds)) == []


def given_back(granted: Money, refunded: Money) -> list[Recorded]:
    """One lamp of the amended order comes back, and some money goes back."""
    stream, by = f"returns-{WAITS}", ("ann", "broken")
    line = LineShare(FIRST, LAMP, 1, PRICE, Money(0, "GBP"))
    paid_back = payment_events.PaymentRefunded(WAITS, refunded, f"pay-{WAITS}", "return")
    return [
        (stream, returns_events.ReturnOpened(WAITS, R1, ReturnKind.CUSTOMER, (line,), False, *by)),
        (stream, returns_events.RefundGranted(R1, granted, *by)),
        (f"payment-{WAITS}", paid_back),
        (stream, returns_events.ReturnRefunded(R1, refunded, "return")),
    ]


@pytest.mark.parametrize(("captured", "refunds"), [(LESS, ()), (TOTAL, (Money(500, "GBP"),))])
def test_a_return_of_an_amended_order_gives_back_of_the_amended_total(
    captured: Money, refunds: tuple[Money, ...]
) -> None:
    story, some, more = story_of_less(captured, *refunds), Money(250, "GBP"), Money(501, "GBP")
    whole = [*STORY, *SHORT, *story, *given_back(some, some)]
    assert offences(*story, *given_back(some, some)) == []
    assert offences(*story, *given_back(more, some)) == [(Rule.REFUNDS_WITHIN_CAPTURE, WAITS)]
    gone = some.minor + sum(refund.minor for refund in refunds)
    theirs = payment(WAITS, amount=captured, refunded=Money(gone, "GBP"))
    assert [
        one for one in check_payments(facts_of(whole), {WAITS: [theirs]}) if one.subject == WAITS
    ] == []
    odd = payment(WAITS, amount=captured, refunded=Money(gone + 1, "GBP"))
    assert [
        one.rule for one in check_payments(facts_of(whole), {WAITS: [odd]}) if one.subject == WAITS
    ] == [Rule.PROVIDER_COMPLETED_PAYMENT]


@pytest.mark.parametrize(
    ("captured", "refunds"), [(TOTAL, ()), (TOTAL, (Money(499, "GBP"),)), (LESS, (LESS,))]
)
def test_an_amended_order_that_kept_another_sum_is_an_offender(
    captured: Money, refunds: tuple[Money, ...]
) -> None:
    found = offences(*story_of_less(captured, *refunds))
    assert found == [(Rule.COMPLETED_CAPTURED_ONCE, WAITS)]


@pytest.mark.parametrize(
    ("spoilt", "expected"),
    [
        (
            (f"stock-{MUG}", stock_events.StockBackordered(MUG, WAITS, 1)),
            [(Rule.RESERVATION_DIFFERS_FROM_ORDER, WAITS)],
        ),
        (
            (f"stock-{LAMP}", stock_events.StockBackordered(LAMP, DONE, 1)),
            [(Rule.WAITING_WITHOUT_BACKORDER, DONE)],
        ),
        (
            (f"order-{WAITS}", order_events.OrderReserved()),
            [
                (Rule.WAITING_WITHOUT_BACKORDER, WAITS),
                (Rule.RESERVATION_DIFFERS_FROM_ORDER, WAITS),
            ],
        ),
        (
            (f"order-{WAITS}", order_events.OrderCancelled(Reason.OUT_OF_STOCK, "")),
            [(Rule.WAITING_WITHOUT_BACKORDER, WAITS), (Rule.CANCELLED_HOLDS_STOCK, WAITS)],
        ),
        (
            (f"stock-{MUG}", stock_events.StockAllocated(MUG, WAITS, 9)),
            [(Rule.STOCK_BELOW_ZERO, MUG)],
        ),
        (
            (f"stock-{MUG}", stock_events.BackorderWithdrawn(MUG, WAITS, 2)),
            [(Rule.STOCK_BELOW_ZERO, MUG)],
        ),
    ],
)
def test_a_queue_that_does_not_fit_is_found_by_its_rule(
    spoilt: Recorded, expected: list[tuple[Rule, str]]
) -> None:
    assert offences(spoilt) == expected


@pytest.mark.parametrize(
    ("changes", "clean"),
    [
        ({"amount": TOTAL, "refunded": LESS}, True),
        ({"amount": TOTAL}, False),
        ({"amount": TOTAL, "refunded": Money(499, "GBP")}, False),
        ({"amount": TOTAL, "refunded": LESS, "status": PaymentStatus.AUTHORISED}, False),
    ],
)
def test_the_provider_must_have_kept_the_amended_total_as_well(
    changes: dict[str, Any], clean: bool
) -> None:
    facts = facts_of([*SHORT, *story_of_less(TOTAL, LESS)])
    ledger = {WAITS: [payment(WAITS, **changes)]}
    found = list(check_payments(facts, ledger))
    assert [finding.rule for finding in found] == (
        [] if clean else [Rule.PROVIDER_COMPLETED_PAYMENT]
    )
    [sums] = compare_money(facts, ledger)
    assert sums.equal == clean

"""Each invariant finds its own offence, and a true story has none."""

import pytest

from domain.money import Money
from domain.order import events as order_events
from domain.order.terms import WAIT
from domain.payment import events as payment_events
from domain.saga import events as saga_events
from domain.shipment import events as shipment_events
from domain.stock import events as stock_events
from domain.values import FailureKind, Reason, Step
from ordersaga.operations.verification.ledgers import compare_pieces
from ordersaga.operations.verification.report import Finding, Rule
from ordersaga.operations.verification.rules import check_events
from tests.unit.ordersaga.operations.verification.story import (
    BUSY,
    DONE,
    GONE,
    LAMP,
    MUG,
    STORY,
    TOTAL,
    Recorded,
    changed,
    facts_of,
    without,
)

SPOILT: list[tuple[str, list[Recorded], list[tuple[Rule, str]]]] = [
    (
        "a correction below what is reserved",
        [*STORY, (f"stock-{LAMP}", stock_events.StockAdjusted(LAMP, -5, "count"))],
        [(Rule.STOCK_BELOW_ZERO, LAMP)],
    ),
    (
        "stock that was below zero only for a while",
        [(f"stock-{LAMP}", stock_events.StockAdjusted(LAMP, -1, "count")), *STORY],
        [(Rule.STOCK_BELOW_ZERO, LAMP)],
    ),
    (
        "a reservation for an order that does not exist",
        [*STORY, (f"stock-{MUG}", stock_events.StockReserved(MUG, "nobody", 2))],
        [(Rule.RESERVATION_WITHOUT_OPEN_ORDER, "nobody")],
    ),
    (
        "a reservation for a draft",
        [*STORY, (f"stock-{MUG}", stock_events.StockReserved(MUG, "draft", 2))],
        [(Rule.RESERVATION_WITHOUT_OPEN_ORDER, "draft")],
    ),
    (
        "a reservation left behind by a completed order",
        [*STORY, (f"stock-{MUG}", stock_events.StockReserved(MUG, DONE, 2))],
        [(Rule.RESERVATION_WITHOUT_OPEN_ORDER, DONE)],
    ),
    (
        "an open order that holds too little",
        without(stock_events.StockReserved, BUSY, MUG),
        [(Rule.RESERVATION_DIFFERS_FROM_ORDER, BUSY)],
    ),
    (
        "a completed order that was not charged",
        without(payment_events.PaymentCaptured, DONE),
        [(Rule.COMPLETED_CAPTURED_ONCE, DONE)],
    ),
    (
        "a completed order that was charged a penny less",
        changed(payment_events.PaymentCaptured, DONE, amount=Money(999, "GBP")),
        [(Rule.COMPLETED_CAPTURED_ONCE, DONE)],
    ),
    (
        "a completed order that was charged in another currency",
        changed(payment_events.PaymentCaptured, DONE, amount=Money(1000, "EUR")),
        [(Rule.COMPLETED_CAPTURED_ONCE, DONE)],
    ),
    (
        "a completed order that was charged twice",
        [*STORY, (f"payment-{DONE}", payment_events.PaymentCaptured(DONE, TOTAL, "pay-2", "key"))],
        [(Rule.COMPLETED_CAPTURED_ONCE, DONE)],
    ),
    (
        "a completed order that got its money back",
        [*STORY, (f"payment-{DONE}", payment_events.PaymentRefunded(DONE, TOTAL, "pay-done", "r"))],
        [(Rule.COMPLETED_CAPTURED_ONCE, DONE)],
    ),
    (
        "a completed order with another authorisation open",
        [
            *STORY,
            (f"payment-{DONE}", payment_events.PaymentAuthorised(DONE, TOTAL, "pay-2", "key")),
        ],
        [(Rule.COMPLETED_CAPTURED_ONCE, DONE)],
    ),
    (
        "a completed order without a label",
        without(shipment_events.LabelBought, DONE),
        [(Rule.COMPLETED_LABELLED_ONCE, DONE)],
    ),
    (
        "a completed order with two labels",
        [
            *STORY,
            (f"shipment-{DONE}", shipment_events.LabelBought(DONE, "acme", "second", "T2", "k")),
        ],
        [(Rule.COMPLETED_LABELLED_ONCE, DONE)],
    ),
    (
        "a completed order with a cancelled label",
        [*STORY, (f"shipment-{DONE}", shipment_events.LabelCancelled(DONE, f"label-{DONE}"))],
        [(Rule.COMPLETED_LABELLED_ONCE, DONE)],
    ),
    (
        "a completed order that shipped one piece less",
        changed(stock_events.StockShipped, DONE, quantity=0),
        [(Rule.RESERVATION_WITHOUT_OPEN_ORDER, DONE), (Rule.COMPLETED_PIECES_SHIPPED, DONE)],
    ),
    (
        "a cancelled order that holds stock",
        without(stock_events.StockReleased, GONE, MUG),
        [(Rule.CANCELLED_HOLDS_STOCK, GONE)],
    ),
    (
        "a cancelled order that kept money",
        changed(payment_events.PaymentRefunded, GONE, amount=Money(999, "GBP")),
        [(Rule.CANCELLED_HOLDS_MONEY, GONE)],
    ),
    (
        "a cancelled order with an authorisation open",
        [
            *STORY,
            (f"payment-{GONE}", payment_events.PaymentAuthorised(GONE, TOTAL, "pay-2", "key")),
        ],
        [(Rule.CANCELLED_HOLDS_MONEY, GONE)],
    ),
    (
        "a cancelled order with a live label",
        without(shipment_events.LabelCancelled, GONE),
        [(Rule.CANCELLED_HOLDS_LABEL, GONE)],
    ),
    (
        "an order cancelled while everything is still held",
        [*STORY, (f"order-{BUSY}", order_events.OrderCancelled(Reason.OPERATOR_REQUEST, ""))],
        [(Rule.CANCELLED_HOLDS_STOCK, BUSY), (Rule.CANCELLED_HOLDS_MONEY, BUSY)],
    ),
    (
        "an order cancelled for a cause that is none of the business's",
        changed(order_events.OrderCancelled, GONE, reason="payment_unavailable"),
        [(Rule.CANCELLED_FOR_A_CAUSE, GONE)],
    ),
    (
        "an order cancelled for a refusal that was only a failure",
        [
            *changed(order_events.OrderCancelled, GONE, reason=Reason.NOT_FULFILLABLE),
            (
                f"fulfillment-{GONE}",
                saga_events.StepFailed(
                    Step.PROCESS_PAYMENT, FailureKind.UNAVAILABLE, Reason.NOT_FULFILLABLE, "down"
                ),
            ),
        ],
        [(Rule.CANCELLED_FOR_A_CAUSE, GONE)],
    ),
    (
        "an order cancelled for an outage although it wants to wait",
        [
            *changed(order_events.OrderSubmitted, GONE, on_outage=WAIT),
            (f"order-{GONE}", order_events.OrderCancelled(Reason.PROVIDER_OUTAGE, "")),
        ],
        [(Rule.CANCELLED_FOR_A_CAUSE, GONE)],
    ),
]


def offences(story: list[Recorded]) -> list[Finding]:
    return list(check_events(facts_of(story)))


def test_a_true_story_has_no_offence() -> None:
    assert offences(STORY) == []


@pytest.mark.parametrize(
    ("story", "expected"), [case[1:] for case in SPOILT], ids=[case[0] for case in SPOILT]
)
def test_an_offence_is_found_by_its_rule_and_no_other(
    story: list[Recorded], expected: list[tuple[Rule, str]]
) -> None:
    found = offences(story)
    assert [(finding.rule, finding.subject) for finding in found] == expected
    assert all(finding.expected and finding.actual for finding in found)


def test_a_finding_says_what_was_expected_and_found() -> None:
    (finding,) = offences(changed(payment_events.PaymentCaptured, DONE, amount=Money(999, "GBP")))
    assert (finding.expected, finding.actual) == (
        "captured once, and kept: 10.00 GBP",
        "captured 9.99 GBP",
    )


def test_an_authorisation_that_was_voided_or_captured_holds_no_money() -> None:
    story = [
        *STORY,
        (f"payment-{GONE}", payment_events.PaymentAuthorised(GONE, TOTAL, "pay-2", "key")),
        (f"payment-{GONE}", payment_events.PaymentVoided(GONE, TOTAL, "pay-2")),
    ]
    index = next(
        i for i, item in enumerate(story) if isinstance(item[1], payment_events.PaymentCaptured)
    )
    story.insert(
        index, (f"payment-{DONE}", payment_events.PaymentAuthorised(DONE, TOTAL, "pay-done", "key"))
    )
    assert offences(story) == []


def test_pieces_shipped_equal_pieces_of_completed_orders() -> None:
    (comparison,) = compare_pieces(facts_of(STORY))
    assert comparison.equal
    (spoilt,) = compare_pieces(facts_of(without(stock_events.StockShipped, DONE, MUG)))
    assert (spoilt.ours, spoilt.theirs, spoilt.equal) == ("3", "4", False)

"""Which events become notifications, and with what data."""

from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from domain import events as domain_events
from domain.customer import events as customer_events
from domain.ids import LineId, OrderId, ReturnId, Sku
from domain.lines import Adjustment, AdjustmentKind, LineKind, LineShare, OrderLine
from domain.money import Money
from domain.order import events as order_events
from domain.payment import events as payment_events
from domain.request.events import OrderRequested
from domain.returns import events as returns_events
from domain.returns.values import ReturnKind
from domain.saga import events as saga_events
from domain.shipment import events as shipment_events
from domain.stock import events as stock_events
from domain.values import Address, Contact, MissingItem, PaymentTerms, Reason
from projections.engine.projection import names
from projections.outbox.rules import PROJECTION, RULES
from projections.registry import ALL
from tests.support.schemas.answers import as_published

EVENT_TYPES = {event.__name__ for event in get_args(domain_events.Event)}
TEN = Money(1000, "GBP")
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
PERSONAL = ("acharias", "idden", "Leeds", "LS99", "tok_secret", "grace", "her mother called")
ORDER = OrderId("A1")
R1, FIRST = ReturnId("R1"), LineId("1")
LINES = (
    OrderLine(FIRST, Sku("71053"), "LANTERN", 2, Money(300, "GBP")),
    OrderLine(LineId("2"), Sku("POST"), "POSTAGE", 1, Money(600, "GBP"), LineKind.SHIPPING),
)
CARD = Adjustment(AdjustmentKind.GIFT_CARD, Money(-200, "GBP"))
LANTERNS = LineShare(FIRST, Sku("71053"), 2, Money(500, "GBP"), Money(100, "GBP"))
TOLD_LANTERNS = {
    "line_id": "1",
    "sku": "71053",
    "quantity": 2,
    "amount_minor": 500,
    "gift_card_minor": 100,
}
ADDRESS = Address("Zacharias Geheim", "13 Hidden Lane", "Leeds", "LS99 9XX", "GB")

TOLD: dict[Any, tuple[str, dict[str, Any]]] = {
    order_events.OrderSubmitted(
        ORDER,
        None,
        LINES,
        ADDRESS,
        TEN,
        PaymentTerms("tok_secret"),
        adjustments=(CARD,),
        customer=Contact("zacharias@hidden.example"),
    ): (
        "order.submitted",
        {"total_minor": 1000, "gift_card_minor": 200, "currency": "GBP", "pieces": 2},
    ),
    order_events.OrderCompleted("TN1"): ("order.completed", {"tracking_number": "TN1"}),
    order_events.OrderCancelled(Reason.OUT_OF_STOCK, "her mother called"): (
        "order.cancelled",
        {"reason": "out_of_stock"},
    ),
    order_events.ItemsUnavailable((MissingItem(Sku("71053"), 3, 1),), True, NOON): (
        "order.items_unavailable",
        {
            "missing": [{"sku": "71053", "ordered": 3, "missing": 1}],
            "asking": True,
            "deadline": NOON.isoformat(),
        },
    ),
    order_events.PaymentAsked("expired_card", NOON): (
        "order.payment_due",
        {"declined": "expired_card", "deadline": NOON.isoformat()},
    ),
    order_events.BackorderAccepted(NOON): ("order.backordered", {"deadline": NOON.isoformat()}),
    order_events.OrderAmended((LANTERNS,), Money(500, "GBP")): (
        "order.amended",
        {
            "total_minor": 500,
            "gift_card_minor": 100,
            "currency": "GBP",
            "lines": [TOLD_LANTERNS],
        },
    ),
    payment_events.PaymentRefunded(ORDER, TEN, "pay-1", "refund-1"): (
        "payment.refunded",
        {
            "amount_minor": 1000,
            "currency": "GBP",
            "payment_reference": "pay-1",
            "refund_reference": "refund-1",
        },
    ),
    payment_events.RefundPending(ORDER, TEN, "pay-1", "refund-1", "id-1"): (
        "payment.refund_pending",
        {"amount_minor": 1000, "currency": "GBP", "refund_reference": "refund-1"},
    ),
    payment_events.RefundFailed(ORDER, TEN, "pay-1", "refund-1", "her bank says no"): (
        "payment.refund_failed",
        {"amount_minor": 1000, "currency": "GBP", "refund_reference": "refund-1"},
    ),
    payment_events.RefundReversed(ORDER, TEN, "pay-1", "refund-1", "closed_account"): (
        "payment.refund_reversed",
        {"amount_minor": 1000, "currency": "GBP", "refund_reference": "refund-1"},
    ),
    returns_events.ReturnRefundPending(R1, TEN, "refund-1"): (
        "return.refund_pending",
        {"return_id": "R1", "amount_minor": 1000, "currency": "GBP"},
    ),
    returns_events.ReturnRefundFailed(R1, "refund-1"): (
        "return.refund_failed",
        {"return_id": "R1"},
    ),
    shipment_events.ShipmentHandedOver(NOON): ("shipment.handed_over", {"at": NOON.isoformat()}),
    shipment_events.ShipmentDelivered(NOON): ("shipment.delivered", {"at": NOON.isoformat()}),
    shipment_events.ShipmentReturned(NOON): ("shipment.returned", {"at": NOON.isoformat()}),
    shipment_events.ShipmentLost(NOON): ("shipment.lost", {"at": NOON.isoformat()}),
    saga_events.AttentionRequired("release_inventory", "release the stock by hand"): (
        "fulfillment.attention_required",
        {"at_step": "release_inventory", "waiting_for": "release the stock by hand"},
    ),
    saga_events.OperatorActed("grace", "retry", "her mother called"): (
        "fulfillment.operator_acted",
        {"action": "retry"},
    ),
    shipment_events.ScanContradicted("lost", NOON): (
        "shipment.contradicted",
        {"status": "lost", "at": NOON.isoformat()},
    ),
    shipment_events.DeliveryAttentionRequired("no_news", "no news of the parcel for 14 days"): (
        "shipment.attention_required",
        {"at_step": "no_news", "waiting_for": "no news of the parcel for 14 days"},
    ),
    returns_events.ReturnOpened(
        ORDER,
        R1,
        ReturnKind.CUSTOMER,
        (LANTERNS,),
        False,
        "grace",
        "her mother called",
    ): (
        "return.opened",
        {"return_id": "R1", "kind": "customer", "lines": [TOLD_LANTERNS]},
    ),
    returns_events.ReturnRefunded(R1, TEN, "refund-1"): (
        "return.refunded",
        {
            "return_id": "R1",
            "amount_minor": 1000,
            "currency": "GBP",
            "refund_reference": "refund-1",
        },
    ),
    returns_events.ReturnRestocked(R1): ("return.restocked", {"return_id": "R1"}),
    returns_events.ReturnAttentionRequired(R1, "decision", "decide about refund of return R1"): (
        "return.attention_required",
        {
            "return_id": "R1",
            "at_step": "decision",
            "waiting_for": "decide about refund of return R1",
        },
    ),
    returns_events.ReturnClosed(R1): ("return.closed", {"return_id": "R1"}),
}


SILENT = names(
    OrderRequested,
    order_events.OrderCreated,
    order_events.ItemAdded,
    order_events.ItemRemoved,
    order_events.QuantityChanged,
    order_events.AddressSet,
    order_events.AdjustmentsSet,
    order_events.DeliveryAddressChanged,
    order_events.OrderReserved,
    order_events.PaymentReplaced,
    order_events.OrderProcessingStarted,
    saga_events.NoteAdded,
    stock_events.StockReceived,
    stock_events.StockAdjusted,
    stock_events.StockReserved,
    stock_events.StockReleased,
    stock_events.StockShipped,
    stock_events.StockBackordered,
    stock_events.StockAllocated,
    stock_events.StockDeallocated,
    stock_events.BackorderWithdrawn,
    payment_events.PaymentKeyTaken,
    payment_events.PaymentPrepared,
    payment_events.PaymentClaimed,
    payment_events.PaymentNotClaimed,
    payment_events.ReferenceClaimed,
    payment_events.PaymentExpired,
    payment_events.PaymentForbidden,
    payment_events.PaymentAuthorised,
    payment_events.PaymentCaptured,
    payment_events.PaymentDeclined,
    payment_events.PaymentVoided,
    shipment_events.LabelBought,
    shipment_events.LabelCancelled,
    shipment_events.ScanKept,
    shipment_events.ParcelGivenUp,
    shipment_events.ShipmentInTransit,
    saga_events.FulfillmentStarted,
    saga_events.StepFailed,
    saga_events.CompensationStarted,
    saga_events.CompensationWithdrawn,
    saga_events.CompensationFailed,
    saga_events.FulfillmentClosed,
    customer_events.CustomerErased,
    shipment_events.DeliveryOperatorActed,
    returns_events.RefundGranted,
    returns_events.RefundDenied,
    returns_events.RestockDecided,
    returns_events.ReturnOperatorActed,
    stock_events.StockReturned,
)
"""The events without notifications: drafts, intermediate steps, what another event also says."""


def forgotten(event_types: set[str]) -> set[str]:
    return event_types - PROJECTION.handles - SILENT


def test_every_event_has_a_rule_or_is_silent_on_purpose() -> None:
    assert forgotten(EVENT_TYPES) == set()
    assert SILENT <= EVENT_TYPES
    assert not PROJECTION.handles & SILENT


def test_an_event_without_a_decision_is_found() -> None:
    assert forgotten(EVENT_TYPES | {"OrderPutOnTheMoon"}) == {"OrderPutOnTheMoon"}


@pytest.mark.parametrize("event", TOLD, ids=lambda event: type(event).__name__)
def test_the_data_of_a_notification(event: Any) -> None:
    rule = RULES[type(event)]
    assert (rule.kind, rule.data(event)) == TOLD[event]
    as_published(rule.kind, rule.data(event))


@pytest.mark.parametrize("event", TOLD, ids=lambda event: type(event).__name__)
def test_notifications_hold_no_personal_data_and_no_free_text(event: Any) -> None:
    data = str(RULES[type(event)].data(event))
    assert not [word for word in PERSONAL if word in data]


def test_every_rule_has_an_example() -> None:
    assert {type(event) for event in TOLD} == set(RULES)


def test_each_kind_comes_from_one_event_type() -> None:
    kinds = [rule.kind for rule in RULES.values()]
    assert len(kinds) == len(set(kinds))


def test_only_notifications_have_side_effects_and_no_rebuild_replaces_their_table() -> None:
    assert [p.name for p in ALL if p.side_effects] == ["notifications"]
    assert PROJECTION.tables == ()
